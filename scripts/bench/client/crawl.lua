-- crawl.lua URL VERSIONS JOB: the shop of books, once for each version, its pages found by their
-- links: parsed, one record each, all kept in JOB. With "known" for JOB the same pages without a
-- crawl: their URLs come from the lists, and nothing is kept.
local lf = require "luafetch"
local base, versions, job = arg[1], tonumber(arg[2]), arg[3]

local function book_of(page, doc)
  local main = doc:first ".product_main"
  return main and {
    url = page.url, title = main:first "h1::text", price = main:first ".price_color::text",
    stock = main:first(".availability"):text(), upc = doc:first "th + td::text",
  }
end

local lists = {}
for n = 1, versions do lists[n] = ("%s/v%d/list.html"):format(base, n) end

local began, books = lf.now(), 0
if job == "known" then
  local urls = {}
  for _, list in ipairs(gather(lists)) do
    local links = list:html():links()
    table.move(links, 1, #links, #urls + 1, urls)
  end
  for page in lf.as_completed(urls, { limit = 64 }) do
    local doc = page:html()
    lf.emit(book_of(page, doc))
    if #doc:links() > 0 then books = books + 1 end
  end
else
  local result = assert(lf.crawl {
    start = lists, job = job, per_host = 64, rate = false,
    allow = function(url) return url:find "/v%d+/catalogue/[^/]*_[^/]*/index%.html$" end,
    page = function(page)
      local doc = page:html()
      lf.emit(book_of(page, doc) or { url = page.url })
      page:follow(doc:links())
    end,
  })
  books = result.pages - versions -- of this process
end
print(lf.json.encode { ok = books, seconds = lf.now() - began })
