-- Dates: the table of curl's own test, and the dates of cookies of the IETF's http-state
-- group. Run: luafetch tests/conformance/dates.lua   (LF_DATA names the folder)
package.path = "tests/support/?.lua;" .. package.path
local protocol = require "luafetch.protocol"
local suite = require "suite"
local json = require "luafetch.json"

local curl = suite.score("dates-curl", {
  ["Thu, 31-Dec-1969 23:59:59 GMT"] = "curl gives 0 for the second before 1970, since -1 means failure there",
  ["Sun, 06 Nov 2044 08:49:37 GMT"] =
    "the table holds curl's row for 32-bit times; other rows of it want the years 2094 and 3144",
})
local refused = 0
for _, row in ipairs(suite.rows "dates-curl/dates.json") do
  local got = protocol.date(row.date) or -1
  if got == -1 and row.epoch == -1 and not protocol.date(row.date) then refused = refused + 1 end
  curl:count(row.date, got ~= row.epoch and ("got %d, wanted %d"):format(got, row.epoch) or nil)
end
if refused > 0 then print(("dates-curl: %d refused that must be"):format(refused)) end

local cookie = suite.score "cookies-http-state dates"
for _, name in ipairs { "examples", "bsd-examples" } do
  for _, row in ipairs(suite.rows("cookies-http-state/dates/" .. name .. ".json")) do
    local t = protocol.cookie_date(row.test)
    local got = t and protocol.format_date(t) or "none"
    local wanted = row.expected ~= json.null and row.expected or "none"
    cookie:count(row.test, got ~= wanted and ("got %s, wanted %s"):format(got, wanted) or nil)
  end
end

suite.finish(curl, cookie)
