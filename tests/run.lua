-- run.lua: the specs, run by Busted inside luafetch, so that the body of an `it` is part of a
-- task and may wait.  build/luafetch tests/run.lua [--filter=PATTERN] [file…]
--
-- A test passes only when it leaves nothing behind: no request, watcher, timer, admission
-- domain or task. Ends with "N passed, N failed"; exit code 1 when anything failed, when an
-- error happened outside of a test, and when there was no test at all. A pending test counts
-- as failed, unless LF_ALLOW_PENDING is set and it says what is missing.
io.stdout:setvbuf "line"
local lf = require "luafetch"
local leftovers = require("luafetch.core").leftovers

local busted = require "busted.core"()
require "busted"(busted)

local files, filters = {}, {}
for _, word in ipairs(arg) do
  local pattern = word:match "^%-%-filter=(.*)"
  if pattern then
    filters[#filters + 1] = pattern
  else
    files[#files + 1] = word
  end
end

local passed, failed, skipped = 0, 0, 0
local running -- name of the test that runs
local complaint -- why it failed so far
local before -- what was there when it began

local function full_name(element)
  local names = {}
  while element and element.descriptor ~= "file" do
    table.insert(names, 1, element.name)
    element = busted.context.parent(element)
  end
  return table.concat(names, " ")
end

local function report(word, name, message)
  io.write(word, ": ", name, "\n  ", (tostring(message):gsub("\n", "\n  ")), "\n")
end

-- What the test made and did not end. Something that was cancelled may need a turn of the
-- loop to be gone, and a turn of the collector.
local function left_behind()
  for _ = 1, 20 do
    collectgarbage()
    local list = {}
    for what, n in pairs(leftovers()) do
      if n > before[what] then list[#list + 1] = ("%d %s"):format(n - before[what], what) end
    end
    if #list == 0 then return nil end
    table.sort(list)
    complaint = "left behind: " .. table.concat(list, ", ")
    lf.sleep(0.02)
  end
  return complaint
end

busted.subscribe({ "test", "start" }, function(element)
  running, complaint = full_name(element), nil
  collectgarbage()
  before = leftovers()
  return nil, true
end)

busted.subscribe({ "test", "end" }, function(element, _, status)
  local name = full_name(element)
  running = nil
  if status == "success" then
    complaint = left_behind()
    if complaint then report("FAILED", name, complaint) end
  elseif status == "pending" then
    if os.getenv "LF_ALLOW_PENDING" and complaint and #complaint > 0 then
      skipped = skipped + 1
      report("SKIPPED", name, complaint)
      return nil, true
    end
    report("FAILED", name, "pending: " .. (complaint or "no reason given"))
  end
  if status == "success" and not complaint then
    passed = passed + 1
  else
    failed = failed + 1
  end
  return nil, true
end)

busted.subscribe({ "pending" }, function(_, _, message)
  complaint = message
  return nil, true
end)

local function on_failure(element, _, message, trace)
  local where = trace and trace.traceback or ""
  report("FAILED", full_name(element), tostring(message) .. where)
  -- The end of a test counts it; what happens outside of one is counted here.
  if element.descriptor ~= "it" then failed = failed + 1 end
  return nil, true
end
busted.subscribe({ "failure" }, on_failure)
busted.subscribe({ "error" }, on_failure)

-- Stopped from outside (a time limit): say in which test.
local _ <close> = setmetatable({}, {
  __close = function()
    if running then report("STOPPED", running, "while this test ran") end
  end,
})

require "busted.modules.filter_loader"()(busted, {
  tags = {},
  excludeTags = {},
  filter = filters,
  filterOut = {},
})
local load_files = require "busted.modules.test_file_loader"(busted, { "lua" })
load_files(#files > 0 and files or { "tests/spec" }, { "_spec%.lua$" },
  { excludes = {}, recursive = true })
require "busted.execute"(busted)(1, { sort = true })

print(("%d passed, %d failed%s"):format(passed, failed, skipped > 0 and (", %d skipped"):format(skipped) or ""))
if failed > 0 or passed == 0 then os.exit(1, false) end
