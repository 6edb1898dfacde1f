-- Streams: pieces, lines, events, back-pressure, and what breaks on the way.
local lf = require "luafetch"
local command = require "tests.support.command"
local core = require "luafetch.core"
local servers = require "tests.support.servers"
local test = require "luafetch.test"

local function page(body, headers)
  return { ["http://a.test/"] = { body = body, headers = headers } }
end

local function open(opts)
  opts = opts or {}
  opts.stream = true
  return assert(fetch("http://a.test/", opts))
end

local function collect(iterator)
  local list = {}
  for value in iterator do list[#list + 1] = value end
  return list
end

describe("a stream over a scripted network", function()
  it("has status and headers before its body", function()
    test.run(page(("x"):rep(1000), { ["X-A"] = "1" }), function()
      local r <close> = open()
      assert.equal(200, r.status)
      assert.equal("1", r.headers["x-a"])
      assert.equal("xxxxx", r:read(5))
      assert.equal(995, #r:read())
      assert.is_nil(r:read())
    end)
  end)

  it("gives lines without their ends, the last one with or without", function()
    test.run(page "one\r\ntwo\n\nlast", function()
      assert.same({ "one", "two", "", "last" }, collect(open():lines()))
    end)
  end)

  it("finds lines across pieces", function()
    local long = ("y"):rep(100000)
    test.run(page(long .. "\n" .. long .. "\nz"), function()
      assert.same({ long, long, "z" }, collect(open():lines()))
    end)
  end)

  it("decodes JSON lines and names the line that is none", function()
    test.run(page '{"a":1}\n\n[2]\n{oops\n', function()
      local got = {}
      local ok, err = pcall(function()
        for v in open():json_lines() do got[#got + 1] = v end
      end)
      assert.is_false(ok)
      assert.equal("parse", err.kind)
      assert.truthy(tostring(err):find("line 4 of the body", 1, true), tostring(err))
      assert.equal(1, got[1].a)
      assert.equal(2, got[2][1])
    end)
  end)

  it("reads events as the HTML standard says", function()
    local text = "\u{FEFF}: comment\r\ndata: one\rdata: two\n\nid: 7\nevent: add\ndata:three\n\r\n"
      .. "retry: 10\n\ndata\n\nid\ndata: x\n\ndata: cut off"
    test.run(page(text), function()
      assert.same({
        { event = "message", data = "one\ntwo" },
        { event = "add", data = "three", id = "7" },
        { event = "message", data = "", id = "7" },
        { event = "message", data = "x", id = "" },
      }, collect(open():events()))
    end)
  end)

  it("raises the Error when the body breaks, and read returns it", function()
    test.run(page(("x"):rep(100), { ["Content-Encoding"] = "gzip" }), function()
      local ok, err = pcall(collect, open():chunks())
      assert.is_false(ok)
      assert.equal("decode", err.kind)
      local none, same = open():read()
      assert.is_nil(none)
      assert.equal("decode", same.kind)
    end)
  end)

  it("has no limit of bytes unless one is given", function()
    local large = ("x"):rep(1000)
    test.run(page(large), function()
      assert.equal(1000, #table.concat(collect(open():chunks())))
      local ok, err = pcall(collect, open { max_body = 999 }:chunks())
      assert.is_false(ok)
      assert.equal("too_large", err.kind)
    end)
  end)

  it("is refused inside gather", function()
    test.run(page "x", function()
      local ok, err = pcall(gather, { "http://a.test/" }, { stream = true })
      assert.is_false(ok)
      assert.truthy(err:find("'stream' is for fetch itself", 1, true), err)
    end)
  end)

  it("of a buffered Response reads the body", function()
    test.run(page "a\nb", function()
      local r = assert(fetch "http://a.test/")
      assert.same({ "a", "b" }, collect(r:lines()))
      assert.equal("a\nb", r.body)
    end)
  end)
end)

describe("a stream from a server", function()
  local server

  setup(function() server = servers.fault() end)
  teardown(function() server.stop() end)

  local function stream(path, opts)
    opts = opts or {}
    opts.stream = true
    return assert(fetch(server.url .. path, opts))
  end

  it("gives a large body whole", function()
    local r <close> = stream "/bytes/5000000"
    local n = 0
    for chunk in r:chunks() do n = n + #chunk end
    assert.equal(5000000, n)
  end)

  it("undoes Content-Encoding", function()
    local r <close> = stream "/gzip"
    assert.equal(24000, #table.concat(collect(r:chunks())))
  end)

  it("follows redirects first", function()
    local r <close> = stream "/redirect/3"
    assert.equal("ok\n", r:read())
    assert.equal(3, #r.history)
  end)

  it("never gives out a short body as whole", function()
    for _, path in ipairs { "/short", "/no-last-chunk", "/reset-body", "/gzip-truncated", "/cut-chunk" } do
      local r <close> = stream(path)
      local ok, err = pcall(collect, r:lines())
      assert.is_false(ok, path)
      assert.truthy(err.kind, path)
    end
  end)

  it("pauses while nobody reads, and its clocks stand still", function()
    local r <close> = stream("/bytes/3000000", { timeout = { stall = 0.2 } })
    assert.truthy(r:read(10))
    lf.sleep(0.6)
    local n = 10
    for chunk in r:chunks() do n = n + #chunk end
    assert.equal(3000000, n)
  end)

  it("ends with the stall limit when the server is silent", function()
    local r <close> = stream("/hang-body", { timeout = { stall = 0.2 } })
    r:read()
    local none, err = r:read()
    assert.is_nil(none)
    assert.equal("timeout", err.kind)
  end)

  it("is stopped on the wire when it is closed, or its reader cancelled", function()
    do
      local r <close> = stream "/endless"
      r:read()
      assert.equal(1, core.leftovers().requests)
    end
    assert.equal(0, core.leftovers().requests)
    local r = stream "/hang-body"
    local ok, err = lf.timeout(0.1, function()
      for _ in r:chunks() do end
    end)
    assert.is_nil(ok)
    assert.equal("timeout", err.kind)
    r:close()
    assert.equal(0, core.leftovers().requests)
  end)

  it("refuses two readers at once", function()
    local r <close> = stream "/hang-body"
    r:read()
    local reader = lf.spawn(function() r:read() end)
    lf.sleep(0.01)
    local ok, err = pcall(r.read, r)
    assert.is_false(ok)
    assert.truthy(tostring(err):find("another task reads", 1, true), tostring(err))
    reader:cancel()
  end)

  it("of 1 GB needs little memory, with a reader that sleeps", function()
    local size = os.getenv "LF_SANITIZED" and 50000000 or 1000000000
    local got = command { "tests/support/slow_reader.lua", server.url .. "/bytes/" .. size }
    local n, peak = got.out:match "(%d+)%s+(%d+)"
    assert.equal(size, tonumber(n), got.err)
    if not os.getenv "LF_SANITIZED" then assert.is_true(tonumber(peak) < 40000, peak) end
  end)
end)
