-- check-types.lua: every public function and every option of this version is declared in
-- lua/luafetch/types, where editors find it.   build/luafetch scripts/check-types.lua
local lf = require "luafetch"

local parts = {}
for name in io.popen("ls lua/luafetch/types/*.lua"):lines() do
  parts[#parts + 1] = assert(io.open(name)):read "a"
end
local types = table.concat(parts, "\n")

local declared = {}
for name in types:gmatch "function [%w_.]+[.:]([%w_]+) *%(" do declared[name] = true end
for name in types:gmatch "function ([%w_]+) *%(" do declared[name] = true end
for name in types:gmatch "%-%-%-@field ([%w_]+)" do declared[name] = true end

local bad = 0
local function check(name, what)
  if not declared[name:match "[%w_]+$"] then
    bad = bad + 1
    print(("%s %s is not declared in lua/luafetch/types"):format(what, name))
  end
end

local function check_table(prefix, t)
  for name, value in pairs(t) do
    if type(name) == "string" and not name:find "^_" then
      check(prefix .. name, "function")
      if prefix == "lf." and type(value) == "table" then check_table(prefix .. name .. ".", value) end
    end
  end
end

local modules = { "csv", "feed", "html", "job", "json", "robots", "sitemap", "text", "url", "xml" }
for _, name in ipairs(modules) do check_table("lf." .. name .. ".", lf[name]) end
check_table("lf.", lf)

-- Rows {"name", LF_… } of the tables of options; those marked LATER are refused by name.
for line in io.popen("cat src/bind/*.c"):lines() do
  local name = line:match '^ +{"([%w_]+)", LF_'
  if name and not line:find("LATER", 1, true) then check(name, "option") end
end

if bad > 0 then os.exit(1) end
