---@meta
-- lf.text: character sets, entities, words, dates.
-- luacheck: ignore 212

---`require "luafetch.text"`, or `lf.text`. Strings are UTF-8 unless it says otherwise.
---@class luafetch.text
local text = {}

---Bytes of another character set as UTF-8. A byte order mark goes before what is said, and is
---taken off. What cannot be read becomes U+FFFD.
---@param bytes string
---@param charset? string A label as the web uses it ("latin1" is windows-1252: Encoding §4.2), or one that iconv knows. Default: UTF-8 where that is valid, else windows-1252.
---@return string? s
---@return luafetch.Error? err `decode`: an unknown character set
---@nodiscard
function text.to_utf8(bytes, charset) end

---The way back.
---@param s string
---@param charset string A label as the web uses it.
---@param replacement? string In place of characters that the character set lacks, "?" or "". Default: they are an error.
---@return string? bytes
---@return luafetch.Error? err `parse` with the place of such a character; `decode`: an unknown character set
---@nodiscard
function text.from_utf8(s, charset, replacement) end

---Resolve the references of HTML: `&eacute;`, `&#233;`, and as browsers do also `&copy 2020`. The
---names are those of HTML 4; what is no reference stays.
---@param s string
---@return string
---@nodiscard
function text.decode_entities(s) end

---Write `& < > " '` as references, for text and attributes of HTML and XML.
---@param s string
---@return string
---@nodiscard
function text.encode_entities(s) end

---Each run of white space (Unicode's) as one blank, and none at the ends.
---@param s string
---@return string
---@nodiscard
function text.squeeze(s) end

---A name for a file or a URL: "Straße & Öl" is "strasse-ol". Lower case, a dash between words,
---accents taken off, Latin letters in ASCII; letters of other scripts stay. May be "".
---@param s string
---@return string
---@nodiscard
function text.slug(s) end

---At most `n` characters; combining marks are counted with the character they belong to.
---@param s string
---@param n integer
---@param ellipsis? string Added where something was cut off; it counts, and is left out when it is longer than `n`.
---@return string
---@nodiscard
function text.cut(s, n, ellipsis) end

---Read a date: ISO 8601 (RFC 3339, W3C-DTF: "2024", "2024-02-29T12:00:00.5+02:00") or one of HTTP and
---mail ("Sun, 06 Nov 1994 08:49:37 GMT", RFC 850, asctime and what curl takes besides). Without a
---zone it is UTC.
---@param s string
---@return number? time Seconds since 1970, an integer unless there is a fraction.
---@return luafetch.Error? err `parse`
---@nodiscard
function text.parse_date(s) end

---"Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7). Years 0 to 9999.
---@param time? number Default: now.
---@return string
---@nodiscard
function text.http_date(time) end

---"1994-11-06T08:49:37Z", with milliseconds for a time that has a fraction. Years 0 to 9999.
---@param time? number Default: now.
---@return string
---@nodiscard
function text.iso_date(time) end

return text
