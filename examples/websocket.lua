-- websocket.lua: talk to a WebSocket: lines of standard input go out, messages are printed
-- luafetch websocket wss://echo.example/ [sub-protocol …]   (one line: echo hello | luafetch websocket URL)
--
-- Ends when the server closes, or a second after the input has ended and nothing comes any more.
local lf = require "luafetch"

local url = arg[1] or error("usage: luafetch websocket URL [sub-protocol …]", 0)
local protocols = #arg > 1 and { table.unpack(arg, 2) } or nil

local ws <close> = assert(lf.websocket(url, { protocols = protocols, ping = 20 }))
lf.log.info("connected", ws.protocol and "speaking " .. ws.protocol or "")

for line in io.lines() do
  assert(ws:send(line))
end

while true do
  local got, err = lf.timeout(1, function()
    local message, kind, err = ws:receive()
    if err then return nil, err end
    return { text = message, kind = kind }
  end)
  if not got and err.kind == "timeout" then break end
  if not got then error(err) end
  if not got.text then
    io.stderr:write(("closed by the server: %d %s\n"):format(ws.close_code, ws.close_reason))
    break
  end
  print(got.kind == "text" and got.text or ("%d bytes"):format(#got.text))
end
