-- Rows 45 to 56: the machine and the process: descriptors, memory, disks, signals, jobs, scripts.
local json = require("luafetch").json
local lf = require "luafetch"
local card = require "card"
local servers = require "tests.support.servers"

local function lines(text)
  local n = 0
  for _ in text:gmatch "[^\n]+" do n = n + 1 end
  return n
end

-- Every line of an emitted file is a record of its own.
local function whole(text)
  if text ~= "" and text:sub(-1) ~= "\n" then return false end
  for line in text:gmatch "[^\n]+" do
    if json.decode(line) == nil then return false end
  end
  return true
end

-- A worker on a job: pages /ok?n=N, each with three links until `all` are known, and one item.
local WORKER = [=[
  local file, url, all, options = arg[1], arg[2], tonumber(arg[3]), arg[4] and lf.json.decode(arg[4]) or {}
  local job <close> = assert(lf.job.open(file, options))
  if job:counts().done == 0 then job:add(url .. "/ok?n=1") end
  local function work()
    while true do
      local pages, wait = assert(job:claim(2, { per_host = false }))
      if #pages == 0 and not wait then return end
      for _, page in ipairs(pages) do
        local res, err = fetch(page.url)
        if res and res.ok then
          local n, links = tonumber(page.url:match "%d+$"), {}
          for i = 0, 2 do if n * 3 - 1 + i <= all then links[#links + 1] = url .. "/ok?n=" .. n * 3 - 1 + i end end
          job:complete { page = page, links = links, items = { n } }
        else
          job:fail(page, err or res.error, { again = true })
        end
      end
      if #pages == 0 then lf.sleep(math.min(wait, 0.02)) end
    end
  end
  lf.each({ 1, 2, 3, 4 }, work)
  print(assert(job:counts()).done)
]=]

-- Before what fills a job.
local FILL = [=[
  local job <close> = assert(lf.job.open(arg[1]))
  local function urls(n, prefix)
    local list = {}
    for i = 1, n do list[i] = prefix .. i end
    return list
  end
]=]

-- What a job holds: items by number, how often the most frequent came, counts.
local LOOK = [=[
  local job <close> = assert(lf.job.open(arg[1], { readonly = true }))
  local seen, n, twice = {}, 0, 0
  for item in job:items() do
    local key = type(item) == "table" and item.item or item
    if seen[key] then twice = twice + 1 else n = n + 1 end
    seen[key] = true
  end
  print(lf.json.encode { items = n, twice = twice, counts = job:counts() })
]=]

local function job_holds(c, file, pages)
  local got = c:ask(LOOK, { file }, { beside = false })
  local counts = got.counts or {}
  c:must(got.items == pages and got.twice == 0,
    ("%s of %d pages, %s twice"):format(tostring(got.items), pages, tostring(got.twice)))
  c:must(counts.done == pages and counts.pending == 0 and counts.active == 0, "not all are done")
end

-- A shared library made of a C file of ours.
local function library(c, source)
  local name = c:path(source:match "([%w_]+)%.c$" .. ".so")
  local ok = os.execute(("cc -shared -fPIC -x c -o '%s' %s -ldl"):format(name, source))
  return c:must(ok, "cannot compile " .. source) and name
end

local rows = {}
local function row(n, name, run, class) rows[#rows + 1] = { n, name, run = run, class = class } end

row(45, "20 descriptors, 500 URLs", function(c)
  -- those that it inherits would be of the 20
  local few = 'for fd in {3..99}; do eval "exec $fd>&-"; done; ulimit -n 20; exec @'
  local got = c:ask([=[
    local urls, right, kinds = {}, 0, {}
    for i = 1, 500 do urls[i] = arg[1] .. "/bytes/" .. i end
    local results = gather(urls, { limit = 500, per_host = 500 })
    for i = 1, 500 do
      if results[i].ok and #results[i].body == i then right = right + 1
      elseif not results[i].ok then kinds[results[i].error.kind] = true end
    end
    print(lf.json.encode { right, next(kinds) or "none" })
  ]=], { c.servers.web.url }, { shell = few })
  c:must(got[1] == 500 or (got[2] == "resource"), ("%s of 500 came; %s"):format(tostring(got[1]), tostring(got[2])))
  c:must(got[1] == 500, "some gave up", 1)
  c:say(("%s of 500 URLs, they waited for one another"):format(got[1]))
end)

row(46, "memory that ends", function(c)
  local kinds = 0
  local out = c:path "out.jsonl"
  local script = "for i = 1, 20 do lf.emit(assert(fetch(arg[1] .. '/bytes/100000')).body:sub(1, 10)) end"
  local function check(r, what)
    c:must(r.code >= 0 and r.code <= 2 or r.code == 127, what .. " ended with " .. r.code .. " " .. r.err:sub(1, 200))
    c:must(r.code == 0 or r.err ~= "", what .. " said nothing", 1)
    c:must(whole(card.slurp(out)), what .. " left half a record")
    if r.code ~= 0 and r.code ~= 127 then
      c:say(r.err:match "[^\n]+")
      kinds = kinds + 1
    end
    os.remove(out)
  end
  for mb = 20, 110, 3 do
    check(c:script(script, { c.servers.web.url }, { beside = false, words = { "-o", out },
      shell = ("ulimit -v %d; exec @"):format(mb * 1024) }), mb .. " MiB")
  end
  local shim = library(c, "tests/support/nomem.c")
  for n = 1, 1000, tonumber(os.getenv "NOMEM_STEP") or 23 do
    check(c:script(script, { c.servers.web.url }, { beside = false, words = { "-o", out },
      env = { LD_PRELOAD = shim, NOMEM_AT = tostring(n) } }), "allocation " .. n)
  end
  c:must(kinds > 1, "memory never ended")
end)

row(47, "a full disk, a file that cannot be, a reader that goes", function(c)
  local function fails(r, name, code)
    c:must(r.code == (code or 1), ("%s: exit code %d"):format(name, r.code))
    c:must(r.err:find(name, 1, true), ("no %q in: %s"):format(name, r.err:sub(1, 200)), 1)
    c:say(r.err:match "[^\n]+")
  end
  local emit = "for i = 1, 20000 do lf.emit { i = i, text = ('x'):rep(20) } end"
  fails(c:script("lf.emit(1)", {}, { shell = "exec @ >/dev/full", beside = false }), "standard output")
  fails(c:script("lf.emit(1)", {}, { words = { "-o", "/nonexistent/x.jsonl" }, beside = false }),
    "/nonexistent/x.jsonl", 2)
  local r = c:script(emit, {}, { shell = "@ | head -n 1", beside = false })
  c:must(lines(r.out) == 1 and whole(r.out), "the reader did not get one line")
  local disk = c:path "disk"
  os.execute("mkdir -p " .. disk)
  if not os.execute(("unshare -rm sh -c 'mount -t tmpfs -o size=64k tmpfs %s' 2>/dev/null"):format(disk)) then
    c:skip "this system allows no small disk (unshare -rm, mount -t tmpfs)"
  end
  local on = ("unshare -rm sh -c 'mount -t tmpfs -o size=64k tmpfs %s && \"$@\"; code=$?;"
    .. " cp %s/out.jsonl %s 2>/dev/null; exit $code' sh @")
    :format(disk, disk, c:path "copy")
  r = c:script(emit, {}, { words = { "-o", disk .. "/out.jsonl" }, shell = on, beside = false })
  fails(r, "out.jsonl")
  c:must(r.err:find("No space left", 1, true), "it does not say why", 1)
  local copy = card.slurp(c:path "copy")
  c:must(whole(copy) and lines(copy) > 1000, "earlier records are not whole")
  r = c:script("print(select(2, fetch(arg[1] .. '/bytes/200000', { save = arg[2] })))", { c.servers.web.url, disk
    .. "/file" },
    { shell = on, beside = false })
  c:must(r.out:find("No space left", 1, true) and r.out:find("/file", 1, true), "save: " .. r.out, 1)
  r = c:script([=[
      local job, err = lf.job.open(arg[1])
      local urls = {}
      for i = 1, 3000 do urls[i] = "http://a.test/" .. i end
      if job then err = select(2, job:add(urls)) end
      print(err)
    ]=],
    { disk .. "/job.db" }, { shell = on, beside = false })
  c:must(r.out:find("job.db", 1, true), "job: " .. r.out .. r.err, 1)
end)

row(48, "signals with 200 in flight", function(c)
  local function try(signals, code, script, most)
    local job, out = c:path("job" .. #signals .. signals[1] .. ".db"), c:path "out.jsonl"
    c:ask(FILL .. "print(job:add(urls(200, arg[2] .. '/hang?')))",
      { job, c.servers.web.url }, { beside = false })
    local name = c:path "signals.lua"
    card.spit(name, "local lf = require 'luafetch'; " .. script)
    os.remove(out)
    local h = c:launch({ "-q", "--limit", "200", "--per-host", "200", "-o", out, name, job })
    for _ = 1, 300 do
      if card.slurp(out) ~= "" then break end
      lf.sleep(0.01)
    end
    for _, signal in ipairs(signals) do
      h.kill(signal)
      lf.sleep(0.1)
    end
    local r = h.wait()
    c:must(r.code == code, ("%s: exit code %d\n%s"):format(table.concat(signals, "+"), r.code, r.err:sub(1, 200)))
    c:must(r.took < (most or 3), ("it took %.1f s"):format(r.took))
    c:must(whole(card.slurp(out)) and lines(card.slurp(out)) >= 1, "records are not whole")
    local got = c:ask("local j <close> = assert(lf.job.open(arg[1])) print(lf.json.encode(j:counts()))", { job },
      { beside = false })
    -- the second signal leaves the leases to their end
    c:must(got.pending == 200 or #signals > 1, ("the frontier has %s pending"):format(tostring(got.pending)))
    c:must((got.pending or 0) + (got.active or 0) == 200, "pages are lost")
  end
  local crawl = [=[
    local job <close> = assert(lf.job.open(arg[1]))
    local pages = assert(job:claim(200, { per_host = false }))
    lf.spawn(function() lf.sleep(0.2) for i = 1, 50 do lf.emit { i = i } end end)
    lf.each(pages, function(page) fetch(page.url) end, { limit = 200 })
  ]=]
  try({ "INT" }, 130, crawl)
  try({ "TERM" }, 143, crawl)
  try({ "INT", "INT" }, 130,
    "local x <close> = setmetatable({}, {__close = function() io.popen('sleep 9'):read() end })" .. crawl)
  c:say "130 or 143; records whole, every page still in the job"
end)

row(49, "kill -9 at 20 points, and on again", function(c)
  local file, pages = c:path "crawl.db", 600
  local name = c:path "worker.lua"
  card.spit(name, "local lf = require 'luafetch' " .. WORKER)
  local options = json.encode { lease = 0.2, deliveries = 100 }
  for i = 1, 20 do
    local h = c:launch { "-q", "--per-host", "50", name, file, c.servers.web.url, tostring(pages), options }
    lf.sleep(0.03 + math.random() * 0.06)
    h.kill "KILL"
    h.wait()
    local wal = card.slurp(file .. "-wal")
    if i % 5 == 0 and #wal > 5000 then card.spit(file .. "-wal", wal:sub(1, #wal - 3000)) end -- as when power fails
  end
  local r = c:command({ "-q", "--per-host", "50", name, file, c.servers.web.url, tostring(pages), options })
  c:must(r.code == 0 and r.out == pages .. "\n", "the last run: " .. r.out .. r.err:sub(1, 200))
  job_holds(c, file, pages)
  c:say(("%d pages, each item once, after 20 kills"):format(pages))
end, "silent")

row(50, "state that is damaged, half, newer or locked", function(c)
  local file = c:path "crawl.db"
  c:ask(FILL .. "print(job:add(urls(2000, 'http://a.test/')))",
    { file }, { beside = false })
  local sound = card.slurp(file)
  local function refused(name, bytes, says)
    local path = c:path(name .. ".db")
    card.spit(path, bytes)
    local r = c:ask([=[
      local job, err = lf.job.open(arg[1])
      if job then job, err = job:claim(2000, { per_host = false }) end
      print(lf.json.encode { err and err.kind or "ok", tostring(err) })
    ]=], { path }, { beside = false })
    c:must(r[1] == "state" or r[1] == "io", ("%s: %s"):format(name, tostring(r[1])))
    c:must(tostring(r[2]):find(name .. ".db", 1, true) and (not says or r[2]:find(says, 1, true)),
      ("%s: %s"):format(name, tostring(r[2])), 1)
    c:must(card.slurp(path) == bytes or #card.slurp(path) >= #bytes, name .. " was overwritten")
    c:say(r[2])
  end
  refused("half", sound:sub(1, #sound // 2))
  refused("overwritten", sound:sub(1, 4096) .. ("\xAA"):rep(#sound - 4096))
  refused("text", ("this is no job\n"):rep(500))
  refused("newer", sound:sub(1, 60) .. string.pack(">I4", 9999) .. sound:sub(65), "version")
  local hold = c:start(([=[exec python3 -c "import sqlite3,time
c = sqlite3.connect('%s', isolation_level=None)
c.execute('begin immediate')
print('held', flush=True)
time.sleep(3)"]=]):format(file))
  for _ = 1, 200 do
    if hold.out():find "held" then break end
    lf.sleep(0.01)
  end
  local r = c:ask([=[
      local job, err = lf.job.open(arg[1], { wait = 0.1 })
      if job then err = select(2, job:add "http://b.test/") end
      print(lf.json.encode { err and err.kind, tostring(err) })
    ]=],
    { file }, { beside = false })
  hold.kill "KILL"
  hold.wait()
  c:must(r[1] == "state" and tostring(r[2]):find("locked", 1, true), "locked: " .. tostring(r[2]))
  local jar = c:path "cookies.txt"
  card.spit(jar, "# Netscape HTTP Cookie File\na.test\tFALSE\t/\tFALSE\t0\tk\tv\nthis is no cookie\n")
  r = c:ask("local j = lf.cookies() local n, e = j:load(arg[1]) print(lf.json.encode { tostring(e), #j:list() })",
    { jar }, { beside = false })
  c:must(tostring(r[1]):find("cookies.txt", 1, true) or r[2] == 1, "cookie file: " .. tostring(r[1]))
end)

row(51, "Redis that is down, dies, is read-only or full", function(c)
  if not os.execute "command -v redis-server >/dev/null" then c:skip "there is no redis-server" end
  local function ask(url, script)
    return c:ask("local job, err = lf.job.open(arg[1]) " .. (script or "")
      .. " print(lf.json.encode { err and err.kind or 'ok', tostring(err) })", { url }, { beside = false })
  end
  local function is(name, r, kind, says)
    c:must(r[1] == kind, ("%s: %s"):format(name, tostring(r[1])))
    c:must(tostring(r[2]):find(says), ("%s: %s"):format(name, tostring(r[2])), 1)
    c:say(r[2])
  end
  is("down", ask "redis://127.0.0.1:1/books", "io", "Connection refused")

  local server = servers.redis()
  local url = server.url .. "/books"
  local function cli(...)
    os.execute(("redis-cli -p %d %s >/dev/null"):format(server.port, table.concat({ ... }, " ")))
  end
  local ADD = "if job then _, err = job:add 'http://a.test/' end"
  is("sound", ask(url, ADD), "ok", "nil")
  cli("replicaof 127.0.0.1 1")
  is("read-only", ask(url, ADD), "io", "read%-only")
  cli("replicaof no one")
  cli("config set maxmemory 1")
  is("full", ask(url, ADD), "io", "memory is full")
  cli("config set maxmemory 0")
  local script = c:path "redis.lua"
  card.spit(script, "local lf = require 'luafetch' " .. WORKER)
  local h = c:launch { "-q", "--per-host", "50", script, url, c.servers.web.url, "100000", json.encode { wait = 1 } }
  local job = assert(lf.job.open(url))
  for _ = 1, 300 do
    if job:counts().done > 20 then break end
    lf.sleep(0.01)
  end
  job:close()
  server.stop()
  local r = h.wait()
  c:must(r.code ~= 0 and r.err:find("cannot reach", 1, true), ("its death is not told: %d %s"):format(r.code, r.err))
end)

row(52, "workers that die with pages, or hold the same", function(c)
  local file, pages = c:path "crawl.db", 200
  local name = c:path "worker.lua"
  card.spit(name, "local lf = require 'luafetch' " .. WORKER)
  local options = json.encode { lease = 0.3, deliveries = 50 }
  local words = { "-q", "--per-host", "50", name, file, c.servers.web.url, tostring(pages), options }
  local first = c:launch(words)
  lf.sleep(0.1)
  first.kill "STOP"
  local second = c:launch(words)
  local r = second.wait()
  c:must(r.code == 0 and r.out == pages .. "\n", "the second worker: " .. r.out .. r.err:sub(1, 200))
  first.kill "CONT"
  first.wait()
  job_holds(c, file, pages)
  local got = c:ask([=[
    local job <close> = assert(lf.job.open(nil, { lease = 0.02, deliveries = 3 }))
    job:add "http://poison.test/"
    local tries = 0
    for _ = 1, 100 do
      local pages, wait = job:claim(1)
      tries = tries + #pages
      if #pages == 0 and not wait then break end
      lf.sleep(0.03)
    end
    print(lf.json.encode { tries, job:counts().failed })
  ]=])
  c:must(got[1] == 3 and got[2] == 1, "the poisoned page: " .. json.encode(got))
  c:say "taken over after the lease, each item once; a page that kills is given up"
end)

row(53, "scripts that go wrong", function(c)
  local function try(code, want, says, opts)
    local r = c:script(code, {}, opts or { beside = false })
    c:must(r.code == want, ("%s: exit code %d %s"):format(code:sub(1, 60), r.code, r.err:sub(1, 200)))
    c:must(not says or r.err:find(says), ("no %q in: %s"):format(tostring(says), r.err:sub(1, 300)), 1)
    c:say(r.err:match "[^\n]+")
    return r
  end
  try("local t = nil\nreturn t.x", 1, "script%d+%.lua:2: attempt to index")
  try("error({})", 1, "%S")
  try("error()", 1)
  try("error(nil)", 1)
  try("local function f() return 1 + f() end f()", 1, "stack overflow")
  try("local co = coroutine.wrap(function() lf.sleep(0.01) end) co()", 0)
  try("table.sort({ 3, 2, 1 }, function(a, b) lf.sleep(0) return a < b end)", 1, "table.sort")
  try("('x'):gsub('x', function() fetch 'http://127.0.0.1:1/' end)", 1, "gsub")
  try("lf.spawn(function() error 'in a task' end) lf.sleep(5)", 1, "in a task.*spawned at")
  try("while true do end", 4, "max%-time", { beside = false, words = { "--max-time", "0.3" } })
  try("local s = ('a'):rep(1e6) while true do s:find(('.-'):rep(30) .. 'b') end", 4, "max%-time",
    { beside = false, words = { "--max-time", "0.3" } })
  try("local t = setmetatable({}, { __gc = function() error 'gc' end }) t = nil collectgarbage()", 0)
  try("string.rep('x', 1 << 40)", 1, "too large")
  local r = try([=[
      local n = 0
      local function count()
        n = n + 1
        return n <= 1000000 and n or nil
      end
      lf.each(count, function() end, { limit = 1000 })
      print(n)
    ]=],
    0, nil, { beside = true })
  c:must(r.out == "1000001\n", "a million tasks: " .. r.out)
  c:must(r.peak < 200, ("a million tasks took %.0f MiB"):format(r.peak))
end)

row(54, "HTTP/2 that goes away, refuses or floods", function(c)
  local s = c.servers
  local got = c:ask([=[
    local out = {}
    local plan = lf.json.decode(arg[1])
    lf.each({ "refuse", "goaway", "cut", "internal", "ping-flood", "settings-flood", "no-streams" }, function(scene)
      local session <close> = lf.session { tls = { ca = arg[2] }, resolve = { ["h2.test"] = "127.0.0.1" } }
      local list = {}
      for i = 1, 3 do
        local began = lf.now()
        local res, err = session:get("https://h2.test:" .. plan[scene] .. "/", { timeout = 1.5 })
        list[i] = { res and res.body or err.kind, lf.now() - began, tostring(res or err) }
      end
      out[scene] = list
    end)
    print(lf.json.encode(out))
  ]=], { json.encode(s.h2_ports), s.certs.ca })
  local function is(scene, ...)
    for i, want in ipairs { ... } do
      local r = got[scene] and got[scene][i] or { "nothing", 0 }
      local ok = false
      for word in want:gmatch "[^|]+" do ok = ok or r[1] == word end
      c:must(ok, ("%s, request %d: %s"):format(scene, i, tostring(r[3] or r[1])))
      c:must(r[2] < 3, ("%s took %.1f s"):format(scene, r[2]))
    end
  end
  is("refuse", "ok", "ok", "ok")
  is("goaway", "ok", "ok", "ok")
  is("cut", "ok", "ok|closed|protocol", "ok")
  is("internal", "protocol|closed", "protocol|closed", "protocol|closed")
  is("ping-flood", "ok|protocol|timeout|closed")
  is("settings-flood", "ok|protocol|timeout|closed")
  is("no-streams", "timeout|protocol|closed")
  c:say(got.internal and got.internal[1][3])
end)

row(55, "URLs of strangers that lead inside", function(c)
  local s = c.servers
  local code = [=[
    local port, out = arg[1], {}
    local function try(url)
      local res, err = fetch(url, { timeout = 2 })
      out[#out + 1] = { url, res and "open" or err.kind, tostring(res or err) }
    end
    for _, host in ipairs {
      "127.0.0.1", "0x7f.1", "2130706433", "017700000001", "127.1", "[::1]", "[::ffff:127.0.0.1]", "[::]", "0.0.0.0",
        "0",
      "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fe80::1]", "[fd00::1]",
        "[64:ff9b::7f00:1]",
      "[2002:7f00:1::]", "①②⑦.0.0.1", "127。0。0。1", "%31%32%37.0.0.1", "localhost", "LOCALHOST.", "x.test",
      "inside-169-254-169-254.test", "both.test",
    } do try("http://" .. host .. ":" .. port .. "/ok") end
    print(lf.json.encode(out))
  ]=]
  local got = c:ask(code, { tostring(s.web.port) }, { beside = false, words = { "--guard", "public", "--dns-servers",
    "127.0.0.1:" .. s.dns.port } })
  for _, r in ipairs(got) do
    -- our name server does not know the whole name "localhost."
    c:must(r[2] == "blocked" or (r[2] == "dns" and r[1]:find "LOCALHOST%."), ("%s: %s"):format(r[1], r[3]))
  end
  c:must(#got == 27, "not all were tried")
  c:say(got[1] and got[1][3])
  local setup = "ip link set lo up && ip addr add 1.2.3.4/32 dev lo"
  if not os.execute(("unshare -rn sh -c '%s' 2>/dev/null"):format(setup)) then
    c:skip "this system allows no network of one's own (unshare -rn, ip)"
  end
  -- a network in which loopback has a public address: redirects to the inside, and a name that changes
  got = c:ask([=[
    package.path = "./?.lua;" .. package.path
    local servers = require "tests.support.servers"
    local public, private, dns = servers.fault { bind = "1.2.3.4" }, servers.fault(), servers.dns()
    local out = {}
    local function guarded(url)
      local code = "local r, e = fetch(arg[1], { timeout = 3 }) print(r and r.status or e.kind)"
      local command = "%s -q --guard public --dns-servers 127.0.0.1:%d -e '%s' '%s'"
      return io.popen(command:format(arg[1], dns.port, code, url)):read "l"
    end
    local function to(url) return public.url .. "/redirect-to?url=" .. lf.url.encode(url) end
    out.public = guarded(public.url .. "/ok")
    out.redirect = guarded(to(private.url .. "/ok"))
    out.name = guarded(to(("http://x.test:%d/ok"):format(private.port)))
    -- the first answer of its name server is public, those later are not
    out.before = guarded(("http://rebind.test:%d/ok"):format(public.port))
    out.rebound = guarded(("http://rebind.test:%d/ok"):format(private.port))
    out.requests = fetch(private.url .. "/stats"):json().requests
    servers.stop_all()
    print(lf.json.encode(out))
  ]=], { card.program }, { beside = false, shell = ("exec unshare -rn sh -c '%s && exec \"$@\"' sh @"):format(setup) })
  c:must(got.public == "200" and got.before == "200", "a public address was refused: " .. json.encode(got))
  c:must(got.redirect == "blocked" and got.name == "blocked" and got.rebound == "blocked", "let in: "
    .. json.encode(got))
  c:must(got.requests == 1, "the inside was asked: " .. json.encode(got))
end)

row(56, "a clock that jumps; 10,000 failures", function(c)
  local clock = library(c, "tests/support/jump.c")
  local got = c:ask([=[
    local began = lf.now()
    local _, err = fetch(arg[1] .. "/hang", { timeout = 0.5 })
    local took = lf.now() - began
    lf.sleep(0.2)
    local slept = lf.now() - began - took
    local times = { os.time(), os.time(), os.time() }
    print(lf.json.encode { err.kind, took, slept, math.abs(times[2] - times[1]) > 3000 })
  ]=], { c.servers.web.url }, { env = { LD_PRELOAD = clock } })
  c:must(got[4], "the clock did not jump")
  c:must(got[1] == "timeout" and got[2] > 0.45 and got[2] < 1.5, "a limit of 0.5 s took " .. tostring(got[2]))
  c:must(got[3] and got[3] > 0.19 and got[3] < 1, "0.2 s of sleep were " .. tostring(got[3]))
  got = c:ask([=[
    local function held()
      collectgarbage()
      collectgarbage()
      local n = 0
      for _ in io.popen("ls /proc/self/fd"):lines() do n = n + 1 end
      return tonumber(io.open("/proc/self/status"):read("a"):match "VmRSS:%s*(%d+)"), n
    end
    local paths = { "/short", "/reset-body", "/cut-headers", "/garbage", "/bad-chunk", "/empty", "/gzip-crc",
      "/two-lengths",
      "/redirect-file", "/status/500" }
    local function fail(n)
      local failed = 0
      local function next_url()
        n = n - 1
        return n >= 0 and arg[1] .. paths[n % #paths + 1] or nil
      end
      for res in lf.as_completed(next_url, { limit = 50 }) do failed = failed + (res.ok and 0 or 1) end
      return failed
    end
    local first = fail(1000)
    local before, fds = held()
    local failed = fail(9000)
    local after, fds_after = held()
    print(lf.json.encode { first + failed, before, after, fds, fds_after })
  ]=], { c.servers.web.url })
  c:must(got[1] == 10000, tostring(got[1]) .. " of 10,000 failed")
  c:must(got[3] and got[3] < got[2] * 1.1 + 1024, ("memory grew from %s to %s KiB"):format(tostring(got[2]),
    tostring(got[3])))
  c:must(got[4] == got[5], ("descriptors: %s, then %s"):format(tostring(got[4]), tostring(got[5])))
  c:say(("10,000 failures: %d MiB before, %d after"):format((got[2] or 0) // 1024, (got[3] or 0) // 1024))
end)

return rows
