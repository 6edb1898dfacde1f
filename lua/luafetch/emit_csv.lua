-- emit to a file .csv: the text of each record. The columns are those that were chosen, or the
-- fields of the first records, which are held until they are known. Loading this gives a function
-- that returns nil and a sentence for columns that are none.
local core = require "luafetch.core"
local csv = require "luafetch.csv"
local json = require "luafetch.json"
local row = require("luafetch.csv.core").row
core.hide()

local HOLD = 100 -- records

local function misuse(fmt, ...)
  core.misuse("emit: " .. fmt:format(...))
end

-- A record as text by name; it is the script's and may change later.
local function cells_of(item)
  if type(item) ~= "table" then misuse("a record of CSV must be a table, not a %s", type(item)) end
  local cells = {}
  for name, value in next, item do
    if type(name) ~= "string" then misuse("a record of CSV has names for its fields, not %s", tostring(name)) end
    if type(value) == "string" then
      cells[name] = value
    elseif value ~= json.null then
      local ok, text = pcall(json.encode, value)
      if not ok then misuse("%s, field '%s'", text, name) end
      cells[name] = text
    end
  end
  return cells
end

local function line(cells, columns)
  local list = {}
  for i, name in ipairs(columns) do list[i] = cells[name] end
  return row(list, #columns, ",", "\r\n")
end

local function header(columns)
  return row(columns, #columns, ",", "\r\n")
end

-- In the byte order: a Lua table has none of its own.
local function names_of(records)
  local names, seen = {}, {}
  for _, cells in ipairs(records) do
    for name in pairs(cells) do
      if not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  table.sort(names)
  return names, seen
end

-- The names, or nil and what is wrong with them.
local function chosen_columns(text)
  local list, err = csv.parse(text)
  if list and #list == 1 then return list[1] end
  return nil, "--columns: these are no names: " .. (err and err.message or text)
end

-- Fields that came too late for a column. Losing them must not pass for success.
local function complaint(path, lost)
  local names = {}
  for name in pairs(lost) do names[#names + 1] = name end
  if #names == 0 then return nil end
  table.sort(names)
  return ("%s lacks fields that records behind the first %d have: %s; choose with --columns"):format(
    path, HOLD, table.concat(names, ", "))
end

-- `settled`: columns that stand in the file already, from an earlier run.
return function(path, chosen, settled)
  local columns, wrong
  if chosen then
    columns, wrong = chosen_columns(chosen)
    if wrong then return nil, wrong end
  end
  local known -- name → true; nil: the columns were chosen, and other fields are not wanted
  local held, lost = {}, {}
  local begun = settled ~= nil
  if settled then
    columns = settled
    if not chosen then
      known = {}
      for _, name in ipairs(settled) do known[name] = true end
    end
  end

  -- The columns are settled: what was held, behind their names.
  local function begin()
    if not columns then columns, known = names_of(held) end
    begun = true
    local parts = { #columns > 0 and header(columns) or nil }
    for _, cells in ipairs(held) do parts[#parts + 1] = line(cells, columns) end
    held = nil
    return table.concat(parts)
  end

  local function check(cells)
    for name in pairs(cells) do
      if not known[name] and not lost[name] then
        lost[name] = true
        core.log.warn(("emit: field '%s' has no column in %s and is left out"):format(name, path))
      end
    end
  end

  local function add(item)
    local cells = cells_of(item)
    if begun then
      if known then check(cells) end
      return line(cells, columns)
    end
    held[#held + 1] = cells
    return (chosen or #held == HOLD) and begin() or ""
  end

  local function rest()
    return begun and "" or begin(), complaint(path, lost)
  end

  -- What has settled the columns; nil while records are held.
  local function settled_as()
    return begun and columns or nil
  end

  return { add = add, rest = rest, columns = settled_as }
end
