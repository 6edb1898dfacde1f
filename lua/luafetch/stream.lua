-- What Response:json_lines and Response:events make of the lines of a body.
local json = require "luafetch.json"
local core = require "luafetch.core"
core.hide()

local M = {}

---One value a line; blank lines are passed over. A line that is no JSON raises its Error.
function M.json_lines(response, next_line)
  local number = 0
  return function()
    for line in next_line do
      number = number + 1
      if line:find "%S" then
        local value, err = json.decode(line)
        if value == nil then
          err.message = ("line %d of the body: %s"):format(number, err.message)
          err.url = response.url
          error(err, 0)
        end
        return value
      end
    end
  end
end

-- HTML standard, 9.2.6: one field of an event.
local fields = {
  event = function(event, value) event.event = value end,
  data = function(event, value) event.data = event.data and event.data .. "\n" .. value or value end,
  id = function(_, value, state)
    if not value:find "\0" then state.id = value end
  end,
  retry = function(event, value, state)
    if value:find "^%d+$" then
      event.retry = tonumber(value)
      state.retry = event.retry
    end
  end,
}

local function add_line(event, line, state)
  if line:sub(1, 1) == ":" then return end -- a comment, often a sign of life
  local name, value = line:match "^([^:]*):? ?(.*)$"
  local field = fields[name]
  if field then field(event, value, state) end
end

---Server-sent events (HTML standard 9.2): `{id, event, data, retry}` each. An event without
---data is not given out; what is cut off in the middle of an event is dropped, as browsers do.
function M.events(_, next_line)
  local state = { id = nil }
  local first = true
  return function()
    local event = {}
    for line in next_line do
      if first then
        first = false
        line = line:gsub("^\u{FEFF}", "", 1)
      end
      if line ~= "" then
        add_line(event, line, state)
      elseif event.data then
        event.event = event.event or "message"
        event.id = state.id
        return event
      else
        event = {}
      end
    end
  end
end

return M
