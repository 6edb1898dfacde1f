-- tasks.lua URL CONCURRENCY TOTAL [CA]: tasks that fetch one after the other, and look at each
-- answer as a script does: its status, a header, its body.
local lf = require "luafetch"
local url, concurrency, left = arg[1], tonumber(arg[2]), tonumber(arg[3])
local opts = arg[4] and { tls = { ca = arg[4] } } or nil
local ok, bytes, chars, last = 0, 0, 0, nil

local function work()
  while left > 0 do
    left = left - 1
    local res, err = fetch(url, opts)
    if res then
      if res.status == 200 then ok = ok + 1 end
      chars = chars + #(res.headers["content-type"] or "")
      bytes = bytes + #res.body
    else
      last = err
    end
  end
end

lf.scope(function(s)
  for _ = 1, concurrency do s:spawn(work) end
end)
lf.emit { ok = ok, bytes = bytes, chars = chars, err = last and tostring(last) }
