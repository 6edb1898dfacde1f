-- beside.lua: required by a script of the card; 20 good URLs are fetched while the rest of the
-- script runs. How many came whole is written to the file LF_GOOD_OUT, and when the state is
-- closed the most memory it has had to LF_GOOD_OUT.peak.
local lf = require "luafetch"
local url, name = os.getenv "LF_GOOD", os.getenv "LF_GOOD_OUT"

local function write(file_name, what)
  local file = assert(io.open(file_name, "w"))
  file:write(what)
  file:close()
end

_G.the_last = setmetatable({}, { __gc = function()
  write(name .. ".peak", io.open("/proc/self/status"):read("a"):match "VmHWM:%s*(%d+)")
end })

lf.spawn(function()
  local good = 0
  local urls = {}
  for i = 1, 20 do urls[i] = ("%s/bytes/%d"):format(url, 4000 + i) end
  lf.each(urls, function(u)
    local res = fetch(u, { timeout = 20, retry = 0 })
    if res and res.ok and #res.body == tonumber(u:match "%d+$") then good = good + 1 end
  end, { limit = 20 })
  write(name, good)
end)
