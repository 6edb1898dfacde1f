-- each.lua N: N tasks through `each`, a hundred at a time, and then N/10 asleep at once.
-- Prints the seconds of CPU, and the memory that a sleeping task takes.
local lf = require "luafetch"
local n = tonumber(arg[1])

local function resident()
  local file = assert(io.open "/proc/self/status")
  local kb = tonumber(file:read("a"):match "VmRSS:%s+(%d+)")
  file:close()
  return kb * 1024
end

local given, done = 0, 0
local function next_item()
  given = given + 1
  if given <= n then return given end
end

local start = os.clock()
lf.each(next_item, function() done = done + 1 end, { limit = 100 })
local cpu = os.clock() - start

collectgarbage()
local before, asleep, sleepers = resident(), 0, n // 10
local all = lf.spawn(function()
  for i = 1, sleepers do
    if i % 1000 == 0 then lf.sleep(0) end
    lf.spawn(function()
      asleep = asleep + 1
      lf.sleep(1000)
    end)
  end
end)
while asleep < sleepers do lf.sleep(0.05) end
collectgarbage()
local bytes = (resident() - before) / sleepers
all:cancel "seen"
all:join()
lf.emit { ok = done, each_s = cpu, idle_bytes = bytes }
