-- auth = { scheme = "digest" } against python3-httpbin, and what it must not give away.
local servers = require "tests.support.servers"
local core = require "luafetch.core"
local lf = require "luafetch"

local bin, fault
local auth = { user = "user", pass = "passwd", scheme = "digest" }

local function digest(path, opts)
  opts = opts or {}
  opts.auth = opts.auth or auth
  return fetch(bin.url .. "/digest-auth/" .. path, opts)
end

local function challenge(value, more)
  return fault.url .. "/respond?status=401&h=" .. lf.url.encode("WWW-Authenticate: " .. value) .. (more or "")
end

describe("digest", function()
  setup(function()
    bin = servers.httpbin()
    fault = servers.fault()
  end)
  teardown(function()
    bin:stop()
    fault:stop()
  end)

  after_each(function()
    assert.equal(0, core.leftovers().requests)
  end)

  it("answers MD5 and SHA-256", function()
    for _, path in ipairs { "auth/user/passwd", "auth/user/passwd/MD5", "auth/user/passwd/SHA-256" } do
      local res = assert(digest(path))
      assert.equal(200, res.status)
      assert.same({ authenticated = true, user = "user" }, res:json())
      assert.equal(0, #res.history)
    end
  end)

  it("covers the target with its query, and counts how often a nonce was used", function()
    local web = servers.nginx {
      conf_extra = [[
        location /open { return 200 "-$http_authorization"; }
        location / {
          if ($http_authorization = "") {
            add_header WWW-Authenticate 'Digest realm="r", nonce="n", qop="auth", opaque="o"' always;
            return 401;
          }
          if ($uri = /hop) { return 307 /to?a=b; }
          return 200 $http_authorization;
        }
      ]],
    }
    local res = assert(fetch(web.url .. "/x?a=b&c=%20d#f", { auth = auth }))
    assert.matches('uri="/x?a=b&c=%20d"', res.body, 1, true)
    assert.matches("nc=00000001, qop=auth", res.body, 1, true)
    assert.matches('opaque="o"', res.body, 1, true)
    res = assert(fetch(web.url .. "/hop", { auth = auth, method = "POST", body = "x" }))
    assert.matches('uri="/to?a=b"', res.body, 1, true)
    assert.matches("nc=00000002", res.body, 1, true)
    assert.equal("-", assert(fetch(web.url .. "/open")).body)
    res = assert(fetch(web.url, { auth = { user = 'jö"', pass = "p", scheme = "digest" } }))
    assert.matches('username="jö\\""', res.body, 1, true)
    web:stop()
  end)

  it("gives the 401 when the password is wrong", function()
    local res = assert(digest("auth/user/other"))
    assert.equal(401, res.status)
    assert.is_false(res.ok)
  end)

  it("answers a stale nonce anew", function()
    assert.equal(200, assert(digest("auth/user/passwd/MD5/1")).status)
  end)

  it("refuses what it does not know, clearly", function()
    for value, what in pairs {
      ['Digest realm="r", nonce="n", qop="auth-int"'] = "auth-int",
      ['Digest realm="r", nonce="n", algorithm=SHA-512-256'] = "algorithm",
      ['Digest realm="r"'] = "no nonce",
    } do
      local res, err = fetch(challenge(value), { auth = auth })
      assert.is_nil(res)
      assert.equal("request", err.kind)
      assert.matches(what, err.message, 1, true)
    end
  end)

  it("leaves a 401 without such a challenge alone", function()
    local res = assert(fetch(challenge 'Basic realm="r"', { auth = auth }))
    assert.equal(401, res.status)
  end)

  it("asks once, and not again when refused", function()
    local res = assert(fetch(challenge('Digest realm="r", nonce="n", qop="auth"', "&key=once"), { auth = auth }))
    assert.equal(401, res.status)
    assert.equal(2, assert(fetch(fault.url .. "/count?key=once")):json().count)
    res = assert(fetch(challenge('Digest realm="r", nonce="n", stale=true', "&key=stale"), { auth = auth }))
    assert.equal(401, res.status)
    assert.is_true(assert(fetch(fault.url .. "/count?key=stale")):json().count <= 5)
  end)

  it("never sends the password, and nothing before it is asked", function()
    local res = assert(fetch(fault.url .. "/echo", { auth = auth }))
    assert.is_nil(res.body:find("Authorization", 1, true))
    assert.is_nil(res.body:find("passwd", 1, true))
  end)

  it("sends a body again, unless it came from a function", function()
    local url = challenge 'Digest realm="r", nonce="n", qop="auth"'
    assert.equal(401, assert(fetch(url, { auth = auth, body = "x" })).status)
    local done = false
    local res, err = fetch(url, {
      auth = auth,
      body = function()
        if done then return end
        done = true
        return "x"
      end,
    })
    assert.is_nil(res)
    assert.matches("the body came from a function", err.message, 1, true)
  end)

  it("follows a redirect at its origin, and tells no other", function()
    -- httpbin asks for the digest again at the second path
    local to = lf.url.encode(fault.url .. "/echo")
    local res = assert(fetch(bin.url .. "/redirect-to?url=" .. to, { auth = auth }))
    assert.is_nil(res.body:find("Authorization", 1, true))
    to = lf.url.encode(challenge 'Digest realm="r", nonce="n", qop="auth"')
    res = assert(fetch(bin.url .. "/redirect-to?url=" .. to, { auth = auth }))
    assert.equal(401, res.status)
    to = lf.url.encode "/digest-auth/auth/user/passwd"
    res = assert(fetch(bin.url .. "/redirect-to?url=" .. to, { auth = auth }))
    assert.equal(200, res.status)
    assert.equal(1, #res.history)
  end)

  it("is a session's too", function()
    local s <close> = lf.session { base_url = bin.url, auth = auth }
    assert.equal(200, assert(s:get "/digest-auth/auth/user/passwd").status)
    local res = assert(s:get(challenge 'Digest realm="r", nonce="n", qop="auth"'))
    assert.equal(401, res.status)
  end)

  it("works with a stream", function()
    local res = assert(digest("auth/user/passwd", { stream = true }))
    assert.equal(200, res.status)
    assert.matches("authenticated", res:read(), 1, true)
    res:close()
  end)

  it("refuses what cannot be said", function()
    local res, err = fetch(bin.url, { auth = { user = "a\nb", scheme = "digest" } })
    assert.is_nil(res)
    assert.equal("request", err.kind)
    local ok, message = pcall(fetch, bin.url, { auth = { user = "a", scheme = "ntlm" } })
    assert.is_false(ok)
    assert.matches('must be "basic" or "digest"', message, 1, true)
  end)
end)
