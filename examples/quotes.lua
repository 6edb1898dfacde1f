-- quotes.lua: every quote of a site, five pages at a time, one JSON line each
--
--   luafetch quotes                         the public practice site
--   luafetch quotes http://localhost:8080/  another copy of it
local lf = require "luafetch"
local base = arg[1] or "https://quotes.toscrape.com/"

local pages = {}
for n = 1, 10 do pages[n] = lf.url.join(base, "page/" .. n .. "/") end

for page in lf.as_completed(pages, { limit = 5 }) do
  if page.ok then
    for _, q in ipairs(page:html():css ".quote") do
      lf.emit {
        text = q:first "span.text::text",
        author = q:first "small.author::text",
        tags = q:css "a.tag::text",
      }
    end
  else
    lf.log.warn(page.error) -- "timeout after 30 s waiting for headers: https://…/page/7/"
  end
end
