-- JSON: what was decoded is encoded and decoded again as the same, in any style.
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

return function(bytes, choice)
  local value, err = json.decode(bytes)
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
