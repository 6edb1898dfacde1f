-- The score card (make faults): what can go wrong in 56 rows, each run through the program itself
-- beside 20 good URLs; 2, 1 or 0 points. Rows given as arguments are run alone.
package.path = "./?.lua;tests/faults/?.lua;" .. package.path
local lf = require "luafetch"
local certs = require "tests.support.certs"
local servers = require "tests.support.servers"
local card = require "card"

local AT_ONCE = 4

-- ---- the servers ----

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

local function start_servers()
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

-- ---- the card ----

local function all_rows()
  local rows = {}
  for _, name in ipairs { "rows_wire", "rows_content", "rows_trust", "rows_run" } do
    for _, row in ipairs(require(name)) do rows[#rows + 1] = row end
  end
  table.sort(rows, function(a, b) return a[1] < b[1] end)
  return rows
end

-- The sentence without what differs from run to run.
local function plain(text)
  return (lf.text.cut((text or ""):gsub("\n.*", ""):gsub("127%.0%.0%.1:%d+",
    "127.0.0.1"):gsub("/tmp/luafetch%-card%-%w+/", ""), 110))
end

local function show(row, c)
  local points = c.points and tostring(c.points) or "-"
  print(("%3d  %s  %-58s %5.1f s %5.0f MiB"):format(row[1], points, row[2], c.took, c.peak))
  print("         " .. plain(c.skipped and "not run: " .. c.skipped or c.sentence))
  for i = 1, math.min(#c.notes, 5) do print("         ! " .. c.notes[i]) end
end

local function main(wanted)
  local s <close> = setmetatable(start_servers(), { __close = function(s)
    servers.stop_all()
    s.certs:remove()
  end })
  local rows = {}
  for _, row in ipairs(all_rows()) do
    if not next(wanted) or wanted[row[1]] then rows[#rows + 1] = row end
  end
  local results, shown = {}, 0
  lf.each(rows, function(row)
    results[row[1]] = card.run(row, s)
    while rows[shown + 1] and results[rows[shown + 1][1]] do -- in their order, as soon as may be
      shown = shown + 1
      show(rows[shown], results[rows[shown][1]])
      io.stdout:flush()
    end
  end, { limit = AT_ONCE })
  local points, passed, failed, bad = 0, 0, 0, { silent = 0, leak = 0 }
  for _, row in ipairs(rows) do
    local c = results[row[1]]
    if c.points then
      points = points + c.points
      if c.points == 2 then passed = passed + 1 else failed = failed + 1 end
      if row.class and c.points == 0 then bad[row.class] = bad[row.class] + 1 end
    end
  end
  print(("%d of %d points; %d rows not run"):format(points, 2 * #rows, #rows - passed - failed))
  print(("silent wrong data: %d   credential leaks: %d"):format(bad.silent, bad.leak))
  print(("%d passed, %d failed"):format(passed, failed))
  return failed == 0 and passed > 0
end

local wanted = {}
for _, word in ipairs(arg) do wanted[assert(tonumber(word), "rows are numbers")] = true end
if not main(wanted) then os.exit(1) end
