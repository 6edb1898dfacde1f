-- Addresses: chosen by the script, by family; names that are silent hold up nobody.
local lf = require "luafetch"
local servers = require "tests.support.servers"

describe("addresses", function()
  local server

  setup(function() server = servers.fault() end)
  teardown(function() server.stop() end)

  local function url(host, path)
    return ("http://%s:%d%s"):format(host, server.port, path or "/ok")
  end

  it("can be given for a name, and the name is sent", function()
    local r = assert(fetch(url("shop.example", "/echo"), { resolve = { ["shop.example"] = "127.0.0.1" } }))
    assert.equal("127.0.0.1", r.remote_ip)
    assert.truthy(r.body:find("Host: shop.example:" .. server.port, 1, true))
  end)

  it("can be given for a name and a port, as a list, in brackets", function()
    local name = "shop.example:" .. server.port
    local r = assert(fetch(url "shop.example", { resolve = { [name] = { "[::1]", "127.0.0.1" } } }))
    assert.equal("127.0.0.1", r.remote_ip) -- nobody listens on ::1
  end)

  it("of a session serve that session alone", function()
    local s <close> = lf.session { resolve = { ["a.invalid"] = "127.0.0.1" } }
    assert.equal(200, assert(s:get(url "a.invalid")).status)
    local _, err = fetch(url "a.invalid")
    assert.equal("dns", err.kind)
    assert.equal(200, assert(s:get(url "a.invalid")).status)
  end)

  it("must be addresses", function()
    local ok, err = pcall(fetch, url "a.example", { resolve = { ["a.example"] = "b.example" } })
    assert.is_false(ok)
    assert.truthy(err:find("'b.example' is no IP address (for a.example)", 1, true), err)
  end)

  it("can be of one family only", function()
    assert.equal(200, assert(fetch(url "localhost", { ip = 4 })).status)
    local _, err = fetch(url "localhost", { ip = 6 })
    assert.equal("connect", err.kind)
    local ok, why = pcall(fetch, url "localhost", { ip = 5 })
    assert.is_false(ok)
    assert.truthy(why:find("'ip' must be 4, 6 or false", 1, true), why)
  end)
end)

describe("a session without limits of its own", function()
  it("has those of the run", function()
    local test = require "luafetch.test"
    local log = test.run({ ["http://a.test/"] = { delay = 1 } }, function()
      local s <close> = lf.session()
      local urls = {}
      for i = 1, 80 do urls[i] = "http://a.test/" end
      s:gather(urls, { limit = 100 })
    end)
    assert.equal(10, log.elapsed) -- eight at a time
  end)
end)
