-- luafetch.page: what a page says about itself, and its tables. Methods of documents that
-- are policy more than parsing; src/modules/html loads them when they are first called.
local core = require "luafetch.core"
local json = require "luafetch.json"
local url = require "luafetch.url"
core.hide()

local M = {}

-- Without white space at the ends.
local function trim(s)
  return s:match "^%s*(.-)%s*$"
end

-- An absolute URL, or nil.
local function absolute(doc, ref)
  local base = doc:base()
  if base then return (url.join(base, trim(ref))) end
  local parts = url.parse(trim(ref))
  return parts and parts.href
end

function M.canonical(doc)
  local href = doc:first 'link[rel~="canonical" i][href]::attr(href)'
  return href and absolute(doc, href)
end

-- HTML §4.2.5.3, shared declarative refresh steps: "5", "5; url='next'", "0,next".
local function read_refresh(content)
  local seconds, rest = content:match "^%s*(%d+)[%d.]*(.*)$"
  if not seconds then
    rest = content:match "^%s*%.[%d.]*(.*)$"
    seconds = rest and "0"
  end
  if not seconds or rest:find "^[^%s;,]" then return nil end
  local target = rest:match "^%s*[;,]?%s*(.-)%s*$"
  local named = target:match "^[uU][rR][lL]%s*=%s*(.*)$"
  if named then target = named end
  local quote = target:match "^[\"']"
  if quote then target = target:match("^.([^" .. quote .. "]*)") end
  return tonumber(seconds), target
end

function M.refresh(doc)
  for _, content in ipairs(doc:css 'meta[http-equiv="refresh" i]:not(noscript *)::attr(content)') do
    local seconds, target = read_refresh(content)
    if seconds then return seconds, absolute(doc, target) end
  end
  return nil
end

-- Pages wrap scripts in comments and CDATA marks, for browsers that are long gone.
local function unwrap(text)
  text = trim(text)
  for _, pattern in ipairs { "^<!%-%-(.*)%-%->$", "^/?/?%*?%s*<!%[CDATA%[%s*%*?/?(.*)%]%]>%s*%*?/?$" } do
    text = text:match(pattern) or text
  end
  return (trim(text):gsub("%s*/[/*]$", ""))
end

function M.json_ld(doc)
  local values, errors = {}, {}
  for _, script in ipairs(doc:css 'script[type="application/ld+json" i]') do
    local value, err = json.decode(unwrap(script:text { raw = true }))
    if value == nil then
      errors[#errors + 1] = err
    elseif type(value) == "table" and value[1] ~= nil then
      table.move(value, 1, #value, #values + 1, values)
    else
      values[#values + 1] = value
    end
  end
  return values, errors
end

-- ---- tables ----

-- As browsers bound them (HTML §4.9.11); and what a page of a few bytes may not become.
local MAX_COLSPAN, MAX_ROWSPAN, MAX_CELLS = 1000, 65534, 1000000

local function span(cell, name, max)
  local n = tonumber((cell:attr(name) or ""):match "^%s*(%d+)")
  return n and math.min(n, max) or 1
end

local sections = { thead = true, tbody = true, tfoot = true }

-- Rows of the table itself, not of tables in it: { row node, section name, rows left in
-- the section }, feet last.
local function rows_of(node)
  local rows, feet = {}, {}
  local function add(list, tr, section, left)
    list[#list + 1] = { tr = tr, section = section, left = left }
  end
  for _, child in ipairs(node:children()) do
    local name = child:name()
    if name == "tr" then
      add(rows, child, "tbody", math.huge)
    elseif sections[name] then
      local trs = child:children()
      for i, tr in ipairs(trs) do
        if tr:name() == "tr" then add(name == "tfoot" and feet or rows, tr, name, #trs - i + 1) end
      end
    end
  end
  return table.move(feet, 1, #feet, #rows + 1, rows)
end

-- The grid of texts; spans are filled with copies. `hanging` holds, by column, the cell
-- that reaches down from a row above and for how many rows more.
local function grid_of(rows, doc)
  local grid, cells, hanging = {}, 0, {}
  for i, row in ipairs(rows) do
    local line, column = {}, 1
    local function hang()
      while hanging[column] do
        local above = hanging[column]
        line[column] = above.text
        above.rows = above.rows - 1
        if above.rows < 1 then hanging[column] = nil end
        column = column + 1
      end
    end
    for _, cell in ipairs(row.tr:children()) do
      local kind = cell:name()
      if kind == "td" or kind == "th" then
        hang()
        local text, down = cell:text(), span(cell, "rowspan", MAX_ROWSPAN)
        if down == 0 or down > row.left then down = math.min(row.left, #rows - i + 1) end
        row.heads = (row.heads == nil or row.heads) and kind == "th"
        for _ = 1, math.max(span(cell, "colspan", MAX_COLSPAN), 1) do
          if hanging[column] then break end -- overlapping cells: the first one stays
          line[column] = text
          if down > 1 then hanging[column] = { text = text, rows = down - 1 } end
          column = column + 1
          cells = cells + 1
          if cells > MAX_CELLS then
            return nil, core.error("too_large", ("a table of more than %d cells"):format(MAX_CELLS), doc:base())
          end
        end
      end
    end
    hang()
    local last = 0
    for at in pairs(hanging) do last = math.max(last, at) end
    while column <= last do -- what still hangs behind a short row
      line[column] = ""
      column = column + 1
      hang()
    end
    grid[i] = line
  end
  return grid
end

-- Names of the columns from the rows of the head, told apart where they are equal.
local function column_names(grid, heads)
  local names, seen, width = {}, {}, 0
  for _, line in ipairs(grid) do width = math.max(width, #line) end
  for column = 1, width do
    local parts = {}
    for i = 1, heads do
      local text = grid[i][column] or ""
      if text ~= "" and text ~= parts[#parts] then parts[#parts + 1] = text end
    end
    local name = table.concat(parts, " ")
    if name == "" then name = "column " .. column end
    seen[name] = (seen[name] or 0) + 1
    names[column] = seen[name] == 1 and name or ("%s.%d"):format(name, seen[name] - 1)
  end
  return names
end

-- The rows of thead, else those at the top that hold nothing but th, else the first.
local function count_heads(rows)
  local n = 0
  while rows[n + 1] and rows[n + 1].section == "thead" do n = n + 1 end
  if n > 0 then return n end
  while rows[n + 1] and rows[n + 1].heads do n = n + 1 end
  return math.max(n, 1)
end

local function records(rows, grid)
  local heads = count_heads(rows)
  if heads >= #grid then heads = math.min(1, #grid) end
  local names, list = column_names(grid, heads), {}
  for i = heads + 1, #grid do
    local record = {}
    for column, text in ipairs(grid[i]) do record[names[column]] = text end
    list[#list + 1] = record
  end
  return list, names
end

function M.table(doc, selector, options)
  if type(selector) == "table" and options == nil then
    selector, options = nil, selector
  end
  for name in pairs(options or {}) do
    if name ~= "header" then core.option_unknown("table", tostring(name), { "header" }) end
  end
  local node = type(selector) == "userdata" and selector or doc:first(selector or "table")
  if node == nil then return nil end
  if type(node) ~= "userdata" or node:name() ~= "table" then
    core.misuse "table: the selector must find a <table>"
  end
  local rows = rows_of(node)
  local grid, err = grid_of(rows, doc)
  if not grid or not (options and options.header) then return grid, err end
  return records(rows, grid)
end

return M
