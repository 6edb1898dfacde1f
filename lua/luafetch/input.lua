-- What functions that read bytes take: a string, a Response, a file, a function; and options.
local core = require "luafetch.core"
core.hide()

local M = {}

local PIECE = 64 << 10

function M.check_string(what, s)
  if type(s) ~= "string" then core.misuse(("%s: a string is wanted, got a %s"):format(what, type(s))) end
end

---A function that gives the string, then nil.
function M.once(s)
  return function()
    local given = s
    s = nil
    return given
  end
end

---A function that gives the next bytes of the body, or nil, or nil, err.
function M.of_response(response)
  return function() return response:read() end
end

local function of_file(file)
  return function()
    local bytes, why = file:read(PIECE)
    return bytes, why and core.error("io", "cannot read: " .. why)
  end
end

---The same for any source, and the URL it came from, if it has one. A Response with a status
---from 400 is raised.
function M.reading(what, source)
  if type(source) == "string" then return M.once(source) end
  if type(source) == "function" then return source end
  if io.type(source) == "file" then return of_file(source) end
  if type(source) == "userdata" and not io.type(source) and source.read then
    source:raise()
    return M.of_response(source), source.url
  end
  core.misuse(("%s: a string, a Response, a file or a function is wanted, got a %s")
    :format(what, io.type(source) or type(source)))
end

local function keys_of(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function is_any_of(value, types)
  for wanted in types:gmatch "%a+" do
    if type(value) == wanted then return true end
  end
  return false
end

---The options in `types`, name → "type" or "type or type"; what is none of them belongs to
---fetch, where `for_fetch` is a table to take it.
function M.options(what, opts, types, for_fetch)
  if opts == nil then return {} end
  if type(opts) ~= "table" then
    core.misuse(("%s: options must be a table, got a %s"):format(what, type(opts)))
  end
  local known, own = {}, {}
  for _, name in ipairs(for_fetch and core.fetch_options or {}) do known[name] = true end
  for name, value in pairs(opts) do
    local wanted = types[name]
    if wanted and not is_any_of(value, wanted) then
      core.misuse(("%s: option '%s' must be a %s, got a %s"):format(what, name, wanted, type(value)))
    elseif wanted then
      own[name] = value
    elseif known[name] then
      for_fetch[name] = value
    else
      for type_name in pairs(types) do known[type_name] = true end
      core.option_unknown(what, tostring(name), keys_of(known))
    end
  end
  return own
end

return M
