-- CSS selectors against the W3C's selectors suite, then a pass over real pages.
-- Run: luafetch tests/conformance/css.lua   (LF_DATA names the folder of the suites)
local html = require "luafetch.html"
local json = require "luafetch.json"

local data = os.getenv "LF_DATA" or "../shared/data"
local suite = data .. "/css-w3c-selectors/"
local pages = data .. "/pages-readability/"

local MIN_VALID, MIN_INVALID = 180, 32

-- Rows that cannot pass, by selector: what they want is not in the document as sent.
local needs_script = "the suite adds elements with other namespaces by script"
local reasons = {
  ["#any-namespace *|div"] = needs_script,
  ["#no-namespace |div"] = needs_script,
  ["#no-namespace |*"] = needs_script,
  ["ul[data-中文]"] = "libxml2 ends attribute names at the first non-ASCII byte",
}

local function read(path)
  local f = io.open(path, "rb")
  if not f then return nil end
  local s = f:read "a"
  f:close()
  return s
end

local function ids(nodes)
  local out = {}
  for i, node in ipairs(nodes) do out[i] = node:attr "id" or "?" end
  return table.concat(out, " ")
end

-- Rows that exclude HTML documents expect what other contexts give.
local function is_ours(row)
  for _, context in ipairs(row.exclude or {}) do
    if context == "document" or context == "html" then return false end
  end
  return true
end

local function differs(doc, row)
  local ok, found = pcall(doc.css, doc, row.selector)
  if not ok then return found end
  local got, want = ids(found), table.concat(row.expect, " ")
  if got == want then return nil end
  return ("got [%s], wanted [%s]"):format(got, want)
end

local function run_valid(doc)
  local passed, total = 0, 0
  for _, row in ipairs(json.decode(read(suite .. "valid-selectors.json"))) do
    if is_ours(row) then
      total = total + 1
      local why = differs(doc, row)
      if why then
        print(("differs: %s (%s): %s"):format(row.selector, row.name,
          reasons[row.selector] or why))
      else
        passed = passed + 1
      end
    end
  end
  return passed, total
end

local function run_invalid(doc)
  local passed, total = 0, 0
  for _, row in ipairs(json.decode(read(suite .. "invalid-selectors.json"))) do
    total = total + 1
    if pcall(doc.css, doc, row.selector) then
      print(("accepted: %s (%s)"):format(row.selector, row.name))
    else
      passed = passed + 1
    end
  end
  return passed, total
end

local function each_page(visit)
  local list = assert(io.popen(("ls -d %s*/"):format(pages)))
  for dir in list:lines() do
    local gz = io.popen(("gzip -dc %ssource.html.gz 2>/dev/null"):format(dir), "r")
    local source = gz:read "a"
    gz:close()
    if #source > 0 then visit(source, dir:match "([^/]+)/$") end
  end
  list:close()
end

-- Every page must give a root, a body with text, and the same tree from its own markup.
local function run_pages()
  local count, bytes, bad, seconds = 0, 0, 0, 0
  each_page(function(source, name)
    local t0 = os.clock()
    local doc = html.parse(source)
    local links = doc:css "a::attr(href)"
    seconds = seconds + os.clock() - t0
    count, bytes = count + 1, bytes + #source
    local text = doc:text()
    if doc:name() ~= "html" or not doc:first "body" or #text == 0
      or #links ~= #doc:xpath "//a/@href" or not utf8.len(text) then
      bad = bad + 1
      print("page differs: " .. name)
    end
  end)
  print(("pages %d, bad %d, %.1f MB at %.1f MB/s (parse and a::attr(href))")
    :format(count, bad, bytes / 1e6, bytes / 1e6 / seconds))
  return count > 0 and bad == 0
end

local page = read(suite .. "level1-content.html")
if not page then
  print("skipped: no suite in " .. suite)
  os.exit(0)
end

local doc = html.parse(page, {url = "http://suite.example/level1-content.html#target"})
local valid, valid_total = run_valid(doc)
local invalid, invalid_total = run_invalid(doc)
print(("css valid %d / %d"):format(valid, valid_total))
print(("css invalid %d / %d"):format(invalid, invalid_total))
local pages_ok = run_pages()
os.exit(valid >= MIN_VALID and invalid >= MIN_INVALID and pages_ok)
