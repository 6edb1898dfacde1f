-- JSONTestSuite: every y_ file must be read, every n_ file refused; i_ files are free.
-- usage: luafetch tests/conformance/json.lua      (LF_DATA: where the suites are)
local json = require "luafetch.json"

local suite = (os.getenv "LF_DATA" or "../shared/data") .. "/json-testsuite"

local function list(dir)
  local names = {}
  local pipe = assert(io.popen("ls '" .. dir .. "' 2>/dev/null"))
  for name in pipe:lines() do names[#names + 1] = name end
  pipe:close()
  return names
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local must = {y = true, n = false}
local total, right = {y = 0, n = 0, i = 0}, {y = 0, n = 0, i = 0}
local wrong = {}

for _, name in ipairs(list(suite .. "/test_parsing")) do
  local class = name:sub(1, 1)
  local value, err = json.decode(read(suite .. "/test_parsing/" .. name))
  local parsed = value ~= nil
  total[class] = total[class] + 1
  if class == "i" then
    right.i = right.i + (parsed and 1 or 0)
  elseif parsed == must[class] then
    right[class] = right[class] + 1
  else
    wrong[#wrong + 1] = name .. ": " .. (parsed and "was read" or tostring(err))
  end
end

if total.y == 0 then
  print("json: skipped, no JSONTestSuite in " .. suite)
  os.exit(0)
end
print(("json: must parse %d / %d"):format(right.y, total.y))
print(("json: must fail %d / %d"):format(right.n, total.n))
print(("json: free: %d read, %d refused"):format(right.i, total.i - right.i))
for _, line in ipairs(wrong) do print("json: wrong: " .. line) end

-- What is read must also survive being written and read again.
local function again(name, text)
  local value = json.decode(text)
  if value == nil then return true end
  local ok, out = pcall(json.encode, value, {sort_keys = true})
  if not ok then return out:find "cannot encode %-?inf" ~= nil end
  if json.encode(json.decode(out), {sort_keys = true}) == out then return true end
  print("json: wrong: " .. name .. " changes when written and read again")
  return false
end

local kept, files = 0, 0
for _, dir in ipairs {"/test_parsing/", "/test_transform/"} do
  for _, name in ipairs(list(suite .. dir)) do
    files = files + 1
    if again(name, read(suite .. dir .. name)) then kept = kept + 1 end
  end
end
print(("json: unchanged by writing and reading %d / %d"):format(kept, files))

os.exit(#wrong == 0 and kept == files)
