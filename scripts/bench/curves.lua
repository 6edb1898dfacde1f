-- What a request of luafetch costs while something grows tenfold: those in flight, the hosts, the
-- requests in all. Sizes take turns; a ratio is the median of those of one round each.
local bench = require "scripts.bench.bench"

local M = {}

local FEW, MANY = 20000, 60000
local TOTAL = tonumber(os.getenv "BENCH_TOTAL") or 200000

-- Between a short run and a long one: connecting falls out, which is hosts' to measure.
local function in_flight(size, run)
  local short, long = run("small", FEW, size), run("small", MANY, size)
  for _, field in ipairs { "cpu", "user", "sys", "wall_s" } do long[field] = long[field] - short[field] end
  long.requests = MANY - FEW
  return long
end

M.list = {
  { name = "curveflying", title = "a request, with so many in flight", sizes = { 10, 100, 1000, 10000 },
    measure = in_flight },
  { name = "curvehosts", title = "a request to each of so many hosts, 64 in flight", sizes = { 500, 5000, 50000 },
    measure = function(size, run) return run("hosts", size, 64) end },
  { name = "curvetotal", title = "a request of so many in all, 64 in flight",
    sizes = { TOTAL // 100, TOTAL // 10, TOTAL },
    measure = function(size, run) return run("small", size, 64) end },
}

local function us(run) return run.cpu / run.requests * 1e6 end

-- run(workload, count, flying): a checked run without what a start costs.
-- Rows as of other workloads, of_tenth: the cost, of that of the row before.
function M.rows(curve, rounds, run)
  local sides = {}
  for i, size in ipairs(curve.sizes) do
    sides[i] = function() return curve.measure(size, run) end
  end
  local list, rows = bench.rounds(rounds, sides), {}
  for i, size in ipairs(curve.sizes) do
    local function over(value) return bench.over(list, function(round) return value(round[i]) end) end
    rows[i] = {
      peer = tostring(size), requests = list[1][i].requests, cpu_us = over(us),
      user_us = over(function(r) return r.user / r.requests * 1e6 end),
      sys_us = over(function(r) return r.sys / r.requests * 1e6 end),
      rate = over(function(r) return r.requests / r.wall_s end),
      peak_mb = over(function(r) return r.peak_kb / 1024 end),
      of_tenth = i > 1 and bench.over(list, function(round) return us(round[i]) / us(round[i - 1]) end) or nil,
    }
  end
  return rows
end

-- The dearest tenfold.
function M.worst(rows)
  local worst, size
  for name, row in pairs(rows) do
    if row.of_tenth and (not worst or row.of_tenth > worst) then worst, size = row.of_tenth, name end
  end
  return worst, size
end

return M
