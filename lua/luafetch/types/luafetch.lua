---@meta
-- luacheck: ignore 212

---The module: `local lf = require "luafetch"`. `fetch` and `gather` are also globals of a
---script. Wrong use (a wrong type, an unknown option) raises at the caller's line; what the
---world does comes back as `nil, err`.
---@class luafetch
---@field version string "0.1.0"
---@field fetch luafetch.fetch
---@field cookies fun(): luafetch.Cookies an empty cookie jar, loaded on first use
---@field csv luafetch.csv loaded on first use
---@field job luafetch.job loaded on first use
---@field json luafetch.json loaded on first use
---@field text luafetch.text loaded on first use
---@field url luafetch.url loaded on first use
---@field html luafetch.html loaded on first use
---@field robots luafetch.robots loaded on first use
---@field sitemap luafetch.sitemap loaded on first use
---@field xml luafetch.xml loaded on first use
---@field feed luafetch.feed loaded on first use
---@field websocket fun(url: string, opts?: luafetch.WebSocketOptions): luafetch.WebSocket?, luafetch.Error? loaded on first use
---@field log luafetch.log
local lf = {}

---Write a record as one JSON line to standard output, or to the file of `-o`. To a file .csv a
---record is a table by name; see `--columns` in luafetch(1).
---
---A record is written whole or not at all: when 64 KiB wait, 100 ms after it came, at the
---end of the run, and on a terminal at once. When writing fails (disk full, the reader went
---away) this and every later `emit` raises an `io` Error that names the file, and the run
---ends with exit code 1. Raises for what JSON cannot say, as `lf.json.encode` does.
---@param item any anything but nil
function lf.emit(item) end

---Diagnostics on stderr, one line each; values are joined by spaces, as `tostring` gives
---them. `debug` and `info` show with `--verbose`, `warn` not with `--quiet`.
---@class luafetch.log
lf.log = {}
---@param ... any
function lf.log.debug(...) end
---@param ... any
function lf.log.info(...) end
---@param ... any
function lf.log.warn(...) end
---@param ... any
function lf.log.error(...) end

---@class luafetch.Limits each: nil for none
---@field max_requests? integer requests on the wire, those of redirects and further attempts counted
---@field max_memory? integer bytes of the process that are in memory
---@field max_time? number seconds since the run began

---@class luafetch.LimitsInForce: luafetch.Limits
---@field used luafetch.Used

---@class luafetch.Used what the run has used so far
---@field requests integer
---@field memory integer bytes
---@field time number seconds

---The limits of the run: those of `--max-requests`, `--max-memory` and `--max-time`, made tighter.
---A limit that is looser than the one in force changes nothing. Over a limit the run ends in
---order, with exit code 4. Raises for what is no limit.
---@param limits? luafetch.Limits
---@return luafetch.LimitsInForce
function lf.limits(limits) end

---What failed: an answer with a status from 400, or no whole answer at all. `tostring(err)`
---is one sentence that names the URL. A plain table otherwise: `lf.json.encode(err)` works.
---@class luafetch.Error
---@field ok false
---@field error luafetch.Error itself
---@field kind luafetch.Kind
---@field message string the sentence without the URL
---@field url? string without user and password
---@field phase? "queue"|"dns"|"connect"|"tls"|"send"|"headers"|"body"|"done" where it ended
---@field code? integer libcurl's code, when it is libcurl that failed
---@field status? integer when a status line was seen
---@field retryable? boolean it may work when tried again
---@field sent? boolean the server may have acted on the request
---@field attempts? integer
---@field timings? luafetch.Timings

---@alias luafetch.Kind
---| "url" the URL cannot be parsed, or is not http or https
---| "request" what was asked for cannot be sent: a line break in a header …
---| "dns" the name has no address
---| "connect" refused, unreachable
---| "tls" handshake or certificate
---| "proxy"
---| "timeout" a limit of time passed
---| "closed" the peer went away before its answer was whole
---| "truncated" fewer bytes than promised
---| "protocol" what the peer says is not HTTP
---| "too_large" over a limit of size
---| "decode" Content-Encoding is broken or unknown
---| "redirect" too many, or to where we do not go
---| "blocked" the guard refuses the address, or `types` the answer
---| "robots" robots.txt forbids it
---| "cancelled" nobody waits for it any more
---| "http" a status from 400
---| "parse" a document is not what it claims to be
---| "io" a local file
---| "state" something saved earlier does not fit
---| "resource" memory, descriptors

return lf
