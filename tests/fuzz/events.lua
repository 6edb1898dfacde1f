-- What is made of the lines of a body: events and JSON lines.
--
-- seed: event: a\ndata: 1\ndata: 2\nid: 7\nretry: 10\n\n: comment\ndata\n\n
-- seed: {"a":1}\n\n[2]\n3
local stream = require "luafetch.stream"

local function lines(bytes)
  return bytes:gmatch "([^\n]*)\n?"
end

return function(bytes)
  for event in stream.events(nil, lines(bytes)) do
    assert(type(event.data) == "string" and event.event)
    assert(not event.id or not event.id:find "\0")
    assert(not event.retry or math.type(event.retry))
  end
  local response = { url = "https://example.com/" }
  local ok, err = pcall(function()
    for value in stream.json_lines(response, lines(bytes)) do
      assert(value ~= nil)
    end
  end)
  assert(ok or err.kind == "parse", err)
end
