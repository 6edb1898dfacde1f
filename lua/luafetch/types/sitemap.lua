---@meta
-- lf.sitemap: sitemaps (sitemaps.org): XML, gzip, text, indexes.
-- luacheck: ignore 212

---`require "luafetch.sitemap"`, or `lf.sitemap`.
---@class luafetch.sitemap
local sitemap = {}

---What an entry says, white space around it taken off; what is not said is nil. A `loc` of more
---than 16 KiB counts as not there, and an entry without `loc` is left out.
---@class luafetch.sitemap.Entry
---@field loc string
---@field lastmod? string as it stands; `lf.text.parse_date` reads it
---@field changefreq? string
---@field priority? number
---@field alternates? { href: string, hreflang?: string }[]

---@class luafetch.sitemap.Options
---@field url? string where the file came from: `loc` is resolved against it
---@field max_body? integer bytes of the file, gzip undone. Default 256 MiB; more is a `too_large` Error

---@class luafetch.sitemap.Entries
---@field [integer] luafetch.sitemap.Entry
---@field kind "urlset"|"index"|nil an index has sitemaps for entries

---The entries of a sitemap: XML or text, packed by gzip or not. A raw "&" and wrong namespaces
---are put up with; no entity is ever expanded.
---@param bytes string
---@param opts? luafetch.sitemap.Options
---@return luafetch.sitemap.Entries? entries
---@return luafetch.Error? err `parse`, `decode`, `too_large`. With entries: the file broke off behind them.
---@nodiscard
function sitemap.parse(bytes, opts) end

---The entries one by one, in memory that does not grow with the file. The iterator raises the
---Error when the file is no sitemap or breaks off, as `res:chunks()` does.
---@param source string|luafetch.Response|fun(): string? a Response may be a stream; a function gives the next bytes, or nil
---@param opts? luafetch.sitemap.Options
---@return fun(): luafetch.sitemap.Entry?, "urlset"|"index" next the entry and the kind of the file
function sitemap.entries(source, opts) end

---Every other field is an option of fetch.
---@class luafetch.sitemap.WalkOptions: luafetch.Options
---@field depth? integer how deep indexes may be nested. Default 3
---@field max_files? integer sitemaps in all. Default 50,000
---@field max_body? integer of one file, gzip undone. Default 256 MiB
---@field failed? fun(url: string, err: luafetch.Error) called for a sitemap that fails, and the others go on. Without it the Error is raised

---The URLs of a sitemap and of all sitemaps it points to, each file once, fetched when its first
---URL is asked for: `for url, entry in lf.sitemap.urls "https://example.com/sitemap.xml" do`. A
---list is read from the network while the loop takes its URLs. Closable, for loops left early.
---@param url string
---@param opts? luafetch.sitemap.WalkOptions
---@return fun(): string?, luafetch.sitemap.Entry
function sitemap.urls(url, opts) end

return sitemap
