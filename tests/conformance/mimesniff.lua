-- Content types against WPT's mimesniff suite: what is written back, and which character
-- set is meant. Run: luafetch tests/conformance/mimesniff.lua   (LF_DATA names the folder)
package.path = "tests/support/?.lua;" .. package.path
local protocol = require "luafetch.protocol"
local suite = require "suite"
local json = require "luafetch.json"

-- A header is bytes, which the suite writes as the code points of the same numbers.
local function bytes(s)
  local out = {}
  for _, c in utf8.codes(s) do
    if c > 0xff then return nil end
    out[#out + 1] = string.char(c)
  end
  return table.concat(out)
end

local function text(v) return v ~= nil and v ~= json.null and v or nil end

local function differs(what, got, wanted)
  if got ~= wanted then return ("%s is %s, wanted %s"):format(what, got or "none", wanted or "none") end
end

local output, encoding = suite.score "mimesniff output", suite.score "mimesniff encoding"
for _, name in ipairs { "mime-types", "generated-mime-types" } do
  for _, row in ipairs(suite.rows("mimesniff/" .. name .. ".json")) do
    local input = type(row) == "table" and bytes(row.input)
    if input then
      local got, charset = protocol.content_type(input)
      local wanted = text(row.output)
      local label = ("%q"):format(row.input)
      output:count(label, differs("output", got, wanted and bytes(wanted)))
      if row.encoding ~= nil then encoding:count(label, differs("encoding", charset, text(row.encoding))) end
    elseif type(row) == "table" then
      print(("mimesniff: skipped %q, which no header can be"):format(row.input))
    end
  end
end

suite.finish(output, encoding)
