-- pages.lua DIR PASSES: parse every page there, take the links, find two selectors. Prints one
-- JSON line: seconds of CPU of the fastest pass (threads counted), and what was found in one.
local lf = require "luafetch"

local pages = {}
for name in assert(io.popen(("ls '%s'/*.html"):format(arg[1]))):lines() do
  pages[#pages + 1] = assert(io.open(name, "rb")):read "a"
end

local best, links, paragraphs, images = math.huge, 0, 0, 0
for _ = 1, tonumber(arg[2]) do
  links, paragraphs, images = 0, 0, 0
  local start = os.clock()
  for _, page in ipairs(pages) do
    local doc = lf.html.parse(page)
    links = links + #doc:css "a::attr(href)"
    paragraphs = paragraphs + #doc:css "p"
    images = images + #doc:css "img[src]"
  end
  best = math.min(best, os.clock() - start)
end
print(lf.json.encode { seconds = best, pages = #pages, links = links, paragraphs = paragraphs, images = images })
