-- Proxies of every kind: what they are told, what they see, and whose fault it was.
local lf = require "luafetch"
local certs = require "tests.support.certs"
local command = require "tests.support.command"
local servers = require "tests.support.servers"

local SECRET = "s3cr:t@pass"

local function has(text, part)
  return assert.truthy(tostring(text):find(part, 1, true), ("%q is not in %s"):format(part, tostring(text)))
end

describe("a proxy", function()
  local web, secure, made, running

  setup(function()
    made = certs.new()
    local c = made:issue("web.test", { names = "DNS:*.test,DNS:web.test,IP:127.0.0.1" })
    web = servers.fault()
    secure = servers.nginx {
      servers = ([[
        server {
          listen 127.0.0.1:@PORT@ ssl;
          ssl_certificate %s; ssl_certificate_key %s;
          location / { return 200 "$http_host|$http_proxy_authorization|$http_authorization"; }
          location /big { alias %s; }
        }
      ]]):format(c.cert, c.key, "/usr/bin/openssl"),
    }
  end)
  before_each(function() running = {} end)
  after_each(function()
    for _, server in ipairs(running) do server.stop() end
  end)
  teardown(function()
    web.stop()
    secure.stop()
    made:remove()
  end)

  local function use(server)
    running[#running + 1] = server
    return server
  end

  local function plain(path) return ("http://web.test:%d%s"):format(web.port, path or "/ok") end
  local function tls(path) return ("https://web.test:%d%s"):format(secure.port, path or "/") end
  local function at(scheme, server, who)
    return ("%s://%s127.0.0.1:%d"):format(scheme, who and who .. "@" or "", server.port)
  end
  local HERE = { ["web.test"] = "127.0.0.1" }

  describe("of HTTP", function()
    it("gets the whole URL, finds the name, and is told its own credentials only", function()
      local proxy = use(servers.tinyproxy { user = "me", pass = "pw" })
      local url = ("http://127.0.0.1:%d/echo"):format(web.port)
      local res = assert(fetch(url, { proxy = at("http", proxy, "me:pw"), auth = { user = "a", pass = "b" } }))
      assert.equal(200, res.status)
      has(res.body, "Authorization: Basic YTpi")
      assert.falsy(res.body:find("Proxy-Authorization", 1, true))
      has(proxy:log(), "/echo")
    end)

    it("makes a tunnel for https, through which it sees nothing", function()
      local proxy = use(servers.way "tunnel")
      local res = assert(fetch(tls(), {
        proxy = at("http", proxy, "me:s3cr%3At%40pass"), tls = { ca = made.ca }, auth = { bearer = "tok" },
      }))
      assert.equal(("web.test:%d||Bearer tok"):format(secure.port), res.body)
      local seen = proxy:log()
      has(seen, ("CONNECT web.test:%d HTTP/1.1"):format(secure.port))
      has(seen, "Proxy-Authorization: Basic bWU6czNjcjp0QHBhc3M=") -- me:s3cr:t@pass
      assert.falsy(seen:find("tok", 1, true))
    end)

    it("may itself be spoken to by TLS, with a certificate that is checked", function()
      local c = made:issue("proxy.test")
      local proxy = use(servers.way("https-proxy", c))
      local function through(name, ca)
        return fetch(tls(), {
          proxy = ("https://%s:%d"):format(name, proxy.port), tls = { ca = ca },
          resolve = { ["proxy.test"] = "127.0.0.1", ["other.test"] = "127.0.0.1" },
        })
      end
      assert.equal(200, assert(through("proxy.test", made.ca)).status)
      local _, err = through("other.test", made.ca)
      assert.equal("proxy", err.kind)
      has(err, "the certificate is for another name (wanted other.test)")
      _, err = through("proxy.test", nil)
      assert.equal("proxy", err.kind)
      has(err, "TLS with the proxy https://proxy.test:" .. proxy.port)
    end)

    it("keeps its connections to those who say the same", function()
      local proxy = use(servers.way "tunnel")
      local function via(who)
        return assert(fetch(tls(), { proxy = at("http", proxy, who), tls = { ca = made.ca } }))
      end
      via "a:1"
      via "a:1"
      via "b:1"
      via "a:2"
      local _, connects = proxy:log():gsub("CONNECT ", "")
      assert.equal(3, connects)
    end)
  end)

  describe("of SOCKS", function()
    it("5 finds the name with socks5h; with socks5 we do", function()
      local proxy = use(servers.socks5())
      local here = ("http://localhost:%d/ok"):format(web.port)
      local trust = { ca = made.ca }
      assert.equal(200, assert(fetch(here, { proxy = at("socks5h", proxy) })).status)
      assert.equal(200, assert(fetch(plain(), { proxy = at("socks5", proxy), resolve = HERE })).status)
      assert.equal(200, assert(fetch(tls(), { proxy = at("socks5", proxy), resolve = HERE, tls = trust })).status)
      local _, err = fetch("http://nowhere.invalid/", { proxy = at("socks5", proxy) })
      assert.equal("dns", err.kind)
      _, err = fetch("http://nowhere.invalid/", { proxy = at("socks5h", proxy) })
      assert.equal("proxy", err.kind)
      has(err, "the proxy " .. at("socks5h", proxy))
      has(err, "(for nowhere.invalid:80)")
    end)

    it("5 takes a user and a password", function()
      local proxy = use(servers.socks5 { user = "me", pass = SECRET })
      local url = ("http://127.0.0.1:%d/ok"):format(web.port)
      assert.equal(200, assert(fetch(url, { proxy = at("socks5", proxy, "me:s3cr%3At%40pass") })).status)
      for _, who in ipairs { "me:wr0ng", "" } do
        local _, err = fetch(url, { proxy = at("socks5", proxy, who ~= "" and who or nil) })
        assert.equal("proxy", err.kind)
        assert.is_false(err.retryable)
        assert.falsy(tostring(err):find("wr0ng", 1, true))
      end
    end)

    it("4 gets an address, 4a the name", function()
      local proxy = use(servers.way "socks4")
      assert.equal(200, assert(fetch(plain(), { proxy = at("socks4", proxy, "joe"), resolve = HERE })).status)
      assert.equal(200, assert(fetch(plain(), { proxy = at("socks4a", proxy, "jim") })).status)
      local seen = proxy:log()
      has(seen, ("127.0.0.1:%d for joe"):format(web.port))
      has(seen, ("web.test:%d for jim"):format(web.port))
      local _, err = fetch(plain(), { proxy = at("socks4a", proxy, "nobody") })
      assert.equal("proxy", err.kind)
    end)

    it("4 cannot be told an IPv6 address", function()
      local proxy = use(servers.way "socks4")
      local _, err = fetch("http://[::1]:80/", { proxy = at("socks4", proxy) })
      assert.equal("proxy", err.kind)
      has(err, "cannot be told an IPv6 address")
      _, err = fetch(plain(), { proxy = at("socks4", proxy), resolve = { ["web.test"] = "::1" } })
      assert.equal("proxy", err.kind)
    end)
  end)

  describe("that fails is named, without its credentials:", function()
    local function fails(scene, url, want, opts)
      local proxy = use(servers.way(scene))
      opts = opts or {}
      opts.proxy = at("http", proxy, "me:s3cr%3At%40pass")
      opts.tls = { ca = made.ca }
      local res, err = fetch(url, opts)
      assert.is_nil(res)
      has(err, "the proxy http://127.0.0.1:" .. proxy.port)
      has(err, want)
      for _, secret in ipairs { "s3cr", "me:", "t@pass", "bWU6" } do
        assert.falsy((lf.json.encode(err) .. tostring(err)):find(secret, 1, true))
      end
      return err
    end

    local function kind(want, retryable, err)
      assert.equal(want, err.kind)
      assert.equal(retryable, err.retryable)
    end

    it("it refuses the connection", function()
      local gone = servers.way "mute"
      gone.stop()
      local _, err = fetch(plain(), { proxy = at("http", gone, "me:pw") })
      kind("proxy", true, err)
      has(err, ("cannot connect to the proxy http://127.0.0.1:%d: Connection refused"):format(gone.port))
    end)
    it("its name is unknown", function()
      local _, err = fetch(plain(), { proxy = "http://me:pw@proxy.invalid:3128" })
      kind("proxy", true, err)
      has(err, "cannot resolve the proxy proxy.invalid")
    end)
    for what, url in pairs { CONNECT = tls, ["a request"] = plain } do
      it("407 to " .. what, function()
        kind("proxy", false, fails("407", url(), "refuses the user and password (407)"))
      end)
    end
    it("502 to CONNECT", function()
      kind("proxy", true, fails("502", tls(), ("answered 502 to CONNECT web.test:%d"):format(secure.port)))
    end)
    it("403 to CONNECT", function() kind("proxy", false, fails("403", tls(), "answered 403 to CONNECT")) end)
    it("it closes at once", function()
      kind("proxy", true, fails("close", tls(), "the connection before the request was sent"))
    end)
    it("it is no proxy", function() kind("proxy", true, fails("garbage", tls(), "closed the connection")) end)
    it("it closes the tunnel before TLS", function()
      kind("proxy", true, fails("tunnel-closed", tls(), "closed the tunnel in the TLS handshake"))
    end)
    it("it dies in the tunnel, in the middle of a body", function()
      kind("truncated", true, fails("tunnel-short", tls "/big", "(through the proxy"))
    end)
    it("it never answers", function()
      local err = fails("mute", tls(), "through the proxy", { timeout = { connect = 0.3 } })
      kind("timeout", true, err)
    end)
  end)

  describe("option", function()
    it("may be a function of the URL, which may fetch itself", function()
      local proxy = use(servers.way "tunnel")
      local asked = {}
      local s <close> = lf.session {
        tls = { ca = made.ca }, resolve = HERE,
        proxy = function(url)
          asked[#asked + 1] = url
          if url:find("direct", 1, true) then return false end
          return at("http", proxy)
        end,
      }
      assert.equal(200, assert(s:get(tls "/a")).status)
      assert.equal(200, assert(s:get(tls "/direct")).status)
      assert.equal(200, assert(s:get(tls "/b", { proxy = function() return nil end })).status)
      assert.equal(200, assert(fetch(tls "/c", { session = s })).status)
      assert.same({ tls "/a", tls "/direct", tls "/c" }, asked)
      local _, connects = proxy:log():gsub("CONNECT ", "")
      assert.equal(1, connects) -- kept for /c
    end)

    it("as a function may raise, and must return something usable", function()
      local function why(fn)
        local ok, err = pcall(fetch, plain(), { proxy = fn })
        assert.is_false(ok)
        return err
      end
      has(why(function() error "no idea" end), "no idea")
      has(why(function() return 7 end), "must return a URL, false or nil, got number")
      has(why(function() return "gopher://x:y@z" end), "its scheme must be http")
      assert.falsy(why(function() return "gopher://x:yyy@z" end):find("yyy", 1, true))
    end)

    it("must be a proxy's URL", function()
      for text, want in pairs {
        ["ftp://p:1"] = "its scheme must be", ["http://p:0"] = "its port", ["http://a b:1"] = "host",
        [""] = "host", ["http://a%0d:b@p"] = "control character",
      } do
        local ok, err = pcall(fetch, plain(), { proxy = text })
        assert.is_false(ok)
        has(err, want)
      end
    end)

    it("excludes a guard and a unix socket", function()
      for name, value in pairs { guard = "public", unix_socket = "/tmp/x" } do
        local _, err = fetch(plain(), { proxy = "http://127.0.0.1:1", [name] = value })
        assert.equal("request", err.kind)
      end
    end)
  end)

  describe("of the environment", function()
    local CODE = "local r, e = fetch(arg[1], {timeout = 5}) print(r and r.status or e.kind .. ' ' .. tostring(e))"
    local NONE = {}
    for name in ("http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY"):gmatch "%S+" do
      NONE[name] = ""
    end

    local function run(env, url, ...)
      local words = table.pack(...)
      for name, value in pairs(NONE) do env[name] = env[name] or value end
      table.move({ "-e", CODE, url }, 1, 3, #words + 1, words)
      local r = command(words, { env = env })
      return r.out .. r.err
    end

    it("is used as curl does", function()
      local dead = "http://me:s3cret@127.0.0.1:1"
      local url = ("http://127.0.0.1:%d/ok"):format(web.port)
      has(run({ http_proxy = dead }, url), "proxy ")
      assert.falsy(run({ http_proxy = dead }, url):find("s3cret", 1, true))
      has(run({ HTTP_PROXY = dead }, url), "200") -- a CGI's client could set it
      has(run({ all_proxy = dead }, url), "proxy ")
      has(run({ ALL_PROXY = dead }, url), "proxy ")
      has(run({ https_proxy = dead }, url), "200")
      has(run({ HTTPS_PROXY = dead }, "https://127.0.0.1:1/"), "proxy ")
      for _, list in ipairs { "*", "127.0.0.1", "x,127.0.0.0/8", "x y 127.0.0.1" } do
        has(run({ http_proxy = dead, no_proxy = list }, url), "200")
      end
      has(run({ http_proxy = dead, NO_PROXY = "10.0.0.0/8" }, url), "proxy ")
      has(run({ http_proxy = dead }, url, "--proxy", "none"), "200")
      has(run({ http_proxy = dead }, url, "--guard", "public"), "blocked ")
      has(run({}, url, "--proxy", dead), "proxy ")
      has(run({ http_proxy = "nonsense://x:s3cret@y" }, url), "the environment variable http_proxy is no proxy URL")
    end)
  end)
end)
