-- luafetch.feed: RSS 0.9 to 2.0 (RDF too), Atom 0.3 and 1.0, and JSON Feed as one shape.
-- Feeds are read as they are found: what is not well-formed is recovered, unknown elements
-- are passed over, and usual prefixes mean what they usually mean where nobody declares them.
local core = require "luafetch.core"
local html = require "luafetch.html"
local json = require "luafetch.json"
local parse_date = require("luafetch.text").parse_date
local protocol = require "luafetch.protocol"
local url = require "luafetch.url"
local xml = require "luafetch.xml"
core.hide()

local M = {}

-- ---- names ----

local vocabularies = {
  ["http://www.w3.org/2005/Atom"] = "atom",
  ["http://purl.org/atom/ns#"] = "atom",
  ["http://purl.org/rss/1.0/"] = "rss",
  ["http://my.netscape.com/rdf/simple/0.9/"] = "rss",
  ["http://channel.netscape.com/rdf/simple/0.9/"] = "rss",
  ["http://my.netscape.com/publish/formats/rss-0.91.dtd"] = "rss",
  ["http://backend.userland.com/rss2"] = "rss",
  ["http://blogs.law.harvard.edu/tech/rss"] = "rss",
  ["http://www.w3.org/1999/02/22-rdf-syntax-ns#"] = "rdf",
  ["http://purl.org/dc/elements/1.1/"] = "dc",
  ["http://purl.org/dc/terms/"] = "dcterms",
  ["http://purl.org/rss/1.0/modules/content/"] = "content",
  ["http://search.yahoo.com/mrss/"] = "media",
  ["http://search.yahoo.com/mrss"] = "media",
  ["http://www.itunes.com/dtds/podcast-1.0.dtd"] = "itunes",
}
local usual = { atom = "atom", dc = "dc", dcterms = "dcterms", content = "content", media = "media", rdf = "rdf",
  itunes = "itunes" }

-- "atom:title", "dc:creator"; without a namespace an element is RSS's. nil for unknown ones.
local function key_of(node)
  local prefix, name = node:name():match "^(.-):?([^:]*)$"
  local namespace = node:namespace()
  local vocabulary
  if namespace then
    vocabulary = vocabularies[namespace]
  else
    vocabulary = usual[prefix] or prefix == "" and "rss"
  end
  return vocabulary and vocabulary .. ":" .. name
end

-- ---- values ----

local function trim(s)
  return s:match "^%s*(.-)%s*$"
end

local function some(s)
  s = s and trim(s)
  if s ~= "" then return s end
end

local function set_time(target, field, text)
  text = some(text)
  if not text or target[field] then return end
  local time = parse_date(text)
  target[field .. "_text"] = text
  target[field] = time and math.floor(time)
end

local function set(target, field, value)
  if value and target[field] == nil then target[field] = value end
end

local function resolve(base, ref)
  ref = some(ref)
  if not ref then return nil end
  if base then return url.join(base, ref) or ref end
  local parts = url.parse(ref)
  return parts and parts.href or ref
end

local function base_of(node, base)
  local own = some(node:attr "xml:base")
  return own and (resolve(base, own)) or base
end

local function add_enclosure(item, base, ref, kind, length)
  local href = resolve(base, ref)
  if not href then return end
  for _, known in ipairs(item.enclosures) do
    if known.url == href then return end
  end
  item.enclosures[#item.enclosures + 1] = { url = href, type = some(kind), length = math.tointeger(tonumber(length)) }
end

local function add_category(target, text)
  text = some(text)
  for _, known in ipairs(target.categories) do
    if known == text then return end
  end
  target.categories[#target.categories + 1] = text
end

local function add_author(target, text)
  text = some(text)
  if not text then return end
  text = text:match "^%S+@%S+%s*%((.+)%)$" or text -- RSS: "ann@example.com (Ann)"
  for _, known in ipairs(target.authors) do
    if known == text then return end
  end
  target.authors[#target.authors + 1] = text
end

-- ---- text constructs ----

local function raw(node)
  return some(node:text { raw = true })
end

-- What is inside of the one element that XHTML content is wrapped in.
local function inner_html(node)
  local child = node:children()[1]
  if not child then return raw(node) end
  return some(child:html():match "^<[^>]*>(.*)</[^>]*>$")
end

-- Markup for what may hold some, as HTML.
local function markup(node)
  local kind = node:attr "type" or "text"
  if kind == "xhtml" or node:attr "mode" == "xml" and #node:children() > 0 then return inner_html(node) end
  return raw(node)
end

-- Text for readers, on one line.
local function plain(node)
  local kind = node:attr "type"
  local s = markup(node)
  if s and (kind == "html" or kind == "xhtml" or kind == "text/html") then
    s = html.parse(s, { charset = "utf-8" }):text()
  end
  return s and (s:gsub("%s+", " "))
end

-- ---- XML elements: key → what it does to a feed or an item ----

local both, of_feed, of_item = {}, {}, {}

local function text_field(field, read)
  return function(target, node) set(target, field, read(node)) end
end

local function time_field(field)
  return function(target, node) set_time(target, field, node:text { raw = true }) end
end

-- Rows: the table they go to, what reads them, the elements.
for _, row in ipairs {
  { both, text_field("title", plain), "atom:title", "rss:title", "dc:title", "media:title" },
  { both, text_field("id", raw), "atom:id" },
  { both, time_field "updated", "atom:updated", "atom:modified", "dcterms:modified" },
  { of_feed, text_field("description", markup), "atom:subtitle", "atom:tagline", "rss:description", "dc:description",
    "itunes:summary" },
  { of_feed, time_field "updated", "rss:lastBuildDate", "rss:pubDate", "dc:date" },
  { of_feed, text_field("language", raw), "rss:language", "dc:language" },
  { of_item, text_field("summary", markup), "atom:summary", "rss:description", "dc:description", "media:description",
    "itunes:summary" },
  { of_item, text_field("content", markup), "atom:content", "content:encoded" },
  { of_item, time_field "published", "atom:published", "atom:issued", "atom:created", "rss:pubDate", "dc:date",
    "dcterms:issued", "dcterms:created" },
} do
  for i = 3, #row do row[1][row[i]] = row[2] end
end

both["rss:link"] = function(target, node, base)
  set(target, "link", resolve(base, raw(node) or node:attr "href"))
end

-- A page in HTML goes before other alternates.
both["atom:link"] = function(target, node, base)
  local rel, href, kind = node:attr "rel" or "alternate", node:attr "href", node:attr "type"
  if rel == "enclosure" and target.enclosures then
    add_enclosure(target, base, href, kind, node:attr "length")
  elseif rel == "alternate" and (not target.link or kind == "text/html" and not target.link_is_html) then
    target.link = resolve(base, href)
    target.link_is_html = kind == "text/html"
  end
end

both["rss:category"] = function(target, node) add_category(target, raw(node)) end
both["dc:subject"] = both["rss:category"]
both["atom:category"] = function(target, node) add_category(target, node:attr "label" or node:attr "term") end

both["rss:author"] = function(target, node) add_author(target, raw(node)) end
both["rss:managingEditor"], both["dc:creator"], both["itunes:author"] =
  both["rss:author"], both["rss:author"], both["rss:author"]
both["atom:author"] = function(target, node)
  for _, child in ipairs(node:children()) do
    if key_of(child) == "atom:name" then add_author(target, raw(child)) end
  end
end

of_item["rss:guid"] = function(item, node, base)
  local id = raw(node)
  set(item, "id", id)
  if id and node:attr "isPermaLink" ~= "false" and id:find "^https?://" then item.permalink = resolve(base, id) end
end

of_item["rss:enclosure"] = function(item, node, base)
  add_enclosure(item, base, node:attr "url" or node:attr "rdf:resource", node:attr "type", node:attr "length")
end
of_item["media:content"] = function(item, node, base)
  add_enclosure(item, base, node:attr "url", node:attr "type", node:attr "fileSize")
end
of_item["media:group"] = function(item, node, base)
  for _, child in ipairs(node:children()) do
    if key_of(child) == "media:content" then of_item["media:content"](item, child, base) end
  end
end

local function read_into(target, node, base, own)
  for _, child in ipairs(node:children()) do
    local key = key_of(child)
    local read = key and (own[key] or both[key])
    if read then read(target, child, base_of(child, base)) end
  end
end

local function settle(target)
  target.author = #target.authors > 0 and table.concat(target.authors, ", ") or nil
  target.authors, target.link_is_html = nil, nil
  set(target, "link", target.permalink)
  target.permalink = nil
  return target
end

local function read_item(node, base)
  local item = { categories = json.array {}, enclosures = json.array {}, authors = {} }
  base = base_of(node, base)
  read_into(item, node, base, of_item)
  set(item, "id", some(node:attr "rdf:about"))
  settle(item)
  set(item, "id", item.link)
  return item
end

local function read_items(feed, parent, base, key)
  for _, child in ipairs(parent:children()) do
    if key_of(child) == key then feed.items[#feed.items + 1] = read_item(child, base) end
  end
end

local function child_of(node, key)
  for _, child in ipairs(node:children()) do
    if key_of(child) == key then return child end
  end
end

local roots = {} -- key of the root → fills the feed

roots["atom:feed"] = function(feed, root, base)
  feed.format = "atom"
  base = base_of(root, base)
  feed.language = some(root:attr "xml:lang")
  read_into(feed, root, base, of_feed)
  read_items(feed, root, base, "atom:entry")
end

roots["rss:rss"] = function(feed, root, base)
  local channel = child_of(root, "rss:channel") or root
  feed.format, feed.version = "rss", some(root:attr "version")
  base = base_of(channel, base_of(root, base))
  read_into(feed, channel, base, of_feed)
  read_items(feed, channel, base, "rss:item")
  if channel ~= root then read_items(feed, root, base, "rss:item") end -- 0.90 keeps them outside
end

roots["rdf:RDF"] = function(feed, root, base)
  roots["rss:rss"](feed, root, base)
  feed.format = "rdf"
end

local function read_xml(bytes, options)
  local given = { url = options.url, charset = options.charset }
  local doc, err = xml.parse(bytes, given)
  if not doc and err.kind == "parse" then
    given.recover = true
    doc = xml.parse(bytes, given)
  end
  if not doc then return nil, err end
  local read = roots[key_of(doc) or ""]
  if not read then
    return nil, core.error("parse", ("no feed: the document is <%s>"):format(doc:name()), options.url)
  end
  local feed = { categories = json.array {}, items = json.array {}, authors = {} }
  read(feed, doc, options.url)
  return settle(feed)
end

-- ---- JSON Feed ----

local function string_of(value)
  return type(value) == "string" and some(value) or math.type(value) and tostring(value) or nil
end

local function each_of(list)
  return ipairs(type(list) == "table" and list ~= json.null and list or {})
end

local function field_of(value, name)
  return type(value) == "table" and string_of(value[name]) or nil
end

local function add_authors(target, from)
  add_author(target, field_of(from.author, "name"))
  for _, author in each_of(from.authors) do add_author(target, field_of(author, "name")) end
end

local function read_json_item(from, base)
  local item = { categories = json.array {}, enclosures = json.array {}, authors = {} }
  item.id, item.title, item.summary = string_of(from.id), string_of(from.title), string_of(from.summary)
  item.link = resolve(base, string_of(from.url)) or resolve(base, string_of(from.external_url))
  item.content = string_of(from.content_html) or string_of(from.content_text)
  set_time(item, "published", string_of(from.date_published))
  set_time(item, "updated", string_of(from.date_modified))
  add_authors(item, from)
  for _, tag in each_of(from.tags) do add_category(item, string_of(tag)) end
  for _, file in each_of(from.attachments) do
    add_enclosure(item, base, field_of(file, "url"), field_of(file, "mime_type"), field_of(file, "size_in_bytes"))
  end
  settle(item)
  set(item, "id", item.link)
  return item
end

local function read_json(bytes, options)
  local from, err = json.decode((bytes:gsub("^\u{FEFF}", "")))
  if from == nil then
    err.url = options.url
    return nil, err
  end
  if type(from) ~= "table" or not (string_of(from.version) or ""):find "jsonfeed" then
    return nil, core.error("parse", "no feed: JSON without a version of JSON Feed", options.url)
  end
  local feed = { format = "json", categories = json.array {}, items = json.array {}, authors = {} }
  feed.version = from.version:match "[%d.]+$"
  feed.title, feed.description = string_of(from.title), string_of(from.description)
  feed.link, feed.language = resolve(options.url, string_of(from.home_page_url)), string_of(from.language)
  add_authors(feed, from)
  for _, item in each_of(from.items) do
    if type(item) == "table" then feed.items[#feed.items + 1] = read_json_item(item, options.url) end
  end
  return settle(feed)
end

-- ---- the way in ----

local names = { "url", "charset", "content_type" }

local function check(bytes, options)
  if type(bytes) ~= "string" then core.misuse("feed.parse: a string is needed, got a " .. type(bytes)) end
  if type(options) ~= "table" then core.misuse("feed.parse: the options must be a table, got a " .. type(options)) end
  for name, value in pairs(options) do
    if name ~= "url" and name ~= "charset" and name ~= "content_type" then
      core.option_unknown("feed.parse", tostring(name), names)
    end
    if type(value) ~= "string" then core.misuse(("feed.parse: option '%s' must be a string"):format(name)) end
  end
end

function M.parse(bytes, options)
  options = options or {}
  check(bytes, options)
  local is_json = (options.content_type or ""):find "json" or bytes:find "^[\xef\xbb\xbf%s]*{"
  if is_json then return read_json(bytes, options) end
  if options.content_type and not options.charset then
    local _, charset = protocol.content_type(options.content_type)
    options = { url = options.url, charset = charset }
  end
  return read_xml(bytes, options)
end

return M
