-- hosts.lua PORT COUNT CONCURRENCY: one request to each of COUNT loopback addresses. Prints the
-- CPU seconds of the first and of the last thousand.
local lf = require "luafetch"
local port, count, concurrency = arg[1], tonumber(arg[2]), tonumber(arg[3])
local ok, bytes, done, last = 0, 0, 0, nil

local function urls()
  local n = 0
  return function()
    n = n + 1
    if n > count then return nil end
    return ("http://127.%d.%d.%d:%s/ok"):format(1 + n // 62500, n // 250 % 250, 1 + n % 250, port)
  end
end

local start = os.clock()
local first, before_last
for res in lf.as_completed(urls(), { limit = concurrency }) do
  if res.ok then
    ok = ok + 1
    bytes = bytes + #res.body
  else
    last = res.error
  end
  done = done + 1
  if done == 1000 then first = os.clock() - start end
  if done == count - 1000 then before_last = os.clock() end
end
lf.emit { ok = ok, bytes = bytes, first_s = first, last_s = os.clock() - before_last, err = last and tostring(last) }
