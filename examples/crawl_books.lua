-- crawl_books.lua: every book of a shop, its pages found by their links, one JSON line each
--
--   luafetch crawl_books                                    the public practice site
--   luafetch crawl_books http://localhost:8080/ [books.db]  another copy; run it again to go on
local lf = require "luafetch"

local function number(text)
  return tonumber(text and text:match "%d[%d.]*")
end

local ratings = { One = 1, Two = 2, Three = 3, Four = 4, Five = 5 }

-- A book has a page of its own; lists of books lead there.
local function book_of(doc)
  local main = doc:first "article.product_page .product_main"
  if not main then return nil end
  return {
    title = main:first "h1::text",
    price = number(main:first ".price_color::text"),
    in_stock = number(main:first(".availability"):text()),
    rating = ratings[main:first ".star-rating::attr(class)":match "%u%l+$"],
    upc = doc:first "th + td::text",
  }
end

local result = assert(lf.crawl {
  start = arg[1] or "https://books.toscrape.com/",
  job = arg[2],
  page = function(page)
    local doc = page:html()
    local book = book_of(doc)
    if book then
      book.url = page.url
      lf.emit(book)
    end
    page:follow(doc:links())
  end,
})
io.stderr:write(("%d pages, %d books, %d failed\n"):format(result.pages, result.items, result.failed))
