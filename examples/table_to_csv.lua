-- table_to_csv.lua: a table of a web page as CSV on standard output
--
--   luafetch table_to_csv https://example.com/prices.html             the largest table
--   luafetch table_to_csv https://example.com/prices.html "#rates"    the one of this selector
local lf = require "luafetch"
local url = arg[1] or error("usage: luafetch table_to_csv URL [SELECTOR]", 0)
local selector = arg[2] or "table"

local doc = assert(fetch(url)):raise():html()

local best = {}
for _, node in ipairs(doc:css(selector)) do
  local rows = node:name() == "table" and assert(doc:table(node)) or {}
  if #rows > #best then best = rows end
end
if #best == 0 then error(("no table at %s in %s"):format(selector, url), 0) end

-- Text of strangers that a spreadsheet may open: nothing in it shall run as a formula.
io.write(lf.csv.encode(best, { guard = true }))
