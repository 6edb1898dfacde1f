-- lf.csv: records from CSV and back. Bytes are taken apart in src/http/csv.c; here is what the
-- first line means, which columns there are, and where bytes come from and go.
local core = require "luafetch.core"
local csv = require "luafetch.csv.core"
local input = require "luafetch.input"
core.hide()

local M = {}

local MAX_RECORD = 16 << 20
local MAX_FIELDS = 100000 -- of what is written; reading has the same limit in C

local function misuse(what, fmt, ...)
  core.misuse("csv." .. what .. ": " .. fmt:format(...))
end

local function check_delimiter(what, delimiter)
  delimiter = delimiter or ","
  if #delimiter ~= 1 or delimiter:find '["\r\n\0]' then
    misuse(what, "option 'delimiter' must be one byte, no quote and no line feed")
  end
  return delimiter
end

local function check_names(what, option, names)
  for i, name in ipairs(names) do
    if type(name) ~= "string" then misuse(what, "option '%s': name %d is a %s", option, i, type(name)) end
  end
  return names
end

-- ---- reading ----

-- The names that the first record gives; false for a column without one, which has its number.
local function names_of(record, line)
  local names, seen = {}, {}
  for i, name in ipairs(record) do
    if seen[name] then
      return nil, core.error("parse", ("line %d: two columns are named '%s'"):format(line, name))
    end
    names[i] = name ~= "" and name
    seen[name] = name ~= ""
  end
  return names
end

-- Functions for the next record, or nil, err, and for the names of its columns.
local function open(what, read, opts, url)
  local header = opts.header
  local names = type(header) == "table" and check_names(what, "header", header) or nil
  local reader = csv.reader(check_delimiter(what, opts.delimiter), opts.strict, opts.max_record or MAX_RECORD)
  local ended = false

  local function fill()
    local bytes, err = read()
    if bytes then
      reader:feed(bytes)
    elseif err then
      return err
    else
      ended = true
      reader:finish()
    end
  end

  local function next_record()
    while true do
      local record, line = reader:next(names)
      if record or line or ended then return record, line end
      local err = fill()
      if err then return nil, err end
    end
  end

  local function next_named()
    local record, line = next_record()
    if not record or names or header ~= true then return record, line end
    names, line = names_of(record, line)
    if not names then return nil, line end
    return next_record()
  end

  local failed -- stays: behind a broken header there is nothing to go by
  return function()
    if failed then return nil, failed end
    local record, line = next_named()
    if not record and line then
      failed = line
      failed.url = failed.url or url
    end
    return record, line
  end, function() return names end
end

local READ_OPTIONS = {
  delimiter = "string", header = "boolean or table", strict = "boolean", max_record = "number",
}

function M.rows(source, opts)
  local own = input.options("csv.rows", opts, READ_OPTIONS)
  local read, url = input.reading("csv.rows", source)
  local next_record = open("rows", read, own, url)
  return function()
    local record, line = next_record()
    if not record and line then error(line, 0) end
    return record, line
  end
end

function M.parse(text, opts)
  local own = input.options("csv.parse", opts, READ_OPTIONS)
  input.check_string("csv.parse", text)
  local next_record, names = open("parse", input.once(text), own)
  local list = {}
  while true do
    local record, err = next_record()
    if record then
      list[#list + 1] = record
    elseif err then
      return nil, err
    else
      return list, names()
    end
  end
end

-- ---- writing ----

local WRITE_OPTIONS = {
  delimiter = "string", columns = "table", header = "boolean", guard = "boolean", quote_all = "boolean",
  eol = "string", bom = "boolean",
}

-- A function that makes the text of a list of cells.
local function formatter(what, opts)
  local delimiter, eol = check_delimiter(what, opts.delimiter), opts.eol or "\r\n"
  if eol ~= "\r\n" and eol ~= "\n" then misuse(what, [[option 'eol' must be "\r\n" or "\n"]]) end
  return function(cells, n)
    return csv.row(cells, n, delimiter, eol, opts.quote_all, opts.guard)
  end
end

-- Names in the byte order, since a table has none of its own.
local function add_names(record, names, seen)
  local at = #names
  for name in next, record do
    if type(name) == "string" and not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  if #names > at then table.sort(names) end
end

local function is_list(row)
  local key = next(row)
  return key == nil or math.type(key) == "integer"
end

local function cells_of(record, columns)
  local cells = {}
  for i = 1, #columns do cells[i] = rawget(record, columns[i]) end
  return cells, #columns
end

-- Lists may have holes: the last index counts, and as many as there are columns.
local function list_cells(what, row, columns)
  local n = columns and #columns or 0
  for i in next, row do
    if math.type(i) ~= "integer" or i < 1 then misuse(what, "a row has the key %s beside a list", i) end
    if i > MAX_FIELDS then misuse(what, "a row of more than %d fields", MAX_FIELDS) end
    if i > n then n = i end
  end
  return row, n
end

local function check_row(what, row)
  if type(row) ~= "table" then misuse(what, "a row must be a table, got a %s", type(row)) end
end

local Writer = {}
Writer.__index = Writer

-- What is written before the first row.
function Writer:head()
  local bom = self.bom and "\u{feff}" or ""
  local names = self.columns and self.with_header and self.format(self.columns, #self.columns) or ""
  return bom .. names
end

-- A field that has no column would be lost without a word, unless the columns were chosen.
function Writer:check(row)
  if self.chosen then return end
  for name in next, row do
    if type(name) == "string" and not self.known[name] then
      misuse(self.what, "field '%s' has no column: the columns are the fields of the first record, or "
        .. "those of option 'columns'", name)
    end
  end
end

function Writer:text(row)
  check_row(self.what, row)
  local list, head = is_list(row), ""
  if not self.begun then
    self.begun = true
    if not list and not self.columns then
      self.columns, self.known = {}, {}
      add_names(row, self.columns, self.known)
    end
    head = self:head()
  end
  if list then return head .. self.format(list_cells(self.what, row, self.columns)) end
  if not self.columns then misuse(self.what, "a record by name, where the first row was a list") end
  self:check(row)
  return head .. self.format(cells_of(row, self.columns))
end

function Writer:write(row)
  self.out(self:text(row))
  return self
end

local function new_writer(what, opts)
  local own = input.options("csv." .. what, opts, WRITE_OPTIONS)
  local columns = own.columns and check_names(what, "columns", own.columns)
  return setmetatable({
    what = what, format = formatter(what, own), columns = columns, chosen = columns ~= nil, bom = own.bom,
    with_header = own.header ~= false,
  }, Writer)
end

local function to_file(file)
  return function(text)
    local ok, why = file:write(text)
    if not ok then error(core.error("io", "cannot write: " .. why), 0) end
  end
end

function M.writer(out, opts)
  local w = new_writer("writer", opts)
  if io.type(out) == "file" then
    w.out = to_file(out)
  elseif type(out) == "function" then
    w.out = out
  else
    misuse("writer", "a file or a function is wanted, got a %s", io.type(out) or type(out))
  end
  return w
end

-- All rows are here, and so all their fields: none is unknown.
local function columns_of(rows)
  local names, seen = {}, {}
  for _, row in ipairs(rows) do
    check_row("encode", row)
    if not is_list(row) then add_names(row, names, seen) end
  end
  return #names > 0 and names or nil
end

function M.encode(rows, opts)
  if type(rows) ~= "table" then misuse("encode", "a list of rows is wanted, got a %s", type(rows)) end
  local w = new_writer("encode", opts)
  w.columns = w.columns or columns_of(rows)
  w.chosen = true
  local parts = { w:head() }
  w.begun = true
  for i, row in ipairs(rows) do parts[i + 1] = w:text(row) end
  return table.concat(parts)
end

return M
