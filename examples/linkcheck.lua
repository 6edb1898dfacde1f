-- linkcheck.lua: all links of a whole site; the broken ones are listed with a page they stand on
--
--   luafetch linkcheck https://example.com/ [pages]
--
-- Links to other sites are looked at, and not followed any further.
local lf = require "luafetch"
local start = arg[1] or error("usage: luafetch linkcheck URL [PAGES]", 0)

local function site_of(url)
  local host = (lf.url.parse(url) or {}).host or ""
  return lf.url.registrable_domain(host) or host
end

local home = site_of(start)
local links, broken = 0, 0

local result = assert(lf.crawl {
  start = start,
  allow = true,
  max_pages = tonumber(arg[2]),
  page = function(page)
    links = links + 1
    if site_of(page.url) == home then page:follow(page:html():links()) end
  end,
  failed = function(url, err, info)
    links, broken = links + 1, broken + 1
    local what = err.status or err.kind or "error"
    print(("%s  %s\n     on %s"):format(what, err.status and url or tostring(err), info.from or "the command line"))
  end,
})
print(("%d links, %d broken"):format(links + result.skipped, broken))
