-- seeds.lua FILE DIR: write into DIR what a fuzz target begins with, one input a file, as the
-- opening comment of FILE (X.c or X.lua) asks for it (fuzz.h tells how). What is not there is left
-- out: a target works without seeds too.
local json = require "luafetch.json"

local data = os.getenv "LF_DATA" or "../shared/data"
local source, dir = arg[1], arg[2]
local count = 0

local function save(bytes)
  count = count + 1
  local f = assert(io.open(("%s/%04d"):format(dir, count), "wb"))
  f:write(bytes)
  f:close()
end

local function output(command)
  local p = assert(io.popen(command))
  local text = p:read "a"
  p:close()
  return text
end

local function read(path)
  if path:find "%.gz$" and path:find "%.html" then return output(("gzip -dc '%s'"):format(path)) end
  local f = io.open(path, "rb")
  local text = f and f:read "a"
  if f then f:close() end
  return text
end

-- The messages of a document that shows them in ```http blocks, with \r\n as on the wire.
local function save_blocks(text)
  for block in text:gmatch "```http\n(.-)```" do
    save((block:gsub("\\\n", ""):gsub("\n", "\r\n"):gsub("\\r", "\r"):gsub("\\n", "\n")))
  end
end

local function save_files(pattern)
  local list = output(("find %s/%s -maxdepth 1 -type f 2>/dev/null | sort"):format(data, pattern))
  for path in list:gmatch "[^\n]+" do
    local text = read(path)
    if text and path:find "%.md$" then
      save_blocks(text)
    elseif text then
      save(text)
    end
  end
end

local function lines_of(value)
  if type(value) ~= "table" then return type(value) == "string" and value or nil end
  local lines = {}
  for _, v in ipairs(value) do lines[#lines + 1] = lines_of(v) end
  return table.concat(lines, "\n")
end

-- Every object at any depth that has one of the fields.
local function save_fields(value, fields)
  if type(value) ~= "table" then return end
  local lines = {}
  for _, name in ipairs(fields) do lines[#lines + 1] = lines_of(value[name]) end
  if #lines > 0 then save(table.concat(lines, "\n")) end
  for _, v in pairs(value) do save_fields(v, fields) end
end

local function save_json(file, list)
  local text = read(data .. "/" .. file)
  if not text then return end
  local fields = {}
  for name in list:gmatch "[%w_]+" do fields[#fields + 1] = name end
  save_fields(assert(json.decode(text)), fields)
end

local function unescape(text)
  local plain = { r = "\r", n = "\n", ["\\"] = "\\" }
  text = text:gsub("\\x(%x%x)", function(hex)
    local byte = string.char(tonumber(hex, 16))
    return byte == "\\" and "\\\\" or byte
  end)
  return (text:gsub("\\([rn\\])", plain))
end

for line in io.lines(source) do
  local kind, what = line:match "^ ?[-*][-]? (seeds?): (.+)$"
  if not line:find "^[ /-]" then break end -- the opening comment is over
  what = what and what:gsub(" %*/$", "")
  local file, list = (what or ""):match "^(%S+%.json): (.+)$"
  if kind == "seed" then
    save(unescape(what))
  elseif file then
    save_json(file, list)
  elseif kind then
    save_files(what)
  end
end
