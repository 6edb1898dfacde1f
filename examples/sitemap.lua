-- sitemap.lua: every URL of a site's sitemaps, one JSON line each
--
--   luafetch sitemap https://example.com/                     those that its robots.txt names
--   luafetch sitemap https://example.com/sitemap-news.xml.gz  this one, and what it points to
local lf = require "luafetch"
local start = arg[1] or error("usage: luafetch sitemap URL", 0)

-- The sitemaps that robots.txt names, or else the usual place.
local function sitemaps_of(site)
  local at = lf.url.join(site, "/robots.txt")
  local res, err = fetch(at)
  if not res then error(err, 0) end
  local list = res.ok and lf.robots.parse(res.body, { url = at }):sitemaps() or {}
  return #list > 0 and list or { lf.url.join(site, "/sitemap.xml") }
end

local function failed(_, err) lf.log.warn(err) end

local parts = lf.url.parse(start)
local is_site = parts and parts.path == "/"
for _, sitemap in ipairs(is_site and sitemaps_of(start) or { start }) do
  for _, entry in lf.sitemap.urls(sitemap, { failed = failed }) do
    lf.emit(entry)
  end
end
