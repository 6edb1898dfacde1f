-- README, "From one script to ten machines": its commands as they stand there, on machines that are
-- network namespaces: one with the Redis server and a web site, three that crawl it.
local command = require "tests.support.command"

local function succeeds(line)
  return os.execute("{ " .. line .. "; } >/dev/null 2>&1")
end

if not succeeds "command -v redis-server && command -v nginx && command -v ip"
  or not succeeds "unshare -rmn sh -c 'mount -t tmpfs none /run && mkdir /run/netns && ip netns add a'" then
  print "skip: no redis-server or nginx, or no network namespaces may be made"
  return
end

-- The block of commands: those that begin with the words.
local function readme(words)
  local text = io.open("README.md"):read "a"
  local block = text:match "### From one script to ten machines.-\n```\n(.-)```"
  local found
  for line in block:gmatch "[^\n]+" do
    if line:sub(1, #words) == words then
      assert(not found, "twice: " .. words)
      found = line
    end
  end
  return assert(found, "not in README: " .. words)
end

local SHOP = [[
local lf = require "luafetch"
local result = assert(lf.crawl {
  start = "http://10.0.0.1/0.html", job = arg[1], per_host = 2, rate = 60, max_pages = tonumber(arg[2]),
  page = function(page)
    page:follow(page:html():links())
    page:emit { url = page.url }
  end,
})
io.stderr:write(result.pages, "\n")
]]

local NGINX = [[
user root root;
daemon off;
master_process off;
pid @DIR@/nginx.pid;
error_log stderr;
events {}
http {
  access_log @DIR@/access.log;
  client_body_temp_path @DIR@/body;
  proxy_temp_path @DIR@/proxy;
  fastcgi_temp_path @DIR@/fastcgi;
  uwsgi_temp_path @DIR@/uwsgi;
  scgi_temp_path @DIR@/scgi;
  types { text/html html; }
  limit_conn_zone $server_name zone=all:1m;
  limit_conn_status 418;
  server {
    listen 10.0.0.1:80;
    root @DIR@;
    location / { limit_conn all 2; }
    location = /robots.txt { return 404; }
  }
}
]]

-- In name spaces that end with it, and so does everything that it has started.
local SCRIPT = [[
set -e
mount -t tmpfs none /run
mkdir -p /run/netns
ip netns add net
ip -n net link set lo up
ip -n net link add br0 type bridge
ip -n net addr add 10.0.0.1/24 dev br0
ip -n net link set br0 up
for i in 11 12 13; do
  ip netns add m$i
  ip link add v$i netns net type veth peer name eth0 netns m$i
  ip -n net link set v$i master br0 up
  ip -n m$i addr add 10.0.0.$i/24 dev eth0
  ip -n m$i link set eth0 up
done
cd @DIR@
on() { where=$1; shift; ip netns exec $where sh -c "$*"; }
on net 'nginx -e stderr -p @DIR@ -c @DIR@/nginx.conf' >nginx.out 2>&1 &
(mkdir redis && cd redis && on net '@REDIS@') >redis.out 2>&1 &
for try in $(seq 100); do
  if on m11 'luafetch job redis://:SECRET@10.0.0.1/none status' 2>&1 | grep -q "no such job" &&
    on m11 'luafetch -q -e "assert(fetch(arg[1]).ok)" http://10.0.0.1/ready.html'; then break; fi
  sleep 0.05
done
on m11 'luafetch -q shop.lua shop.db 40' >alone.out 2>alone.err
on m11 '@COPY@' >copy.out
for i in 11 12 13; do on m$i '@CRAWL@' >$i.out 2>$i.err & crawlers="$crawlers $!"; done
on net '@STATUS@' >status.out
wait $crawlers
on net '@ITEMS@'
]]

describe("from one script to ten machines", function()
  local dir
  before_each(function() dir = io.popen("mktemp -d"):read "l" end)
  after_each(function() os.execute("rm -r '" .. dir .. "'") end)

  local function write(name, text)
    local f = assert(io.open(dir .. "/" .. name, "w"))
    f:write(text)
    f:close()
  end

  local function read(name)
    local f = assert(io.open(dir .. "/" .. name))
    local text = f:read "a"
    f:close()
    return text
  end

  it("is what README says", function()
    write("ready.html", "")
    local PAGES = 240
    for n = 0, PAGES - 1 do
      local text = ""
      for i = 1, 3 do text = text .. ("<a href='%d.html'>x</a>"):format((n * 3 + i) % PAGES) end
      write(n .. ".html", text)
    end
    local binary = os.getenv "LUAFETCH" or "build/luafetch"
    os.execute(("ln -s \"$(realpath '%s')\" '%s/luafetch'"):format(binary, dir))
    local words = {
      DIR = dir, REDIS = readme "redis-server", COPY = readme "luafetch job copy", CRAWL = readme "luafetch shop.lua",
      STATUS = readme "luafetch job redis://:SECRET@10.0.0.1/shop status",
      ITEMS = readme "luafetch job redis://:SECRET@10.0.0.1/shop items",
    }
    write("shop.lua", SHOP)
    write("nginx.conf", (NGINX:gsub("@(%u+)@", words)))
    write("script", (SCRIPT:gsub("@(%u+)@", words)))
    local line = "PATH='%s':$PATH timeout 100 unshare -rmnpf --kill-child --mount-proc sh '%s/script' 2>&1"
    line = line:format(dir, dir)
    local pipe = io.popen(line)
    assert.equal("", pipe:read "a")
    assert.is_true(pipe:close())
    local alone = tonumber(read "alone.err":match "%d+")
    assert.is_true(alone >= 40 and alone < PAGES)
    assert.matches("^%d+ URLs and " .. alone .. " items copied\n$", read "copy.out")
    local sum = alone
    for i = 11, 13 do sum = sum + tonumber(read(i .. ".err"):match "%d+") end
    assert.equal(PAGES, sum)
    assert.matches((PAGES .. " done, 0 failed, 0 skipped, 0 at work, 0 pending, 1 hosts, %d items\n$"):format(PAGES),
      read "status.out")
    local seen, items = {}, command.lines(read "items.jsonl")
    assert.equal(PAGES, #items)
    for _, item in ipairs(items) do
      assert.is_nil(seen[item])
      seen[item] = true
    end
    local machines, requests = {}, 0
    for address, path, status in read "access.log":gmatch '(%S+) [^\n]-"GET (%S+)[^"]*" (%d+)' do
      if path:find "%d" then
        assert.equal("200", status) -- 418: more than two at once
        machines[address], requests = true, requests + 1
      end
    end
    assert.equal(PAGES, requests)
    assert.is_true(machines["10.0.0.11"] and machines["10.0.0.12"] and machines["10.0.0.13"])
  end)
end)
