-- lf.url: what was taken apart is put together again; queries and templates of anything.
--
-- seeds: url-wpt/urltestdata.json: input
-- seed: https://example.com/a?b=c&d=%20+e#f
-- seed: http://example.com/{path}/x{?q,lang}
local url = require "luafetch.url"

-- Values are strings, or lists of them where a name came more than once.
local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do
    if not same(v, b[k]) then return false end
  end
  for k in pairs(b) do
    if a[k] == nil then return false end
  end
  return true
end

return function(bytes, choice)
  assert(url.decode(url.encode(bytes)) == bytes)
  local query = url.decode_query(bytes)
  assert(same(query, url.decode_query(url.encode_query(query))), "query")
  pcall(url.template, bytes, { path = "a/b", q = bytes, lang = choice })
  local parts = url.parse(bytes)
  if not parts then return end
  local again = assert(url.build(parts))
  assert(again == parts.href, again)
  if parts.host then assert(url.join(parts.href, "") == parts.href:match "^[^#]*") end
end
