-- nomem.lua CASE URL: makes the n-th allocation fail, for n = 1, 2, …, and each time does
-- what the case does; prints a line for every outcome that is none of memory's end.
-- Runs with nomem.so (nomem.c) preloaded.
local lf = require "luafetch"
local core = require "luafetch.core"
local name, url = arg[1], arg[2]

local function drain(next_value)
  local n = 0
  for value in next_value do
    n = n + (type(value) == "string" and #value or 1)
    if n >= 3 then break end
  end
  return n
end

local path = os.tmpname()
local tries = 0

-- A job of its own each time: what memory's end left leased is none of the next one's.
local function work(job)
  assert(assert(job:add { "http://a.test/", "http://b.test/" }) == 2)
  assert(job:host("a.test", { rate = 100 }))
  local page = assert(job:claim(1))[1]
  assert(job:complete { page = page, links = { "http://c.test/" }, items = { { n = 1 } } })
  assert(assert(job:counts()).items == 1)
  for item in job:items() do assert(item.n == 1) end
  assert(job:close())
end

local cases = {
  redis = function()
    tries = tries + 1
    local job <close> = assert(lf.job.open(("%s/job%d"):format(url, tries), { wait = 5 }))
    work(job)
  end,
  websocket = function()
    local ws <close> = assert(lf.websocket(url .. "/echo"))
    assert(ws:send "hello")
    local message, _, err = ws:receive()
    if not message then error(err) end
    assert(ws:close())
  end,
  progress = function()
    local calls = 0
    assert(#assert(fetch(url .. "/bytes/1000", { on_progress = function() calls = calls + 1 end })).body == 1000)
    assert(calls == 1)
  end,
  save = function()
    local r = assert(fetch(url .. "/bytes/1000", { save = path, resume = true, on_progress = function() end }))
    assert(r.size == 1000)
  end,
  stream = function()
    local opts = { stream = true, on_progress = function() end, range = { 0, 3 } }
    local r <close> = assert(fetch(url .. "/bytes/10", opts))
    assert(drain(r:chunks()) >= 3)
  end,
  events = function()
    local r <close> = assert(fetch(url .. "/one?key=x", { stream = true, headers = { A = "b" } }))
    assert(drain(r:events { reconnect = true, delay = 0.001 }) >= 3)
  end,
  text = function()
    local r = assert(fetch(url .. "/respond?h=Content-Type:text/html&h=Refresh:1&body=<meta charset=koi8-r>%D1"))
    assert(assert(r:text()) == "<meta charset=koi8-r>\u{44F}")
    assert(r.refresh.seconds == 1)
  end,
}
local case = cases[name]

-- Libraries that tell of memory's end in other words: OpenSSL, and iconv of glibc.
local function is_memory(text)
  return text:lower():find "memory" or text:find "no random bytes" or text:find "the charset 'KOI8%-R' is not known"
end

case() -- whatever is made once is there
local sound, n = 0, 0
repeat
  n = n + 1
  os.remove("nomem:" .. n)
  local ok, err = pcall(case)
  local hit = os.remove "nomem:0"
  if not ok and not is_memory(tostring(err)) then print(n, err) end
  if not ok and not hit then print(n, "failed without a cause", err) end
  sound = hit and 0 or sound + 1
until sound == 3 or n == 5000
case()
os.remove(path)
collectgarbage()
collectgarbage()
local left = core.leftovers()
print(n > 10 and n < 5000 and "went through" or n, left.requests, left.timers)
