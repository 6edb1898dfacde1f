---@meta luafetch.html

-- HTML documents: parsing, CSS selectors, XPath. `lf.html`, or `require "luafetch.html"`.
--
-- Any bytes parse. The tree is libxml2's: implied html, head and body, HTML 4 rules for what
-- closes what; attribute names end at the first byte that is not a letter, digit or one of
-- `:-_.`. Elements deeper than 512 become siblings there; of the attributes of one element
-- the first 512 (or a few less) are kept. Trees cannot be changed.

---@class luafetch.html
local html = {}

---@class luafetch.html.options
---@field url? string      the document's URL: base of `links()`, its fragment is `:target`
---@field charset? string  label of the HTTP header (WHATWG Encoding §4.2); unknown ones are ignored

---Parse a document. Encoding: byte order mark, else `charset`, else `<meta>` in the first 8 KB,
---else UTF-8 if all of it is, else windows-1252. Bytes that cannot be decoded and NUL become
---U+FFFD; nothing behind them is lost.
---
---nil and an Error only when memory ends (`resource`) or above 1 GiB (`too_large`). Raises on
---wrong types and unknown options.
---@param bytes string
---@param options? luafetch.html.options
---@return luafetch.html.Document? doc
---@return luafetch.Error? err
function html.parse(bytes, options) end

---One element. Nodes are equal when they are the same element; a node keeps its document.
---@class luafetch.html.Node
local Node = {}

---All matches below this element (of a document: anywhere), in document order, each once.
---
---Selectors Level 3, and `:is :where :has(relative) :nth-child(an+b of S) :not(list)`, flags
---`i` and `s`, `:any-link :scope :target`. Names of elements and attributes compare without
---case, classes and ids with. As in a browser, what is left of a combinator may lie outside of
---the node; `:scope` is the node itself. `fb\:like` is the element `<fb:like>`.
---
---`sel::text` gives strings: for each match the text nodes that are its children, joined (""
---when it has none). `sel::attr(name)` gives the attribute of each match that has it. With
---nothing before it, `::text` or `::attr(name)` is about the node itself too.
---
---Raises "invalid selector at character 5: …", above 64 KB or 16 levels of nesting, and when
---200 million steps do not suffice (only `:has()` with `+` or `~` on long lists is not linear).
---@param selector string
---@return (luafetch.html.Node|string)[]
function Node:css(selector) end

---The first of what `css` would give, or nil.
---@param selector string
---@return luafetch.html.Node|string|nil
function Node:first(selector) end

---XPath 1.0, from this element (of a document: from the document, so that `/html` and `html`
---are the same). Elements are nodes; attributes, texts and comments are strings. Numbers
---without fraction are integers. There are no namespaces: `name()='fb:like'`.
---
---Raises "invalid XPath at character 3: …", and when it takes too many steps. Axes that find
---the same node many times (`preceding::`, `..`) cost the square of the nodes found.
---@param expr string
---@return (luafetch.html.Node|luafetch.html.Document|string)[]|string|number|boolean
function Node:xpath(expr) end

---The text as a reader sees it: white space folded (not in `<pre>`; U+00A0 is no white space),
---without script, style, template and head; a newline between blocks and for `<br>`, a tab
---between table cells. `{raw=true}`: all text below, as it stands.
---@param options? {raw?: boolean}
---@return string
function Node:text(options) end

---An attribute; "" when it has no value, nil when there is none.
---@param name string  in any case
---@return string?
function Node:attr(name) end

---@return table<string, string>  names in lower case
function Node:attrs() end

---The markup of the element with all in it (HTML §13.3).
---@return string
function Node:html() end

---@return luafetch.html.Node[]  elements only
function Node:children() end

---@return luafetch.html.Node?  nil for the root
function Node:parent() end

---@return string  in lower case
function Node:name() end

---A document is its root element, and more. `html()` includes the doctype.
---@class luafetch.html.Document: luafetch.html.Node
local Document = {}

---The text of the first `<title>` outside of SVG, white space folded.
---@return string?
function Document:title() end

---The absolute http(s) URLs of `a[href]` and `area[href]`, one for each, resolved against the
---first `<base href>` and the `url` option (HTML §2.4.3). Without either only absolute ones.
---@return string[]
function Document:links() end

return html
