-- scrape.lua URL PAGES CONCURRENCY: pages fetched, parsed, two selectors each, a record for each.
local lf = require "luafetch"
local base, pages, concurrency = arg[1], tonumber(arg[2]), tonumber(arg[3])

local function urls()
  local n = 0
  return function()
    n = n + 1
    if n <= pages then return ("%s/page/%d/"):format(base, 1 + n % 10) end
  end
end

for page in lf.as_completed(urls(), { limit = concurrency }) do
  local doc = page.ok and page:html()
  if doc then
    lf.emit { url = page.url, texts = doc:css ".quote span.text::text", next = doc:css "li.next a::attr(href)" }
  end
end
