-- silent.lua COUNT: names that are never answered. While they are asked for, some run into their
-- time-outs, some are cancelled, and a task ticks every millisecond. Prints its longest pause.
local lf = require "luafetch"
local count = tonumber(arg[1])
local worst, ticks, kinds = 0, 0, {}

lf.background(function()
  local last = lf.now()
  while true do
    lf.sleep(0.001)
    local now = lf.now()
    worst = math.max(worst, now - last)
    last, ticks = now, ticks + 1
  end
end)

local function look_up(i)
  local seconds = 0.5 + i % 50 / 100
  local _, err = fetch(("http://name-%d.example.test/"):format(i), { timeout = { total = seconds, connect = seconds } })
  local kind = err and err.kind or "answered"
  kinds[kind] = (kinds[kind] or 0) + 1
end

local tasks = {}
for i = 1, count do tasks[i] = lf.spawn(look_up, i) end
lf.sleep(0.3)
for i = 1, count, 2 do tasks[i]:cancel() end
for i = 1, count do tasks[i]:join() end
lf.emit { worst_ms = worst * 1000, ticks = ticks, timeouts = kinds.timeout or 0, kinds = kinds }
