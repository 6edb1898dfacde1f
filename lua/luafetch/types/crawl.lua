---@meta
-- luacheck: ignore 212 241

-- Crawls: sites from their first pages on, politely, and from where they were left off.

local lf = {}

---Where to begin: a URL, or a table with one as `url` and perhaps `meta` and `priority`; a list of
---these; an iterator, which is asked for more while the first pages are being fetched, and may
---wait; `{sitemap = URL}` with all that it points to; `{file = NAME}`, a URL a line, "#" begins a
---comment.
---@alias luafetch.CrawlStart string|luafetch.CrawlLink|(string|luafetch.CrawlLink)[]|(fun(): string|luafetch.CrawlLink|nil)|{sitemap: string}|{file: string}

---@class luafetch.CrawlLink
---@field url string
---@field meta? any what JSON can say; `page.meta` of that page
---@field priority? integer higher ones come first in their host; default 0

---A string without "/" is a host, "example.com", "example.com:8080"; one that begins with "/" is a
---path with its query; else host and path, "example.com/docs/*", or a whole URL. `*` stands for any
---characters. A function says it itself; `link` has `depth`, and `from`, the URL of the page.
---@alias luafetch.CrawlRule string|fun(url: string, link: {depth: integer, from: string?}): any

---Every other field is an option of `lf.session`: headers, user_agent, cookies, timeout, hosts, proxy …
---@class luafetch.CrawlOptions: luafetch.SessionOptions
---@field start? luafetch.CrawlStart needed unless a `job` has one
---@field page fun(page: luafetch.Page): ... called for each page that came with a status below 400, in a task of its own; it may fetch, spawn and wait. Returning `nil, err`, or raising an Error, makes the page a failed one
---@field failed? fun(url: string, err: luafetch.Error|string, info: {from: string?, depth: integer, meta: any, tries: integer}) called for what could not be had: an answer with a status from 400 is an Error of kind `http`. `err` is a text with a traceback when the script had a bug. `from` is the page with the link. Default: a line on stderr
---@field item? (fun(item: any, page: luafetch.Page): any, any)|(fun(item: any, page: luafetch.Page): any, any)[] each record goes through these before it is kept: they return it, changed or not, or nil and why it is dropped
---@field allow? true|luafetch.CrawlRule|luafetch.CrawlRule[] which links are followed. Default: those that stay on the site of their page (its registrable domain); true: all. Starts need no leave
---@field deny? luafetch.CrawlRule|luafetch.CrawlRule[] which URLs are never fetched, starts included
---@field job? string a job that keeps the crawl's state ("name.db"): run again it goes on where it was, after kill -9, too, and several processes may share it, as those of `--workers` do. Default: one that ends with the crawl
---@field lease? number seconds after which others may take over what a process has in hand that gives no sign any more; one that works renews in time. Default 60
---@field depth? integer|false links from a start, at most. Default false
---@field limit? integer requests at once, of each process. Default 100
---@field per_host? integer|false of these to one host and port, of all processes together. Default 8
---@field rate? number|"auto"|{rate: number, per?: number, burst?: integer}|false pages of one host in a second. Default "auto": as fast as it bears
---@field robots? boolean keep to robots.txt (RFC 9309) and its Crawl-delay, up to 5 minutes. Default true
---@field retry? integer|luafetch.CrawlRetry|false further tries of what may pass, each when the host has its turn again. Default 2
---@field types? string|false the types that are pages, as in fetch; others are skipped without their body. What says no type is a page. Default "text/html, application/xhtml+xml"; false: all
---@field traps? luafetch.CrawlTraps|false what keeps it out of spaces without end: such pages are skipped
---@field max_pages? integer|false pages, failed ones included, of this run. Default false
---@field max_time? number|false seconds; what is under way then is finished. Default false
---@field max_errors? integer|false pages that may fail by a bug of the script; one more is raised. Default 10

---@class luafetch.CrawlTraps
---@field path_depth? integer|false segments of a path. Default 25
---@field repeated? integer|false how often a path may have the same segment. Default 3
---@field pages_per_pattern? integer|false pages of a host, and of this run, whose URLs differ in segments with a digit and in values of the query only. Default 100000

---@class luafetch.CrawlRetry
---@field times? integer Default 2
---@field on? integer[] statuses. Default 408, 429, 500, 502, 503, 504
---@field backoff? number seconds for which the host is left alone before the second try, up to. Default 0.5
---@field factor? number by which each wait is longer than the one before. Default 2
---@field max? number seconds of a wait at most. Default 30
---@field max_retry_after? number seconds of Retry-After that are heeded. Default 120

---A page of a crawl: a Response, with its place in the crawl.
---@class luafetch.Page: luafetch.Response
---@field depth integer links from the start
---@field priority integer
---@field meta any what its link had
---@field from? string the page with the link
local Page = {}

---Fetch these later, unless they are known, or rules forbid it: a URL, relative to the page or not;
---a node with `href` or `src`; a table with `url`, `meta`, `priority`; or a list of these. They are
---kept when the page is done.
---@param what string|luafetch.html.Node|luafetch.CrawlLink|(string|luafetch.html.Node|luafetch.CrawlLink)[]
---@param meta? any what JSON can say
---@param priority? integer
---@return integer n how many the rules let pass
function Page:follow(what, meta, priority) end

---As `lf.emit`: in a crawl a record is kept in the job together with its page, and then written.
---@param item any anything but nil
function Page:emit(item) end

---Crawl. Every URL is fetched once, as `lf.url.canonical` has it; hosts take turns, and in a host
---what is nearest to a start comes first. A redirect is a page of its own: it goes through the rules
---and robots.txt as a link would, and `page.from` stays the page with the link. Records that a page
---emits, and its links, are kept when it is done, all or none, each once, and so are those that `failed`
---emits; written to standard output (or the file of `-o`) they are afterwards: of a job with a name as
---`job:emit` does, which goes on after any end of a run. Requests that `page` makes by plain `fetch`
---keep to the crawl's limits. `--verbose` says why a URL was not fetched.
---
---Raises for wrong use, and for more bugs than `max_errors`. Cancelled, it gives back what it had
---claimed.
---@param opts luafetch.CrawlOptions
---@return luafetch.CrawlResult? result
---@return luafetch.Error? err the job, or the start, cannot be read or written
function lf.crawl(opts) end

---What this run did.
---@class luafetch.CrawlResult
---@field pages integer that `page` was through with
---@field items integer
---@field dropped integer items
---@field failed integer pages
---@field skipped integer pages, by robots.txt and the like
---@field retries integer
---@field seconds number
---@field limit? "max_pages"|"max_time" which of these ended it

return lf
