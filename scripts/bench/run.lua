-- run.lua [NAME…]: the benchmarks, all or those named; ends with 1 when a target is missed.
-- Each is a function that starts its servers, measures in rounds and adds rows; servers end
-- with it. `million` in full runs only when it is asked for by name.
package.path = "./?.lua;" .. package.path
local bench = require "scripts.bench.bench"
local origin = require "scripts.bench.origin"
local servers = require "tests.support.servers"
local goals = require "scripts.bench.goals"
local guard = require "scripts.bench.guard"
local results = require "scripts.bench.results"
local side = require "scripts.bench.side"

local BODY, own_headers, serve_small, sh = origin.BODY, origin.own_headers, origin.serve_small, bench.sh

local asked = {} -- set of names given

local cases = {}

-- CPU per request at 64 in flight, kept connections, in each form a script may take.
function cases.keepalive64()
  local n = 48000
  local nginx, fault = serve_small(), servers.fault()
  local headers = own_headers(fault)
  local url = nginx.url .. "/small"
  local function client(name)
    return function() return bench.check(bench.client(name, url, 64, n), n, n * #BODY) end
  end
  local rounds = bench.rounds(7, {
    baseline = function()
      return bench.check(bench.program("baseline", url, 64, n, table.unpack(headers)), n, n * #BODY)
    end,
    tasks = client "tasks",
    as_completed = client "as_completed",
    gather = client "gather",
  })
  for _, form in ipairs { "tasks", "as_completed", "gather" } do
    bench.row("keepalive64: " .. form, bench.ratio(rounds, form, "baseline", bench.cpu), 1.15,
      bench.both(rounds, form, "baseline", bench.cpu, "µs a request (issue 2: 1.25)"))
  end
end

function cases.startup()
  local empty = os.tmpname()
  local rounds = bench.rounds(41, {
    curl = function() return bench.run { "curl", "--version" } end,
    ours = function() return bench.run { bench.build .. "/luafetch", empty } end,
  })
  os.remove(empty)
  local function wall(run) return run.wall * 1000 end
  local function cpu(run) return run.cpu * 1000 end
  bench.row("startup: wall, of curl --version", bench.ratio(rounds, "ours", "curl", wall), 1,
    bench.both(rounds, "ours", "curl", wall, "ms"))
  bench.row("startup: CPU", bench.ratio(rounds, "ours", "curl", cpu), 1, bench.both(rounds, "ours", "curl", cpu, "ms"))
end

-- 10,000 connections to an origin that takes 100 ms, beside Go and our own 64.
function cases.inflight10000()
  local flying, long, short = 10000, 300000, 60000
  local fault = servers.fault()
  local url = fault.url .. "/delay/100"
  local function client(n)
    return function() return bench.check(bench.client("tasks", url, flying, n), n, n * 3) end
  end
  local sides = {
    long = client(long),
    short = client(short),
    own64 = function() return bench.check(bench.client("tasks", fault.url .. "/ok", 64, 60000), 60000, 60000 * 3) end,
    go = function() return bench.check(bench.program("go", "small", url, long, flying), long, long * 3) end,
  }
  local rounds = bench.rounds(3, sides)
  local function steady(round) return (round.long.cpu - round.short.cpu) / (long - short) * 1e6 end
  local us = bench.over(rounds, steady)
  bench.row("inflight10000: CPU, of Go's", bench.ratio(rounds, "long", "go", bench.cpu), 1,
    bench.both(rounds, "long", "go", bench.cpu, "µs a request"))
  bench.row("inflight10000: CPU, of our own at 64", bench.ratio(rounds, "long", "own64", bench.cpu), 2.5,
    bench.both(rounds, "long", "own64", bench.cpu, "µs a request, connecting counted"))
  bench.row("inflight10000: steady, of our own at 64",
    bench.over(rounds, function(round) return steady(round) / bench.cpu(round.own64) end), 2,
    ("%.4g µs a request"):format(us))
  local function mb(run) return run.peak_kb / 1024 end
  bench.row("inflight10000: peak MB", bench.over(rounds, function(round) return mb(round.long) end), 220,
    bench.both(rounds, "long", "go", mb, "MB"))
end

-- ---- TLS ----

local STORE_HOSTS = 64 -- 127.0.0.2 and on; the template's plain listener has 127.0.0.1

-- Every request a connection, every connection a whole handshake: no tickets, no sessions.
local function serve_tls(dir)
  local listen = {}
  for i = 1, STORE_HOSTS do listen[i] = ("listen 127.0.0.%d:@PORT@ ssl backlog=4096;"):format(i + 1) end
  local conf = ([[
    ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem;
    ssl_session_tickets off; ssl_session_cache off; keepalive_timeout 0;
  ]]):format(dir, dir)
  return servers.nginx { conf_extra = origin.SMALL .. table.concat(listen, "\n") .. conf }
end

function cases.tls_new()
  local n = 1000
  local dir <close> = origin.make_dir()
  origin.make_certificates(dir.path, STORE_HOSTS)
  local nginx, fault = serve_tls(dir.path), servers.fault()
  local headers = own_headers(fault)
  local url = ("https://127.0.0.2:%d/small"):format(nginx.port)
  local ca = dir.path .. "/many.pem"
  local function memory(hosts)
    return function() return bench.check(bench.client("stores", nginx.port, ca, hosts), 2 * hosts) end
  end
  local rounds = bench.rounds(5, {
    baseline = function()
      return bench.check(bench.program("baseline", url, 16, n, "--ca", ca, table.unpack(headers)), n, n * #BODY)
    end,
    ours = function() return bench.check(bench.client("tasks", url, 16, n, ca), n, n * #BODY) end,
    one_host = memory(1),
    many_hosts = memory(STORE_HOSTS),
  })
  bench.row("tls_new: CPU per verified connection", bench.ratio(rounds, "ours", "baseline", bench.cpu), 1.15,
    bench.both(rounds, "ours", "baseline", bench.cpu, "µs"))
  local function mb(run) return run.peak_kb / 1024 end
  bench.row("tls_new: peak of 64 hosts, of one", bench.ratio(rounds, "many_hosts", "one_host", mb), 1.5,
    bench.both(rounds, "many_hosts", "one_host", mb, "MB"))
end

-- ---- hosts, memory, cancelling, names, pages ----

function cases.hosts8000()
  local n = 8000
  local fault = servers.fault { bind = "0.0.0.0" }
  local rounds = bench.rounds(3, {
    ours = function() return bench.check(bench.client("hosts", fault.port, n, 64), n, n * 3) end,
  })
  bench.row("hosts8000: last thousand, of the first",
    bench.over(rounds, function(round) return round.ours.last_s / round.ours.first_s end), 1.5,
    ("%.4g / %.4g µs a request"):format(
      bench.over(rounds, function(round) return round.ours.last_s * 1000 end),
      bench.over(rounds, function(round) return round.ours.first_s * 1000 end)))
end

function cases.million()
  local n = asked.million and 1000000 or 200000
  local nginx = serve_small()
  local run = bench.check(bench.client("as_completed", nginx.url .. "/small", 64, n), n, n * #BODY)
  bench.row(("million: memory over %d, of 10,000"):format(n), run.peak_kb / run.early_kb, 1.1,
    ("%.4g / %.4g MB"):format(run.peak_kb / 1024, run.early_kb / 1024))
end

-- A million tasks take twice as long as half of them, and those that sleep take no more each.
function cases.tasks()
  local n = 500000
  local function client(count)
    return function() return bench.check(bench.client("each", count), count) end
  end
  local rounds = bench.rounds(5, { half = client(n), whole = client(2 * n) })
  local function ns(run) return run.each_s / run.ok * 1e9 end
  local function bytes(run) return run.idle_bytes end
  bench.row(("tasks: through each, %d of %d"):format(2 * n, n), bench.ratio(rounds, "whole", "half", ns), 1.15,
    bench.both(rounds, "whole", "half", ns, "ns a task"))
  bench.row(("tasks: asleep, %d of %d"):format(n // 5, n // 10), bench.ratio(rounds, "whole", "half", bytes), 1.1,
    bench.both(rounds, "whole", "half", bytes, "bytes a task"))
end

function cases.cancel10000()
  local n = 10000
  local fault = servers.fault()
  local url = fault.url .. "/hang"
  local rounds = bench.rounds(3, {
    bare = function() return bench.program("removal", url, n) end,
    ours = function()
      local run = bench.client("cancel", url, fault.url .. "/stats", n, "gather")
      if run.active ~= n then error("not all were in flight: " .. run.out, 0) end
      return run
    end,
  })
  local function ms(who, field)
    return 1000 * bench.over(rounds, function(round) return round[who][field] end)
  end
  local function ratio(ours, bare)
    return bench.over(rounds, function(round) return round.ours[ours] / round.bare[bare] end)
  end
  bench.row("cancel10000: CPU, of curl_multi_remove_handle", ratio("cancel_cpu_s", "remove_cpu_s"), 1.5,
    ("%.4g / %.4g ms"):format(ms("ours", "cancel_cpu_s"), ms("bare", "remove_cpu_s")))
  bench.row("cancel10000: the same by the clock", ratio("cancel_s", "remove_s"), nil,
    ("%.4g / %.4g ms"):format(ms("ours", "cancel_s"), ms("bare", "remove_s")))
  bench.row("cancel10000: left behind", bench.over(rounds, function(r) return r.ours.left end), 0, "requests and tasks")
end

local function knows_dns_servers()
  return bench.run({ bench.build .. "/luafetch", "--help" }).out:find("--dns-servers", 1, true)
end

-- The port that a program has announced, or will within two seconds, in a file.
local function announced(file)
  local pipe = assert(io.popen(("for i in $(seq 100); do grep port '%s' && break; sleep 0.02; done"):format(file)))
  local port = pipe:read("a"):match "port (%d+)"
  pipe:close()
  return port or error("nothing to be seen in " .. file, 0)
end

function cases.stall()
  if not knows_dns_servers() then
    bench.skip("stall: longest pause, ms", "this luafetch has no --dns-servers")
    return
  end
  local file = os.tmpname()
  local input = assert(io.popen(("exec '%s/bench/silent' >%s"):format(bench.build, file), "w"))
  local port = announced(file)
  local run = bench.run {
    bench.build .. "/luafetch", "--no-progress", "--limit", "2000", "--dns-servers", "127.0.0.1:" .. port,
    "scripts/bench/client/silent.lua", 1000,
  }
  input:close()
  os.remove(file)
  bench.row("stall: longest pause, ms", run.worst_ms, 20,
    ("%d ticks, %d time-outs"):format(run.ticks, run.timeouts))
end

function cases.scrape()
  local pages = 4000
  local nginx = servers.nginx { root = origin.demo_site() }
  local rounds = bench.rounds(3, {
    ours = function()
      local run = bench.client("scrape", nginx.url, pages, 64)
      local _, lines = run.out:gsub("\n{", "")
      if lines + 1 ~= pages then error(("%d records of %d"):format(lines + 1, pages), 0) end
      return run
    end,
  })
  local function rate(round) return pages / round.ours.wall end
  bench.row("scrape: ms a page", 1000 / bench.over(rounds, rate), nil,
    ("%.0f pages/s; %.4g MB"):format(bench.over(rounds, rate),
      bench.over(rounds, function(round) return round.ours.peak_kb / 1024 end)))
end

-- ---- JSON ----

-- Documents as they are met: many small strings, and many small tables.
local DOCUMENTS = { { "urls", "url-wpt/urltestdata.json" }, { "tests", "http-cache-tests/cache-tests.json" } }

local function json_rows(name, path)
  local rounds = bench.rounds(5, {
    ours = function() return bench.client("json", path, 30000000) end,
    python = function() return bench.run { "python3", "scripts/bench/client/python_json.py", path, 30000000 } end,
  })
  for _, what in ipairs { "decode", "encode" } do
    local function ns(run) return run[what .. "_s"] / run[what .. "d"] * 1e9 end
    local function rate(run) return 1000 / ns(run) end
    bench.row(("json: %s %s, of Python's"):format(what, name), bench.ratio(rounds, "ours", "python", ns), 1.2,
      bench.both(rounds, "ours", "python", rate, "MB/s"))
    bench.row(("json: %s %s, ns a byte"):format(what, name),
      bench.over(rounds, function(round) return ns(round.ours) end), 10, "10 are 100 MB/s")
  end
end

function cases.json()
  local data = os.getenv "LF_DATA" or "../shared/data"
  for _, document in ipairs(DOCUMENTS) do
    local name, path = document[1], document[2]
    local file = io.open(data .. "/" .. path)
    if file then
      file:close()
      json_rows(name, data .. "/" .. path)
    else
      bench.skip("json: " .. name, path .. " is not in " .. data)
    end
  end
end

-- ---- real pages ----

-- The pages of the suite that lie beside the project, unpacked into the build folder: their
-- directory, nil when there are none.
local function unpack_pages()
  local from, dir = (os.getenv "LF_DATA" or "../shared/data") .. "/pages-readability", bench.build .. "/pages"
  sh(("mkdir -p '%s'; for d in '%s'/*/; do [ ! -e \"$d/source.html.gz\" ] || "
    .. "gzip -dc \"$d/source.html.gz\" >'%s'/\"$(basename \"$d\")\".html; done"):format(dir, from, dir))
  local first = io.popen(("ls '%s'"):format(dir)):read "l"
  return first and dir
end

-- Parse, a::attr(href) and two selectors, beside bare libxml2 and lxml.
function cases.pages()
  local name, dir = "pages: parse, links, two selectors", unpack_pages()
  if not dir then return bench.skip(name, "no pages-readability beside the project") end
  local passes = 5
  local rounds = bench.rounds(7, {
    bare = function() return bench.program("pages", dir, passes) end,
    lxml = function() return bench.run { "/usr/bin/python3", "scripts/bench/pages.py", dir, passes } end,
    ours = function() return bench.client("pages", dir, passes) end,
  })
  for _, round in ipairs(rounds) do
    if round.ours.links < round.lxml.links or round.ours.pages ~= round.lxml.pages then
      error(("found less than lxml: %s"):format(round.ours.out), 0)
    end
  end
  local function ms(run) return run.seconds * 1000 end
  bench.row(name .. ", of lxml", bench.ratio(rounds, "ours", "lxml", ms), 1,
    bench.both(rounds, "ours", "lxml", ms, "ms"))
  bench.row("pages: the same, of bare libxml2", bench.ratio(rounds, "ours", "bare", ms), 1.15,
    bench.both(rounds, "ours", "bare", ms, "ms"))
end

-- ---- the state of a crawl ----

-- Pages through jobs of so many known URLs. The cache of pages is full from 10^5 on: from there
-- memory must not grow, and a smaller job's says nothing about a larger one's.
local function frontier(sizes)
  local dir = assert(io.popen "mktemp -d"):read "l"
  local full
  for _, known in ipairs(sizes) do
    local pages = 20000
    local run = bench.check(bench.client("frontier", dir .. "/job.db", known, pages), pages)
    local name = ("frontier: %d known"):format(known)
    local goal = known <= 100000 and 12000 or known >= 5000000 and 6000 or nil
    bench.row(name .. ", µs a page", run.seconds / pages * 1e6, goal and 1e6 / goal,
      ("%.0f pages/s; %.4g µs of CPU"):format(pages / run.seconds, run.cpu_s / pages * 1e6))
    -- The items of so many pages outweigh the URLs of a smaller job.
    bench.row(name .. ", bytes a URL", (run.file - run.texts) / run.urls, known >= 100000 and 150 or nil,
      "beyond the URL's text; items counted")
    bench.row(name .. ", peak MB", run.peak_kb / 1024, full and 1.1 * full / 1024,
      full and "at most a tenth more than at 10^5" or "")
    if known == 100000 then full = run.peak_kb end
    sh(("rm -f '%s'/job.db*"):format(dir))
  end
  sh(("rm -r '%s'"):format(dir))
end

function cases.frontier()
  frontier(asked.frontier and { 10000, 100000, 1000000 } or { 100000 })
end

-- The whole curve takes minutes: only by name, and every night.
function cases.frontier_curve()
  frontier { 10000, 100000, 1000000, 5000000 }
end

-- ---- whole crawls ----

local VERSIONS = [[
    rewrite ^/v[0-9]+(/.*)$ $1 last;
    location /catalogue/ { try_files $uri /other.html; }
    location = /robots.txt { return 200 "User-agent: *\\nDisallow: /private/\\n"; }
]]

-- The shop of books in a folder of ours, with a list of all that its pages link to; what is not
-- in the set is a copy of one that is. The folder's name, and how many books there are.
local function lay_out_books()
  local from, dir = (os.getenv "LF_DATA" or "../shared/data") .. "/sites/books/catalogue", bench.build .. "/books"
  sh(("rm -rf '%s'; mkdir -p '%s'; [ ! -d '%s' ] || cp -r '%s' '%s'; chmod -R u+w '%s'"):format(
    dir, dir, from, from, dir, dir))
  local find = "{ cd '%s/catalogue' && ls && grep -ohE '\\.\\./[^\"/]+_[0-9]+/index.html' */index.html; } 2>/dev/null"
  local links, seen = {}, {}
  for line in io.popen(find:format(dir)):lines() do
    local name = line:match "([^/]+_%d+)/" or line:match "^[^/]+_%d+$"
    if name and not seen[name] then
      seen[name] = true
      links[#links + 1] = ('<a href="catalogue/%s/index.html">%s</a>'):format(name, name)
      if #links == 1 then sh(("cp '%s/catalogue/%s/index.html' '%s/other.html'"):format(dir, name, dir)) end
    end
  end
  local list = assert(io.open(dir .. "/list.html", "w"))
  list:write("<title>Books</title>", table.concat(links, "\n"))
  list:close()
  return dir, #links
end

-- CPU of a page without that of a start: microseconds.
local function page_cpu(work, start)
  return function(round) return (round[work].cpu - round[start].cpu) / round[work].requests * 1e6 end
end

local function cpu_row(rounds, name, ours, theirs, goal)
  local a, b = page_cpu(ours[1], ours[2]), page_cpu(theirs[1], theirs[2])
  bench.row(name, bench.over(rounds, function(round) return a(round) / b(round) end), goal,
    ("%.4g / %.4g µs a page"):format(bench.over(rounds, a), bench.over(rounds, b)))
end

local function knows_workers()
  return bench.run({ bench.build .. "/luafetch", "--help" }).out:find("--workers", 1, true)
end

local function lines_of(file)
  local n = 0
  for _ in io.lines(file) do n = n + 1 end
  return n
end

-- The shop under many paths: links followed, records committed to a job and written, beside the
-- same pages without a crawl, and beside Scrapy with a JOBDIR, which writes its queue to disk.
function cases.crawl()
  local dir, books = lay_out_books()
  if books == 0 then return bench.skip("crawl", "no sites/books beside the project") end
  local web = servers.nginx { root = dir, conf_extra = VERSIONS }
  local many, few = 20000 // books + 1, 8
  local job, out = dir .. "/job.db", dir .. "/out.jsonl"
  -- All on processor 1 as ever, or `workers` of them on both.
  local function ours(versions, what, workers)
    local words = { bench.build .. "/luafetch", "--no-progress", "--limit", "64", "--per-host", "64", "-o", out }
    if workers then words = { "taskset", "-c", "0,1", table.unpack(words) } end
    if workers and workers > 1 then table.move({ "--workers", workers }, 1, 2, #words + 1, words) end
    table.move({ "scripts/bench/client/crawl.lua", web.url, versions, what }, 1, 4, #words + 1, words)
    sh(("rm -f '%s' '%s'*"):format(out, job))
    local run = bench.run(words)
    if what == job then run.ok = lines_of(out) - versions end -- a list is a record, too
    return bench.check(run, versions * books)
  end
  local function scrapy(versions)
    sh(("rm -rf '%s/scrapy'"):format(dir))
    local words = { "/usr/bin/python3", "scripts/bench/crawl.py", web.url, versions, out, dir .. "/scrapy" }
    return bench.check(bench.run(words), versions * books)
  end
  local function run_of(fn, ...)
    local args = table.pack(...)
    return function() return fn(table.unpack(args)) end
  end
  local sides = {
    ours = run_of(ours, many, job), ours_start = run_of(ours, 0, job),
    known = run_of(ours, many, "known"), known_start = run_of(ours, 0, "known"),
  }
  local has_scrapy = os.execute "/usr/bin/python3 -c 'import scrapy' 2>/dev/null"
  local has_workers = knows_workers()
  if has_scrapy then sides.scrapy, sides.scrapy_start = run_of(scrapy, few), run_of(scrapy, 0) end
  if has_workers then sides.one, sides.two = run_of(ours, many, job, 1), run_of(ours, many, job, 2) end
  local rounds = bench.rounds(3, sides)
  local mine = { "ours", "ours_start" }
  cpu_row(rounds, "crawl: CPU, of the same pages without", mine, { "known", "known_start" })
  if has_scrapy then
    cpu_row(rounds, "crawl: CPU, of Scrapy's", mine, { "scrapy", "scrapy_start" }, 1 / 15)
  else
    bench.skip("crawl: CPU, of Scrapy's", "python3-scrapy is not installed")
  end
  if not has_workers then return end
  local function wall(run) return run.wall end
  bench.row("crawl: wall of two workers, of one", bench.ratio(rounds, "two", "one", wall), nil,
    bench.both(rounds, "two", "one", wall, "s; processors of both, the server on one of them"))
end

-- ---- the run ----

cases.guard = guard.run

local HELD = {
  "startup", "keepalive64", "inflight10000", "tls_new", "hosts8000", "million", "tasks", "cancel10000", "stall",
  "scrape", "json", "pages", "frontier", "crawl",
}
local GROUPS = { held = HELD, side = side.order } -- names that stand for several

-- The same through Redis on the other processor: what it takes there is counted, too.
function cases.frontier_redis()
  for _, known in ipairs { 10000, 100000, 1000000 } do
    local redis = servers.redis()
    if not redis then return bench.skip("frontier_redis", "no redis-server") end
    local function info(name)
      local pipe = assert(io.popen(("redis-cli -p %d info all"):format(redis.port)))
      local text = pipe:read "a"
      pipe:close()
      return tonumber(text:match(name .. ":([%d.]+)"))
    end
    local pages, empty = 20000, info "used_memory"
    local run = bench.check(bench.client("frontier", redis.url .. "/bench", known, pages), pages)
    local name = ("frontier in Redis: %d known"):format(known)
    bench.row(name .. ", µs a page", run.seconds / pages * 1e6, 1e6 / 8000,
      ("%.0f pages/s; %.4g µs of our CPU"):format(pages / run.seconds, run.cpu_s / pages * 1e6))
    bench.row(name .. ", bytes a URL", (info "used_memory" - empty - run.texts) / run.urls,
      known >= 100000 and 100 or nil, "of the server's memory beyond the URL's text; items counted")
    bench.row(name .. ", our peak MB", run.peak_kb / 1024, nil, "")
    redis.stop()
  end
end

local function run(name)
  io.stderr:write(name, "…\n")
  local ok, err = pcall(cases[name] or side.cases[name])
  servers.stop_all()
  if not ok then bench.fail(name, err) end
end

local function add_all(to, names)
  return table.move(names, 1, #names, #to + 1, to)
end

local function unknown(name)
  io.stderr:write("no such benchmark: ", name, "; there are: ", table.concat(HELD, " "),
    " frontier_curve frontier_redis guard (held) ", table.concat(side.order, " "), " (side)\n")
  os.exit(2)
end

local names = {}
for _, name in ipairs(arg) do
  if not (GROUPS[name] or cases[name] or side.cases[name]) then unknown(name) end
  asked[name] = true
  add_all(names, GROUPS[name] or { name })
end
if #names == 0 then names = add_all(add_all({}, side.order), HELD) end

for _, name in ipairs(names) do run(name) end
side.print()
local good = #bench.rows == 0 or bench.print()
results.save(side, bench.rows)
good = goals.print(side.results) and good
if not good then os.exit(1) end
