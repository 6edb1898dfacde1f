-- What every benchmark needs: running a command under `measure`, taking turns, medians, rows.
--
--   local rounds = bench.rounds(5, { ours = function() … return run end, theirs = … })
--   bench.row("name", bench.ratio(rounds, "ours", "theirs", bench.cpu), 1.25, "15.1 / 12.8 µs")
--
-- A ratio is the median of the ratios of one round each: what else the machine does falls
-- on both sides of a round alike.
local json = require "luafetch.json"

local M = { rows = {}, build = os.getenv "LF_BUILD" or "build" }

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

-- Runs a command on processor 1. Gives the fields of the JSON line it printed last, if any, and
-- wall, cpu = user + sys (seconds), peak_kb; out is what else it printed.
function M.run(words)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = quote(word) end
  local line = quote(M.build .. "/bench/measure") .. " 1 " .. table.concat(quoted, " ")
  local pipe = assert(io.popen(line, "r"))
  local out = pipe:read "a"
  pipe:close()
  local wall, user, sys, peak, code = out:match "\nmeasured (%S+) (%S+) (%S+) (%d+) (%d+)\n$"
  if code ~= "0" then error(("%s failed (%s):\n%s"):format(line, code or "?", out), 0) end
  local run = json.decode(("\n" .. out):match "^.*\n(%b{})\n+measured" or "{}") or {}
  run.wall, run.cpu, run.user, run.sys = tonumber(wall), user + sys, tonumber(user), tonumber(sys)
  run.peak_kb, run.out = tonumber(peak), out:match "^(.*)\nmeasured"
  return run
end

-- Runs a shell command; raises what it said when it failed.
function M.sh(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1", "r"))
  local out = pipe:read "a"
  if not pipe:close() then error(command .. ":\n" .. out, 0) end
end

-- The command of a script of client/ in luafetch, with as many requests at once as it asks for.
function M.client_words(name, ...)
  return {
    M.build .. "/luafetch", "--no-progress", "--limit", "20000", "--per-host", "20000",
    "scripts/bench/client/" .. name .. ".lua", ...,
  }
end

function M.client(...)
  return M.run(M.client_words(...))
end

function M.program(name, ...)
  return M.run { M.build .. "/bench/" .. name, ... }
end

-- Refuses a run that did not do its work.
function M.check(run, ok, bytes)
  if run.ok ~= ok or (bytes and run.bytes ~= bytes) then
    error(("wanted %d answers of %s bytes in all, got: %s"):format(ok, bytes or "any number", run.out), 0)
  end
  run.requests = ok
  return run
end

-- n rounds of all functions, in turn: a list of { name = run }. Names run in their order.
function M.rounds(n, sides)
  local names = {}
  for name in pairs(sides) do names[#names + 1] = name end
  table.sort(names)
  local rounds = {}
  for i = 1, n do
    rounds[i] = {}
    for _, name in ipairs(names) do rounds[i][name] = sides[name]() end
  end
  return rounds
end

function M.median(list)
  table.sort(list)
  local mid = #list // 2
  return #list % 2 == 1 and list[mid + 1] or (list[mid] + list[mid + 1]) / 2
end

-- Median over the rounds of what `value` gives for one round.
function M.over(rounds, value)
  local list = {}
  for i, round in ipairs(rounds) do list[i] = value(round) end
  return M.median(list)
end

function M.cpu(run)
  return run.cpu / run.requests * 1e6
end

function M.ratio(rounds, ours, theirs, value)
  return M.over(rounds, function(round) return value(round[ours]) / value(round[theirs]) end)
end

-- "15.1 / 12.8 µs", the medians of both sides.
function M.both(rounds, ours, theirs, value, unit)
  local a = M.over(rounds, function(round) return value(round[ours]) end)
  local b = M.over(rounds, function(round) return value(round[theirs]) end)
  return ("%.4g / %.4g %s"):format(a, b, unit)
end

-- One line of the table. target nil: nothing to hold yet.
function M.row(name, value, target, detail)
  local verdict = not target and "-" or value <= target and "pass" or "FAIL"
  M.rows[#M.rows + 1] = { name, ("%.2f"):format(value), target and ("%.2f"):format(target) or "-", verdict, detail }
end

function M.skip(name, why)
  M.rows[#M.rows + 1] = { name, "-", "-", "skip", why }
end

function M.fail(name, why)
  M.rows[#M.rows + 1] = { name, "-", "-", "FAIL", tostring(why) }
end

-- Prints the table; false when a row failed.
function M.print()
  local fmt, good = "%-44s %8s %8s  %-5s %s", true
  print(fmt:format("benchmark", "measured", "at most", "", "ours / theirs"))
  for _, row in ipairs(M.rows) do
    print(fmt:format(table.unpack(row)))
    good = good and row[4] ~= "FAIL"
  end
  return good
end

return M
