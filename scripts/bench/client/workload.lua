-- workload.lua WORKLOAD URL COUNT FLYING [CA]: what every peer in ../peers does; contract.py there
-- says what the workloads are. Written as a script would be: a task that fetches in a loop.
local lf = require "luafetch"
local kind, url, count, flying, ca = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4]), arg[5]
local SAMPLE = 16 -- the latency of every so many requests is taken
local out = os.getenv "BENCH_OUT"

local opts = { tls = ca and { ca = ca } or nil, http_version = kind == "h2" and "2" or nil }
local ok, bytes, sum, chars, last = 0, 0, 0, 0, nil
local latencies = {}

local URL_OF = {
  hosts = function(n)
    return (url:gsub("HOST", ("127.%d.%d.%d"):format(1 + n // 62500, n // 250 % 250, 1 + n % 250)))
  end,
  scrape = function(n) return (url:gsub("PAGE", 1 + n % 10)) end,
}
local url_of = URL_OF[kind] or function() return url end

local LOOK = {
  json = function(res) sum = sum + #res:json().items end,
  scrape = function(res)
    local doc = res:html()
    lf.emit { texts = doc:css ".quote span.text::text", next = doc:css "li.next a::attr(href)" }
  end,
}
local look = LOOK[kind]

local function answer(res, err)
  if not (res and res.ok) then
    last = err or res.error
    return
  end
  ok = ok + 1
  chars = chars + #(res.headers["content-type"] or "")
  bytes = bytes + #res.body
  if look then look(res) end
end

local taken = 0
local function work()
  while taken < count do
    local n = taken
    taken = n + 1
    if n % SAMPLE == 0 then
      local start = lf.now()
      answer(fetch(url_of(n), opts))
      latencies[#latencies + 1] = 1000 * (lf.now() - start)
    else
      answer(fetch(url_of(n), opts))
    end
  end
end

local WAYS = {
  gather = function()
    local urls = {}
    for i = 1, count do urls[i] = url end
    for _, res in ipairs((gather(urls, { limit = count, per_host = count }))) do answer(res) end
  end,
  save = function()
    local res = assert(fetch(url, { save = out }))
    ok, bytes = ok + 1, res.size
  end,
  stream = function()
    local res <close> = assert(fetch(url, { stream = true }))
    for chunk in res:chunks() do bytes = bytes + #chunk end
    ok = ok + 1
  end,
}

local function work_all()
  lf.scope(function(s)
    for _ = 1, math.min(flying, count) do s:spawn(work) end
  end)
end

local start = lf.now()
local way = WAYS[kind] or work_all
way()
local wall = lf.now() - start
table.sort(latencies)
local function quantile(q) return latencies[#latencies * q // 100 + 1] end
lf.emit {
  ok = ok, bytes = bytes, sum = sum, wall_s = wall, err = last and tostring(last),
  p50 = quantile(50), p99 = quantile(99),
}
