-- Cookies of sessions, of redirects and of single requests; Link headers.
local lf = require "luafetch"
local servers = require "tests.support.servers"

describe("cookies", function()
  local server

  setup(function() server = servers.fault() end)
  teardown(function() server.stop() end)

  local function sent(res) return res.body:gsub("%s+$", "") end

  it("of a session are kept and sent again", function()
    local s <close> = lf.session { base_url = server.url }
    local r = assert(s:get "/cookies/set?a=1&b=two")
    assert.same({ a = "1", b = "two" }, r.cookies)
    assert.equal("a=1; b=two", sent(s:get "/cookies"))
    assert.equal(2, #s.cookies)
  end)

  it("are kept between sessions that share a jar, and by nobody else", function()
    local jar = lf.cookies()
    do
      local s <close> = lf.session { base_url = server.url, cookies = jar }
      s:get "/cookies/set?a=1"
    end
    local s <close> = lf.session { base_url = server.url, cookies = jar }
    assert.equal("a=1", sent(s:get "/cookies"))
    local other <close> = lf.session { base_url = server.url }
    assert.equal("", sent(other:get "/cookies"))
    assert.equal("", sent(fetch(server.url .. "/cookies")))
  end)

  it("can be turned off, for a session and for a request", function()
    local s <close> = lf.session { base_url = server.url, cookies = false }
    s:get "/cookies/set?a=1"
    assert.equal("", sent(s:get "/cookies"))
    assert.is_nil(s.cookies)
    local kept <close> = lf.session { base_url = server.url }
    kept:get "/cookies/set?a=1"
    assert.equal("", sent(kept:get("/cookies", { cookies = false })))
    assert.equal("a=1", sent(kept:get "/cookies"))
  end)

  it("of a request go with it, before those of the jar", function()
    assert.equal("x=1; y=2", sent(fetch(server.url .. "/cookies", { cookies = { { "x", 1 }, { "y", 2 } } })))
    local s <close> = lf.session { base_url = server.url }
    s:get "/cookies/set?a=1"
    assert.equal("x=1; a=1", sent(s:get("/cookies", { cookies = { x = 1 } })))
  end)

  it("that cannot be sent are refused", function()
    for _, cookies in ipairs { { a = "1;2" }, { ["a b"] = "1" }, { a = "1\r\nX: y" } } do
      local _, err = fetch(server.url .. "/cookies", { cookies = cookies })
      assert.equal("request", err.kind)
    end
    local ok, why = pcall(lf.session, { cookies = 1 })
    assert.is_false(ok)
    assert.truthy(why:find("'cookies' must be true, false or a jar", 1, true), why)
  end)

  it("set on the way are sent on the way, also without a session", function()
    local to = server.url .. "/respond?status=302&h=Set-Cookie:way=1&h=Location:/cookies"
    assert.equal("way=1", sent(assert(fetch(to))))
    assert.equal("", sent(fetch(server.url .. "/cookies")))
  end)

  it("of one host stay away from another", function()
    local s <close> = lf.session { resolve = { ["a.example"] = "127.0.0.1", ["b.example"] = "127.0.0.1" } }
    local function at(host, path) return ("http://%s:%d%s"):format(host, server.port, path) end
    s:get(at("a.example", "/cookies/set?secret=1"))
    assert.equal("secret=1", sent(s:get(at("a.example", "/cookies"))))
    assert.equal("", sent(s:get(at("b.example", "/cookies"))))
    local to = at("a.example", "/redirect-to?url=" .. lf.url.encode(at("b.example", "/cookies")))
    assert.equal("", sent(s:get(to)))
  end)
end)

describe("links", function()
  it("are a list and known by relation", function()
    require("luafetch.test").run({
      ["http://a.test/list"] = {
        headers = { Link = '</list?page=2>; rel="next last"; title="on, and on", <http://b.test/>; rel=up' },
      },
      ["http://a.test/none"] = {},
    }, function()
      local r = assert(fetch "http://a.test/list")
      assert.equal("http://a.test/list?page=2", r.links.next.url)
      assert.equal("on, and on", r.links.last.title)
      assert.equal("http://b.test/", r.links[2].url)
      assert.equal(2, #r.links)
      assert.same({}, fetch("http://a.test/none").links)
    end)
  end)
end)
