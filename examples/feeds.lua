-- feeds.lua: the newest items of many feeds (RSS, Atom, JSON Feed), newest first, one JSON line each
--
--   luafetch feeds [-n 20] https://lwn.net/headlines/newrss https://example.com/ …
--
-- A page that is no feed is asked which feeds it names.
local lf = require "luafetch"
local limit = 20
if arg[1] == "-n" then
  table.remove(arg, 1)
  limit = math.tointeger(tonumber(table.remove(arg, 1))) or error("-n wants a number", 0)
end
if #arg == 0 then error("usage: luafetch feeds [-n COUNT] URL…", 0) end

local NAMED = 'link[rel~="alternate" i][type$="+xml" i]::attr(href), link[type="application/feed+json" i]::attr(href)'

-- The feed at an address, or the first one that the page there names.
local function feed_at(url)
  local res = assert(fetch(url)):raise()
  local feed, err = res:feed()
  if feed then return feed end
  local page = res:html()
  local named = page:first(NAMED) or error(err)
  return assert(assert(fetch(lf.url.join(page:base(), named))):raise():feed())
end

local items = {}
local results = lf.map(arg, function(url)
  local feed = feed_at(url)
  for _, item in ipairs(feed.items) do
    items[#items + 1] = {
      title = item.title, link = item.link, author = item.author, published = item.published or item.updated,
      feed = feed.title,
    }
  end
  return true
end)
for _, result in ipairs(results) do
  if result ~= true then lf.log.warn(result) end
end

table.sort(items, function(a, b) return (a.published or 0) > (b.published or 0) end)
for i = 1, math.min(limit, #items) do lf.emit(items[i]) end
