-- on_progress: how far a request is, told while it goes, and stopped when it says so.
local lf = require "luafetch"
local command = require "tests.support.command"
local core = require "luafetch.core"
local servers = require "tests.support.servers"

local DRIP = "/drip?n=50&ms=10" -- half a second

-- A function that keeps what it hears, with the time; `answer` is what it says.
local function listener(answer)
  local heard = {}
  return function(p)
    p.at = lf.now()
    heard[#heard + 1] = p
    if type(answer) == "function" then return answer(p) end
    return answer
  end, heard
end

-- Amounts only grow, and no two calls come within a tenth of a second but for the last one.
local function check_order(heard)
  for i = 2, #heard do
    assert.truthy(heard[i].down >= heard[i - 1].down and heard[i].up >= heard[i - 1].up)
    if i < #heard then assert.truthy(heard[i].at - heard[i - 1].at > 0.09) end
  end
end

local function count(response)
  local n = 0
  for chunk in response:chunks() do n = n + #chunk end
  return n
end

describe("on_progress", function()
  local server

  setup(function() server = servers.fault() end)
  teardown(function() server.stop() end)

  after_each(function()
    collectgarbage()
    assert.equal(0, core.leftovers().requests)
  end)

  it("hears of a body while it comes, and once at the end", function()
    local fn, heard = listener()
    local r = assert(fetch(server.url .. DRIP, { on_progress = fn }))
    assert.equal(50, #r.body)
    assert.truthy(#heard >= 3 and #heard <= 10, #heard)
    check_order(heard)
    local last = heard[#heard]
    assert.same({ 50, 50, 0, 0 }, { last.down, last.down_total, last.up, last.up_total })
    assert.truthy(heard[1].down < 50)
    assert.equal(50, heard[1].down_total)
  end)

  it("is told once of a body that comes at once, and of none not at all", function()
    local fn, heard = listener()
    assert(fetch(server.url .. "/bytes/1000", { on_progress = fn }))
    assert.equal(1, #heard)
    assert.equal(1000, heard[1].down)
    assert(fetch { url = server.url .. "/ok", method = "HEAD", on_progress = fn })
    assert.truthy(#heard <= 2)
  end)

  it("has no total where the server says none, and counts no redirect's body", function()
    local fn, heard = listener()
    assert(fetch(server.url .. "/chunked/10", { on_progress = fn }))
    assert.is_nil(heard[#heard].down_total)
    local again, more = listener()
    assert(fetch(server.url .. "/redirect/2", { on_progress = again }))
    assert.equal(3, more[#more].down)
  end)

  it("hears of a body that goes up: a string, parts, a function", function()
    local bodies = {
      { body = ("x"):rep(300000) },
      { multipart = { { name = "a", data = ("x"):rep(300000) } } },
    }
    for _, opts in ipairs(bodies) do
      local fn, heard = listener()
      opts.on_progress = fn
      assert(fetch(server.url .. "/upload", opts))
      local last = heard[#heard]
      assert.truthy(last.up >= 300000 and last.up == last.up_total)
    end
    local fn, heard = listener()
    local n = 0
    local r = assert(fetch(server.url .. "/upload", { on_progress = fn, body = function()
      n = n + 1
      lf.sleep(0.06)
      return n <= 8 and "12345" or nil
    end }))
    assert.equal(40, r:json().bytes)
    assert.truthy(#heard >= 3, #heard)
    check_order(heard)
    assert.equal(40, heard[#heard].up)
    assert.is_nil(heard[1].up_total)
  end)

  it("hears of a file, what an earlier try left included", function()
    local path = os.tmpname()
    local fn, heard = listener()
    assert(fetch(server.url .. DRIP, { save = path, on_progress = fn }))
    assert.truthy(#heard >= 3)
    assert.equal(50, heard[#heard].down)
    os.remove(path)
  end)

  it("hears of a stream in the task that reads it", function()
    local fn, heard = listener()
    local r <close> = assert(fetch(server.url .. DRIP, { stream = true, on_progress = fn }))
    assert.equal(50, count(r))
    assert.truthy(#heard >= 3, #heard)
    check_order(heard)
    assert.equal(50, heard[#heard].down)
    local lines, of_lines = listener()
    local s <close> = assert(fetch(server.url .. "/bytes/100000", { stream = true, on_progress = lines }))
    for _ in s:lines() do count(s) end
    assert.equal(100000, of_lines[#of_lines].down)
    local reader, of_read = listener()
    local t <close> = assert(fetch(server.url .. "/bytes/10", { stream = true, on_progress = reader }))
    repeat local piece = t:read(3) until not piece
    assert.equal(10, of_read[#of_read].down)
  end)

  it("cancels by false: body, file, upload, stream", function()
    local path = os.tmpname()
    os.remove(path)
    local function stopper() return false end
    for name, opts in pairs {
      body = { on_progress = stopper },
      file = { on_progress = stopper, save = path },
      upload = { on_progress = stopper, body = function()
        lf.sleep(0.05)
        return "x"
      end },
    } do
      local began = lf.now()
      local r, err = fetch(server.url .. (name == "upload" and "/upload" or "/drip?n=1000&ms=10"), opts)
      assert.is_nil(r, name)
      assert.equal("cancelled", err.kind)
      assert.is_false(err.retryable)
      assert.truthy(tostring(err):find("on_progress returned false: http", 1, true), tostring(err))
      assert.truthy(lf.now() - began < 2, name)
    end
    assert.is_nil(io.open(path))
    local r <close> = assert(fetch(server.url .. "/drip?n=1000&ms=10", { stream = true, on_progress = stopper }))
    local ok, err = pcall(count, r)
    assert.is_false(ok)
    assert.equal("cancelled", err.kind)
    local none, same = r:read()
    assert.is_nil(none)
    assert.equal("cancelled", same.kind)
  end)

  it("that said false is not asked again by retries", function()
    local n = 0
    local _, err = fetch(server.url .. "/drip?n=1000&ms=10", { retry = { times = 3, backoff = 0.01 },
      on_progress = function()
        n = n + 1
        return false
      end })
    assert.equal("cancelled", err.kind)
    assert.equal(1, n)
  end)

  it("starts anew with a further attempt", function()
    local fn, heard = listener()
    local url = server.url .. "/fail/1?key=progress" .. os.time()
    assert.equal("ok\n", assert(fetch(url, { retry = { times = 1, backoff = 0.2 }, on_progress = fn })).body)
    assert.equal(3, heard[#heard].down)
  end)

  it("has no say any more when all is there", function()
    local r = assert(fetch(server.url .. "/bytes/10", { on_progress = function() return false end }))
    assert.equal(10, #r.body)
  end)

  it("may wait, and fetch itself", function()
    local inner = 0
    local function fn()
      lf.sleep(0.01)
      inner = inner + #assert(fetch(server.url .. "/ok")).body
    end
    assert(fetch(server.url .. DRIP, { on_progress = fn }))
    assert.truthy(inner >= 6)
    local before = inner
    local r <close> = assert(fetch(server.url .. DRIP, { stream = true, on_progress = fn }))
    assert.equal(50, count(r))
    assert.truthy(inner > before)
  end)

  it("that raises cancels the request, and fetch raises it", function()
    local ok, err = pcall(fetch, server.url .. "/drip?n=1000&ms=10", { on_progress = function() error("no", 0) end })
    assert.is_false(ok)
    assert.equal("no", err)
    local r <close> = assert(fetch(server.url .. DRIP, { stream = true, on_progress = function() error("no", 0) end }))
    assert.equal("no", select(2, pcall(count, r)))
  end)

  it("ends with its task, also in the middle of the function", function()
    local r = lf.timeout(0.15, fetch, server.url .. "/drip?n=1000&ms=10", { on_progress = function() end })
    assert.is_nil(r)
    local closed = false
    assert.is_nil((lf.timeout(0.2, fetch, server.url .. "/drip?n=1000&ms=10", { on_progress = function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      lf.sleep(100)
    end })))
    assert.is_true(closed)
  end)

  it("works through sessions and middleware", function()
    local s <close> = lf.session { base_url = server.url }
    local fn, heard = listener()
    assert(s:get("/bytes/10", { on_progress = fn }))
    s:use(function(request, next) return next(request) end)
    assert(s:get("/bytes/10", { on_progress = fn }))
    assert.equal(2, #heard)
  end)

  it("is refused in groups and for what is no function; false is none", function()
    for _, run in ipairs {
      function() gather({ server.url }, { on_progress = print }) end,
      function() gather { { url = server.url, on_progress = print } } end,
      function() lf.as_completed({ server.url }, { on_progress = print })() end,
      function() lf.first({ { url = server.url, on_progress = print } }) end,
    } do
      local ok, err = pcall(run)
      assert.is_false(ok)
      assert.truthy(tostring(err):find("'on_progress' is for fetch itself: make a task of it", 1, true), err)
    end
    for _, wrong in ipairs { 1, "x", true, {} } do
      local ok, err = pcall(fetch, server.url, { on_progress = wrong })
      assert.is_false(ok)
      assert.truthy(err:find("option 'on_progress' must be a function or false", 1, true), err)
    end
    assert(fetch({ url = server.url .. "/ok", on_progress = false }, { on_progress = error }))
    local fn, heard = listener()
    assert.equal(0, select(2, gather { function() return fetch(server.url .. "/ok", { on_progress = fn }) end }))
    assert.equal(1, #heard)
  end)

  it("keeps no run alive by itself", function()
    local got = command({ "-e", [[
      local test = require "luafetch.test"
      print(pcall(test.run, { ["http://a.test/"] = { delay = false } }, function()
        fetch("http://a.test/", { timeout = false, on_progress = print })
      end))
    ]] })
    assert.matches("deadlock", got.out)
  end)
end)
