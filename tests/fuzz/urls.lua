-- lf.url: what was taken apart is put together again; queries and templates of anything.
--
-- seeds: url-wpt/urltestdata.json: input
-- seed: https://example.com/a?b=c&d=%20+e#f
-- seed: http://example.com/{path}/x{?q,lang}
local url = require "luafetch.url"
local same = dofile "tests/fuzz/lua/same.lua"

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
