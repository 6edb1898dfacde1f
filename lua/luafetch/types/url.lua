---@meta
-- luacheck: ignore 212

---URLs as browsers read them: the WHATWG URL standard. Nothing here touches the network.
---`require "luafetch.url"`, or `lf.url`.
---@class luafetch.url
local url = {}

---The parts of a URL, percent-encoded as they stand in it. Absent parts are nil; an empty
---query or fragment ("http://a/?") is "".
---@class luafetch.url.Parts
---@field scheme string lower case, without ":"
---@field user? string
---@field password? string
---@field host? string domain in its ASCII form, IPv4, "[IPv6]"; "" for file:///x
---@field port? integer the port in effect: explicit, or the scheme's default
---@field path string
---@field query? string without "?"
---@field fragment? string without "#"
---@field origin? string "https://host:port" without a default port; nil for schemes without
---@field href string the whole URL, serialized

---A query: name to value, or a list of pairs whose order is kept. A list as value repeats
---its name. Tables are written in the byte order of their names.
---@alias luafetch.url.Scalar string|number|boolean
---@alias luafetch.url.Value luafetch.url.Scalar|luafetch.url.Scalar[]
---@alias luafetch.url.Params table<string, luafetch.url.Value>|{[1]: string, [2]: luafetch.url.Value}[]

---Parse a URL (WHATWG URL §4.4), relative to `base` when that is given.
---@param s string
---@param base? string an absolute URL
---@return luafetch.url.Parts? parts
---@return luafetch.Error? err kind `url`
function url.parse(s, base) end

---Resolve a reference: `join("http://a/b/c", "../d")` is "http://a/d".
---@param base string an absolute URL
---@param ref string
---@return string? href
---@return luafetch.Error? err kind `url`
function url.join(base, ref) end

---What `build` takes: what `parse` gives (`href` and `origin` are not looked at), and params.
---@class luafetch.url.Build
---@field scheme string
---@field user? string
---@field password? string
---@field host? string an IPv6 address may come without brackets
---@field port? integer
---@field path? string
---@field query? string
---@field params? luafetch.url.Params added to the query
---@field fragment? string
---@field origin? string
---@field href? string

---Put a URL together and parse it. Bytes that would end a part are escaped; "%" is kept, so
---that the parts of `parse` come back as they were. Raises on unknown fields.
---@param t luafetch.url.Build
---@return string? href
---@return luafetch.Error? err kind `url`: no scheme, no host, a host that is none
function url.build(t) end

---Percent-encode a component: all but letters, digits and `-_.!~*'()` (ECMA-262
---encodeURIComponent). Any bytes.
---@param s string
---@return string
function url.encode(s) end

---Undo percent-encoding. A "%" without two hex digits stays; "+" stays.
---@param s string
---@return string bytes
function url.decode(s) end

---Write a query as application/x-www-form-urlencoded (WHATWG URL §5.2): no "?" in front,
---a space is "+". Raises for values that have no text, naming the key.
---@param params luafetch.url.Params
---@return string
function url.encode_query(params) end

---Read a query or a form body (WHATWG URL §5.1), without "?" in front.
---@param s string
---@return table<string, string|string[]> values a list where a name is repeated
---@return {[1]: string, [2]: string}[] pairs all of them, in order
function url.decode_query(s) end

---@class luafetch.url.CanonicalOptions
---@field sort_query? boolean order the query by its names, equal names as they were (false)

---The form in which two URLs are compared (RFC 3986 §6.2.2): parsed, no default port, no
---fragment, escapes in upper case and only where they are needed.
---@param s string
---@param opts? luafetch.url.CanonicalOptions
---@return string? href
---@return luafetch.Error? err kind `url`
function url.canonical(s, opts) end

---Expand a URI template: `{name}` of RFC 6570 level 1, and `{?a,b}` and `{&a,b}`. Unknown
---variables are left out. Raises for other expressions and for values without text.
---@param s string
---@param t table<string, luafetch.url.Scalar>
---@return string
function url.template(s, t) end

---The part of a host that somebody registered, by the public suffix list: "example.co.uk" for
---"www.example.co.uk". IDNA is done.
---@param host string without a port
---@return string? domain nil for a public suffix ("co.uk"), a single label ("localhost") and an address
---@return luafetch.Error? err kind `url`: this is no host
function url.registrable_domain(host) end

return url
