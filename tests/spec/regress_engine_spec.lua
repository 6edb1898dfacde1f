-- Faults that a review of the engine found. Each runs as a program of its own, since some of
-- them used to end the process.
local run = require "tests.support.command"
local servers = require "tests.support.servers"

local KEYS = [[
set -e
openssl req -x509 -newkey rsa:2048 -nodes -keyout %s/ca.key -out %s/ca.pem -days 30 \
  -subj /CN=test-ca
openssl req -newkey rsa:2048 -nodes -keyout %s/key.pem -out %s/csr.pem -subj /CN=localhost
printf 'subjectAltName=DNS:localhost\n' >%s/ext
openssl x509 -req -in %s/csr.pem -CA %s/ca.pem -CAkey %s/ca.key -CAcreateserial \
  -out %s/cert.pem -days 30 -extfile %s/ext
]]

local TLS = [[
listen 127.0.0.1:%d ssl http2;
ssl_certificate %s/cert.pem;
ssl_certificate_key %s/key.pem;
ssl_session_cache shared:S:1m;
location /once { keepalive_timeout 0; return 200 "ok"; }
location / { return 200 "ok"; }
]]

local function program(code, ...)
  local words = { "--quiet", "-e", "local B = ...\n" .. code, ... }
  return run(words, { under = { "timeout", "20" } })
end

describe("a request", function()
  local fault

  setup(function() fault = servers.fault() end)
  teardown(function() fault:stop() end)

  local function prints(want, code)
    local r = program(code, fault.url)
    assert.equal("", r.err)
    assert.equal(want, r.out)
    assert.equal(0, r.code)
  end

  it("that waits in the queue ends once when its deadline passes with those that run", function()
    prints("20\n", [[
      local list = {}
      for i = 1, 20 do list[i] = B .. "/hang?" .. i end
      local _, failed = gather(list, {deadline = 0.3})
      print(failed)
    ]])
  end)

  it("names the URL when a name is not known, after a redirect too", function()
    prints("http://nx.invalid/a\tdns\nhttp://nx.invalid/b\tdns\tfalse\n", [[
      local _, err = fetch "http://nx.invalid/a"
      print(err.url, err.phase)
      _, err = fetch(B .. "/redirect-to?url=http://nx.invalid/b")
      print(err.url, err.phase, err.sent)
    ]])
  end)

  it("with HEAD and a body is refused: it would wait for an answer's body", function()
    prints("a HEAD request has no body: " .. fault.url .. "/bytes/1000\n", [[
      print(select(2, fetch(B .. "/bytes/1000", {method = "HEAD", body = "x"})))
    ]])
  end)

  it("to a host whose name ends in a digit is resolved by us", function()
    prints("cannot resolve nx1: the name does not exist: http://nx1/\n", [[
      local _, err = fetch "http://nx1/"
      print(err)
    ]])
  end)

  it("can be cancelled while connections are being opened", function()
    local r = run({ "--quiet", "--limit", "200", "--per-host", "200", "-e", [[
      local lf, url, i = require "luafetch", ... .. "/delay/1", 0
      lf.each(function()
        i = i + 1
        return i < 40000 and i or nil
      end, function() lf.timeout(math.random() * 3e-3, fetch.get, url) end, {limit = 200})
      print "survived"
    ]], fault.url }, { under = { "timeout", "60" } })
    assert.equal("survived\n", r.out, r.err)
    assert.equal(0, r.code)
  end)

  it("keeps a password out of the error for a URL that is none", function()
    prints("nil\nnil\n", [[
      for _, url in ipairs {"http://user:pass/word@host.invalid/", "http://user:pass#word@host.invalid/"} do
        local _, err = fetch(url)
        print((tostring(err):match "word" or tostring(err):match "pass"))
      end
    ]])
  end)
end)

describe("what could not be written", function()
  it("fails the run, printed or emitted, also when os.exit ends it", function()
    for _, code in ipairs {
      "print(1)",
      "require 'luafetch'.emit {1} os.exit(0)",
      "print(1) os.exit(true)",
    } do
      assert.equal(1, run({ "-e", code }, { shell = "@ >/dev/full" }).code, code)
    end
  end)
end)

describe("over TLS", function()
  local dir, web, port

  setup(function()
    dir = io.popen("mktemp -d"):read "l"
    assert(os.execute("{ " .. KEYS:gsub("%%s", dir) .. " } 2>/dev/null"))
    port = 20000 + math.random(12000)
    web = servers.nginx { conf_extra = TLS:format(port, dir, dir) }
  end)
  teardown(function()
    web:stop()
    os.execute("rm -r " .. dir)
  end)

  it("200 requests share an HTTP/2 connection and all succeed", function()
    local r = program([[
      local list, opened = {}, require "luafetch.core".stats
      for i = 1, 200 do list[i] = B .. "?" .. i end
      local _, failed = gather(list, {tls = {ca = select(2, ...)}, limit = 200, per_host = 100})
      print(failed, opened().connections_opened)
    ]], ("https://localhost:%d/"):format(port), dir .. "/ca.pem")
    assert.equal("", r.err)
    assert.equal("0\t1\n", r.out)
  end)

  it("a session made with one CA does not vouch for the server to those who trust others", function()
    local r = program([[
      local own = {tls = {ca = select(2, ...)}, http_version = "1.1"}
      for _ = 1, 2 do assert(fetch(B, own)) end
      local res, err = fetch(B, {http_version = "1.1"})
      print(res, err and err.kind)
    ]], ("https://localhost:%d/once"):format(port), dir .. "/ca.pem")
    assert.equal("", r.err)
    assert.equal("nil\ttls\n", r.out)
  end)
end)
