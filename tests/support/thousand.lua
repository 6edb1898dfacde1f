-- thousand.lua: one gather of 1,000 URLs of which 20 fail, each in its own way; run as a
-- program of its own by tests/spec/thousand_spec.lua, so that its memory is its own.
-- Arguments: the fault server's URL, a timeout. Prints what came of it as JSON.
local lf = require "luafetch"
local base, timeout = arg[1], tonumber(arg[2])

local faults = {
  { "http://127.0.0.1:1/", "connect" }, { "/reset", "closed" },
  { "/cut-headers", "closed" }, { "/short", "truncated" },
  { "/no-last-chunk", "truncated" }, { "/bad-chunk", "protocol" },
  { "/gzip-truncated", "decode" }, { "/gzip-crc", "decode" },
  { "/gzip-bomb?mb=200", "too_large" }, { "/two-lengths", "protocol" },
  { "/101", "protocol" }, { "/garbage", "protocol" },
  { "/hang", "timeout" }, { "/drip?n=100000&ms=100", "timeout" },
  { "/endless-headers", "too_large" }, { "/endless", "too_large" },
  { "/redirect-loop", "redirect" }, { "/redirect-ftp", "redirect" },
  { "/redirect-file", "redirect" }, { "/empty", "closed" },
}

local urls, wanted = {}, {}
for i = 1, 1000 do
  local fault = i % 50 == 0 and faults[i // 50]
  urls[i] = fault and lf.url.join(base, fault[1]) or base .. "/bytes/" .. i
  wanted[i] = fault and fault[2]
end

local start = lf.now()
local results, failed = gather(urls, { timeout = timeout, limit = 100, per_host = 100 })
local wrong = {}
for i = 1, 1000 do
  local r = results[i]
  local right
  if wanted[i] then
    right = not r.ok and r.kind == wanted[i] and r.url:find("http://127.0.0.1", 1, true) == 1
  else
    right = r.ok and #r.body == i
  end
  if not right then wrong[#wrong + 1] = i .. ": " .. tostring(r.error or r) end
end

local peak
for line in io.lines "/proc/self/status" do
  peak = peak or tonumber(line:match "^VmHWM:%s*(%d+)")
end
print(lf.json.encode {
  n = results.n, failed = failed, wrong = lf.json.array(wrong), seconds = lf.now() - start, peak_kb = peak,
})
