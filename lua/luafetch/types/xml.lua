---@meta luafetch.xml

-- XML documents: `lf.xml`, or `require "luafetch.xml"`. Nodes are those of luafetch.html.

---@class luafetch.xml
local xml = {}

---@class luafetch.xml.options
---@field url? string       where it came from: for errors, and `doc:url()`
---@field charset? string   label of the HTTP header (WHATWG Encoding §4.2); unknown ones are ignored
---@field recover? boolean  go on where it is not well-formed, as far as that is possible; entities of HTML are known

---Parse a document (XML 1.0 with namespaces). Encoding: byte order mark, else `charset`,
---else the XML declaration, else UTF-8 if all of it is, else windows-1252.
---
---Nothing outside of it is read, no DTD and no entity; entities of its own DTD are put in,
---to a bound. Elements nest at most 256 deep; an element has at most 4096 attributes, a text
---or an attribute 10 MB. Large documents are parsed in a thread, as with `html.parse`.
---
---nil and an Error: `parse`, with `line` and `column`; `resource` when memory ends,
---`too_large` above 1 GiB. Raises on wrong types and unknown options.
---@param bytes string
---@param options? luafetch.xml.options
---@return luafetch.html.Document? doc
---@return luafetch.Error? err
function xml.parse(bytes, options) end

return xml
