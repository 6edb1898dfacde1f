-- as_completed.lua URL CONCURRENCY TOTAL: the same URL from a lazy iterator. Prints the memory
-- after 10,000 results and the most seen later.
local lf = require "luafetch"
local url, concurrency, total = arg[1], tonumber(arg[2]), tonumber(arg[3])
local ok, bytes, chars, last = 0, 0, 0, nil

local function resident_kb()
  local file = assert(io.open "/proc/self/statm")
  local pages = file:read("l"):match "^%d+ (%d+)"
  file:close()
  return tonumber(pages) * 4
end

local function urls()
  local n = 0
  return function()
    n = n + 1
    if n <= total then return url end
  end
end

local early, peak = 0, 0
for res, i in lf.as_completed(urls(), { limit = concurrency }) do
  if res.ok then
    if res.status == 200 then ok = ok + 1 end
    chars = chars + #(res.headers["content-type"] or "")
    bytes = bytes + #res.body
  else
    last = res.error
  end
  if i == 10000 then early = resident_kb() end
  if i > 10000 and i % 5000 == 0 then peak = math.max(peak, resident_kb()) end
end
lf.emit { ok = ok, bytes = bytes, chars = chars, early_kb = early, peak_kb = peak, err = last and tostring(last) }
