---@meta
-- luacheck: ignore 212 241

local lf = {}

---Besides these, options of fetch that become defaults of every request; a request's own
---headers and params replace those of the same name.
---@class luafetch.SessionOptions
---@field base_url? string http or https; URLs of requests are resolved against it as a browser does (WHATWG URL §4.4): with "https://host/api" the path "x" is "https://host/x", with "https://host/api/" it is "https://host/api/x"
---@field headers? luafetch.Pairs
---@field params? luafetch.Pairs
---@field auth? luafetch.Auth sent to the origin of base_url, or to those in auth.origins, and to no other; one of the two is needed
---@field timeout? number|luafetch.Timeouts|false
---@field limit? integer|false requests of this session at once, within those of the run. Default false
---@field per_host? integer|false of these to one host and port. Default false
---@field rate? number|"auto"|{ rate: number, per?: number, burst?: integer }|false requests to one host and port in a second; `rate` in `per` seconds (1), `burst` at once after a pause (1). Redirects and further attempts count. "auto": as fast as each host bears, found out by its answers. Default false, or --rate
---@field hosts? table<string, { per_host?: integer|false, rate?: number|"auto"|table|false }> limits in place of these for hosts that a pattern matches: "example.com", "example.com:8080", or with `*` for any characters, "*.example.com". The pattern with the most other characters holds
---@field robots? boolean before each request ask its host's robots.txt (RFC 9309), fetched once a day and host. What it forbids is an Error of kind `robots`, as is everything while it cannot be had; Crawl-delay spaces requests, up to 5 minutes. Where a redirect leads is not asked. Default false
---@field retry? integer|luafetch.Retry|false
---@field redirects? integer|false
---@field tls? luafetch.Tls
---@field max_body? integer|false
---@field decode? boolean
---@field types? string|false
---@field user_agent? string|false
---@field proxy? string|false|fun(url: string): string|false|nil
---@field unix_socket? string|false
---@field interface? string|false
---@field guard? "public"|false
---@field referer? string|false
---@field cookies? boolean|luafetch.Cookies whether it keeps cookies (RFC 6265bis), or a jar of `lf.cookies()` to keep them in. Default true
---@field http_version? "1.1"|"2"
---@field ip? 4|6|false
---@field resolve? table<string, string|string[]>

---Make a session. Wrong options raise, also a header that cannot be sent.
---@param opts? luafetch.SessionOptions
---@return luafetch.Session session closable: `local s <close> = lf.session{}`
---@nodiscard
function lf.session(opts) end

---@class luafetch.Session
---@field cookies? luafetch.Cookies its jar; nil with `cookies = false`
local Session = {}

---As `fetch`, with the session's defaults. Raises when the session is closed.
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function Session:fetch(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function Session:get(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function Session:head(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function Session:post(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function Session:put(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function Session:patch(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function Session:delete(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function Session:options(url, opts) end

---`lf.gather` with this session for every URL and request table.
---@param items any[]
---@param opts? table
---@return table? results
---@return integer|luafetch.Error nfailed
---@return integer? index
function Session:gather(items, opts) end

---`lf.as_completed` with this session.
---@param items any[]|fun(): any
---@param opts? table
---@return fun(): any, integer, any
function Session:as_completed(items, opts) end

---`lf.first` with this session.
---@param items any[]|fun(): any
---@param accept? fun(result: any, index: integer, item: any): any
---@param opts? table
---@return any value
---@return integer|luafetch.Error|nil index
---@return any item
function Session:first(items, accept, opts) end

---`lf.each`; `fn` makes the requests, with the session or without.
---@param items any[]|fun(): any
---@param fn fun(item: any)
---@param opts? table
---@return integer|nil nfailed
---@return luafetch.Error? err
function Session:each(items, fn, opts) end

---`lf.map`; `fn` makes the requests, with the session or without.
---@param items any[]|fun(): any
---@param fn fun(item: any): any
---@param opts? table
---@return table? results
---@return integer|luafetch.Error nfailed
function Session:map(items, fn, opts) end

---Let every request of the session go through `middleware`, also those of gather and the
---like. It gets the request as one table (`url` and all options of the call; `headers` is
---always a table) and `next`, which sends it on, and returns what the caller is to get. It
---may wait, change the request, call `next` several times or not at all. The first one given
---is the outermost.
---@param middleware fun(request: luafetch.Request, next: fun(request?: luafetch.Request): luafetch.Response?, luafetch.Error?): luafetch.Response?, luafetch.Error?
---@return luafetch.Session self
function Session:use(middleware) end

---What the session's requests came to so far: `requests` that ended (`ok` + `failed`),
---`retries` that were made, and not made since there were too many (`retries_refused`); how many
---are `queued` and `active` now; `parked`, the hosts that asked to be left alone and the seconds
---until they are not; `rates`, requests a second by host.
---@return { requests: integer, ok: integer, failed: integer, retries: integer, retries_refused: integer, queued: integer, active: integer, parked: table<string, number>, rates: table<string, number> }
function Session:stats() end

---Give the session up. Requests on their way go on; new ones raise.
function Session:close() end

return lf
