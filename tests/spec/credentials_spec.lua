-- No credential leaves for another origin, in whatever way it was given: another host, port
-- or scheme, at once or by a detour.
local lf = require "luafetch"
local certs = require "tests.support.certs"
local servers = require "tests.support.servers"

describe("a credential", function()
  local made, home, other, secure, resolve

  setup(function()
    made = certs.new()
    home, other = servers.fault(), servers.fault()
    local cert = made:issue("home.test")
    secure = servers.nginx { servers = ([[
      server {
        listen 127.0.0.1:@PORT@ ssl;
        ssl_certificate %s; ssl_certificate_key %s;
        ssl_client_certificate %s; ssl_verify_client optional;
        location /who { return 200 "$ssl_client_verify $connection"; }
        location / { proxy_pass %s; proxy_set_header Host $http_host; }
      }]]):format(cert.cert, cert.key, made.ca, home.url) }
    resolve = { ["home.test"] = "127.0.0.1", ["sub.home.test"] = "127.0.0.1", ["other.test"] = "127.0.0.1" }
  end)
  teardown(function()
    home.stop()
    other.stop()
    secure.stop()
    made:remove()
  end)

  local function at(host, server, path) return ("http://%s:%d%s"):format(host, server.port, path) end
  local function to(url, status) return "/redirect-to?status=" .. (status or 302) .. "&url=" .. lf.url.encode(url) end

  -- Where it must not get to, with where it comes from.
  local function crossings()
    local back = at("home.test", home, "/echo")
    return {
      host = at("other.test", home, "/echo"),
      subdomain = at("sub.home.test", home, "/echo"),
      port = at("home.test", other, "/echo"),
      scheme = ("https://home.test:%d/echo"):format(secure.port),
      ["there and back"] = at("home.test", other, to(back)),
    }
  end

  local ways = {
    ["an Authorization header"] = { headers = { Authorization = "Secret s3cret" } },
    ["a Cookie header"] = { headers = { { "cookie", "a=s3cret" } } },
    ["a key in a header"] = { headers = { ["X-Api-Key"] = "s3cret", ["Proxy-Authorization"] = "s3cret" } },
    ["basic"] = { auth = { user = "u", pass = "s3cret" } },
    ["bearer"] = { auth = { bearer = "s3cret" } },
    ["cookies"] = { cookies = { a = "s3cret" } },
    ["referer"] = { referer = "http://home.test/?token=s3cret" },
    ["the URL"] = { userinfo = "u:s3cret@" },
  }

  local BASIC = "dTpzM2NyZXQ=" -- u:s3cret

  local function holds_secret(text) return text:find("s3cret", 1, true) or text:find(BASIC, 1, true) end

  for name, opts in pairs(ways) do
    it("given as " .. name .. " stays at its origin", function()
      local userinfo = opts.userinfo or ""
      local function get(path, status)
        local all = { resolve = resolve, tls = { ca = made.ca } }
        for option, value in pairs(opts) do
          if option ~= "userinfo" then all[option] = value end
        end
        if status == 307 then all.body = "x" end
        return assert(fetch(at(userinfo .. "home.test", home, path), all))
      end
      assert.truthy(holds_secret(get("/echo").body), "it was not sent at all")
      assert.truthy(holds_secret(get(to(at("home.test", home, "/echo"))).body), "its own origin has not got it")
      for kind, url in pairs(crossings()) do
        for _, status in ipairs { 302, 307 } do
          local res = get(to(url, status), status)
          assert.is_nil(holds_secret(res.body), kind .. " got it:\n" .. res.body)
          assert.is_nil(res.url:find("s3cret", 1, true))
          assert.is_nil(res.history[1].url:find("s3cret", 1, true))
        end
      end
    end)
  end

  it("of a session stays at its origin, for redirects and for URLs of others", function()
    local base = at("home.test", home, "/")
    for _, auth in ipairs { { bearer = "s3cret" }, { user = "u", pass = "s3cret" } } do
      local s <close> = lf.session { base_url = base, auth = auth, resolve = resolve, tls = { ca = made.ca } }
      assert.truthy(holds_secret(assert(s:get "echo").body))
      for kind, url in pairs(crossings()) do
        assert.is_nil(holds_secret(assert(s:get(to(url))).body), kind)
        if kind ~= "there and back" then assert.is_nil(holds_secret(assert(s:get(url)).body), kind) end
      end
    end
  end)

  it("in a jar goes where its domain says, and nowhere else", function()
    local s <close> = lf.session { resolve = resolve }
    s.cookies:set { name = "a", value = "s3cret", url = at("home.test", home, "/") }
    assert.truthy(holds_secret(assert(s:get(at("home.test", home, "/echo"))).body))
    for _, host in ipairs { "other.test", "sub.home.test" } do
      assert.is_nil(holds_secret(assert(s:get(at("home.test", home, to(at(host, home, "/echo"))))).body))
    end
    local none = assert(s:get(at("home.test", home, "/echo"), { cookies = false })).body
    assert.is_nil(holds_secret(none))
  end)

  it("leaves nothing on its connection for who comes next", function()
    local url = at("home.test", home, "/echo")
    for _, opts in pairs(ways) do
      if not opts.userinfo then
        local all = { resolve = resolve }
        for name, value in pairs(opts) do all[name] = value end
        assert(fetch(url, all))
        assert.is_nil(holds_secret(assert(fetch(url, { resolve = resolve })).body))
      end
    end
  end)

  it("that is a certificate has connections of its own", function()
    local me = made:issue "me"
    local url = ("https://home.test:%d/who"):format(secure.port)
    local function who(tls)
      tls = tls or {}
      tls.ca = made.ca
      return assert(fetch(url, { resolve = resolve, tls = tls })).body:match "^(%S+) (%d+)$"
    end
    local seen, first = who { cert = me.cert, key = me.key }
    assert.equal("SUCCESS", seen)
    local none, second = who()
    assert.equal("NONE", none)
    assert.not_equal(first, second)
    assert.equal(first, select(2, who { cert = me.cert, key = me.key }))
    assert.equal(second, select(2, who()))
  end)

  it("of a redirect's own URL goes there, and stays there", function()
    local there = at("u:s3cret@other.test", home, to(at("home.test", home, "/echo")))
    local res = assert(fetch(at("home.test", home, to(there)), { resolve = resolve }))
    assert.equal(2, #res.history)
    assert.is_nil(holds_secret(res.body))
  end)

  it("shows in no message", function()
    for _, path in ipairs { "/short", "/reset-body", "/redirect-loop", "/cut-chunk" } do
      local _, err = fetch(at("u:s3cret@home.test", home, path), { resolve = resolve })
      assert.is_nil(holds_secret(tostring(err)), tostring(err))
      assert.is_nil(holds_secret(lf.json.encode(err)))
    end
  end)
end)
