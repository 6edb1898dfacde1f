-- The servers' side of the benchmarks: bodies, certificates, and one nginx that serves every
-- workload that peers share.
local bench = require "scripts.bench.bench"
local json = require "luafetch.json"
local servers = require "tests.support.servers"

local M = { BODY = ("small body\n"):rep(93), BIG = 1 << 30 } -- 1,023 bytes; a gigabyte

M.SMALL = ([[
    location /small { default_type text/plain; return 200 "%s"; }
]]):format(M.BODY)

-- The header lines that luafetch sends by itself: the baseline gets the same.
function M.own_headers(fault)
  local lines = {}
  for line in assert(fetch(fault.url .. "/echo")).body:gmatch "[^\r\n]+" do
    if line:find "^[%w-]+: " and not line:find "^Host: " then lines[#lines + 1] = line end
  end
  return lines
end

function M.serve_small()
  return servers.nginx { conf_extra = M.SMALL }
end

-- A directory that goes when it is closed.
function M.make_dir()
  local dir = assert(io.popen "mktemp -d"):read "l"
  return setmetatable({ path = dir }, { __close = function() os.execute("rm -r '" .. dir .. "'") end })
end

-- A certificate for 127.0.0.2 and the n - 1 addresses behind it that an authority of our own
-- signed, in dir: cert.pem, key.pem, ca.pem, and many.pem, the system's bundle with it.
function M.make_certificates(dir, n)
  local names = {}
  for i = 1, n do names[i] = "IP:127.0.0." .. i + 1 end
  local key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
  bench.sh(([[cd %s
openssl req -x509 -days 2 %s -keyout ca.key -out ca.pem -subj '/CN=luafetch benchmark'
openssl req -new %s -keyout key.pem -out req.pem -subj '/CN=127.0.0.1'
echo 'subjectAltName=%s' >ext
openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem
cat /etc/ssl/certs/ca-certificates.crt ca.pem >many.pem]]):format(dir, key, key, table.concat(names, ",")))
end

-- The demo site as files: its directory.
function M.demo_site()
  local site = bench.build .. "/demo-site"
  if not io.open(site .. "/index.html") then
    bench.sh(("lua5.4 scripts/make-demo-site.lua examples/demo-site '%s'"):format(site))
  end
  return site
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

M.ITEMS = 121

-- 16 KB of JSON, as an API answers, and the same compressed.
local function write_items(dir)
  local items = {}
  for i = 1, M.ITEMS do
    items[i] = {
      id = 100000 + i, name = "Article number " .. i, price = i * 1.25, stock = i % 3 == 0,
      tags = { "tag-" .. i % 7, "kind-" .. i % 11, "shelf-" .. i % 13 }, note = "né à l'été",
    }
  end
  local text = json.encode { items = items }
  write(dir .. "/items.json", text)
  bench.sh(("gzip -9 -k '%s/items.json'"):format(dir))
  return #text
end

-- Addresses beside the plain one: what is TLS, HTTP/2, TLS with a handshake for every request.
local WAYS = [[
  server { listen 0.0.0.0:@PORT@ backlog=8192; %s }
  server { listen 127.0.0.2:@PORT@ ssl; %s }
  server { listen 127.0.0.3:@PORT@ ssl http2; http2_max_concurrent_streams 128; %s }
  server { listen 127.0.0.4:@PORT@ ssl; ssl_session_tickets off; ssl_session_cache off; keepalive_timeout 0; %s }
]]

-- nginx with all of it: .plain, .tls, .h2, .tls_new (origins), .port, .ca, .many, .items_bytes,
-- .page_bytes (of the ten pages, in order from the second).
function M.serve_all(dir)
  M.make_certificates(dir, 3)
  local site = M.demo_site()
  bench.sh(("cp -r '%s' '%s/site'; truncate -s %d '%s/site/big'"):format(site, dir, M.BIG, dir))
  local bytes = write_items(dir .. "/site")
  local inside = ([[
    ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem;
    root %s/site; gzip_static on; open_file_cache max=100; sendfile on;
  ]]):format(dir, dir, dir) .. M.SMALL
  local nginx = servers.nginx { servers = WAYS:format(inside, inside, inside, inside) }
  local function https(n) return ("https://127.0.0.%d:%d"):format(n, nginx.port) end
  local pages = {}
  for i = 1, 10 do
    local file = assert(io.open(("%s/page/%d/index.html"):format(site, i)))
    pages[i] = file:seek "end"
    file:close()
  end
  return {
    plain = ("http://127.0.0.1:%d"):format(nginx.port), tls = https(2), h2 = https(3), tls_new = https(4),
    port = nginx.port, ca = dir .. "/ca.pem", many = dir .. "/many.pem", items_bytes = bytes, page_bytes = pages,
  }
end

return M
