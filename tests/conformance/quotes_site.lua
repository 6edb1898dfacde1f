-- quotes_site.lua: the bundled quotes example, against a copy of the practice site, brings
-- home exactly its 100 quotes with authors and tags. What is expected is read from the
-- site's pages with patterns, not with our parser.
local json = require("luafetch").json

local root = (os.getenv "LF_DATA" or "../shared/data") .. "/sites/quotes"
local program = os.getenv "LUAFETCH" or "build/luafetch"

local function slurp(name)
  local file = io.open(name)
  local text = file and file:read "a"
  if file then file:close() end
  return text
end

if not slurp(root .. "/page/1/index.html") then
  print("skipped: " .. root .. " is not there")
  return
end

local named = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }
local function plain(html)
  html = html:gsub("&#(%d+);", function(n) return utf8.char(tonumber(n)) end)
  return (html:gsub("&(%a+);", named))
end

-- A quote as one string that can be compared.
local function key(text, author, tags)
  return table.concat({ text, author, table.concat(tags, ",") }, "\n")
end

local expected, total = {}, 0
for n = 1, 10 do
  local page = assert(slurp(("%s/page/%d/index.html"):format(root, n)))
  for quote in page:gmatch '<div class="quote"(.-)</div>%s*</div>' do
    local tags = {}
    for tag in quote:gmatch '<a class="tag"[^>]*>(.-)</a>' do tags[#tags + 1] = plain(tag) end
    local text = plain(quote:match '<span class="text"[^>]*>(.-)</span>')
    local author = plain(quote:match '<small class="author"[^>]*>(.-)</small>')
    expected[key(text, author, tags)] = true
    total = total + 1
  end
end

local passed, failed = 0, 0
local function check(ok, what)
  if ok then
    passed = passed + 1
  else
    failed = failed + 1
    print("failed: " .. what)
  end
end

check(total == 100, ("the pages hold %d quotes, wanted 100"):format(total))
local pipe = assert(io.popen(("scripts/serve-demo.sh '%s' '%s' -q examples/quotes.lua '{URL}'"):format(root, program)))
local got = 0
for line in pipe:lines() do
  local q = assert(json.decode(line))
  got = got + 1
  local k = key(q.text, q.author, q.tags)
  check(expected[k], "not on the site, or twice: " .. line)
  expected[k] = nil
end
check(pipe:close(), "the example ended badly")
check(got == 100, ("%d quotes came home"):format(got))
check(next(expected) == nil, "missing: " .. tostring(next(expected)))

print(("%d passed, %d failed"):format(passed, failed))
if failed > 0 then os.exit(1) end
