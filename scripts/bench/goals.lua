-- What must hold, judged by what was measured side by side: a line and a verdict for each goal.
local curves = require "scripts.bench.curves"

local M = {}

local function find(results, workload)
  for _, result in ipairs(results) do
    if result.name == workload then
      local rows = {}
      for _, row in ipairs(result.rows) do rows[row.peer] = not row.failed and row or nil end
      return rows, result
    end
  end
end

-- Not clients that give a script whole answers.
local NO_PEER = { luafetch = true, ["C loop"] = true, wrk = true }

-- The peer that comes nearest: a ratio of ours to it, and its name.
local function nearest(rows)
  local best, name
  for peer, row in pairs(rows) do
    if not NO_PEER[peer] and (not best or 1 / row.of_ours > best) then best, name = 1 / row.of_ours, peer end
  end
  return best, name
end

local function of_peer(peer)
  return function(rows) return rows[peer] and 1 / rows[peer].of_ours or nil, peer end
end

-- workload, what is compared, at most
local GOALS = {
  { "small64", of_peer "C loop", 1.0 },
  { "tls", of_peer "C loop", 1.1 },
  { "small1", nearest, 1 }, { "small64", nearest, 1 }, { "small1000", nearest, 1 }, { "small10000", nearest, 1 },
  { "tls", nearest, 1 }, { "http2", nearest, 1 }, { "tlsnew", nearest, 1 }, { "hosts", nearest, 1 },
  { "jsongzip", nearest, 1 },
  { "save", of_peer "curl", 1.05 }, { "stream", of_peer "curl", 1.05 },
  { "total", nearest, 1 }, { "scrapeside", nearest, 1 }, { "scrapeside", of_peer "scrapy", 1 / 20 },
  { "start", nearest, 1 },
  { "gather100", function(rows) return rows.luafetch and rows.luafetch.wall_s / 0.1, "the ideal" end, 1.1 },
  -- flat: what ten times as much may add to one request
  { "curveflying", curves.worst, 1.5 }, { "curvehosts", curves.worst, 1.25 }, { "curvetotal", curves.worst, 1.1 },
}

-- One line; true or false: met or not, nil: this run cannot tell.
local function judge(goal, rows, result)
  local ratio, name = goal[2](rows)
  if not ratio then
    print(("%-50s %9s %8.2f  not measured: %s"):format(result.title, "-", goal[3], name or "nobody to compare with"))
    return nil
  end
  local held = ratio <= goal[3]
  print(("%-50s %9.3f %8.2f  %s, of %s"):format(result.title, ratio, goal[3], held and "met" or "MISSED", name))
  return held
end

-- Prints those of the workloads that were measured; false when one is missed.
function M.print(results)
  local missed, met, all = 0, 0, 0
  for _, goal in ipairs(GOALS) do
    local rows, result = find(results, goal[1])
    if rows then
      if all == 0 then print(("\n%-50s %9s %8s"):format("goal", "measured", "at most")) end
      local held = judge(goal, rows, result)
      all, met, missed = all + 1, met + (held and 1 or 0), missed + (held == false and 1 or 0)
    end
  end
  if all > 0 then
    print(("%d of %d goals met, %d missed, %d not measured"):format(met, all, missed, all - met - missed))
  end
  return missed == 0
end

return M
