-- HTTP/2 by negotiation over TLS, against nginx.
local lf = require "luafetch"
local certs = require "tests.support.certs"
local servers = require "tests.support.servers"

describe("HTTP/2", function()
  local made, web

  local function server(extra)
    local c = made:issue("h2.test")
    return servers.nginx {
      servers = ([[
        server {
          listen 127.0.0.1:@PORT@ ssl http2;
          ssl_certificate %s; ssl_certificate_key %s;
          %s
          location / { return 200 "$connection $server_protocol"; }
          location /moved { return 302 /there; }
          location /big { alias /usr/bin/openssl; }
        }
      ]]):format(c.cert, c.key, extra or ""),
    }
  end

  local function session(opts)
    opts = opts or {}
    opts.tls, opts.resolve = { ca = made.ca }, { ["h2.test"] = "127.0.0.1" }
    return lf.session(opts)
  end

  local function url(where, path) return ("https://h2.test:%d%s"):format(where.port, path or "/") end

  setup(function()
    made = certs.new()
    web = server()
  end)
  teardown(function()
    web.stop()
    made:remove()
  end)

  it("carries a hundred requests at once over one connection", function()
    local s <close> = session { per_host = 100 }
    local urls = {}
    for i = 1, 100 do urls[i] = url(web, "/?" .. i) end
    local connections, n = {}, 0
    local results, failed = s:gather(urls, { limit = 100, per_host = 100 })
    assert.equal(0, failed)
    for _, r in ipairs(results) do
      assert.equal("2", r.http_version)
      local id, protocol = r.body:match "^(%d+) (.*)$"
      assert.equal("HTTP/2.0", protocol)
      if not connections[id] then n = n + 1 end
      connections[id] = true
    end
    assert.equal(1, n)
  end)

  it("is not spoken when 1.1 is asked for, though such a connection stands", function()
    local s <close> = session()
    local two = assert(s:get(url(web)))
    local one = assert(s:get(url(web), { http_version = "1.1" }))
    local again = assert(s:get(url(web), { http_version = "2" }))
    assert.equal("2", two.http_version)
    assert.equal("1.1", one.http_version)
    assert.truthy(one.body:find("HTTP/1.1", 1, true))
    assert.equal("2", again.http_version)
    assert.equal(two.body, again.body) -- the same connection
  end)

  it("follows redirects on the same connection", function()
    local s <close> = session()
    local before = assert(s:get(url(web)))
    local res = assert(s:get(url(web, "/moved")))
    assert.equal(1, #res.history)
    assert.equal(before.body, res.body)
  end)

  it("ends connections with GOAWAY, and no request is lost", function()
    local short = server "keepalive_requests 10;"
    local s <close> = session { per_host = 20 }
    local urls = {}
    for i = 1, 200 do urls[i] = url(short, "/?" .. i) end
    local connections, n = {}, 0
    local results, failed = s:gather(urls, { limit = 20, per_host = 20 })
    for _, r in ipairs(results) do
      assert.is_true(r.ok, tostring(r.error))
      local id = r.body:match "^%d+"
      if not connections[id] then n = n + 1 end
      connections[id] = true
    end
    short.stop()
    assert.equal(0, failed)
    assert.truthy(n >= 10, "connections: " .. n)
  end)

  describe("refused by the server", function()
    local refusing

    local function try(scene, n, opts)
      refusing = servers.h2(scene, made:issue("h2.test"))
      local s <close> = session()
      local last, err
      for _ = 1, n do last, err = s:fetch(url(refusing), opts) end
      local log = refusing:log():gsub("%s+", " ")
      refusing.stop()
      return last, err, log
    end

    it("is sent again where it certainly was not worked on (REFUSED_STREAM)", function()
      local res, err, log = try("refuse", 1)
      assert.equal("ok", res and res.body, tostring(err))
      assert.equal("GET GET ", log)
    end)

    -- libcurl counts what it repeats over the life of a handle, and gives up at the sixth time.
    it("is sent again by a handle that has repeated often", function()
      local fault = servers.fault()
      for _ = 1, 24 do assert.equal(200, lf.fetch(fault.url .. "/stale").status) end
      fault:stop()
      for _ = 1, 6 do
        local res, err = try("refuse", 1)
        assert.equal("ok", res and res.body, tostring(err))
      end
    end)

    it("is sent again when a kept connection ends before it (GOAWAY), and is idempotent", function()
      for _, scene in ipairs { "goaway", "cut" } do
        local res, err, log = try(scene, 2)
        assert.equal("ok", res and res.body, scene .. ": " .. tostring(err))
        assert.equal("GET GET GET ", log)
      end
    end)

    it("is never sent again silently when it is a POST that may have been worked on", function()
      local res, err, log = try("cut", 2, { method = "POST", body = "x" })
      assert.is_nil(res)
      assert.equal("closed", err.kind)
      assert.is_true(err.sent)
      assert.equal("POST POST ", log)
    end)
  end)

  it("waits for a free stream where the server allows few", function()
    local few = server "http2_max_concurrent_streams 4;"
    local s <close> = session { per_host = 50 }
    local urls = {}
    for i = 1, 50 do urls[i] = url(few, "/?" .. i) end
    local _, failed = s:gather(urls, { limit = 50, per_host = 50 })
    few.stop()
    assert.equal(0, failed)
  end)

  it("carries big bodies side by side, whole", function()
    local s <close> = session()
    local file = assert(io.open("/usr/bin/openssl", "rb"))
    local want = file:read "a"
    file:close()
    local urls = {}
    for i = 1, 8 do urls[i] = url(web, "/big") end
    for _, r in ipairs((s:gather(urls, { limit = 8 }))) do
      assert.is_true(r.body == want)
      assert.equal("2", r.http_version)
    end
  end)

  it("gives way to 1.1 where the server knows no better", function()
    local c = made:issue("h2.test")
    local old = servers.nginx {
      servers = ([[server { listen 127.0.0.1:@PORT@ ssl; ssl_certificate %s; ssl_certificate_key %s;
        location / { return 200 ok; } }]]):format(c.cert, c.key),
    }
    local s <close> = session()
    assert.equal("1.1", assert(s:get(url(old), { http_version = "2" })).http_version)
    old.stop()
  end)

  it("streams", function()
    local s <close> = session()
    s:get(url(web))
    local res <close> = assert(s:get(url(web, "/big"), { stream = true }))
    local n = 0
    for piece in res:chunks() do n = n + #piece end
    assert.truthy(n > 100000)
  end)
end)
