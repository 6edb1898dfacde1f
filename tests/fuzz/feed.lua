-- Feeds: any bytes are a feed of the one shape, or an Error.
--
-- seed: <rss version="2.0"><channel><title>T</title><item><guid>g</guid><pubDate>Sun, 06 Nov 1994 08:49:37 GMT
-- seed: <rss><channel><item><enclosure url="a" length="1"/><description>&lt;b&gt;</description></item></channel></rss>
-- seed: <feed xmlns="http://www.w3.org/2005/Atom" xml:base="/x/"><title type="html">a&lt;b&gt;</title></feed>
-- seed: <atom:feed><atom:entry><atom:link href="y"/><atom:updated>2024-01-01T00:00:00Z</atom:updated></atom:entry>
-- seed: <feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="xhtml"><div>z</div></content></entry></feed>
-- seed: <rdf:RDF xmlns="http://purl.org/rss/1.0/"><item rdf:about="a"><title>i</title></item></rdf:RDF>
-- seed: {"version": "jsonfeed", "items": [{"id": 1, "date_published": "2024-01-01", "tags": ["a"]}]}
-- seed: {"version": "jsonfeed", "title": "J", "items": [{"attachments": [{"url": "b"}]}]}
local feed = require "luafetch.feed"
local json = require "luafetch.json"

local types = {
  published = "number", updated = "number", items = "table", categories = "table", enclosures = "table",
}

local function check(record)
  for name, value in pairs(record) do
    assert(type(name) == "string" and type(value) == (types[name] or "string"), name)
    assert(type(value) ~= "string" or utf8.len(value) and value ~= "", name)
  end
end

return function(bytes, choice)
  local options = { url = choice % 2 == 0 and "https://example.com/feed" or nil }
  if choice % 4 == 3 then options.content_type = "application/feed+json" end
  local parsed, err = feed.parse(bytes, options)
  if not parsed then return assert(err.kind == "parse" or err.kind == "too_large", err) end
  check(parsed)
  for _, item in ipairs(parsed.items) do
    check(item)
    for _, file in ipairs(item.enclosures) do assert(file.url ~= "" and math.type(file.length or 0), "enclosure") end
  end
  assert(json.decode(json.encode(parsed)))
end
