-- Few descriptors: requests wait for one instead of failing, and none is lost.
local command = require "tests.support.command"
local servers = require "tests.support.servers"

describe("with few descriptors", function()
  local server

  setup(function() server = servers.fault { bind = "0.0.0.0" } end)
  teardown(function() server.stop() end)

  local function run(limit, code)
    local words = { "--quiet", "-e", "local B = ...\n" .. code, server.url }
    return command(words, { shell = "ulimit -n " .. limit .. "; @" })
  end

  it("500 URLs of 50 hosts finish", function()
    local got = run(40, [[
      local port = B:match ":(%d+)$"
      local urls = {}
      for i = 1, 500 do urls[i] = ("http://127.0.0.%d:%d/bytes/%d"):format(1 + i % 50, port, i) end
      local results, failed = gather(urls, {limit = 500, per_host = 500})
      local right = 0
      for i = 1, 500 do if results[i].ok and #results[i].body == i then right = right + 1 end end
      print(right, failed)
    ]])
    assert.equal("500\t0\n", got.out, got.err)
  end)

  it("also names that are given addresses, each class in a lane of its own", function()
    local got = run(60, [[
      local port, failed = B:match ":(%d+)$", 0
      lf = require "luafetch"
      local ids = {}
      for i = 1, 60 do ids[i] = i end
      lf.each(ids, function(i)
        local host = "h" .. i .. ".example"
        local r = fetch("http://" .. host .. ":" .. port .. "/ok", {resolve = {[host] = "127.0.0.1"}})
        if not r or r.body ~= "ok\n" then failed = failed + 1 end
      end, {limit = 10})
      print(failed)
    ]])
    assert.equal("0\n", got.out, got.err)
  end)

  it("a WebSocket that gets none fails by that name", function()
    local got = run(40, [[
      lf = require "luafetch"
      local function kind()
        local _, err = lf.websocket("ws://" .. B:match "//(.*)" .. "/ok")
        return err.kind, err
      end
      print((kind())) -- the server answers, and is none for WebSockets
      local held = {}
      for i = 1, 40 do held[i] = io.open "/dev/null" end
      print(kind())
      for _, file in ipairs(held) do file:close() end
      print((kind()))
    ]])
    assert.matches("^(%a+)\nresource\t[^\n]*Too many open files[^\n]*\n%1\n$", got.out, got.err)
  end)
end)
