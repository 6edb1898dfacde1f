-- cancel.lua URL STATS_URL COUNT: COUNT requests that are never answered, cancelled at once.
-- Prints how long the call took and what was left.
local lf = require "luafetch"
local core = require "luafetch.core"
local url, stats, count = arg[1], arg[2], tonumber(arg[3])

local function hold()
  fetch(url, { timeout = false })
end

local function at_server()
  return assert(fetch(stats)):json().requests
end

local before = at_server()
local all = lf.spawn(function()
  for _ = 1, count do lf.spawn(hold) end
end)
local deadline = lf.now() + 60
repeat
  lf.sleep(0.2)
  local reached = at_server() - before
until reached >= count or lf.now() > deadline

collectgarbage()
local active = core.stats().active
local wall, cpu = lf.now(), os.clock()
all:cancel "enough"
all:join()
wall, cpu = lf.now() - wall, os.clock() - cpu
local after = core.stats()
lf.emit {
  active = active, cancel_s = wall, cancel_cpu_s = cpu,
  left = after.active + after.queued + after.tasks - 1, -- the running task itself
}
