-- Servers for specs: each on its own free port of 127.0.0.1, ended with the test run even
-- when that crashes.
--
-- Every server runs under build/servers/spawn, which holds the other end of a pipe of
-- ours: when the pipe closes, by stop() or by our death, spawn stops the server's process
-- group, waits for it and removes its directory. What spawn has to say comes back through
-- a fifo, so nothing here polls or sleeps.
--
--   local servers = require "tests.support.servers"
--   local fault = servers.fault()                        -- fault.url, fault.port, fault.pid
--   local web = servers.nginx { root = "build/demo-site" }
--   fault:stop()  servers.stop_all()

local M = {}

local BUILD = os.getenv "LF_BUILD" or "build"
local running = {} -- set of servers not stopped yet

local Server = {}
Server.__index = Server

-- Ends the server and waits until it is gone. Raises, with the tail of its log, when it
-- had died before.
local function stop(server)
  if not running[server] then return end
  running[server] = nil
  server.pipe:close()
  local last_words = server.report:read "a"
  server.report:close()
  if last_words ~= "" then
    error(("%s ended unexpectedly: %s"):format(server.name, last_words), 0)
  end
end

local function quote(s)
  return "'" .. s:gsub("'", "'\\''") .. "'"
end

local function command_line(words)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = quote(word) end
  return table.concat(quoted, " ")
end

-- The first line that a command prints.
local function ask(command)
  local pipe = assert(io.popen(command, "r"))
  local line = pipe:read "l"
  local ok = pipe:close()
  return ok and line or nil
end

local function make_dir()
  local base = os.getenv "TMPDIR" or "/tmp"
  local dir = ask("mktemp -d " .. quote(base .. "/luafetch-test-XXXXXX"))
  return dir or error("cannot make a directory in " .. base, 0)
end

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

local function executable(name)
  local path = BUILD .. "/servers/" .. name
  local file = io.open(path)
  if not file then error(path .. " is missing: run `make servers`", 0) end
  file:close()
  return path
end

local function spawn_words(dir, spec)
  local words = { executable "spawn", "--dir", dir }
  if spec.announced then words[#words + 1] = "--announced" end
  if spec.fill then
    table.move({ "--fill", spec.fill }, 1, 2, #words + 1, words)
  end
  words[#words + 1] = "--"
  return table.move(spec, 1, #spec, #words + 1, words)
end

-- spec: the command's words; files = {name = text} to lay into its directory;
-- fill = name of the file with @PORT@ and @DIR@; announced = it prints "port N" itself.
local function start(name, spec)
  local dir = make_dir()
  for file, text in pairs(spec.files or {}) do write_file(dir .. "/" .. file, text) end
  local fifo = dir .. "/report"
  if not os.execute("mkfifo " .. quote(fifo)) then error("cannot make " .. fifo, 0) end
  local pipe = assert(io.popen("exec " .. command_line(spawn_words(dir, spec)) .. " > " .. quote(fifo), "w"))
  local report = assert(io.open(fifo, "r"))
  local line = report:read "l" or "spawn ended without a word"
  local pid, port = line:match "^ready (%d+) (%d+)$"
  if not pid then
    local log = report:read "a"
    report:close()
    pipe:close()
    error(("%s did not start: %s\n%s"):format(name, line, log), 0)
  end
  local server = setmetatable({
    name = name,
    pid = tonumber(pid),
    port = tonumber(port),
    url = "http://127.0.0.1:" .. port,
    dir = dir,
    pipe = pipe,
    report = report,
  }, Server)
  server.stop = function() stop(server) end -- server.stop() and server:stop() both work
  running[server] = true
  return server
end

-- What the server has written to its log so far.
function Server:log()
  local file = io.open(self.dir .. "/log")
  if not file then return "" end
  local text = file:read "a"
  file:close()
  return text
end

-- All are stopped, even when one of them had died; then the first such death is raised.
function M.stop_all()
  local first
  for server in pairs(running) do
    local ok, err = pcall(stop, server)
    if not ok then first = first or err end
  end
  if first then error(first, 0) end
end

-- The fault server: GET / lists what it can do. opts.bind: another address, "::1".
function M.fault(opts)
  local bind = opts and opts.bind or "127.0.0.1"
  local server = start("faultd", { executable "faultd", "--bind", bind, announced = true })
  if bind ~= "127.0.0.1" then
    local host = bind:find(":", 1, true) and "[" .. bind .. "]" or bind
    server.url = ("http://%s:%d"):format(host, server.port)
  end
  return server
end

-- A port where connecting never ends, neither accepted nor refused. opts.bind, opts.port: where.
function M.deaf(opts)
  local bind, port = opts and opts.bind or "127.0.0.1", opts and opts.port or 0
  return start("faultd --deaf", {
    executable "faultd", "--deaf", "--bind", bind, "--port", tostring(port), announced = true,
  })
end

-- A name server: see tests/servers/dns.py.
function M.dns()
  return start("dns.py", { "/usr/bin/python3", "tests/servers/dns.py", announced = true })
end

local NGINX = [[
daemon off;
master_process off;
worker_rlimit_nofile 20000;
pid @DIR@/nginx.pid;
error_log stderr warn;
events { worker_connections 16000; }
http {
  access_log %s;
  client_body_temp_path @DIR@/body;
  proxy_temp_path @DIR@/proxy;
  fastcgi_temp_path @DIR@/fastcgi;
  uwsgi_temp_path @DIR@/uwsgi;
  scgi_temp_path @DIR@/scgi;
  keepalive_requests 1000000000;
  types {
    text/html html htm; text/css css; text/plain txt; text/csv csv;
    application/json json; application/xml xml rss atom; application/javascript js;
    image/png png; image/jpeg jpg jpeg; image/svg+xml svg; application/gzip gz;
  }
  default_type application/octet-stream;
  charset utf-8;
  %s
  %s
}
]]

local NGINX_SERVER = [[
  server {
    listen 127.0.0.1:@PORT@ backlog=4096;
    root %s;
    %s
  }
]]

local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  return assert(ask "pwd") .. "/" .. path
end

-- Debian's nginx as one process. opts: root (directory, default the server's own empty
-- one), conf_extra (text inside server { }), http_extra (inside http { }), access_log
-- (true: server.dir .. "/access.log"), servers (text: server { } blocks of your own instead,
-- with "listen 127.0.0.1:@PORT@" in them).
function M.nginx(opts)
  opts = opts or {}
  local root = opts.root and '"' .. absolute(opts.root) .. '"' or "@DIR@"
  local log = opts.access_log and "@DIR@/access.log" or "off"
  local blocks = opts.servers or NGINX_SERVER:format(root, opts.conf_extra or "")
  local conf = NGINX:format(log, opts.http_extra or "", blocks)
  return start("nginx", {
    "nginx", "-e", "stderr", "-p", "@DIR@", "-c", "@DIR@/nginx.conf",
    files = { ["nginx.conf"] = conf },
    fill = "nginx.conf",
  })
end

-- python3-httpbin under gunicorn, with the system's Python.
function M.httpbin()
  return start("httpbin", {
    "/usr/bin/python3", "-m", "gunicorn", "--bind", "127.0.0.1:@PORT@", "--workers", "1",
    "--threads", "16", "--worker-class", "gthread", "--keep-alive", "30",
    "httpbin:app",
  })
end

-- A proxy or TLS server with one bad habit, or a plain one: see tests/servers/way.py. With
-- cert (of tests.support.certs) for those that speak TLS.
function M.way(scene, cert)
  return start("way.py " .. scene, {
    "/usr/bin/python3", "tests/servers/way.py", scene, cert and cert.cert, cert and cert.key,
    announced = true,
  })
end

-- An HTTP/2 server that refuses work: see tests/servers/h2.py.
function M.h2(scene, cert)
  return start("h2.py " .. scene, {
    "/usr/bin/python3", "tests/servers/h2.py", scene, cert.cert, cert.key, announced = true,
  })
end

-- Streams of events that break as the path says: see tests/servers/events.py.
function M.events()
  return start("events.py", { "/usr/bin/python3", "tests/servers/events.py", announced = true })
end

-- openssl s_server with one certificate and more of its options.
function M.tls(cert, ...)
  local server = start("openssl s_server", {
    "openssl", "s_server", "-accept", "127.0.0.1:@PORT@", "-cert", cert.cert, "-key", cert.key,
    "-www", "-quiet", ...,
  })
  server.url = "https://127.0.0.1:" .. server.port
  return server
end

local TINYPROXY = [[
Port @PORT@
Listen 127.0.0.1
Timeout 60
MaxClients 100
LogLevel Connect
DisableViaHeader Yes
%s
]]

-- Debian's tinyproxy. opts: user, pass.
function M.tinyproxy(opts)
  local auth = opts and opts.user and ("BasicAuth %s %s"):format(opts.user, opts.pass) or ""
  return start("tinyproxy", {
    "tinyproxy", "-d", "-c", "@DIR@/conf",
    files = { conf = TINYPROXY:format(auth) },
    fill = "conf",
  })
end

-- redis-server without data on disk; nil where there is none. Its words follow: "--appendonly", "yes".
function M.redis(...)
  if not os.execute "command -v redis-server >/dev/null" then return nil end
  local server = start("redis-server", {
    "redis-server", "--port", "@PORT@", "--bind", "127.0.0.1", "--save", "", "--dir", "@DIR@", ...,
  })
  server.url = "redis://127.0.0.1:" .. server.port
  return server
end

-- A Redis server that one cannot rely on: see tests/servers/redisd.py.
function M.redisd(scene, what)
  local server = start("redisd.py " .. scene, {
    "/usr/bin/python3", "tests/servers/redisd.py", scene, tostring(what), announced = true,
  })
  server.url = "redis://127.0.0.1:" .. server.port
  return server
end

-- microsocks, a SOCKS5 server. opts: user, pass.
function M.socks5(opts)
  local spec = { "microsocks", "-i", "127.0.0.1", "-p", "@PORT@" }
  if opts and opts.user then table.move({ "-u", opts.user, "-P", opts.pass }, 1, 4, #spec + 1, spec) end
  return start("microsocks", spec)
end

-- python3-websockets: see tests/servers/websocketd.py. With cert (of tests.support.certs)
-- it speaks TLS.
function M.websocket(cert)
  local server = start("websocketd.py", {
    "/usr/bin/python3", "tests/servers/websocketd.py", "@PORT@", cert and cert.cert, cert and cert.key,
  })
  server.url = (cert and "wss" or "ws") .. "://127.0.0.1:" .. server.port
  return server
end

return M
