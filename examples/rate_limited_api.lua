-- rate_limited_api.lua: many calls of an API that counts them; as fast as it bears, no faster
--
--   luafetch rate_limited_api https://api.example/items/%d 1 500
--
-- Asks for the URL with each number from the first to the second, one JSON line an answer.
local lf = require "luafetch"
local template, from, to = arg[1], tonumber(arg[2]), tonumber(arg[3])
if not to then error("usage: luafetch rate_limited_api URL-WITH-%d FROM TO", 0) end

-- "auto" finds out how fast the host may be asked; `rate = 10` would say it. A host that
-- answers 429 with Retry-After is left alone for so long, and what it refused is asked again.
local api <close> = lf.session {
  rate = "auto",
  per_host = 4,
  retry = {
    times = 5,
    on_retry = function(r)
      lf.log.info(("%s: attempt %d: %s, next in %.1f s"):format(r.url, r.attempt, r.status or r.error, r.wait))
    end,
  },
}

local function urls()
  local n = from - 1
  return function()
    n = n + 1
    if n <= to then return template:format(n) end
  end
end

local lost = 0
for res, _, url in api:as_completed(urls()) do
  local item, err = nil, res.error
  if res.ok then item, err = res:json() end
  if item then
    lf.emit(item)
  else
    lost = lost + 1
    lf.log.warn(err or url)
  end
end
local stats = api:stats()
io.stderr:write(("%d answers, %d attempts repeated, %d lost\n"):format(stats.ok, stats.retries, lost))
