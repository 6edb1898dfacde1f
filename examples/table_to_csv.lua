-- table_to_csv.lua: a table of a web page as CSV on standard output
--
--   luafetch table_to_csv https://example.com/prices.html             the largest table
--   luafetch table_to_csv https://example.com/prices.html "#rates"    the one of this selector
local lf = require "luafetch"
local url = arg[1] or error("usage: luafetch table_to_csv URL [SELECTOR]", 0)
local selector = arg[2] or "table"

local doc = assert(fetch(url)):raise():html()

-- Rows of this table alone, not of tables in its cells.
local function rows_of(table)
  local rows = table:css ":scope > tr, :scope > * > tr"
  for i, row in ipairs(rows) do
    local cells = {}
    for j, cell in ipairs(row:css ":scope > th, :scope > td") do cells[j] = cell:text() end
    rows[i] = cells
  end
  return rows
end

local best = {}
for _, table in ipairs(doc:css(selector)) do
  local rows = rows_of(table)
  if #rows > #best then best = rows end
end
if #best == 0 then error(("no table at %s in %s"):format(selector, url), 0) end

-- Text of strangers that a spreadsheet may open: nothing in it shall run as a formula.
io.write(lf.csv.encode(best, { guard = true }))
