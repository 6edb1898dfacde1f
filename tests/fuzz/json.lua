-- JSON: what the grammar allows is read, and nothing else; what was decoded is encoded and
-- decoded again as the same, in any style.
--
-- seeds: json-testsuite/test_parsing
-- seeds: json-testsuite/test_transform
-- seeds: cookies-http-state/dates/examples.json
local json = require "luafetch.json"
local same = dofile "tests/fuzz/lua/same.lua"

-- 1e999 becomes infinity, which JSON cannot say.
local function finite(value)
  if type(value) == "number" then return math.abs(value) ~= math.huge end
  for _, v in pairs(type(value) == "table" and value or {}) do
    if not finite(v) then return false end
  end
  return true
end

-- ---- RFC 8259 once more, by patterns: where the value that begins at `at` ends, or nil ----

local MAX_DEPTH = 512
local value_end

local function string_end(s, at)
  at = at + 1
  while true do
    at = s:match('^[^"\\\0-\31]*()', at)
    local next_at = s:match('^\\["\\/bfnrt]()', at) or s:match("^\\u%x%x%x%x()", at)
    if not next_at then return s:match('^"()', at) end
    at = next_at
  end
end

local function number_end(s, at)
  at = s:match("^%-?0()", at) or s:match("^%-?[1-9]%d*()", at)
  if not at then return nil end
  at = s:match("^%.%d+()", at) or at
  return s:match("^[eE][+-]?%d+()", at) or at
end

local function skip(s, at)
  return s:match("^[ \t\r\n]*()", at)
end

-- Members of an array or, with `named`, of an object.
local function members_end(s, at, depth, close, named)
  if depth == MAX_DEPTH then return nil end
  at = skip(s, at + 1)
  if s:sub(at, at) == close then return at + 1 end
  while at do
    if named then
      at = s:sub(at, at) == '"' and string_end(s, at)
      at = at and s:match("^[ \t\r\n]*:[ \t\r\n]*()", at)
    end
    at = at and value_end(s, at, depth + 1)
    at = at and skip(s, at)
    if not at then return nil end
    if s:sub(at, at) == close then return at + 1 end
    at = s:match("^,[ \t\r\n]*()", at)
  end
end

local begins = {
  ["["] = function(s, at, depth) return members_end(s, at, depth, "]") end,
  ["{"] = function(s, at, depth) return members_end(s, at, depth, "}", true) end,
  ['"'] = string_end,
}

function value_end(s, at, depth)
  local read = begins[s:sub(at, at)]
  if read then return read(s, at, depth) end
  return number_end(s, at) or s:match("^true()", at) or s:match("^false()", at) or s:match("^null()", at)
end

local function is_json(s)
  s = s:gsub("^\u{feff}", "")
  local at = utf8.len(s) and value_end(s, skip(s, 1), 0)
  return (at and skip(s, at)) == #s + 1
end

return function(bytes, choice)
  local value, err = json.decode(bytes)
  assert((value ~= nil) == is_json(bytes), err or "what is no JSON was read")
  if value == nil then
    assert(err.kind == "parse" and utf8.len(err.message), err.message)
    return
  end
  if not finite(value) then return assert(not pcall(json.encode, value)) end
  local text = json.encode(value, { indent = choice % 5, sort_keys = choice > 127 })
  local again, why = json.decode(text)
  assert(again ~= nil, why)
  assert(same(value, again), text)
  assert(json.encode(again, { sort_keys = true }) == json.encode(value, { sort_keys = true }))
end
