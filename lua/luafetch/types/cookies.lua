---@meta
-- Cookie jars (RFC 6265bis): the `cookies` of a session, and lf.cookies() for one by itself.
-- luacheck: ignore 212

---A cookie as `list` gives it.
---@class luafetch.Cookie
---@field name string May be empty.
---@field value string
---@field domain string Lower case, IDNA done, without a dot in front.
---@field path string
---@field expires? integer Seconds since 1970; nil: it ends with the session.
---@field created integer Seconds since 1970; kept when the cookie is set again.
---@field used integer When it was last set or sent.
---@field host_only boolean Sent to `domain` itself, not to hosts below it.
---@field secure boolean Sent over https only.
---@field http_only boolean Kept, for files; a script may read it.
---@field same_site? "none"|"lax"|"strict" Kept; it limits nothing, since no page asks.

---@class luafetch.Cookies.set
---@field name string
---@field value string
---@field domain? string Hosts below count too, unless `host_only`. A public suffix is host-only.
---@field url? string In place of `domain`: for the host of this URL alone.
---@field path? string Default "/".
---@field expires? number|false Seconds since 1970. Default false: it ends with the session.
---@field max_age? number Seconds from now, in place of `expires`; 0 and less remove the cookie.
---@field secure? boolean Default false.
---@field http_only? boolean Default false.
---@field host_only? boolean Default false with `domain`, true with `url`.
---@field same_site? "none"|"lax"|"strict"

---What to delete: all cookies that have these in common.
---@class luafetch.Cookies.which
---@field name? string
---@field domain? string That of the cookie, not of hosts below.
---@field path? string

---At most 4,096 bytes of name and value, 50 cookies of a domain, 3,000 in all: those least
---recently used go first. What a server sets lives for 400 days at most. `#jar` is their number.
---@class luafetch.Cookies
---@operator len: integer
local Cookies = {}

---An empty jar, of no session.
---@return luafetch.Cookies
---@nodiscard
function Cookies.new() end

---Add the cookies of a file as curl, wget and browsers' extensions write them (Netscape's
---format). Cookies that have expired are passed over.
---@param path string
---@param now? integer Seconds since 1970. Default: the machine's time.
---@return integer? count Cookies that were read; nil when something went wrong.
---@return luafetch.Error? err
--- `io`: it cannot be read. `parse`: some lines are no cookies; the message names file and
--- line, and all other cookies are in the jar. `too_large`: more than a jar holds.
function Cookies:load(path, now) end

---Write all cookies, those of the session too, in Netscape's format, which curl reads. The file
---is replaced only when the new one is whole; a new one is readable by its owner alone. The
---format has no place for `same_site`, for cookies without a name and for tabs.
---@param path string
---@param now? integer
---@return integer? count Cookies that were written; nil on failure.
---@return integer|luafetch.Error left_out Cookies that the format cannot hold. On failure an `io` error.
function Cookies:save(path, now) end

---All cookies that have not expired, oldest first. They are copies.
---@param now? integer
---@return luafetch.Cookie[]
---@nodiscard
function Cookies:list(now) end

---Put a cookie in; one of the same name, domain, path and `host_only` is replaced. Raises for
---unknown fields and wrong types.
---@param cookie luafetch.Cookies.set
---@return true? ok nil on failure
---@return luafetch.Error? err `request`: it cannot be a cookie, such as one with a line feed.
function Cookies:set(cookie) end

---Remove cookies.
---@param which luafetch.Cookies.which At least one field.
---@return integer count
function Cookies:delete(which) end

---Remove all cookies.
function Cookies:clear() end

---Take a Set-Cookie value, as sessions do with those of their responses.
---@param url string Where it came from.
---@param set_cookie string
---@param now? integer
---@return boolean taken
---@return string? why Why it was ignored: "the Domain is a public suffix".
function Cookies:receive(url, set_cookie, now) end

---The Cookie header of a request, as sessions send it.
---@param url string
---@param now? integer
---@return string? value nil when there is no cookie for the URL
---@nodiscard
function Cookies:header(url, now) end

return Cookies.new
