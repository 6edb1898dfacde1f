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
---From 128 KB on it is parsed in a thread: the task waits, others go on. Where nothing can
---wait (a callback of string.gsub, a module being loaded) it is parsed at once.
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
---In XML documents names keep their case, values never fold it, and `ns|name`, `|name` and
---`*|name` tell namespaces apart; `name` alone is in any. `ns` is a prefix of the option
---`namespaces`, or else one that the document declares.
---@param selector string
---@param options? {namespaces?: table<string, string>}  prefix = URI; of XML documents
---@return (luafetch.html.Node|string)[]
function Node:css(selector, options) end

---The first of what `css` would give, or nil.
---@param selector string
---@param options? {namespaces?: table<string, string>}
---@return luafetch.html.Node|string|nil
function Node:first(selector, options) end

---XPath 1.0, from this element (of a document: from the document, so that `/html` and `html`
---are the same). Elements are nodes; attributes, texts and comments are strings. Numbers
---without fraction are integers. HTML has no namespaces: `name()='fb:like'`. In XML a name
---without prefix is in none; prefixes are as in `css`.
---
---Raises "invalid XPath at character 3: …", and when it takes too many steps. Axes that find
---the same node many times (`preceding::`, `..`) cost the square of the nodes found.
---@param expr string
---@param options? {namespaces?: table<string, string>}
---@return (luafetch.html.Node|luafetch.html.Document|string)[]|string|number|boolean
function Node:xpath(expr, options) end

---The text as a reader sees it: white space folded (not in `<pre>`; U+00A0 is no white space),
---without script, style, template and head; a newline between blocks and for `<br>`, a tab
---between table cells. `{raw=true}`: all text below, as it stands. In XML documents only
---elements of XHTML have such habits; in others white space is folded.
---@param options? {raw?: boolean}
---@return string
function Node:text(options) end

---An attribute; "" when it has no value, nil when there is none.
---@param name string  in any case; in XML with its case and its prefix ("xml:lang")
---@return string?
function Node:attr(name) end

---@return table<string, string>  names in lower case; in XML as they stand
function Node:attrs() end

---The markup of the element with all in it (HTML §13.3).
---@return string
function Node:html() end

---The same by the rules of XML, with the namespaces that it needs.
---@return string
function Node:xml() end

---@return luafetch.html.Node[]  elements only
function Node:children() end

---@return luafetch.html.Node?  nil for the root
function Node:parent() end

---@return string  in lower case; in XML as it stands, with its prefix
function Node:name() end

---@return string?  the URI of the namespace; of HTML documents always nil
function Node:namespace() end

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

---@return string?  the `url` option; of a Response, where it came from
function Document:url() end

---What relative URLs are resolved against: the first `<base href>`, else the URL.
---@return string?
function Document:base() end

---`<link rel=canonical>`, absolute.
---@return string?
function Document:canonical() end

---`<meta http-equiv=refresh>` (HTML §4.2.5.3), unless it stands in `<noscript>`.
---@return integer? seconds
---@return string? url  absolute; the document's own when none is named
function Document:refresh() end

---What the scripts of type `application/ld+json` hold; lists are taken apart. Those that are
---no JSON are passed over.
---@return any[] values
---@return luafetch.Error[] errors  one for each script that is no JSON
function Document:json_ld() end

---The rows of a table, each a list of the cells' texts, `colspan` and `rowspan` filled with
---copies; rows of `<tfoot>` come last. With `header` each row is a record by the names of
---the columns: those of `<thead>`, else of the rows of `<th>` at the top, else of the first
---row; several rows are joined, equal names become "name", "name.1", empty ones "column 3".
---
---nil when nothing matches; nil and an Error (`too_large`) above a million cells.
---@param selector? string|luafetch.html.Node  "table": the first one
---@param options? {header?: boolean}
---@return string[][]|table<string, string>[]|nil rows
---@return string[]|luafetch.Error|nil names  of the columns, with `header`
function Document:table(selector, options) end

---The forms of the page, in order.
---@return luafetch.html.Form[]
function Document:forms() end

---One control of a form, in the state in which it would be sent.
---@class luafetch.html.Control
---@field name string
---@field type string  of `<input>` and `<button>`; "select", "textarea"
---@field value? string
---@field checked? boolean  of checkboxes and radio buttons
---@field options? {value: string, text: string, selected: boolean, disabled?: boolean}[]  of a select
---@field multiple? boolean
---@field direction? string
---@field files? table[]
---@field node luafetch.html.Node

---A form, as a browser would send it (HTML §4.10.22). Controls that are disabled, or below
---a datalist, are left out; those that name it by `form=` belong to it.
---@class luafetch.html.Form
---@field action? string  absolute; nil when that needs a URL that the page does not have
---@field method "GET"|"POST"|"DIALOG"
---@field enctype string
---@field name? string
---@field id? string
---@field node luafetch.html.Node
---@field controls luafetch.html.Control[]
---@field fields table<string, string|string[]>  what would be sent now, without a button; a copy
local Form = {}

---Change fields by name: text for what is written; the value, or the text, of what is
---chosen; true and false for a checkbox; lists where there are several;
---`{file = path}` or `{data = bytes, filename = …, type = …}` for a file. Raises for a field
---or a value that is not there, naming the nearest.
---@param values table<string, string|number|boolean|table>
---@return luafetch.html.Form self
function Form:fill(values) end

---What would be sent, in order. `button`: its name, value or text.
---@param button? string
---@return {[1]: string, [2]: string}[]
function Form:entries(button) end

---The control that is a button with that name, value or text; without one the first that
---submits, or nil. Raises when there is none so called.
---@param which? string
---@return luafetch.html.Control?
function Form:button(which) end

---The request that `submit` makes, for fetch or gather.
---@param options? luafetch.html.submit_options
---@return table
function Form:request(options) end

---@class luafetch.html.submit_options: luafetch.Options
---@field button? string|false  name, value or text of a button; the first one unless said; false: none

---Send the form. With GET the fields take the place of the URL's query; with POST they go
---as `enctype` says. The page's URL is the referer. May be given a session, options of
---fetch, or both.
---@param session? luafetch.Session|luafetch.html.submit_options
---@param options? luafetch.html.submit_options
---@return luafetch.Response? response
---@return luafetch.Error? err
function Form:submit(session, options) end

return html
