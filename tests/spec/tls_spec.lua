-- TLS: every fault of a certificate or handshake by its name; client certificates, pins, the
-- least version; an end that nobody announced.
local lf = require "luafetch"
local certs = require "tests.support.certs"
local command = require "tests.support.command"
local servers = require "tests.support.servers"

local function has(text, part)
  return assert.truthy(tostring(text):find(part, 1, true), ("%q is not in %s"):format(part, tostring(text)))
end

describe("TLS", function()
  local made, web, running, issued, resolve

  local FAULTS = {
    { "fine.test", {}, nil },
    { "expired.test", { from = "20200101000000Z", to = "20200201000000Z" }, "the certificate has expired" },
    { "future.test", { from = "20490101000000Z", to = "20490201000000Z" }, "the certificate is not valid yet" },
    { "own.test", { own = true }, "the certificate is self-signed" },
    { "wrong.test", { names = "DNS:other.test" }, "the certificate is for another name (wanted wrong.test)" },
    { "nosan.test", { names = false, cn = "x.test" }, "the certificate is for another name (wanted nosan.test)" },
    { "rsa512.test", { key = "-newkey rsa:512 -nodes" }, "" },
    { "sha1.test", { md = "sha1" }, "signed with a weak hash" },
    { "client.test", { usage = "clientAuth" }, "not meant for servers" },
    { "rsa1024.test", { key = "-newkey rsa:1024 -nodes" }, "key is too small" },
    { "deep.sub.test", { names = "DNS:*.test" }, "another name (wanted deep.sub.test)" },
    { "one.star.test", { names = "DNS:*.star.test" }, nil },
    { "rsa4096.test", { key = "-newkey rsa:4096 -nodes" }, nil },
    { "ecc384.test", { key = "-newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes", md = "sha384" }, nil },
  }

  setup(function()
    made = certs.new()
    issued, resolve = {}, {}
    local blocks = {}
    for _, f in ipairs(FAULTS) do
      local name, opts = f[1], f[2]
      if name ~= "rsa512.test" then -- openssl itself makes none
        issued[name] = made:issue(name, opts)
      end
    end
    local middle = made:issue("middle", { ca = true, names = "DNS:middle" })
    issued["incomplete.test"] = made:issue("incomplete.test", { by = middle })
    for name, c in pairs(issued) do
      resolve[name] = "127.0.0.1"
      blocks[#blocks + 1] = ([[
        server {
          listen 127.0.0.1:@PORT@ ssl; server_name %s;
          ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers DEFAULT:@SECLEVEL=0;
          ssl_session_cache shared:tests:1m;
          ssl_certificate %s; ssl_certificate_key %s;
          ssl_client_certificate %s; ssl_verify_client optional;
          location / { return 200 "$ssl_client_verify $ssl_client_s_dn $ssl_protocol $ssl_session_reused"; }
          location /must { if ($ssl_client_verify != SUCCESS) { return 403; } return 200 ok; }
        }]]):format(name, c.cert, c.key, made.ca)
    end
    web = servers.nginx { servers = table.concat(blocks, "\n") }
  end)
  before_each(function() running = {} end)
  after_each(function()
    for _, server in ipairs(running) do server.stop() end
  end)
  teardown(function()
    web.stop()
    made:remove()
  end)

  local function use(server)
    running[#running + 1] = server
    return server
  end

  local function get(name, tls, path)
    tls = tls or {}
    if tls.ca == nil then tls.ca = made.ca end
    return fetch(("https://%s:%d%s"):format(name, web.port, path or "/"), { resolve = resolve, tls = tls })
  end

  -- The same certificate at another server.
  local function at(server, tls)
    tls = tls or {}
    tls.ca = made.ca
    return fetch(("https://fine.test:%d/"):format(server.port), { resolve = resolve, tls = tls })
  end

  local function fails(want, res, err)
    assert.is_nil(res)
    assert.equal("tls", err.kind)
    assert.equal("tls", err.phase)
    has(err, want)
    return err
  end

  for _, f in ipairs(FAULTS) do
    local name, _, want = table.unpack(f, 1, 3)
    if name ~= "rsa512.test" then
      it("with " .. name .. (want and " says: " .. want or " works"), function()
        if not want then
          assert.equal(200, assert(get(name)).status)
          return
        end
        local err = fails(want, get(name))
        assert.is_false(err.retryable)
        assert.is_false(err.sent)
        assert.equal(200, assert(get(name, { verify = false })).status)
      end)
    end
  end

  it("says that an issuer is unknown, or missing in the chain", function()
    fails("the certificate's issuer is unknown", get("incomplete.test"))
    local other = certs.new()
    fails("the certificate's issuer is unknown", get("fine.test", { ca = other.ca }))
    other:remove()
  end)

  it("trusts for one request only what that one trusts", function()
    for _ = 1, 2 do
      assert.equal(200, assert(get "fine.test").status)
      assert.equal(200, assert(get("own.test", { verify = false })).status)
      fails("issuer is unknown", get("fine.test", { ca = false }))
      fails("self-signed", get("own.test"))
    end
  end)

  describe("handshakes", function()
    local function handshake(want, ...)
      local server = use(servers.tls(issued["fine.test"], ...))
      return fails(want, at(server))
    end

    it("without a common version", function()
      local err = handshake("no TLS version that both sides accept", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
      assert.is_false(err.retryable)
    end)
    it("without a common cipher", function()
      handshake("no cipher or key exchange that both sides accept", "-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0")
    end)
    it("with a server that speaks plain HTTP", function()
      local plain = use(servers.nginx())
      local res, err = fetch("https://127.0.0.1:" .. plain.port .. "/ok")
      fails("the server does not speak TLS on this port", res, err)
      assert.is_false(err.retryable)
    end)
    for scene, want in pairs {
      ["tls-close"] = "closed the connection in the TLS handshake", ["tls-reset"] = "in the TLS handshake",
    } do
      it("that break off may be tried again: " .. scene, function()
        local server = use(servers.way(scene))
        assert.is_true(fails(want, fetch("https://127.0.0.1:" .. server.port .. "/")).retryable)
      end)
    end
  end)

  describe("client certificates", function()
    local function bad(want, tls)
      fails(want, get("fine.test", tls))
    end

    it("are shown when asked for, and not kept for others", function()
      local me = made:issue("me.test")
      for _ = 1, 2 do
        has(assert(get("fine.test", { cert = me.cert, key = me.key })).body, "SUCCESS CN=me.test")
        has(assert(get "fine.test").body, "NONE ")
        assert.equal(403, assert(get("fine.test", nil, "/must")).status)
      end
      made:run "cat me.test.pem me.test.key > both.pem"
      has(assert(get("fine.test", { cert = made.dir .. "/both.pem" })).body, "SUCCESS CN=me.test")
      local you = made:issue("you.test")
      has(assert(get("fine.test", { cert = you.cert, key = you.key })).body, "SUCCESS CN=you.test")
    end)

    it("must be readable, fit, and have no password", function()
      local me = made:issue("me2.test")
      local you = made:issue("you2.test")
      made:run "openssl pkey -in me2.test.key -aes128 -passout pass:geheim -out locked.key"
      bad("the client certificate cannot be read: /nowhere", { cert = "/nowhere", key = me.key })
      bad("the client certificate's key cannot be read: /nowhere", { cert = me.cert, key = "/nowhere" })
      bad("the client certificate's file holds none in PEM form", { cert = me.key, key = me.key })
      bad("the key does not belong to the client certificate", { cert = me.cert, key = you.key })
      bad("the file holds no private key in PEM form", { cert = me.cert, key = me.cert })
      bad("has a password, which is not supported", { cert = me.cert, key = made.dir .. "/locked.key" })
      local _, err = get("fine.test", { key = me.key })
      assert.equal("request", err.kind)
      has(err, "tls.key is of no use without tls.cert")
    end)

    it("that are missing are told, with TLS 1.2 and 1.3", function()
      for _, version in ipairs { "-tls1_2", "-tls1_3" } do
        local server = use(servers.tls(issued["fine.test"], version, "-Verify", "1", "-CAfile", made.ca))
        local res, err = at(server)
        assert.is_nil(res)
        assert.equal("tls", err.kind)
        if version == "-tls1_3" then has(err, "the server wants a client certificate (tls.cert)") end
      end
    end)
  end)

  describe("pins", function()
    it("let the right key pass and no other, verified or not", function()
      local right, wrong = made:pin(issued["fine.test"]), made:pin(issued["own.test"])
      assert.equal(200, assert(get("fine.test", { pin = right })).status)
      assert.equal(200, assert(get("fine.test", { pin = wrong .. ";" .. right })).status)
      assert.equal(200, assert(get("own.test", { pin = wrong, verify = false })).status)
      fails("the server's key is not one of those in tls.pin", get("fine.test", { pin = wrong }))
      fails("the server's key is not one of those in tls.pin", get("fine.test", { pin = wrong, verify = false }))
      assert.equal(200, assert(get("fine.test")).status)
    end)

    it("must look like one", function()
      for _, pin in ipairs { "", "sha256//short=", "sha1//" .. ("A"):rep(43) .. "=", ("A"):rep(44) } do
        local ok, err = pcall(get, "fine.test", { pin = pin })
        assert.is_false(ok)
        has(err, "44 characters of a SHA-256")
      end
    end)
  end)

  it("can be 1.3 at least", function()
    local old = use(servers.tls(issued["fine.test"], "-tls1_2"))
    assert.equal(200, assert(at(old, { min = "1.2" })).status)
    fails("no TLS version that both sides accept", at(old, { min = "1.3" }))
    has(assert(get("fine.test", { min = "1.3" })).body, "TLSv1.3")
    local ok, err = pcall(get, "fine.test", { min = "1.1" })
    assert.is_false(ok)
    has(err, [[option 'tls.min' must be "1.2" or "1.3", got '1.1']])
  end)

  describe("that ends without a goodbye", function()
    local function cut(scene)
      local server = use(servers.way(scene, issued["fine.test"]))
      return at(server)
    end
    for scene, kind in pairs {
      ["tls-cut"] = "truncated", ["tls-cut-length"] = "truncated", ["tls-cut-chunked"] = "truncated",
      ["tls-cut-head"] = "closed",
    } do
      it("is an error: " .. scene, function()
        local res, err = cut(scene)
        assert.is_nil(res)
        assert.equal(kind, err.kind)
        assert.is_true(err.retryable)
      end)
    end
    it("matters not when the body is whole", function()
      assert.equal("whol", assert(cut "tls-cut-whole").body)
      assert.equal("all of it", assert(cut "tls-end").body)
    end)
  end)

  it("resumes sessions, each class its own", function()
    local s <close> = lf.session { resolve = resolve, tls = { ca = made.ca } }
    local function reused()
      local url = ("https://fine.test:%d/"):format(web.port)
      return assert(s:get(url, { headers = { Connection = "close" } })).body:sub(-1)
    end
    reused()
    assert.equal("r", reused())
  end)

  -- In a run of its own, whose authority is ours: any option that sets connections apart
  -- would keep them in one lane. TLS 1.2, for with 1.3 few of those that begin at once are
  -- resumed (scripts/bench/NOTES.md).
  it("resumes sessions in whatever lane a connection is made", function()
    local c = made:issue("127.0.0.1", { names = "IP:127.0.0.1" })
    local server = use(servers.nginx { servers = ([[
      server {
        listen 127.0.0.1:@PORT@ ssl; ssl_protocols TLSv1.2; ssl_session_cache shared:lanes:1m;
        ssl_certificate %s; ssl_certificate_key %s; location / { return 200 "$ssl_session_reused"; }
      }]]):format(c.cert, c.key) })
    local got = command({ "--quiet", "--per-host", "150", "--limit", "150", "-e", [[
      local url, urls, resumed = ..., {}, 0
      local opts = { headers = { Connection = "close" }, http_version = "1.1" }
      assert(fetch(url, opts))
      for i = 1, 150 do urls[i] = url end -- a lane takes 64 at once
      for _, res in ipairs((gather(urls, opts))) do
        if res:raise().body == "r" then resumed = resumed + 1 end
      end
      print(resumed)
    ]], ("https://127.0.0.1:%d/"):format(server.port) }, { env = { CURL_CA_BUNDLE = made.ca } })
    assert.equal("150\n", got.out, got.err)
  end)
end)
