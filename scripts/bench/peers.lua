-- The clients that are measured side by side: how each is started, what it can do, and about what a
-- small request costs it, from which the number of requests of its runs follows.
--
--   for _, peer in ipairs(peers.present "go aiohttp") do … end
--   local run = peer.measure { workload = "small", url = …, count = 1000, flying = 64 }
local bench = require "scripts.bench.bench"

local M = {}

local HERE = "scripts/bench/peers/"
local MODULES = io.popen("realpath -m '" .. bench.build .. "/bench/node/node_modules'"):read "l"

-- "small h2" as a set
local function set(words)
  local out = {}
  for word in words:gmatch "%S+" do out[word] = true end
  return out
end

local function contract(job)
  return { job.workload, job.url, job.count, job.flying, job.ca }
end

-- A peer that knows the contract of peers/contract.py, behind the words that start it.
local function by_contract(...)
  local words = { ... }
  return function(job)
    local line = { "env", "BENCH_OUT=" .. (job.out or ""), "BENCH_MODULES=" .. MODULES }
    if job.ca then line[#line + 1] = "NODE_EXTRA_CA_CERTS=" .. job.ca end
    table.move(words, 1, #words, #line + 1, line)
    table.move(contract(job), 1, 5, #line + 1, line)
    return bench.run(line)
  end
end

local function python(file)
  return by_contract("/usr/bin/python3", HERE .. file)
end

-- wrk: no client at all, for it looks at nothing; runs for a second, whatever the count.
local function wrk(job)
  local run = bench.run { "wrk", "-t", 1, "-c", job.flying, "-d", "1s", "--latency", job.url }
  if run.out:find "Non%-2xx" or run.out:find "Socket errors" then error("wrk: " .. run.out, 0) end
  local function ms(quantile)
    local number, unit = run.out:match(quantile .. "%%%s+([%d.]+)(%a+)")
    return number and tonumber(number) * ({ us = 0.001, ms = 1, s = 1000 })[unit]
  end
  run.ok, run.p50, run.p99 = tonumber(run.out:match "(%d+) requests in"), ms "50", ms "99"
  run.any_count = true
  if run.ok == 0 then error("no answer within its second", 0) end
  return run
end

-- What curl's own globbing makes of a workload.
local function curl_url(job)
  if job.workload == "hosts" then
    return (job.url:gsub("HOST", ("127.1.[0-%d].[1-250]"):format(job.count // 250 - 1)))
  end
  return job.count > 1 and ("%s?[1-%d]"):format(job.url, job.count) or job.url
end

local function curl(job)
  local words = {
    "curl", "-sS", "--no-progress-meter", "-Z", "--parallel-max", job.flying,
    "-o", job.workload == "save" and job.out or "/dev/null",
    "-w", "%{http_code} %{size_download} %{time_total}\\n",
  }
  if job.count == 0 then words = { "curl", "--version" } end
  if job.ca then table.move({ "--cacert", job.ca }, 1, 2, #words + 1, words) end
  if job.workload == "h2" then words[#words + 1] = "--http2" end
  if job.count > 0 then words[#words + 1] = curl_url(job) end
  local run = bench.run(words)
  run.ok, run.bytes = 0, 0
  local times = {}
  for code, size, seconds in run.out:gmatch "(%d%d%d) (%d+) ([%d.]+)\n" do
    if code == "200" then run.ok = run.ok + 1 end
    run.bytes = run.bytes + tonumber(size)
    times[#times + 1] = 1000 * tonumber(seconds)
  end
  table.sort(times)
  run.p50, run.p99 = times[#times // 2 + 1], times[#times * 99 // 100 + 1]
  run.wall_s = run.wall
  return run
end

-- The yardstick in C, given the header lines that luafetch sends.
local function baseline(job)
  local words = { job.url, job.flying, math.max(job.count, 1) }
  if job.ca then table.move({ "--ca", job.ca }, 1, 2, #words + 1, words) end
  if job.workload == "h2" then words[#words + 1] = "--http2" end
  table.move(job.headers or {}, 1, #(job.headers or {}), #words + 1, words)
  return bench.program("baseline", table.unpack(words))
end

local function ours(job)
  local words = contract(job)
  return bench.run {
    "env", "BENCH_OUT=" .. (job.out or ""), bench.build .. "/luafetch", "--no-progress", "--limit", "20000",
    "--per-host", "20000", "scripts/bench/client/workload.lua", table.unpack(words, 1, 5),
  }
end

local function module_version(name, attribute)
  return ("/usr/bin/python3 -c 'import %s; print(%s.%s)'"):format(name, name, attribute or "__version__")
end

local ALL = "small small_tls h2 tls_new hosts json save stream gather total"

-- us: a small request, roughly; most: in flight; can: workloads; tells: prints its version, or fails.
M.list = {
  { name = "luafetch", us = 16, most = 10000, can = set(ALL .. " scrape"), measure = ours,
    tells = bench.build .. "/luafetch --version" },
  { name = "C loop", us = 16, most = 10000, can = set "small small_tls h2 tls_new", measure = baseline,
    tells = "curl-config --version" },
  { name = "wrk", us = 7, most = 10000, can = set "small small_tls", measure = wrk,
    tells = "wrk --version | head -n 1 | cut -d' ' -f 1-2" },
  { name = "curl", us = 70, most = 64, can = set "small small_tls h2 tls_new hosts save stream gather", measure = curl,
    tells = "curl --version | head -n 1 | cut -d' ' -f 1-2" },
  { name = "pycurl", us = 40, most = 10000, can = set(ALL), measure = python "pycurl_peer.py",
    tells = module_version("pycurl", "version.split()[0]") },
  { name = "go", us = 30, most = 10000, can = set(ALL), measure = by_contract(bench.build .. "/bench/go"),
    tells = "test -x " .. bench.build .. "/bench/go && go version | cut -d' ' -f 3" },
  { name = "undici", us = 40, most = 10000, can = set(ALL), measure = by_contract("node", HERE .. "undici.mjs"),
    tells = ("node -p 'require(\"%s/undici/package.json\").version'"):format(MODULES) },
  { name = "fetch", us = 150, most = 1000, can = set "small small_tls tls_new hosts json save stream gather total",
    measure = by_contract("node", HERE .. "fetch.mjs"), tells = "node -p '`node ${process.version}`'" },
  { name = "aiohttp", us = 130, most = 10000,
    can = set "small small_tls tls_new hosts json save stream gather total scrape",
    measure = python "aiohttp_peer.py", tells = module_version "aiohttp" },
  { name = "requests", us = 600, most = 64, can = set "small small_tls tls_new hosts json save stream gather scrape",
    measure = python "requests_peer.py", tells = module_version "requests" },
  { name = "httpx", us = 900, most = 64, can = set "small small_tls h2 tls_new hosts json save stream gather scrape",
    measure = python "httpx_peer.py", tells = module_version "httpx" },
  { name = "scrapy", us = 3000, most = 64, can = set "small json scrape", measure = python "scrapy_peer.py",
    tells = module_version "scrapy" },
}

local function first_line(command)
  local pipe = assert(io.popen("{ " .. command .. "; } 2>/dev/null"))
  local line = pipe:read "l"
  pipe:close()
  return line
end

-- Those that are there, with their versions, luafetch first; and the names of the absent ones.
-- filter: names, "" for all. luafetch itself is always among them.
function M.present(filter)
  local wanted = filter ~= "" and set(filter:gsub("C loop", "C"))
  local here, absent = {}, {}
  for _, peer in ipairs(M.list) do
    if peer.name == "luafetch" or not wanted or wanted[peer.name] or wanted[peer.name:match "^%S+"] then
      peer.version = first_line(peer.tells)
      local list = peer.version and here or absent
      list[#list + 1] = peer.version and peer or peer.name
    end
  end
  return here, absent
end

return M
