-- links.lua: check every link of a page, all at once; the broken ones are listed
--
--   luafetch links https://example.com/
local lf = require "luafetch"
local start = arg[1] or error("usage: luafetch links URL", 0)

local page = assert(fetch(start)):raise()

-- Without fragments, each once, in the order of the page.
local links, seen = {}, {}
for _, url in ipairs(page:html():links()) do
  url = url:gsub("#.*", "")
  if not seen[url] then
    seen[url] = true
    links[#links + 1] = url
  end
end

-- HEAD is enough to see whether a page is there; some servers only know GET.
local function check(url)
  local res, err = fetch.head(url)
  if res and (res.status == 405 or res.status == 501) then res, err = fetch(url) end
  return res, err
end

local results, broken = lf.map(links, check, { limit = 20 })
for i, res in ipairs(results) do
  if not res.ok then
    print(("%s  %s"):format(res.status or res.kind, res.status and links[i] or tostring(res)))
  end
end
print(("%d links, %d broken"):format(#links, broken))
