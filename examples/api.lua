-- api.lua: all items of a paginated JSON API, one JSON line each
--
--   luafetch api https://api.github.com/repos/lua/lua/tags
--
-- Follows what the API offers: a field `next` in the answer, or a Link header (RFC 8288).
local lf = require "luafetch"
local url = arg[1] or error("usage: luafetch api URL", 0)

local function next_page(res, answer)
  if type(answer.next) == "string" then return answer.next end
  local link = res.headers.link or ""
  for target, params in link:gmatch "<([^>]*)>([^,]*)" do
    if params:find 'rel="?next"?' then return target end
  end
end

-- One session: its headers go with every request, its connections stay open.
local api <close> = lf.session { headers = { accept = "application/json" }, timeout = 20 }

while url do
  local res = assert(api:get(url)):raise()
  local answer = assert(res:json())
  for _, item in ipairs(answer.items or answer.results or answer) do lf.emit(item) end
  local ref = next_page(res, answer)
  url = ref and lf.url.join(res.url, ref)
end
