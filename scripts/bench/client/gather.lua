-- gather.lua URL CONCURRENCY TOTAL: lists of 2,000, one gather after the other.
local lf = require "luafetch"
local url, concurrency, total = arg[1], tonumber(arg[2]), tonumber(arg[3])
local ok, bytes, chars, last = 0, 0, 0, nil

while total > 0 do
  local list = {}
  for i = 1, math.min(2000, total) do list[i] = url end
  total = total - #list
  for _, res in ipairs((gather(list, { limit = concurrency }))) do
    if res.ok then
      if res.status == 200 then ok = ok + 1 end
      chars = chars + #(res.headers["content-type"] or "")
      bytes = bytes + #res.body
    else
      last = res.error
    end
  end
end
lf.emit { ok = ok, bytes = bytes, chars = chars, err = last and tostring(last) }
