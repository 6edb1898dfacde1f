-- The guard: no address that is not public is connected to, whatever leads there.
local lf = require "luafetch"
local command = require "tests.support.command"
local servers = require "tests.support.servers"

describe("guard", function()
  local web

  setup(function() web = servers.fault() end)
  teardown(function() web.stop() end)

  local function blocked(url, opts)
    opts = opts or {}
    opts.guard = "public"
    local res, err = fetch(url, opts)
    assert.is_nil(res)
    assert.equal("blocked", err.kind, tostring(err))
    assert.is_false(err.retryable)
    assert.is_false(err.sent)
    return tostring(err)
  end

  it("refuses addresses in every form", function()
    local port = web.port
    for _, host in ipairs {
      "127.0.0.1", "0x7f.1", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.1.2.3",
      "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[::]",
      "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[::127.0.0.1]", "[2002:7f00:1::]", "127.0.0.1.", "0x7F000001.",
      "①②⑦.0.0.1", "１２７。０。０。１", "%31%32%37.0.0.1", "224.0.0.1", "255.255.255.255", "[ff02::1]",
    } do
      local said = blocked(("http://%s:%d/"):format(host, port))
      assert.truthy(said:find("the guard refuses ", 1, true), said)
    end
  end)

  it("refuses names that lead there", function()
    local url = ("http://inside.test:%d/ok"):format(web.port)
    local said = blocked(url, { resolve = { ["inside.test"] = "127.0.0.1" } })
    assert.truthy(said:find("the guard refuses 127.0.0.1: not a public address", 1, true), said)
    blocked(("http://localhost:%d/ok"):format(web.port))
    blocked(url, { resolve = { ["inside.test"] = { "10.0.0.1", "::1", "127.0.0.1" } } })
  end)

  -- A network of its own, in which loopback has a public address.
  local under = command.unshared("-rn", "ip link set lo up && ip addr add 1.2.3.4/32 dev lo")
  if not under then print "skip: this system allows no network of one's own (unshare -rn, ip)" end

  local redirected = under and it or function() end
  redirected("refuses a redirect from a public address to a private one", function()
    local r = command({ "-e", [[
      local lf = require "luafetch"
      local servers = require "tests.support.servers"
      local public, private = servers.fault { bind = "1.2.3.4" }, servers.fault()
      local function to(url) return public.url .. "/redirect-to?url=" .. lf.url.encode(url) end
      local opts = { guard = "public" }
      print(fetch(to(public.url .. "/ok"), opts).body)
      for _, host in ipairs { "127.0.0.1", "localhost", "[::ffff:127.0.0.1]" } do
        local res, err = fetch(to(("http://%s:%d/ok"):format(host, private.port)), opts)
        print(res and res.status, err and err.kind, err)
      end
      print(fetch(to(private.url .. "/ok")).body)
      print(fetch(private.url .. "/stats"):json().requests)
      servers.stop_all()
    ]] }, { under = under })
    local lines = command.lines(r.out:gsub("\n\n", "\n"))
    assert.equal("ok", lines[1], r.err)
    for i = 2, 4 do assert.matches("^nil\tblocked\tthe guard refuses", lines[i]) end
    assert.equal("ok", lines[5])
    assert.equal("2", lines[6]) -- nothing but the two that were allowed came to the private one
  end)

  it("does not use connections that others opened", function()
    local url = web.url .. "/ok"
    for _ = 1, 2 do
      assert.equal(200, assert(fetch(url)).status)
      blocked(url)
    end
  end)

  it("of a session can be lifted for one request", function()
    local s <close> = lf.session { guard = "public" }
    local _, err = s:get(web.url .. "/ok")
    assert.equal("blocked", err.kind)
    assert.equal(200, assert(s:get(web.url .. "/ok", { guard = false })).status)
  end)

  it("has exceptions, for every hop", function()
    local function fetched(patterns, url, opts)
      local words = { "--guard", "public" }
      for _, pattern in ipairs(patterns) do table.move({ "--allow-host", pattern }, 1, 2, #words + 1, words) end
      local code = ([[
        local all = { ["a.inside.test"] = "127.0.0.1", ["b.inside.test"] = "127.0.0.1", ["c.test"] = "127.0.0.1" }
        local res, err = fetch(arg[1], { resolve = all, %s })
        print(res and res.status, err and err.kind)
      ]]):format(opts or "")
      table.move({ "-e", code, url }, 1, 3, #words + 1, words)
      local r = command(words)
      assert.equal(0, r.code, r.err)
      return (r.out:gsub("%s+", " "))
    end
    local function at(host, path) return ("http://%s:%d%s"):format(host, web.port, path or "/ok") end
    local ok, no = "200 nil ", "nil blocked "
    assert.equal(no, fetched({}, at "127.0.0.1"))
    assert.equal(ok, fetched({ "127.0.0.1" }, at "127.0.0.1"))
    assert.equal(ok, fetched({ "127.0.0.1" }, at "0x7f.1")) -- which is that address
    assert.equal(no, fetched({ "127.0.0.1" }, at "a.inside.test")) -- a name is not its address
    assert.equal(no, fetched({ "127.0.0.1" }, at "127.0.0.2"))
    assert.equal(ok, fetched({ "A.inside.TEST" }, at "a.inside.test"))
    assert.equal(ok, fetched({ "a.inside.test:" .. web.port }, at "a.inside.test"))
    assert.equal(no, fetched({ "a.inside.test:1" }, at "a.inside.test"))
    assert.equal(ok, fetched({ "x.test", "*.inside.test" }, at "b.inside.test"))
    assert.equal(no, fetched({ "*.inside.test" }, at "c.test"))
    local function via(host, to) return at(host, "/redirect-to?url=" .. lf.url.encode(to)) end
    assert.equal(ok, fetched({ "*.inside.test" }, via("a.inside.test", at "b.inside.test")))
    assert.equal(no, fetched({ "a.inside.test" }, via("a.inside.test", at "b.inside.test")))
    assert.equal(no, fetched({ "a.inside.test" }, via("a.inside.test", at "127.0.0.1")))
    assert.equal(no, fetched({ "a.inside.test" }, via("a.inside.test", at "c.test"), "guard = false"))
  end)

  it("has the same exceptions for WebSockets", function()
    local server = servers.websocket()
    local function opened(...)
      return command({ "--guard", "public", ... }).out
    end
    local code = "local ws, err = require 'luafetch'.websocket(arg[1]) print(ws and 'open' or err.kind)"
    local url = server.url .. "/echo"
    local no, ok = opened("-e", code, url), opened("--allow-host", "127.*", "-e", code, url)
    server.stop()
    assert.equal("blocked\nopen\n", no .. ok)
  end)

  it("of the command cannot be lifted", function()
    local code = [[
      local lf = require "luafetch"
      local s <close> = lf.session { guard = false }
      for _, f in ipairs { fetch, function(...) return s:get(...) end } do
        local _, err = f(arg[1], { guard = false })
        print(err and err.kind)
      end
    ]]
    assert.equal("blocked\nblocked\n", command({ "--guard", "public", "-e", code, web.url .. "/ok" }).out)
  end)

  it("is an option of the command", function()
    local code = "local r, e = fetch(arg[1]) print(e and e.kind, e)"
    local r = command { "--guard", "public", "-e", code, web.url }
    assert.truthy(r.out:find("^blocked\t"), r.out .. r.err)
    r = command { "--guard", "public", "--proxy", "http://127.0.0.1:1", "-e", code, web.url }
    assert.equal(2, r.code)
    r = command { "--guard", "private", "-e", code, web.url }
    assert.equal(2, r.code)
    r = command { "--allow-host", "x.test", "-e", code, web.url }
    assert.equal(2, r.code)
    r = command { "--guard", "public", "--allow-host", "http://x.test/", "-e", code, web.url }
    assert.equal(2, r.code)
    local ok, err = pcall(fetch, web.url, { guard = "private" })
    assert.is_false(ok)
    assert.truthy(err:find([['guard' must be "public" or false, got 'private']], 1, true), err)
  end)
end)
