-- cancel.lua URL STATS_URL COUNT HOW: COUNT requests that are never answered, cancelled at
-- once; HOW is "gather" (one task) or "tasks" (a task for each, which is unwound as well).
-- Prints how long the call took and what was left.
local lf = require "luafetch"
local core = require "luafetch.core"
local url, stats, count, how = arg[1], arg[2], tonumber(arg[3]), arg[4] or "gather"

local function hold()
  fetch(url, { timeout = false })
end

local function at_server()
  return assert(fetch(stats)):json().requests
end

local before = at_server()
local ways = {
  tasks = function()
    for _ = 1, count do lf.spawn(hold) end
  end,
  gather = function()
    local urls = {}
    for i = 1, count do urls[i] = url end
    gather(urls, { limit = count, timeout = false })
  end,
}
local all = lf.spawn(ways[how])
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
