-- Real pages: as many links and paragraphs as lxml finds, and the title and language that the
-- suite expects.   luafetch tests/conformance/pages.lua   (LF_DATA: where the suites are)
local html = require "luafetch.html"
local json = require "luafetch.json"

local suite = (os.getenv "LF_DATA" or "../shared/data") .. "/pages-readability"
local MIN_SAME = 126

local function lines(command)
  local list = {}
  local pipe = assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function folded(s)
  return type(s) == "string" and (s:gsub("%s+", " "):match "^ ?(.-) ?$") or ""
end

-- Where a reader mode may find a title that goes before <title>.
local METADATA = {
  'meta[property~="og:title"]', 'meta[property~="article:title"]', 'meta[property="dc:title" i]',
  'meta[name="dc.title" i]',
  'meta[name="dcterm:title" i]', 'meta[name="twitter:title"]', 'meta[name="parsely-title"]', 'meta[name="title"]',
  'meta[property~="dc:title"]', 'meta[name="weibo:article:title"]', 'meta[property="twitter:title"]',
}

local function in_metadata(doc, want)
  for _, selector in ipairs(METADATA) do
    for _, content in ipairs(doc:css(selector .. "::attr(content)")) do
      if folded(content) == want then return true end
    end
  end
end

local function in_json_ld(doc, want)
  for _, thing in ipairs((doc:json_ld())) do
    local items = type(thing) == "table" and thing["@graph"] or { thing }
    for _, item in ipairs(items) do
      if type(item) == "table" and (folded(item.headline) == want or folded(item.name) == want) then return true end
    end
  end
end

-- Why the suite, made for a reader mode, expects another title than <title>; nil: no reason.
local function reason(doc, want, title)
  if want == "" and title == "" then return "there is none" end
  if in_metadata(doc, want) then return "it is that of the metadata" end
  if in_json_ld(doc, want) then return "it is that of the JSON-LD" end
  if want ~= "" and title:find(want, 1, true) then return "the name of the site is cut off" end
  for _, heading in ipairs(doc:css "h1") do
    if folded(heading:text()) == want then return "it is that of a heading" end
  end
end

local names = lines(("ls '%s' 2>/dev/null | grep -v SOURCE"):format(suite))
if #names == 0 then
  print("skipped: no pages in " .. suite)
  return
end

-- The files were saved as UTF-8, whatever their <meta> says.
local dir = lines("mktemp -d")[1]
local _ <close> = setmetatable({}, { __close = function() os.execute("rm -r '" .. dir .. "'") end })
local found, files, failed, reasons, titles, languages = {}, {}, 0, {}, 0, 0
for _, name in ipairs(names) do
  local file = ("%s/%s.html"):format(dir, name)
  lines(("gzip -dc '%s/%s/source.html.gz' >'%s'"):format(suite, name, file))
  local doc = assert(html.parse(read(file), { charset = "utf-8" }))
  local expected = json.decode(read(("%s/%s/expected-metadata.json"):format(suite, name)))
  files[#files + 1] = file
  found[file] = { #doc:css "a::attr(href)", #doc:css "p" }
  local lang = expected.lang ~= json.null and expected.lang or nil
  if doc:attr "lang" == lang then
    languages = languages + 1
  else
    failed = failed + 1
    print(("pages: %s: language %s, expected %s"):format(name, doc:attr "lang", lang))
  end
  local want, title = folded(expected.title), folded(doc:title())
  if want == title then
    titles = titles + 1
  else
    local why = reason(doc, want, title)
    if why then
      reasons[why] = (reasons[why] or 0) + 1
    else
      failed = failed + 1
      print(("pages: %s: title %q, expected %q"):format(name, title, want))
    end
  end
end
print(("pages: language as expected on %d of %d"):format(languages, #names))
print(("pages: title as expected on %d of %d; elsewhere:"):format(titles, #names))
for why, n in pairs(reasons) do print(("pages:   %s (%d)"):format(why, n)) end

-- ---- lxml ----

if not os.execute "/usr/bin/python3 -c 'import lxml' 2>/dev/null" then
  print "skipped: links and paragraphs, as there is no lxml (python3-lxml)"
  if failed > 0 then os.exit(1) end
  return
end

-- Pages that lxml reads otherwise, and why.
local known = { ["ehow-2"] = "its <a0:a> is no <a> for browsers and us, for lxml it is one" }

local list = dir .. "/list"
do
  local f <close> = assert(io.open(list, "w"))
  f:write(table.concat(files, "\n"))
end
local same = 0
for _, line in ipairs(lines(("/usr/bin/python3 tests/conformance/pages.py <'%s'"):format(list))) do
  local links, paragraphs, file = line:match "^(%d+) (%d+) (.*)$"
  local ours, name = found[file], file:match "([^/]*)%.html$"
  if ours[1] == tonumber(links) and ours[2] == tonumber(paragraphs) then
    same = same + 1
  else
    print(("pages: %s: %d links and %d paragraphs, lxml %s and %s: %s"):format(name, ours[1], ours[2], links,
      paragraphs, known[name] or "no reason known"))
    if not known[name] then failed = failed + 1 end
  end
end
print(("pages: links and paragraphs as lxml on %d of %d"):format(same, #names))
os.exit(failed == 0 and same >= MIN_SAME)
