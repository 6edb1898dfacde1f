-- events.lua: server-sent events as they come, one JSON line each
--
--   luafetch events https://stream.wikimedia.org/v2/stream/recentchange
--
-- A stream that ends or breaks is taken up again behind the last event, as a browser does,
-- until the server says that there is no more (204), or five tries brought nothing.
local lf = require "luafetch"
local url = arg[1] or error("usage: luafetch events URL", 0)

local res <close> = assert(fetch(url, {
  stream = true,
  timeout = { stall = false }, -- nothing may come for hours
  headers = { Accept = "text/event-stream" },
}))

for event in res:raise():events { reconnect = true, attempts = 5 } do
  local value, err = lf.json.decode(event.data)
  if err then value = event.data end
  lf.emit { id = event.id, event = event.event, data = value }
end
