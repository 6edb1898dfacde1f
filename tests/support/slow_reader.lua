-- slow_reader.lua: reads a large body with pauses and prints bytes and peak memory in KB.
local lf = require "luafetch"
local r <close> = assert(fetch(arg[1], { stream = true }))
local n, pieces = 0, 0
for chunk in r:chunks() do
  n, pieces = n + #chunk, pieces + 1
  if pieces % 2000 == 0 then lf.sleep(0.05) end
end
for line in io.lines "/proc/self/status" do
  local peak = line:match "^VmHWM:%s*(%d+)"
  if peak then print(n, peak) end
end
