---@meta
-- luacheck: ignore 212 241

---Name to value, or a list of pairs `{{name, value}, …}` whose order is kept. A list as
---value repeats the name. Tables go out in the byte order of their names.
---@alias luafetch.Pairs table<string, luafetch.Value|luafetch.Value[]>|{[1]: string, [2]: luafetch.Value|luafetch.Value[]}[]
---@alias luafetch.Value string|number|boolean

---`false` means "none" for every limit.
---@class luafetch.Options
---@field method? string a token (RFC 9110 §5.6.2), case kept. Default GET, or POST when there is a body; `fetch.put` and the like set it themselves
---@field headers? luafetch.Pairs take the place of default ones of that name; `false` leaves a default one away. Sent by default, in this order: User-Agent, Accept, Accept-Encoding
---@field params? luafetch.Pairs form-urlencoded (WHATWG URL §5.2) behind the URL's own query
---@field body? string|fun(): string? sent as it is; only one of body, json, form, multipart. A function is called in the calling task whenever there is room for more, and gives the next bytes, or nil at the end; it may wait and fetch itself. It is sent in chunks unless `body_length` is given. What it raises cancels the request and is raised by fetch; when the request fails while it waits, fetch returns once it has returned. It cannot be sent twice: a redirect 307 or 308 is an Error of kind `redirect`. Not with `stream`, and not inside gather and the like
---@field body_length? integer|false bytes that a `body` function will give in all, sent as Content-Length; another number is an Error of kind `request`
---@field json? any sent as JSON, with Content-Type and Accept application/json unless given
---@field form? luafetch.Pairs sent form-urlencoded, with its Content-Type unless given
---@field multipart? luafetch.Part[] sent as multipart/form-data (HTML standard, RFC 7578), with its Content-Type unless given. Files are read from disk while they are sent; one that cannot be read is an Error of kind `io`
---@field auth? luafetch.Auth|false never sent to another origin by a redirect. The default is the user and password of the URL, then the session's; an Authorization header goes before all
---@field timeout? number|luafetch.Timeouts|false seconds in all, or one by one, for each attempt from its admission; false: no limit of time
---@field deadline? number|false seconds for waiting in the queue and all attempts together. Default false
---@field redirects? integer|false how many are followed, up to 1000. Default 10; false gives back the redirect itself
---@field tls? luafetch.Tls
---@field proxy? string|false|fun(url: string): string|false|nil URL of scheme http, https, socks4, socks4a, socks5 or socks5h (or "host:port"), with user and password if need be; false: none; a function says it for the URL it gets, when the request is made, in the calling task and without waiting (nil: as the environment says). Holds for redirects too. Default: the environment's http_proxy (lower case only), https_proxy, all_proxy and no_proxy, as curl reads them, hop by hop. Only with socks4 and socks5 do we look up the host's name. Failures of the proxy are of kind `proxy`
---@field unix_socket? string|false path of a socket to connect to instead of the URL's host and port, for redirects too
---@field interface? string|false IP address or name of an interface to connect from
---@field guard? "public"|false "public": connect to public addresses only, at every hop; else an Error of kind `blocked`. Excludes a proxy and a unix_socket; the environment's proxy is not used. Default false; with `--guard public` it cannot be lifted
---@field referer? string|false the Referer header, as it is; not sent to another origin by a redirect
---@field http_version? "1.1"|"2" default: the best that both sides know
---@field ip? 4|6|false connect only to addresses of that family; default: both, whichever answers first
---@field resolve? table<string, string|string[]> addresses for a host ("example.com" or "example.com:8443") instead of what its name says; such connections are shared only among requests that say the same
---@field decode? boolean undo Content-Encoding. Default true; without it none is asked for
---@field max_body? integer|false bytes of the decoded body. Default 32 MiB; more is a `too_large` Error
---@field types? string|false the types of answers that are wanted, "text/html, image/*": another one below 300 is an Error of kind `blocked`, with its `status` and without its body. What says no type may come. Default false
---@field user_agent? string|false default "luafetch/VERSION"; false: none is sent
---@field stream? boolean give the Response as soon as its headers are there; read the body with `chunks`, `lines`, `json_lines`, `events` or `read`. There is no limit of total time or of bytes unless one is given; while nobody reads, the transfer pauses. Not inside gather and the like
---@field save? string write the body to this file, which appears under its name only when it is whole and on the disk. Statuses from 400 are not saved. No limit of total time or of bytes unless one is given
---@field resume? boolean with `save`: keep what arrived in PATH.part, and go on from there next time if the server's copy is still the same (RFC 9110 §13.1.5); of another version, or one that cannot be told, nothing is kept
---@field checksum? string with `save`: "ALGORITHM:HEX" (sha256, sha512, md5 …) that the file must have
---@field on_progress? (fun(progress: luafetch.Progress): boolean?)|false called while bytes of a body go or come, at most ten times a second, only when there is something new, and once more when all went well; in the task that fetches, or with `stream` in the one that reads. It may wait and fetch itself. `false` cancels: an Error of kind `cancelled`; what it raises cancels too and is raised. Not inside gather and the like: make a task of it
---@field range? string|integer[]|false the bytes that are wanted: `{first, last}` counted from 0, `{first}` to the end, `{-count}` from the end, or a text as curl takes it ("0-99", "bytes=0-99,200-"). Asks for no encoding. A server that heeds it answers 206 with Content-Range, or 416 (not `ok`) when there is nothing there; one that does not sends everything as 200: look at `status`. Several ranges come as multipart/byteranges, as they are. Kept on redirects. Not with `resume`
---@field cookies? luafetch.Pairs|false cookies to send with this request, before those of the session; false: none of the session's, and none kept
---@field retry? integer|luafetch.Retry|false further attempts when one fails in a way that may pass. Default 0
---@field session? luafetch.Session whose defaults, address and limits hold

---Further attempts: of GET, HEAD, OPTIONS, PUT and DELETE (RFC 9110 §9.2.2), and of any request
---that certainly never reached the server. Tried again are the statuses of `on`, and errors
---whose `retryable` is true: dns, connect, timeout, closed, truncated and the like. A body that
---is a function cannot be sent twice, and a stream that was handed over is not taken back.
---A session (and the run, for requests without one) may make 10 further attempts and then one
---for every five requests, so that an outage is not multiplied; the error of what is not tried
---again for that says so. A table changes what is inherited.
---@class luafetch.Retry
---@field times? integer|false after the first attempt, up to 100. Default 2 in a table
---@field on? integer[]|false statuses from 400. Default 408, 429, 500, 502, 503, 504
---@field backoff? number seconds before the second attempt. Default 0.5
---@field factor? number by which each wait is longer than the one before. Default 2
---@field max? number seconds of a wait at most. Default 30
---@field jitter? "full"|false wait from 0 up to that, evenly spread, or exactly that. Default "full"
---@field respect_retry_after? boolean leave a host alone as it asks by Retry-After (RFC 9110 §10.2.3, with 429 and 503) or the fields of rate limits; other hosts go on. Default true
---@field max_retry_after? number seconds of that at most. Default 120
---@field any_method? boolean POST and PATCH too, whatever the server may have done. Default false
---@field on_retry? fun(info: { url: string, attempt: integer, status: integer?, error: luafetch.Error?, wait: number }) called before each further attempt, between two tasks: it cannot wait. `attempt` is the one that failed, from 1; `wait` the seconds until the next, at least

---Bytes of bodies as on the wire. A total is nil when nobody says it (chunks, a `body` function
---without `body_length`). Of a file that is resumed all of it counts; of redirects nothing. A further
---attempt (`retry`) starts anew.
---@class luafetch.Progress
---@field down integer
---@field down_total? integer
---@field up integer
---@field up_total? integer

---One of `value`, `data` and `file`. Names are escaped as browsers do it: `"`, CR and LF
---become %22, %0D and %0A.
---@class luafetch.Part
---@field name string
---@field value? string|number|boolean a field: sent as it is, without file name and type
---@field data? string bytes that are sent as a file
---@field file? string path of a regular file
---@field filename? string|false default the file's own name without its folder, "blob" for `data`; false: none
---@field type? string|false Content-Type of the part. Default by the ending of the file name, else application/octet-stream; none for a `value`

---@class luafetch.Timeouts
---@field total? number|false seconds for everything. Default 30
---@field connect? number|false name, connection and TLS. Default 10
---@field headers? number|false from sending the request to the end of the headers. Default false
---@field stall? number|false without any progress. Default 20

---Either `user` and `pass` (RFC 7617) or `bearer` (RFC 6750).
---@class luafetch.Auth
---@field user? string without control characters, and without ":" for "basic"
---@field pass? string default ""
---@field scheme? "basic"|"digest" default "basic". "digest" (RFC 7616; MD5, SHA-256 and their -sess forms, qop auth) sends nothing until a 401 asks for it, then answers once for each nonce; a challenge that it cannot answer is an Error of kind `request`
---@field bearer? string visible ASCII
---@field origins? string[] sessions only: URLs of the origins that get it. Default: that of base_url

---@class luafetch.Tls
---@field verify? boolean check certificate and name. Default true
---@field ca? string|false file of certificates to trust instead of the system's, for an https proxy too
---@field cert? string|false file of a client certificate and its chain (PEM)
---@field key? string|false file of its key (PEM, without a password). Default: it is in cert
---@field pin? string|false "sha256//BASE64", several separated by ";": the server's public key must be one of these (as CURLOPT_PINNEDPUBLICKEY), whether or not the certificate is verified
---@field min? "1.2"|"1.3" the least version of TLS. Default "1.2"

---@class luafetch.Request: luafetch.Options
---@field url string

---@class luafetch.fetch
---@overload fun(url: string, opts?: luafetch.Options): luafetch.Response?, luafetch.Error?
---@overload fun(request: luafetch.Request, opts?: luafetch.Options): luafetch.Response?, luafetch.Error?
local fetch = {}

---Send a request and wait for the whole answer; other tasks run meanwhile. An answer with
---a status from 400 is a Response too, with `ok == false`. Options in a request table go
---before those of `opts`.
---@param url string|luafetch.Request http or https (WHATWG URL), or relative to the session's base_url
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function fetch.get(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function fetch.head(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function fetch.post(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function fetch.put(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function fetch.patch(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function fetch.delete(url, opts) end
---@param url string|luafetch.Request
---@param opts? luafetch.Options
---@return luafetch.Response? response
---@return luafetch.Error? err
function fetch.options(url, opts) end

---A whole answer. Fields are made when they are asked for.
---@class luafetch.Response
---@field ok boolean status below 400; always `error == nil`
---@field error? luafetch.Error of kind `http` when not ok
---@field status integer
---@field url string the final one, without user and password
---@field headers table<string, string> by name in any case; repeated values joined by ", " (set-cookie: the first). `pairs` gives every field in wire order. Read only
---@field body string decoded bytes
---@field history luafetch.Hop[] redirects that were followed, oldest first
---@field request {method: string, url: string} the request that was first sent
---@field timings luafetch.Timings
---@field http_version "1.0"|"1.1"|"2"
---@field remote_ip? string
---@field attempts integer
---@field cookies table<string, string> those that this answer set
---@field links table the Link headers (RFC 8288): a list, and by relation the first of it; each `{url = absolute, rel =, …}`
---@field refresh? {seconds: number, url: string?} what a Refresh header asks for, the URL absolute (nil: it is none). It is not followed
---@field path? string where `save` put the body
---@field size? integer bytes of that file
local Response = {}

---All values of a header, in wire order.
---@param name string in any case
---@return string[] values
---@nodiscard
function Response:header_values(name) end

---The body as UTF-8: by byte order mark, else by the charset of Content-Type, else for HTML
---by its meta element or XML declaration (HTML §13.2.3.2), else it is UTF-8. What is no text
---in that charset becomes U+FFFD. Kept.
---@return string? text
---@return luafetch.Error? err kind `parse`: nobody knows the charset
---@nodiscard
function Response:text() end

---The body as `lf.json.decode` reads it. Kept: every call gives the same table.
---@return any value nil only on failure
---@return luafetch.Error? err kind `parse`
---@nodiscard
function Response:json() end

---The body as an HTML document, with links resolved against the final URL. Kept.
---@return luafetch.html.Document? document
---@return luafetch.Error? err kind `parse`
---@nodiscard
function Response:html() end

---The body as an XML document (`lf.xml.parse`). Kept.
---@return luafetch.html.Document? document
---@return luafetch.Error? err kind `parse`
---@nodiscard
function Response:xml() end

---The body as a feed (`lf.feed.parse`): RSS, Atom or JSON Feed. Kept.
---@return luafetch.feed.Feed? feed
---@return luafetch.Error? err kind `parse`
---@nodiscard
function Response:feed() end

---Raise the Error of a Response that is not ok.
---@return luafetch.Response self
function Response:raise() end

---The next bytes of the body, waiting for some if need be; nil at its end.
---@param n? integer at most so many; default what is there, up to 64 KB
---@return string? bytes
---@return luafetch.Error? err when the body broke off
function Response:read(n) end

---The body in pieces of up to 64 KB. The iterator raises the Error when the body breaks
---off, as `io.lines` does. Works on a body that was read whole as well.
---@return fun(): string?
function Response:chunks() end

---The body line by line, without LF or CRLF. A line may have up to 32 MiB. Raises as
---`chunks` does; what was cut off is not given out.
---@return fun(): string?
function Response:lines() end

---One JSON value a line; blank lines are passed over. A line that is no JSON raises an Error
---of kind `parse` that names its number.
---@return fun(): any
function Response:json_lines() end

---Server-sent events (HTML standard 9.2). `event` is "message" when the server names none,
---`retry` is in milliseconds.
---
---With `reconnect` a stream that ends or breaks is taken up again, as browsers do it (9.2.3):
---after `retry`, the same GET with Last-Event-ID behind the last whole event, in the same
---session and with the same options; each further try without an event waits twice as long, a
---minute at most. The iterator ends when the server answers 204 or the stream is closed, and
---raises for another status than 200, another type than text/event-stream, and failures that
---are not `retryable`. The Response itself stays that of the first answer. Limits of time are
---those of each try; give `timeout = {stall = false}` where nothing may come for long.
---@param opts? luafetch.EventOptions
---@return fun(): { id: string?, event: string, data: string, retry: integer? }?
function Response:events(opts) end

---@class luafetch.EventOptions
---@field reconnect? boolean Default false; for a GET with `stream = true`
---@field attempts? integer|false how many tries in a row may bring no event; then the last failure is raised. Default false: no limit, as browsers
---@field delay? number seconds before the first try, until the server says `retry`. Default 3

---Stop a stream on the wire. Also done by `<close>`; harmless on any Response.
function Response:close() end

---@class luafetch.Hop
---@field url string
---@field method string
---@field status integer
---@field headers table<string, string> as in Response

---Seconds; each but `queue` from the start of the attempt, 0 for what was not needed.
---@class luafetch.Timings
---@field queue number waiting to be admitted
---@field dns number until the name was resolved
---@field connect number until connected
---@field tls number until TLS was agreed
---@field first_byte number until the first byte of the answer
---@field total number until the end

return fetch
