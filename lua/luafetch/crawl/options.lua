-- What lf.crawl may be told: its own options, each with its check, and those of the session
-- that makes its requests.
local core = require "luafetch.core"
core.hide()

local M = {}

local PAGES = "text/html, application/xhtml+xml"

local function is_count(value) return math.type(value) == "integer" and value > 0 end
local function is_seconds(value) return type(value) == "number" and value > 0 end
local function is_flag(value) return type(value) == "boolean" end
local function is_function(value) return type(value) == "function" end
local function is_text(value) return type(value) == "string" and value ~= "" end
local function is_any() return true end

local function or_false(check)
  return function(value) return value == false or check(value) end
end

local function is_whole(value) return math.type(value) == "integer" and value >= 0 end

local function is_callable(value)
  local meta = getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

local function is_list_of(check)
  return function(value)
    if type(value) ~= "table" then return check(value) end
    for _, one in ipairs(value) do
      if not check(one) then return false end
    end
    return next(value) ~= nil
  end
end

local function is_start(value)
  return type(value) == "string" or type(value) == "table" or is_callable(value)
end

local function is_rule(value) return type(value) == "string" or is_function(value) end

local function is_rules(value) return value == true or is_list_of(is_rule)(value) end

-- Each: what it must be, and whether it is. Without `default` there may be none.
local rows = {
  start = { "a URL, a list, an iterator, {sitemap = URL} or {file = NAME}", is_start },
  allow = { "true, a pattern, a function or a list of them", is_rules },
  deny = { "a pattern, a function or a list of them", is_list_of(is_rule) },
  job = { "the name of a job", is_text },
  lease = { "a number of seconds", is_seconds, default = 60 },
  page = { "a function", is_function },
  failed = { "a function", is_function },
  item = { "a function or a list of them", is_list_of(is_function) },
  limit = { "a whole number from 1", is_count, default = 100 },
  per_host = { "a whole number from 1 or false", or_false(is_count), default = 8 },
  rate = { "a number a second, \"auto\" or false", is_any, default = "auto" },
  robots = { "true or false", is_flag, default = true },
  depth = { "a whole number or false", or_false(is_whole), default = false },
  max_pages = { "a whole number from 1 or false", or_false(is_count), default = false },
  max_time = { "a number of seconds or false", or_false(is_seconds), default = false },
  max_errors = { "a whole number or false", or_false(is_whole), default = 10 },
  retry = { "a whole number, false or a table", is_any, default = 2 },
  types = { "a text such as \"text/html, text/plain\" or false", or_false(is_text), default = PAGES },
  traps = { "a table or false", function(value) return value == false or type(value) == "table" end },
}

local REFUSED = { base_url = "URLs are absolute, or relative to their page", redirects = "they go through `allow`" }

local function names_of_all()
  local names = {}
  for name in pairs(rows) do names[#names + 1] = name end
  for _, name in ipairs(core.session_options) do
    if not rows[name] and not REFUSED[name] then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function wrong(name, wanted, value)
  core.misuse(("crawl: option '%s' must be %s, got %s"):format(name, wanted, tostring(value)))
end

-- The table that option `name` holds, checked by `inner`, over what is usual.
local function table_of(name, told, inner, usual)
  local out = {}
  for key, value in pairs(usual) do out[key] = value end
  for key, value in pairs(told) do
    local row = inner[key]
    if not row then
      local names = {}
      for known in pairs(inner) do names[#names + 1] = known end
      core.option_unknown(("crawl: option '%s'"):format(name), tostring(key), names)
    end
    if not row[2](value) then wrong(name .. "." .. key, row[1], value) end
    out[key] = value
  end
  return out
end

-- ---- spaces without end ----

-- Far beyond what sites have that end.
local USUAL_TRAPS = { path_depth = 25, repeated = 3, pages_per_pattern = 100000 }
local trap_rows = {
  path_depth = { "a whole number or false", or_false(is_count) },
  repeated = { "a whole number or false", or_false(is_count) },
  pages_per_pattern = { "a whole number or false", or_false(is_count) },
}

-- ---- trying again ----

local USUAL = {
  times = 2, on = { 408, 429, 500, 502, 503, 504 }, backoff = 0.5, factor = 2, max = 30, max_retry_after = 120,
}
local retry_rows = {
  times = { "a whole number", is_whole },
  on = { "a list of statuses", is_list_of(is_count) },
  backoff = { "a number of seconds", function(value) return type(value) == "number" and value >= 0 end },
  factor = { "a number from 1", function(value) return type(value) == "number" and value >= 1 end },
  max = { "a number of seconds", is_seconds },
  max_retry_after = { "a number of seconds", is_seconds },
}

local function retry_of(value)
  local told = value
  if value == false then told = { times = 0 } end
  if is_whole(value) then told = { times = value } end
  if type(told) ~= "table" then wrong("retry", rows.retry[1], value) end
  local retry = table_of("retry", told, retry_rows, USUAL)
  local on = {}
  for _, status in ipairs(retry.on) do on[status] = true end
  retry.on = on
  return retry
end

-- ---- all of it ----

-- What the crawl's requests share: limits and rate too, and nothing that it does itself.
local function session_of(own, rest)
  local session = rest
  session.limit, session.per_host, session.rate = own.limit, own.per_host, own.rate
  session.redirects, session.retry = false, false
  return session
end

-- The options as a new table, with `session` for what belongs to core.session.
function M.read(opts)
  if type(opts) ~= "table" then core.misuse("crawl: options must be a table, got a " .. type(opts)) end
  local own, rest, known = {}, {}, {}
  for _, name in ipairs(core.session_options) do known[name] = not REFUSED[name] end
  for name, value in pairs(opts) do
    local row = rows[name]
    if row then
      if not row[2](value) then wrong(name, row[1], value) end
      own[name] = value
    elseif REFUSED[name] then
      core.misuse(("crawl: there is no option '%s': %s"):format(name, REFUSED[name]))
    elseif known[name] then
      rest[name] = value
    else
      core.option_unknown("crawl", tostring(name), names_of_all())
    end
  end
  for name, row in pairs(rows) do
    if own[name] == nil then own[name] = row.default end
  end
  if not own.page then core.misuse "crawl: option 'page' is missing: a function that is given each page" end
  if own.start == nil and not own.job then core.misuse "crawl: wants a 'start', or a 'job' that has one" end
  if core.workers and not own.job then
    core.misuse(("crawl: option 'job' is missing: the %d processes of --workers share one, "
      .. "job = \"NAME.db\" or \"redis://HOST/NAME\""):format(core.workers))
  end
  own.retry = retry_of(own.retry)
  own.traps = own.traps ~= false and table_of("traps", own.traps or {}, trap_rows, USUAL_TRAPS)
  own.session = session_of(own, rest)
  return own
end

return M
