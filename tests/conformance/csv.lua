-- CSV: csv-spectrum, read and compared with its JSON, then written and read again.
-- Run: luafetch tests/conformance/csv.lua   (LF_DATA names the folder)
package.path = "tests/support/?.lua;" .. package.path
local csv = require "luafetch.csv"
local json = require "luafetch.json"
local suite = require "suite"

local names = {
  "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "location_coordinates", "newlines",
  "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8",
}

-- Where the suite's JSON is not what its CSV says: no list, and another number.
local corrections = {
  location_coordinates = function(wanted)
    wanted["Contact Phone Number"] = "2095257564"
    return { wanted }
  end,
}

local function text_of(rows)
  return json.encode(json.array(rows), { sort_keys = true })
end

local read, written = suite.score "csv, read", suite.score "csv, written and read again"
for _, name in ipairs(names) do
  local text = suite.read("csv-spectrum/csvs/" .. name .. ".csv")
  if text then
    local wanted = assert(json.decode(suite.read("csv-spectrum/json/" .. name .. ".json")))
    wanted = text_of(corrections[name] and corrections[name](wanted) or wanted)
    local rows, columns = csv.parse(text, { header = true })
    local got = rows and text_of(rows) or tostring(columns)
    read:count(name, got ~= wanted and ("got %s, wanted %s"):format(got, wanted) or nil)
    if rows then
      local back = csv.encode(rows, { columns = columns })
      got = text_of(assert(csv.parse(back, { header = true, strict = true })))
      written:count(name, got ~= wanted and ("got %s from %s, wanted %s"):format(got, back, wanted) or nil)
    end
  end
end

suite.finish(read, written)
