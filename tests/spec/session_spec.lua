-- Sessions: defaults, an address, auth that stays at home, an admission domain.
local servers = require "tests.support.servers"
local core = require "luafetch.core"
local lf = require "luafetch"

local server

local function fields(res, err)
  assert(res, err)
  local found = {}
  local head = res.body:match "^.-\r\n\r\n"
  for name, value in head:gmatch "([^\r\n:]+): ([^\r\n]*)\r\n" do found[name:lower()] = value end
  return found
end

local function line(res, err)
  assert(res, err)
  return res.body:match "^[^\r\n]*"
end

local function misuse(...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  return tostring(message)
end

describe("a session", function()
  setup(function() server = servers.fault() end)
  teardown(function() server:stop() end)

  it("gives its defaults to every request", function()
    local s <close> = lf.session {
      base_url = server.url .. "/",
      headers = { ["X-S"] = "session", ["X-T"] = "session" },
      params = { a = 1, b = 1 },
      user_agent = "sess/1",
    }
    local res = assert(s:fetch("echo", { headers = { ["x-t"] = "request" }, params = { b = 2 } }))
    local f = fields(res)
    assert.equal("GET /echo?a=1&b=2 HTTP/1.1", line(res))
    assert.equal("session", f["x-s"])
    assert.equal("request", f["x-t"])
    assert.equal("sess/1", f["user-agent"])
    assert.equal("POST /echo?a=1&b=1 HTTP/1.1", line(s:post "echo"))
    assert.is_nil(fields(s:fetch("echo", { headers = { ["X-S"] = false } }))["x-s"])
  end)

  it("joins base_url as browsers do", function()
    local s <close> = lf.session { base_url = server.url .. "/a/b" }
    assert.equal(server.url .. "/a/x", s:fetch("x").url)
    assert.equal(server.url .. "/x", s:fetch("/x").url)
    assert.equal(server.url .. "/a/b?q", s:fetch("?q").url)
    assert.equal(server.url .. "/a/b", s:fetch("").url)
    local t <close> = lf.session { base_url = server.url .. "/a/b/" }
    assert.equal(server.url .. "/a/b/x", t:fetch("x").url)
  end)

  it("is an option of fetch, too", function()
    local s <close> = lf.session { base_url = server.url, user_agent = "sess/2" }
    assert.equal("sess/2", fields(fetch("/echo", { session = s }))["user-agent"])
    assert.equal("sess/2", fields(fetch { url = "/echo", session = s })["user-agent"])
  end)

  it("limits of time and size are defaults", function()
    local s <close> = lf.session { base_url = server.url, timeout = 0.1, max_body = 10, redirects = 1 }
    assert.equal("timeout", select(2, s:fetch "/hang").kind)
    assert.equal("too_large", select(2, s:fetch "/bytes/11").kind)
    assert.equal("redirect", select(2, s:fetch "/redirect/2").kind)
    assert.equal(11, #s:fetch("/bytes/11", { max_body = false }).body)
  end)

  describe("auth", function()
    it("stays at the origin of base_url", function()
      local other = servers.fault()
      local s <close> = lf.session { base_url = server.url, auth = { bearer = "t" } }
      assert.equal("Bearer t", fields(s:fetch "/echo").authorization)
      assert.is_nil(fields(s:fetch(other.url .. "/echo")).authorization)
      assert.is_nil(fields(s:fetch("/redirect-to", { params = { url = other.url .. "/echo" } })).authorization)
      assert.is_nil(fields(s:fetch("/echo", { auth = false })).authorization)
      assert.equal("Bearer u", fields(s:fetch("/echo", { auth = { bearer = "u" } })).authorization)
      other:stop()
    end)

    it("goes where auth.origins says", function()
      local other = servers.fault()
      local s <close> = lf.session { auth = { user = "u", pass = "p", origins = { other.url .. "/any/path" } } }
      assert.is_nil(fields(s:fetch(server.url .. "/echo")).authorization)
      assert.equal("Basic dTpw", fields(s:fetch(other.url .. "/echo")).authorization)
      other:stop()
    end)

    it("wants to know where", function()
      assert.matches("'auth' wants a base_url or auth.origins", misuse(lf.session, { auth = { bearer = "t" } }))
      assert.matches("'nonsense' is not an http%(s%) URL",
        misuse(lf.session, { auth = { bearer = "t", origins = { "nonsense" } } }))
    end)
  end)

  it("admits no more than limit at once", function()
    local s <close> = lf.session { base_url = server.url, limit = 2 }
    local tasks, began = {}, lf.now()
    for i = 1, 4 do
      tasks[i] = lf.spawn(function() return assert(s:fetch "/delay/100").timings.queue end)
    end
    local queued = 0
    for i = 1, 4 do
      if tasks[i]:join() > 0.05 then queued = queued + 1 end
    end
    assert.equal(2, queued)
    assert.is_true(lf.now() - began >= 0.19)
  end)

  it("gathers", function()
    local s <close> = lf.session { base_url = server.url }
    local results, failed = s:gather { "/ok", "/status/500" }
    assert.equal(1, failed)
    assert.equal(200, results[1].status)
    assert.equal(500, results[2].status)
  end)

  it("has the other functions on many, too", function()
    local s <close> = lf.session { base_url = server.url }
    local n = 0
    for res in s:as_completed { "/ok", "/ok" } do n = n + res.status end
    assert.equal(400, n)
    assert.equal(200, s:first({ "/status/500", "/ok" }).status)
    assert.same({ 200, 404, n = 2 }, (s:map({ "/ok", "/status/404" }, function(path) return s:fetch(path).status end)))
    assert.equal(1, s:each({ "/ok", "/status/404" }, function(path) return s:fetch(path) end))
  end)

  it("can be made in a finalizer while a request is", function()
    local made = 0
    local function again()
      setmetatable({}, { __gc = function()
        made = made + 1
        lf.session({ headers = { A = "finalizer" }, params = { p = "finalizer" } }):close()
        if made < 200 then again() end
      end })
    end
    again()
    local pause, speed = collectgarbage("setpause", 1), collectgarbage("setstepmul", 1000)
    local big = ("x"):rep(50000)
    for i = 1, 100 do
      local res = assert(fetch(server.url .. "/echo", {
        headers = { A = tostring(i) }, params = { a = i }, json = { big },
      }))
      assert.equal(("POST /echo?a=%d HTTP/1.1"):format(i), line(res))
      assert.equal(tostring(i), fields(res).a)
    end
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", speed)
    assert.is_true(made > 0)
  end)

  describe("when closed", function()
    it("refuses to work", function()
      local s = lf.session { base_url = server.url }
      s:close()
      s:close()
      assert.matches("the session is closed", misuse(s.fetch, s, "/ok"))
      assert.matches("the session is closed", misuse(fetch, "/ok", { session = s }))
      assert.equal("session (closed)", tostring(s))
    end)

    it("lets go on what is on its way", function()
      local s = lf.session { base_url = server.url }
      local task = lf.spawn(function() return s:fetch "/delay/50" end)
      lf.sleep(0.01)
      s:close()
      assert.equal(200, task:join().status)
    end)

    it("leaves no admission domain", function()
      local before = core.leftovers().domains
      do
        local s <close> = lf.session()
        assert.equal(before + 1, core.leftovers().domains)
        assert.equal("session", tostring(s))
      end
      assert.equal(before, core.leftovers().domains)
    end)
  end)

  it("has no line for wrong options", function()
    assert.matches("session: unknown option 'base_ulr' %(did you mean 'base_url'%?%)",
      misuse(lf.session, { base_ulr = "x" }))
    assert.matches("'body'", misuse(lf.session, { body = "x" }))
    assert.matches("'base_url' is no URL", misuse(lf.session, { base_url = "nonsense" }))
    assert.matches("must be an http or https URL", misuse(lf.session, { base_url = "ftp://x/" }))
    assert.matches("session: the value of header 'A' holds a line break",
      misuse(lf.session, { headers = { A = "\n" } }))
    assert.matches("option 'cache' is not in this version", misuse(lf.session, { cache = true }))
    assert.matches("options must be a table", misuse(lf.session, 1))
    assert.matches("a session is wanted", misuse(lf.session().fetch, "x"))
  end)
end)

describe("a session's limits", function()
  local test = require "luafetch.test"

  it("are its own, not the run's", function()
    local log = test.run({ ["http://a.test/"] = { delay = 1 } }, function()
      local s <close> = lf.session { limit = 200, per_host = 200 }
      local urls = {}
      for i = 1, 200 do urls[i] = "http://a.test/" end
      local _, failed = s:gather(urls)
      assert.equal(0, failed)
    end)
    assert.equal(1, log.elapsed)
    assert.equal(0, log.leftovers)
  end)

  it("hold together with those of a gather", function()
    local log = test.run({ ["http://a.test/"] = { delay = 1 } }, function()
      local s <close> = lf.session { limit = 200, per_host = 200 }
      local urls = {}
      for i = 1, 20 do urls[i] = "http://a.test/" end
      s:gather(urls, { limit = 5 })
      s:gather(urls, { per_host = 2 })
    end)
    assert.equal(4 + 10, log.elapsed)
  end)

  it("hold however deep groups nest", function()
    test.run({ ["http://a.test/"] = { delay = 1 } }, function()
      local function down(n)
        if n == 0 then return (assert(fetch "http://a.test/").status) end
        local results = lf.map({ n, n }, function() return down(n - 1) end, { limit = 2 })
        return results[2]
      end
      assert.equal(200, down(7))
    end)
  end)

  it("are counted by stats", function()
    test.run({ ["http://a.test/"] = {}, ["http://b.test/"] = { error = "connect" } }, function()
      local s <close> = lf.session()
      s:gather { "http://a.test/", "http://b.test/", "http://a.test/" }
      fetch "http://a.test/"
      local counts = { requests = 3, ok = 2, failed = 1, retries = 0, retries_refused = 0, queued = 0, active = 0 }
      counts.parked, counts.rates = {}, {}
      assert.same(counts, s:stats())
    end)
  end)
end)
