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

-- One event of the lines, or nil at their end. Only a whole event moves `state.last_id`,
-- what is cut off in the middle of one is dropped, as browsers do.
local function next_event(next_line, state)
  local event = {}
  for line in next_line do
    if state.fresh then
      state.fresh = false
      line = line:gsub("^\u{FEFF}", "", 1)
    end
    if line ~= "" then
      add_line(event, line, state)
    else
      state.last_id = state.id
      if event.data then
        event.event = event.event or "message"
        event.id = state.id
        return event
      end
      event = {}
    end
  end
end

-- ---- taking an event stream up again (HTML standard 9.2.3) ----

local DELAY, MOST = 3, 60 -- seconds before the first try, and what doubling leads to at most

local function is_number(value) return math.type(value) ~= nil and value > 0 end

local checks = {
  reconnect = { "true or false", function(value) return type(value) == "boolean" end },
  attempts = { "a whole number from 1 or false", function(value)
    return value == false or math.type(value) == "integer" and value > 0
  end },
  delay = { "a positive number of seconds", is_number },
}

local function check_options(response, opts)
  if opts == nil then return {} end
  if type(opts) ~= "table" then core.misuse("events: options must be a table, got a " .. type(opts)) end
  for name, value in pairs(opts) do
    local check = checks[name]
    if not check then core.option_unknown("events", tostring(name), { "attempts", "delay", "reconnect" }) end
    if not check[2](value) then
      core.misuse(("events: option '%s' must be %s, got %s"):format(name, check[1], tostring(value)))
    end
  end
  if not opts.reconnect then return opts end
  if not core.stream_recipe(response) then core.misuse "events: 'reconnect' is for a fetch with stream = true" end
  local method = response.request.method
  if method ~= "GET" then core.misuse("events: 'reconnect' would repeat a " .. method .. ": it is for GET") end
  return opts
end

-- What an answer says: an event stream, "over" (204), or the Error it is.
local function judge(response)
  if response.status == 204 then return "over" end
  if not response.ok then return nil, response.error end
  if response.status ~= 200 then
    return nil, core.protocol_error(response.url, ("status %d is no event stream"):format(response.status))
  end
  local kind = response.headers["content-type"] or ""
  if kind:lower():match "^%s*([^;%s]*)" ~= "text/event-stream" then
    return nil, core.protocol_error(response.url,
      kind == "" and "an event stream must be text/event-stream, and no Content-Type was sent"
      or ("an event stream must be text/event-stream, not %s"):format(kind))
  end
  return "stream"
end

-- `headers` as scripts write them, a table or a list of pairs, with another Last-Event-ID.
local function behind(headers, last_id)
  local name, value, out = "Last-Event-ID", last_id ~= "" and last_id, {}
  local function is_it(other) return tostring(other):lower() == name:lower() end
  if headers[1] == nil then
    for other, said in pairs(headers) do
      if not is_it(other) then out[other] = said end
    end
    out[name] = value
    return out
  end
  for _, pair in ipairs(headers) do
    if not is_it(pair[1]) then out[#out + 1] = pair end
  end
  out[#out + 1] = { name, value }
  return out
end

-- The same request once more, behind the last event that came.
local function ask_again(recipe, last_id)
  local request = {}
  if type(recipe.url) == "table" then
    for name, value in pairs(recipe.url) do request[name] = value end
  else
    request.url = recipe.url
  end
  request.method = recipe.method or request.method
  if last_id then
    request.headers = behind(request.headers or recipe.opts and recipe.opts.headers or {}, last_id)
  end
  if recipe.session then return core.session_methods.fetch(recipe.session, request, recipe.opts) end
  return core.fetch(request, recipe.opts)
end

local function pause(state, delay)
  local first = state.retry and state.retry / 1000 or delay or DELAY
  return math.min(first * 2 ^ (state.failures - 1), math.max(first, MOST))
end

-- The lines of a new answer; nil when there is to be none, or the script has closed the
-- stream. Raises what makes another try futile, and `err` when there were enough.
local function reopen(response, recipe, state, opts, err)
  while core.stream_open(response) do
    if opts.attempts and state.failures >= opts.attempts then
      error(err or core.protocol_error(response.url,
        ("the event stream ended, and %d times brought nothing new"):format(opts.attempts)), 0)
    end
    state.failures = state.failures + 1
    core.sleep(pause(state, opts.delay))
    if not core.stream_open(response) then return nil end
    local again <close>, why = ask_again(recipe, state.last_id)
    err = why
    local is, wrong
    if again then is, wrong = judge(again) end
    if is == "stream" and core.stream_open(response) then
      state.fresh, state.id = true, state.last_id
      return core.stream_adopt(response, again)
    end
    if again and is ~= "stream" then
      if is == "over" then return nil end
      error(wrong, 0)
    end
    if err and not err.retryable then error(err, 0) end
  end
end

local function reconnecting(response, next_line, opts)
  local state = { fresh = true, failures = 0 }
  local recipe = core.stream_recipe(response)
  local judged = false
  return function()
    if not judged then
      local is, wrong = judge(response)
      judged = true
      if not is then error(wrong, 0) end
      if is == "over" then next_line = nil end
    end
    while next_line do
      local ok, event = pcall(next_event, next_line, state)
      if ok and event then
        state.failures = 0
        return event
      end
      if not ok and not (type(event) == "table" and event.retryable) then error(event, 0) end
      next_line = reopen(response, recipe, state, opts, not ok and event or nil)
    end
  end
end

---Server-sent events (HTML standard 9.2): `{id, event, data, retry}` each. An event without
---data is not given out.
function M.events(response, next_line, opts)
  opts = check_options(response, opts)
  if opts.reconnect then return reconnecting(response, next_line, opts) end
  local state = { fresh = true }
  return function() return next_event(next_line, state) end
end

return M
