---@meta luafetch.feed

-- News feeds: `lf.feed`, or `require "luafetch.feed"`.

---@class luafetch.feed
local feed = {}

---@class luafetch.feed.options
---@field url? string           where it came from: base of relative links
---@field content_type? string  of the answer: tells JSON, and the charset
---@field charset? string       the charset alone

---@class luafetch.feed.Enclosure
---@field url string
---@field type? string
---@field length? integer  bytes

---@class luafetch.feed.Item
---@field id? string              else the link
---@field title? string           plain text
---@field link? string            absolute
---@field summary? string         markup, as it stands in the feed
---@field content? string         markup
---@field author? string          several are joined by ", "
---@field published? integer      seconds since 1970; nil for what is no date
---@field published_text? string  as it stands in the feed
---@field updated? integer
---@field updated_text? string
---@field categories string[]
---@field enclosures luafetch.feed.Enclosure[]

---@class luafetch.feed.Feed
---@field format "rss"|"rdf"|"atom"|"json"
---@field version? string
---@field id? string
---@field title? string
---@field link? string  absolute
---@field description? string
---@field author? string
---@field language? string
---@field updated? integer
---@field updated_text? string
---@field categories string[]
---@field items luafetch.feed.Item[]

---Read RSS (0.9 to 2.0, RDF too), Atom (0.3, 1.0) or JSON Feed (1.0, 1.1). Links are resolved
---by `xml:base` and `url`. What is not well-formed is read as far as that is possible.
---nil and an Error (`parse`) for what is no feed.
---@param bytes string
---@param options? luafetch.feed.options
---@return luafetch.feed.Feed? feed
---@return luafetch.Error? err
function feed.parse(bytes, options) end

return feed
