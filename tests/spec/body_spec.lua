-- A function as body: chunks or a given length, waiting in it, failing in it; and what
-- goes out with bodies of every kind.
local servers = require "tests.support.servers"
local core = require "luafetch.core"
local lf = require "luafetch"

local server

local function chunks(...)
  local list, i = { ... }, 0
  return function()
    i = i + 1
    return list[i]
  end
end

local function seen(res, err)
  assert(res, err)
  local head, body = res.body:match "^(.-\r\n)\r\n(.*)$"
  return head, body
end

local function echo(fn, opts)
  opts = opts or {}
  opts.body = fn
  return seen(fetch(server.url .. "/echo", opts))
end

local function misuse(opts)
  local ok, message = pcall(fetch, server.url .. "/echo", opts)
  assert.is_false(ok)
  return message
end

describe("a function as body", function()
  setup(function() server = servers.fault() end)
  teardown(function() server:stop() end)

  after_each(function()
    collectgarbage()
    assert.equal(0, core.leftovers().requests)
  end)

  it("is sent in chunks", function()
    local head, body = echo(chunks("one ", "", "two ", "three"))
    assert.matches("^POST /echo ", head)
    assert.matches("Transfer-Encoding: chunked\r\n", head, 1, true)
    assert.is_nil(head:find "Content%-")
    assert.equal("one two three", body)
  end)

  it("may be empty", function()
    local head, body = echo(chunks())
    assert.matches("chunked", head)
    assert.equal("", body)
  end)

  it("is sent with a length that is known", function()
    local head, body = echo(chunks("one ", "two"), { body_length = 7, method = "PUT" })
    assert.matches("^PUT /echo ", head)
    assert.matches("Content-Length: 7\r\n", head, 1, true)
    assert.is_nil(head:find "Transfer%-Encoding")
    assert.equal("one two", body)
  end)

  it("fails when it does not keep to the length", function()
    local wrong = { [chunks "abc"] = "after 3 of 5 bytes", [chunks("abc", "def")] = "longer than the 5 bytes" }
    for fn, what in pairs(wrong) do
      local res, err = fetch(server.url .. "/echo", { body = fn, body_length = 5 })
      assert.is_nil(res)
      assert.equal("request", err.kind)
      assert.matches(what, err.message, 1, true)
    end
  end)

  it("may wait and fetch itself", function()
    local n = 0
    local _, body = echo(function()
      n = n + 1
      lf.sleep(0.01)
      if n <= 3 then return assert(fetch(server.url .. "/bytes/10")).body end
    end)
    assert.equal(("abcdefghij"):rep(3), body)
  end)

  it("may be a coroutine or an iterator over a file", function()
    local _, body = echo(coroutine.wrap(function()
      for i = 1, 3 do coroutine.yield(tostring(i)) end
    end))
    assert.equal("123", body)
    local file = assert(io.open "README.md")
    _, body = echo(file:lines(1000))
    file:seek "set"
    assert.equal(file:read "a", body)
    file:close()
  end)

  it("keeps many small and few large chunks whole", function()
    local small, large = {}, {}
    for i = 1, 20000 do small[i] = i .. "," end
    for i = 1, 10 do large[i] = (i .. ";"):rep(100000) end
    for _, list in ipairs { small, large } do
      local i = 0
      local _, body = echo(function()
        i = i + 1
        return list[i]
      end)
      assert.is_true(table.concat(list) == body)
    end
  end)

  it("is called only as fast as the server reads", function()
    local given = 0
    local piece = ("x"):rep(64 << 10)
    local res = fetch(server.url .. "/early/413", {
      body = function()
        given = given + #piece
        return given < 1 << 30 and piece or nil
      end,
    })
    assert.is_true(given < 64 << 20, given)
    assert.is_true(not res or res.status == 413)
  end)

  it("cancels the request when it fails", function()
    local ok, message = pcall(fetch, server.url .. "/echo", { body = function() error "no more" end })
    assert.is_false(ok)
    assert.matches("body_spec.lua:%d+: no more", message)
    assert.equal(0, core.leftovers().requests)
  end)

  it("must return strings", function()
    assert.matches("the function of option 'body' must return a string or nil, got number",
      misuse { body = function() return 5 end }, 1, true)
  end)

  it("ends with its task", function()
    local closed = false
    local task = lf.spawn(function()
      fetch(server.url .. "/echo", {
        body = function()
          local _ <close> = setmetatable({}, { __close = function() closed = true end })
          lf.sleep(60)
        end,
      })
    end)
    lf.sleep(0.05)
    assert.equal(1, core.leftovers().requests)
    task:cancel()
    task:join()
    assert.is_true(closed)
    assert.equal(0, core.leftovers().requests)
  end)

  it("ends with a timeout around it, whoever waits", function()
    for _, fn in ipairs { chunks(), function() lf.sleep(10) end } do
      local res, err = lf.timeout(0.05, function() return fetch(server.url .. "/delay/5000", { body = fn }) end)
      assert.is_nil(res)
      assert.equal("timeout", err.kind)
      assert.equal(0, core.leftovers().requests)
    end
  end)

  it("works inside a coroutine of the script", function()
    local next_value = coroutine.wrap(function()
      coroutine.yield(1)
      local n = 0
      local _, body = echo(function()
        n = n + 1
        lf.sleep(0.001)
        return n <= 3 and "x" or nil
      end)
      coroutine.yield(body)
    end)
    assert.equal(1, next_value())
    assert.equal("xxx", next_value())
  end)

  it("does not run into the limit of stalls while the script waits", function()
    local n = 0
    local _, body = echo(function()
      n = n + 1
      if n == 2 then lf.sleep(0.3) end
      return n <= 2 and "x" or nil
    end, { timeout = { stall = 0.1 } })
    assert.equal("xx", body)
  end)

  it("is not called when there is no connection", function()
    local called = false
    local res, err = fetch("http://127.0.0.1:1/", { body = function() called = true end })
    assert.is_nil(res)
    assert.equal("connect", err.kind)
    assert.is_false(called)
  end)

  it("cannot be sent again to where a 307 leads", function()
    for _, status in ipairs { 307, 308 } do
      local res, err = fetch(server.url .. "/redirect-to?url=/echo&status=" .. status, { body = chunks "abc" })
      assert.is_nil(res)
      assert.equal("redirect", err.kind)
      assert.matches("the body came from a function and cannot be sent again", err.message, 1, true)
      assert.matches("/echo", err.message, 1, true)
    end
  end)

  it("is dropped where other bodies are", function()
    for _, status in ipairs { 301, 302, 303 } do
      local head, body = seen(fetch(server.url .. "/redirect-to?url=/echo&status=" .. status, { body = chunks "abc" }))
      assert.matches("^GET /echo ", head)
      assert.equal("", body)
    end
  end)

  it("is not sent again on a dead connection", function()
    assert(fetch(server.url .. "/stale"))
    local res, err = fetch(server.url .. "/stale?key=fed", { method = "PUT", body = chunks "abc" })
    if not res then assert.equal("closed", err.kind) end
    local n = assert(fetch(server.url .. "/count?key=fed")):json().count
    assert.is_true(n <= 1)
  end)

  it("says what it cannot do", function()
    assert.matches("'body' must be a string or a function, got 5", misuse { body = 5 }, 1, true)
    assert.matches("do not go together", misuse { body = chunks(), stream = true }, 1, true)
    assert.matches("'body_length' is for a 'body' that is a function", misuse { body = "x", body_length = 1 }, 1, true)
    assert.matches("'body_length' must be a whole number", misuse { body = chunks(), body_length = -1 }, 1, true)
    assert.matches("only one of body, json", misuse { body = chunks(), form = {} }, 1, true)
    local ok, message = pcall(gather, { { url = server.url, body = chunks() } })
    assert.is_false(ok)
    assert.matches("make a task of it", message, 1, true)
  end)

  it("works in a task of gather", function()
    local results = gather { function() return fetch(server.url .. "/upload", { body = chunks("a", "b") }) end }
    assert.same({ bytes = 2, chunked = true }, results[1]:json())
  end)
end)

describe("a body", function()
  setup(function() server = servers.fault() end)
  teardown(function() server:stop() end)

  it("is refused for HEAD", function()
    local res, err = fetch.head(server.url, { body = "x" })
    assert.is_nil(res)
    assert.equal("request", err.kind)
  end)

  it("goes again with 307 and 308", function()
    for _, status in ipairs { 307, 308 } do
      local _, body = seen(fetch(server.url .. "/redirect-to?url=/echo&status=" .. status, { json = { 1 } }))
      assert.equal("[1]", body)
    end
  end)

  it("cannot have its length said by a header", function()
    local res, err = fetch(server.url, { body = "x", headers = { ["Content-Length"] = "1" } })
    assert.is_nil(res)
    assert.matches("cannot be set", err.message, 1, true)
  end)

  it("goes with params, headers and credentials as they were said", function()
    local url = server.url:gsub("//", "//us%%65r:p%%40ss@")
    local head, body = seen(fetch(url .. "/echo?z=1&z=2", {
      params = { { "b", "x y" }, { "a", { 1, 2 } } },
      headers = { { "X-One", "1" }, { "X-Two", { "a", "b" } }, { "x-one", "2" }, { "User-Agent", false } },
      form = { { "q", "ä&=" }, { "q", 2 } },
    }))
    assert.matches("^POST /echo%?z=1&z=2&b=x%+y&a=1&a=2 HTTP/1.1\r\n", head)
    assert.is_nil(head:find "User%-Agent")
    assert.matches("Authorization: Basic " .. "dXNlcjpwQHNz" .. "\r\n", head, 1, true)
    assert.matches("X-One: 1\r\nX-Two: a\r\nX-Two: b\r\nx-one: 2\r\n", head, 1, true)
    assert.matches("Content-Type: application/x-www-form-urlencoded\r\n", head, 1, true)
    assert.equal("q=%C3%A4%26%3D&q=2", body)
  end)
end)
