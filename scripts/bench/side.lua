-- Side by side: the workloads that other clients can do, too, measured for all that are there. What
-- each client costs is CPU of its whole process less that of a start without work; every run's
-- bodies are counted. Runs take turns, so that a ratio compares what was measured together.
local bench = require "scripts.bench.bench"
local curves = require "scripts.bench.curves"
local origin = require "scripts.bench.origin"
local peers = require "scripts.bench.peers"
local servers = require "tests.support.servers"

local M = { results = {}, order = {} }

local SECONDS = tonumber(os.getenv "BENCH_SECONDS") or 1 -- of CPU that a run takes, about
local ROUNDS = tonumber(os.getenv "BENCH_ROUNDS") or 3

local present, absent = peers.present(os.getenv "PEERS" or "")
M.present, M.absent = present, absent

-- Fields: what (the workload of the contract), can (what a peer must be able to do, default
-- what), cost (µs beside those of a small request), most, least or fixed (requests), rounds, way (the
-- origin, default plain), ca, path, host (HOST is in it), slow (the origin that takes 100 ms).
local WORKLOADS = {
  { name = "small1", title = "small keep-alive, 1 in flight", what = "small", flying = 1, cost = 30, most = 20000 },
  { name = "small64", title = "small keep-alive, 64 in flight", what = "small", flying = 64, cost = 0, most = 48000 },
  { name = "small1000", title = "small keep-alive, 1,000 in flight", what = "small", flying = 1000, cost = 10,
    most = 48000, least = 2000 },
  { name = "small10000", title = "small keep-alive, 10,000 in flight", what = "small", flying = 10000, cost = 20,
    most = 100000, least = 30000, slow = true },
  { name = "tls", title = "the same over TLS, 64 in flight", what = "small", can = "small_tls", flying = 64,
    cost = 10, most = 48000, way = "tls" },
  { name = "http2", title = "HTTP/2, 64 in flight", what = "h2", flying = 64, cost = 10, most = 48000, way = "h2" },
  { name = "tlsnew", title = "a verified TLS connection each, 16 in flight", what = "small", can = "tls_new",
    flying = 16, cost = 800, most = 1000, way = "tls_new", ca = "many" },
  { name = "hosts", title = "5,000 hosts, a request each, 64 in flight", what = "hosts", flying = 64, cost = 80,
    fixed = 5000, host = "HOST" },
  { name = "jsongzip", title = "16 KB of JSON, gzip, parsed, 64 in flight", what = "json", flying = 64, cost = 250,
    most = 10000, path = "/items.json" },
  { name = "save", title = "1 GB to disk", what = "save", flying = 1, fixed = 1, path = "/big" },
  { name = "stream", title = "1 GB as a stream", what = "stream", flying = 1, fixed = 1, path = "/big" },
  { name = "total", title = "URLs from an iterator, 64 in flight", what = "small", can = "total", flying = 64,
    fixed = tonumber(os.getenv "BENCH_TOTAL") or 200000, rounds = 1 },
  { name = "scrapeside", title = "scrape: fetch, parse, two selectors, emit", what = "scrape", flying = 64, cost = 400,
    most = 4000, path = "/page/PAGE/" },
  { name = "gather100", title = "100 URLs of 100 ms at once", what = "gather", flying = 100, fixed = 100, slow = true },
}

local function count_for(work, peer)
  if work.fixed then return work.fixed end
  local n = math.floor(SECONDS * 1e6 / (peer.us + work.cost))
  return math.max(math.min(n, work.most), work.least or 200)
end

local function bytes_of(work, o, n)
  if work.slow then return 3 * n end
  if work.path == "/big" then return origin.BIG end
  if work.what == "json" then return o.items_bytes * n end
  if work.what ~= "scrape" then return #origin.BODY * n end
  local bytes = 0
  for i = 0, n - 1 do bytes = bytes + o.page_bytes[1 + i % 10] end
  return bytes
end

local function url_of(work, o)
  if work.slow then return o.slow end
  if work.host then return ("http://HOST:%d/small"):format(o.port) end
  return o[work.way or "plain"] .. (work.path or "/small")
end

-- One run, refused when something is missing.
local function run_once(work, o, peer)
  local n = count_for(work, peer)
  local run = peer.measure {
    workload = work.what, url = url_of(work, o), count = n, flying = work.flying, out = o.dir .. "/out",
    ca = work.way and o[work.ca or "ca"], headers = o.headers,
  }
  if run.any_count then
    n = run.ok
  else
    bench.check(run, n, bytes_of(work, o, n))
  end
  if work.what == "json" and run.sum ~= n * origin.ITEMS then error("not all was parsed: " .. run.out, 0) end
  local _, records = run.out:gsub('"texts"', "")
  if work.what == "scrape" and records ~= n then error(("%d records of %d"):format(records, n), 0) end
  run.requests = n
  return run
end

local starts = {} -- peer → a run without work, the median one of three

local function start_of(peer, o)
  if peer.name == "wrk" then return { cpu = 0, user = 0, sys = 0 } end
  if not starts[peer] then
    local list = {}
    for i = 1, 3 do
      list[i] = peer.measure { workload = "small", url = o.plain .. "/small", count = 0, flying = 1 }
    end
    table.sort(list, function(a, b) return a.cpu < b.cpu end)
    starts[peer] = list[2]
  end
  return starts[peer]
end

-- Leaves in a run what its work took.
local function take_off(run, start)
  for _, field in ipairs { "cpu", "user", "sys" } do
    run[field] = math.max(run[field] - start[field], 1e-9)
  end
  return run
end

local function us(run) return run.cpu / run.requests * 1e6 end
local function seconds(run) return run.wall_s or run.wall end

-- The medians of a peer's runs.
local function summary(work, peer, runs, ratios)
  local function median(value)
    local list = {}
    for i, run in ipairs(runs) do list[i] = value(run) end
    return list[1] and bench.median(list)
  end
  local first = runs[1]
  return {
    peer = peer.name, requests = first.requests, cpu_us = median(us),
    user_us = median(function(run) return run.user / run.requests * 1e6 end),
    sys_us = median(function(run) return run.sys / run.requests * 1e6 end),
    wall_s = median(seconds), rate = median(function(run) return run.requests / seconds(run) end),
    p50 = first.p50 and median(function(run) return run.p50 or 0 end),
    p99 = first.p99 and median(function(run) return run.p99 or 0 end),
    peak_mb = median(function(run) return run.peak_kb / 1024 end),
    of_ours = bench.median(ratios), by = work.what == "gather" and "wall" or "cpu",
  }
end

local function able(work)
  local list = {}
  for _, peer in ipairs(present) do
    if peer.can[work.can or work.what] and peer.most >= work.flying
      or (work.what == "gather" and peer.can.gather) then
      list[#list + 1] = peer
    end
  end
  return list
end

-- A peer that fails once is out of this workload, and why is told; luafetch's own failure is ours.
local function measure(work, o)
  local list, runs, ratios, failed = able(work), {}, {}, {}
  local function value(run) return work.what == "gather" and seconds(run) or us(run) end
  for round = 1, work.rounds or ROUNDS do
    local own
    for _, peer in ipairs(list) do
      if not failed[peer] then
        local ok, run = pcall(run_once, work, o, peer)
        if ok then
          take_off(run, start_of(peer, o))
          own = own or run -- the first of the list is luafetch
          runs[peer], ratios[peer] = runs[peer] or {}, ratios[peer] or {}
          runs[peer][round], ratios[peer][round] = run, value(run) / value(own)
        else
          if peer.name == "luafetch" then error(run, 0) end
          failed[peer] = tostring(run):sub(1, 200)
        end
      end
    end
  end
  local rows = {}
  for _, peer in ipairs(list) do
    rows[#rows + 1] = failed[peer] and { peer = peer.name, failed = failed[peer] }
      or summary(work, peer, runs[peer], ratios[peer])
  end
  return rows
end

M.cases = {}

-- Servers for one workload; they end with it.
local function open_world()
  local dir = origin.make_dir()
  local o = origin.serve_all(dir.path)
  local fault = servers.fault()
  o.dir, o.slow, o.headers = dir.path, fault.url .. "/delay/100", origin.own_headers(fault)
  return o, dir
end

for _, work in ipairs(WORKLOADS) do
  M.order[#M.order + 1] = work.name
  M.cases[work.name] = function()
    local o, dir = open_world()
    local _ <close> = dir
    M.results[#M.results + 1] = { name = work.name, title = work.title, rows = measure(work, o) }
  end
end

-- luafetch alone, as something grows.
local function measure_curve(curve, o)
  local own = present[1]
  return curves.rows(curve, ROUNDS, function(what, n, flying)
    local run = own.measure {
      workload = what, count = n, flying = flying, headers = o.headers,
      url = what == "hosts" and url_of({ host = true }, o) or o.plain .. "/small",
    }
    bench.check(run, n, #origin.BODY * n)
    return take_off(run, start_of(own, o))
  end)
end

for _, curve in ipairs(curves.list) do
  M.order[#M.order + 1] = curve.name
  M.cases[curve.name] = function()
    local o, dir = open_world()
    local _ <close> = dir
    M.results[#M.results + 1] = { name = curve.name, title = curve.title, rows = measure_curve(curve, o) }
  end
end

-- The start of each program, by the clock and in CPU.
local function startup()
  local empty = os.tmpname()
  local words = {
    luafetch = { bench.build .. "/luafetch", empty },
    curl = { "curl", "--version" },
  }
  local rows, sides = {}, {}
  for _, peer in ipairs(present) do
    local line = words[peer.name]
    if line or peer.can.hosts or peer.name == "scrapy" then
      sides[peer.name] = function()
        local run = line and bench.run(line)
          or peer.measure { workload = "small", url = "http://127.0.0.1:1/", count = 0, flying = 1 }
        run.requests = 1
        return run
      end
    end
  end
  local rounds = bench.rounds(4 * ROUNDS + 1, sides)
  for _, peer in ipairs(present) do
    if sides[peer.name] then
      local runs, ratios = {}, {}
      for i, round in ipairs(rounds) do
        runs[i] = round[peer.name]
        runs[i].wall_s = nil
        ratios[i] = runs[i].cpu / round.luafetch.cpu
      end
      rows[#rows + 1] = summary({}, peer, runs, ratios)
    end
  end
  os.remove(empty)
  M.results[#M.results + 1] = { name = "start", title = "start-up, no work", rows = rows }
end

table.insert(M.order, "start")
M.cases.start = startup

-- ---- what is printed ----

local FORMAT = "  %-9s %9s %9s %9s %8s %9s %8s %8s %8s"

local function number(value, format)
  return value and (format or "%.4g"):format(value) or "-"
end

function M.print()
  if #M.results == 0 then return end
  print(FORMAT:format("", "CPU µs", "user", "sys", "of ours", "per s", "p50 ms", "p99 ms", "peak MB"))
  for _, result in ipairs(M.results) do
    print(result.title)
    for _, row in ipairs(result.rows) do
      if row.failed then
        print(("  %-9s failed: %s"):format(row.peer, row.failed:gsub("\n", " ")))
      else
        print(FORMAT:format(row.peer, number(row.cpu_us), number(row.user_us), number(row.sys_us),
          number(row.of_ours or row.of_tenth, "%.2f"), number(row.rate, "%.0f"), number(row.p50, "%.2f"),
          number(row.p99, "%.2f"), number(row.peak_mb, "%.0f")))
      end
    end
  end
  if #absent > 0 then print("absent: " .. table.concat(absent, ", ")) end
end

return M
