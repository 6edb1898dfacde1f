-- Unix sockets and interfaces: connections that do not go where the URL says, or come from
-- where it is said.
local lf = require "luafetch"
local servers = require "tests.support.servers"

describe("a unix socket", function()
  local web, path

  setup(function()
    web = servers.nginx { -- the port comes last: when it listens, the socket does
      servers = [[
        server {
          listen unix:@DIR@/sock;
          location / { return 200 "unix $http_host $connection"; }
          location /moved { return 302 http://else.test/there; }
        }
        server { listen 127.0.0.1:@PORT@; location / { return 200 "tcp"; } }
      ]],
    }
    path = web.dir .. "/sock"
  end)
  teardown(function() web.stop() end)

  it("takes the place of host and port, which are still sent", function()
    local res = assert(fetch("http://api.test/x", { unix_socket = path }))
    assert.truthy(res.body:find("^unix api.test "))
    assert.is_nil(res.remote_ip)
  end)

  it("keeps its connections to those who name it", function()
    local s <close> = lf.session { unix_socket = path }
    local url = ("http://127.0.0.1:%d/"):format(web.port)
    local first = assert(s:get(url)).body
    assert.equal("tcp", assert(fetch(url)).body)
    assert.equal(first, assert(s:get(url)).body)
    assert.equal("tcp", assert(s:get(url, { unix_socket = false })).body)
  end)

  it("is used for redirects too", function()
    local res = assert(fetch("http://api.test/moved", { unix_socket = path }))
    assert.truthy(res.body:find("^unix else.test "))
  end)

  it("that is not there is named", function()
    local _, err = fetch("http://api.test/", { unix_socket = path .. ".none" })
    assert.equal("connect", err.kind)
    local want = ("cannot connect to the unix socket %s.none: No such file"):format(path)
    assert.truthy(tostring(err):find(want, 1, true), tostring(err))
    local ok, why = pcall(fetch, "http://api.test/", { unix_socket = ("/x"):rep(80) })
    assert.is_false(ok)
    assert.truthy(why:find("longer than 107 bytes", 1, true), why)
  end)
end)

describe("an interface", function()
  local web

  setup(function() web = servers.nginx { conf_extra = "location / { return 200 $remote_addr; }" } end)
  teardown(function() web.stop() end)

  it("can be an address or a name", function()
    assert.equal("127.0.0.1", assert(fetch(web.url)).body)
    assert.equal("127.0.0.9", assert(fetch(web.url, { interface = "127.0.0.9" })).body)
    assert.equal("127.0.0.1", assert(fetch(web.url, { interface = "lo" })).body)
    assert.equal("127.0.0.1", assert(fetch(web.url)).body)
  end)

  it("that is none is refused, or named", function()
    for _, name in ipairs { "nosuch0", "192.0.2.77" } do
      local _, err = fetch(web.url, { interface = name })
      assert.equal("connect", err.kind)
      assert.truthy(tostring(err):find("cannot connect from " .. name, 1, true), tostring(err))
    end
    for _, name in ipairs { "", "a host.example", "www.example.com:80" } do
      local ok, err = pcall(fetch, web.url, { interface = name })
      assert.is_false(ok)
      assert.truthy(err:find("interface is neither", 1, true), err)
    end
  end)
end)

describe("referer", function()
  it("is a header of its own option", function()
    local web = servers.fault()
    local s <close> = lf.session { referer = "https://from.test/" }
    local function sent(opts) return assert(s:get(web.url .. "/echo", opts)).body:match "Referer: ([^\r\n]*)" end
    assert.equal("https://from.test/", sent())
    assert.equal("https://b.test/", sent { referer = "https://b.test/" })
    assert.equal("https://c.test/", sent { referer = "https://b.test/", headers = { Referer = "https://c.test/" } })
    assert.is_nil(sent { referer = false })
    local _, err = s:get(web.url, { referer = "a\r\nb: c" })
    assert.equal("request", err.kind)
    web.stop()
  end)
end)
