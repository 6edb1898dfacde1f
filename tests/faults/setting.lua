-- What the card is run with: its servers, and its rows in order.
local certs = require "tests.support.certs"
local servers = require "tests.support.servers"
local card = require "card"

local M = {}

local function certificate_servers(made)
  local cert = {
    ["site.test"] = made:issue "site.test",
    ["expired.test"] = made:issue("expired.test", { from = "20200101000000Z", to = "20200201000000Z" }),
    ["future.test"] = made:issue("future.test", { from = "20450101000000Z", to = "20460101000000Z" }),
    ["own.test"] = made:issue("own.test", { own = true }),
    ["wrong.test"] = made:issue("wrong.test", { names = "DNS:other.test", cn = "other.test" }),
    ["no-san.test"] = made:issue("no-san.test", { names = false, cn = "else.test" }),
  }
  local stranger = certs.new()
  cert["unknown.test"] = stranger:issue "unknown.test"
  local blocks = {}
  for name, c in pairs(cert) do
    blocks[#blocks + 1] = ([[
      server {
        listen 127.0.0.1:@PORT@ ssl%s;
        server_name %s;
        ssl_certificate %s; ssl_certificate_key %s;
        location / { return 200 "ok"; }
        location /big { alias /usr/bin/openssl; }
      }]]):format(name == "site.test" and " default_server" or "", name, c.cert, c.key)
  end
  local server = servers.nginx { servers = table.concat(blocks) }
  stranger:remove()
  return server, cert["site.test"]
end

local ROBOTS = { missing = "return 404;", forbidden = "return 403;", down = "return 503;", closed = "return 444;",
  html = 'default_type text/html; return 200 "<html><body>hello</body></html>";' }

local function robots_server()
  local blocks, urls, n = {}, {}, 1
  local function add(name, location)
    n = n + 1
    blocks[#blocks + 1] = ([[
      server {
        listen 127.0.0.%d:@PORT@;
        location = /robots.txt { %s }
        location / { default_type text/html; return 200 "page"; }
      }]]):format(n, location)
    urls[name] = "http://127.0.0." .. n .. ":%d"
  end
  for name, location in pairs(ROBOTS) do add(name, location) end
  add("huge", "default_type text/plain; alias @DIR@/huge.txt;")
  blocks[#blocks + 1] = 'server { listen 127.0.0.1:@PORT@; location / { return 200 "ok"; } }'
  local server = servers.nginx { servers = table.concat(blocks) }
  -- what forbids stands before the 500 KB that must be read
  card.spit(server.dir .. "/huge.txt", "User-agent: *\nDisallow: /\n" .. ("# filler\n"):rep(1000000))
  for name, url in pairs(urls) do urls[name] = url:format(server.port) end
  server.urls = urls
  return server
end

local function start_all()
  local made = certs.new()
  local s = { certs = made, web = servers.fault(), other = servers.fault(), good = servers.fault(),
    deaf = servers.deaf(),
    dns = servers.dns(), robots = robots_server() }
  local site
  s.tls, site = certificate_servers(made)
  -- the port of one that answers on 127.0.0.1 and lets the SYNs to ::1 pass into nothing
  s.half = servers.fault()
  s.half_deaf = servers.deaf { bind = "::1", port = s.half.port }
  s.old = servers.tls(made:issue("old.test", { names = "DNS:site.test", key = "-newkey rsa:2048 -nodes" }), "-tls1",
    "-cipher",
    "DEFAULT:@SECLEVEL=0")
  s.ciphers = servers.tls(made:issue("ciphers.test", { names = "DNS:site.test", key = "-newkey rsa:2048 -nodes" }),
    "-tls1_2",
    "-cipher", "NULL-SHA256:@SECLEVEL=0")
  s.tls_close, s.tls_reset = servers.way "tls-close", servers.way "tls-reset"
  for _, scene in ipairs { "tls-cut", "tls-cut-length", "tls-cut-chunked", "tls-cut-head", "tls-end" } do
    s[scene] = servers.way(scene, site)
  end
  for _, scene in ipairs { "407", "502", "close", "garbage", "tunnel-closed", "tunnel-short" } do
    s["proxy-" .. scene] = servers.way(scene)
  end
  local h2 = made:issue "h2.test"
  s.h2_ports = {}
  for _, scene in ipairs { "refuse", "goaway", "cut", "internal", "ping-flood", "settings-flood", "no-streams" } do
    s.h2_ports[scene] = servers.h2(scene, h2).port
  end
  return s
end

function M.rows()
  local rows = {}
  for _, name in ipairs { "rows_wire", "rows_content", "rows_trust", "rows_run" } do
    for _, row in ipairs(require(name)) do rows[#rows + 1] = row end
  end
  table.sort(rows, function(a, b) return a[1] < b[1] end)
  return rows
end

-- Ended when the variable goes out of scope.
function M.servers()
  return setmetatable(start_all(), { __close = function(s)
    servers.stop_all()
    s.certs:remove()
  end })
end

return M
