-- A long run (make soak): 500 in flight in one process, good traffic and everything that the card knows
-- to go wrong on the wire, mixed by chance. Each outcome is judged as on the card; memory,
-- descriptors, watchers and tasks must stay flat, the totals add up, and nothing is left at the end.
-- Argument: seconds.
package.path = "./?.lua;tests/faults/?.lua;" .. package.path
local lf = require "luafetch"
local card = require "card"
local core = require "luafetch.core"
local outcome = require "outcome"
local servers = require "tests.support.servers"

local SECONDS = assert(tonumber(arg[1] or 1800), "wants a number of seconds")
local IN_FLIGHT = 500
local SAMPLES = 60
local MOST_SHOWN = 20 -- complaints
local LATE = 10 -- seconds by which all may be late on a machine that is busy

-- ---- what is asked for ----

-- Cases of the card that need a path of the fault server and nothing before it.
local function add_cases(list, rows)
  for _, row in ipairs(rows) do
    for _, case in ipairs(type(row.cases) == "table" and not row.words and row.cases or {}) do
      if case[1]:sub(1, 1) == "/" and not case.before then
        case.within = (case.within or 3) + LATE
        list[#list + 1] = case
      end
    end
  end
end

local FAULTS = {}
add_cases(FAULTS, require "rows_wire")
add_cases(FAULTS, require "rows_content")
for _, status in ipairs { 404, 429, 500, 503 } do
  FAULTS[#FAULTS + 1] = { "/status/" .. status, kind = "http", says = tostring(status), within = 3 + LATE }
end

-- Where libcurl computes: it compares each of thousands of headers with all before it (30 ms), and looks
-- at every byte of a chunk extension that does not end until the time is over.
local COSTLY = { ["/endless-headers"] = true, ["/headers/5000"] = true, ["/endless-extension"] = true }
local RARELY = 0.02

local function any_fault()
  local case
  repeat case = FAULTS[math.random(#FAULTS)] until not COSTLY[case[1]] or math.random() < RARELY
  return case
end

local function may_time_out(case)
  return case.kind and case.kind:find "timeout"
end

-- ---- the run ----

local run = { issued = 0, cancelled = 0, right = 0, wrong = 0, by_kind = {}, complaints = {} }

local function complain(what)
  run.wrong = run.wrong + 1
  if #run.complaints < MOST_SHOWN then run.complaints[#run.complaints + 1] = what end
end

local function count(res, err)
  run.issued = run.issued + 1
  err = err or res.error
  if err then run.by_kind[err.kind] = (run.by_kind[err.kind] or 0) + 1 end
  return res, err
end

local function settle(right, what)
  if right then run.right = run.right + 1 else complain(what) end
end

-- A body of which every byte is known.
local function good(url, path, n)
  local res, err = count(fetch(url .. path, { timeout = 10 + LATE }))
  settle(res and res.ok and res.body == run.pattern:sub(1, n),
    ("%s: %s"):format(path, err or #res.body .. " bytes that are not those"))
end

local function faulty(url)
  local case = any_fault()
  local request = card.request(case, url)
  if not may_time_out(case) then request.timeout = 10 + LATE end
  local notes = {}
  local row = { say = function() end }
  function row:must(holds, what) -- luacheck: ignore self
    if not holds then notes[#notes + 1] = what end
    return holds
  end
  local began = lf.now()
  local got = outcome(count(fetch(request)))
  got.took = lf.now() - began
  card.judge(row, case, got)
  settle(#notes == 0, table.concat(notes, "; "))
end

-- Cancelled on the wire.
local function impatient(url)
  run.issued, run.cancelled = run.issued + 1, run.cancelled + 1
  local began, limit = lf.now(), 0.01 + 0.02 * math.random()
  local res, err = lf.timeout(limit, fetch, url .. "/delay/9000")
  settle(err and err.kind == "timeout", ("cancelled after %.3f s, ended after %.3f: %s, %q"):format(limit,
    lf.now() - began, err or res.status, res and res.body or ""))
end

-- A stream that is left in the middle, or read to its end.
local function streaming(url)
  local n = math.random(60000)
  local res <close>, err = count(fetch(url .. "/bytes/60000", { stream = true, timeout = 10 + LATE }))
  if not res then return settle(false, "stream: " .. tostring(err)) end
  local parts, len = {}, 0
  while len < n do
    local piece = res:read(math.min(8192, n - len))
    if not piece then break end
    parts[#parts + 1], len = piece, len + #piece
  end
  settle(table.concat(parts) == run.pattern:sub(1, n), ("stream: %d of %d bytes, or others"):format(len, n))
end

local GOOD = { "/gzip", "/deflate", "/br", "/zstd", "/gzip-chunked" } -- 24,000 bytes each
local SIZES = { 0, 1, 100, 4000, 60000 }

local function one(url)
  local what = math.random(100)
  if what <= 50 then
    local n = SIZES[math.random(#SIZES)]
    good(url, "/bytes/" .. n, n)
  elseif what <= 60 then
    good(url, GOOD[math.random(#GOOD)], 24000)
  elseif what <= 65 then
    streaming(url)
  elseif what <= 67 then
    impatient(url)
  else
    faulty(url)
  end
end

-- ---- what must stay flat ----

local function descriptors()
  local n = 0
  for _ in io.popen("ls /proc/" .. run.pid .. "/fd"):lines() do n = n + 1 end
  return n
end

local function sample()
  collectgarbage()
  local pages = tonumber(io.open("/proc/self/statm"):read("a"):match "^%d+ (%d+)")
  local left = core.leftovers()
  return { rss = pages * 4 / 1024, lua = collectgarbage "count" / 1024, descriptors = descriptors(),
    watchers = left.watchers, timers = left.timers, tasks = left.tasks, requests = left.requests }
end

-- What each may have more in the last quarter than in the second one: a share of it, and a number.
local GROWTH = {
  { "rss", "MiB", 0.05, 4 }, { "lua", "MiB", 0.05, 0.5 }, { "descriptors", "", 0.15, 40 }, { "watchers", "", 0.15, 40 },
  { "timers", "", 0.3, 100 }, { "tasks", "", 0.05, 5 }, { "requests", "", 0.05, 20 },
}

local function median(list, name, from, to)
  local values = {}
  for i = from, to do values[#values + 1] = list[i][name] end
  table.sort(values)
  return values[(#values + 1) // 2]
end

-- The early and the late median, and whether the one does not outgrow the other.
local function is_flat(list, name, share, more)
  local n = #list
  local early, late = median(list, name, n // 4 + 1, n // 2), median(list, name, n - n // 4 + 1, n)
  return late <= early * (1 + share) + more, early, late
end

-- A check that finds nothing where there is something would be none.
local function check_the_check()
  local leak, flat = {}, {}
  for i = 1, SAMPLES do leak[i], flat[i] = { rss = 50 + 0.4 * i }, { rss = 50 + i % 5 } end
  assert(not is_flat(leak, "rss", 0.05, 4) and is_flat(flat, "rss", 0.05, 4))
end

-- ---- the verdict ----

local passed, failed = 0, 0

local function verdict(holds, text)
  print((holds and "  ok    " or "  FAIL  ") .. text)
  if holds then passed = passed + 1 else failed = failed + 1 end
end

local function kinds_of(counts)
  local names, list = {}, {}
  for kind in pairs(counts) do names[#names + 1] = kind end
  table.sort(names)
  for i, kind in ipairs(names) do list[i] = kind .. " " .. counts[kind] end
  return table.concat(list, ", ")
end

local function soak(url)
  local samples, over = {}, lf.now() + SECONDS
  run.pattern = assert(fetch(url .. "/bytes/60000")):raise().body
  assert(#run.pattern == 60000 and run.pattern:find "[^%z]")
  local before = core.stats()
  lf.scope(function(s)
    s:spawn(function()
      for i = 1, SAMPLES do
        lf.sleep(math.max(0, over - (SAMPLES - i) * SECONDS / SAMPLES - lf.now()))
        samples[i] = sample()
      end
    end)
    for _ = 1, IN_FLIGHT do
      s:spawn(function()
        while lf.now() < over do one(url) end
      end)
    end
  end)
  return samples, before, core.stats()
end

-- What was made and has not ended: it may need a turn of the loop.
local function left_behind(start)
  local list
  for _ = 1, 100 do
    collectgarbage()
    list = {}
    for what, n in pairs(core.leftovers()) do
      if n > start[what] then list[#list + 1] = ("%d %s"):format(n - start[what], what) end
    end
    if #list == 0 then return nil end
    lf.sleep(0.02)
  end
  return table.concat(list, ", ")
end

check_the_check()
run.pid = io.open("/proc/self/stat"):read "n"
local seed = os.time()
math.randomseed(seed)
print(("soak: %d s, %d in flight, %d kinds of faults, seed %d"):format(SECONDS, IN_FLIGHT, #FAULTS, seed))
local web = servers.fault()
local start = core.leftovers()
local samples, before, after = soak(web.url)

print(("%d requests, %.0f a second; errors: %s"):format(run.issued, run.issued / SECONDS, kinds_of(run.by_kind)))
for _, text in ipairs(run.complaints) do print("        " .. text) end
verdict(run.issued >= IN_FLIGHT and run.wrong == 0, ("every outcome is the right one: %d of %d"):format(run.right,
  run.issued))
local ended = after.requests - before.requests
verdict(run.right + run.wrong == run.issued and ended + run.cancelled == run.issued,
  ("all were counted: %d ended, %d cancelled"):format(ended, run.cancelled))
verdict(after.ok + after.failed == after.requests and kinds_of(after.errors) == kinds_of(run.by_kind),
  ("and as what they are: %d ok, %d failed"):format(after.ok, after.failed))
for _, row in ipairs(GROWTH) do
  local name, unit, share, more = table.unpack(row)
  local flat, early, late = is_flat(samples, name, share, more)
  verdict(flat, ("%s flat: %.4g, at the end %.4g %s"):format(name, early, late, unit))
end
local left = left_behind(start)
verdict(not left, "nothing left behind" .. (left and ": " .. left or ""))
local seen = assert(fetch(web.url .. "/stats")):json()
verdict(seen.requests >= run.issued * 0.9, ("the server saw %d requests"):format(seen.requests))
servers.stop_all()
print(("%d passed, %d failed"):format(passed, failed))
if failed > 0 then os.exit(1) end
