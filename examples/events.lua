-- events.lua: server-sent events as they come, one JSON line each
--
--   luafetch events https://stream.wikimedia.org/v2/stream/recentchange
--
-- A stream that breaks is taken up again behind the last event, as a browser does.
local lf = require "luafetch"
local url = arg[1] or error("usage: luafetch events URL", 0)

local last_id, wait, silent = nil, 3, 0

local function follow()
  -- Nothing may come for hours: no limit for a stall.
  local res <close> = assert(fetch(url, {
    stream = true,
    timeout = { stall = false },
    headers = { Accept = "text/event-stream", ["Last-Event-ID"] = last_id },
  }))
  res:raise()
  for event in res:events() do -- raises the Error when the stream breaks
    last_id, silent = event.id or last_id, 0
    wait = event.retry and event.retry / 1000 or wait
    local value, err = lf.json.decode(event.data)
    if err then value = event.data end
    lf.emit { id = event.id, event = event.event, data = value }
  end
end

repeat
  local ok, err = pcall(follow)
  if not ok then
    silent = silent + 1
    if type(err) == "string" or err.kind == "http" or silent > 5 then error(err, 0) end
    lf.log.warn(err, "- again in", wait, "s")
    lf.sleep(wait)
  end
until ok
