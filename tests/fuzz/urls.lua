-- lf.url: what was taken apart is put together again; queries and templates of anything.
--
-- seeds: url-wpt/urltestdata.json: input
-- seed: https://example.com/a?b=c&d=%20+e#f
-- seed: http://example.com/{path}/x{?q,lang}
local url = require "luafetch.url"

local function pairs_equal(a, b)
  assert(#a == #b)
  for i = 1, #a do
    assert(a[i][1] == b[i][1] and a[i][2] == b[i][2])
  end
end

return function(bytes, choice)
  assert(url.decode(url.encode(bytes)) == bytes)
  local query = url.decode_query(bytes)
  if #query > 0 then pairs_equal(query, url.decode_query(url.encode_query(query))) end
  pcall(url.template, bytes, { path = "a/b", q = bytes, lang = choice })
  local parts = url.parse(bytes)
  if not parts then return end
  local again = assert(url.build(parts))
  assert(again == parts.href, again)
  if parts.host then assert(url.join(parts.href, "") == parts.href:match "^[^#]*") end
end
