-- lf.text: every function takes any bytes; what comes out is UTF-8 where the input was, and
-- what is undone comes back.
--
-- seed: Stra\xc3\x9fe &amp; \xc3\x96l &eacute;&#x1F600;&copy 2020
-- seed:   a\xc2\xa0\n b\xe2\x80\x89c
-- seed: 2024-02-29T12:00:00.5+02:00
-- seed: e\xcc\x81e\xcc\x81 \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80
local text = require "luafetch.text"

local YEAR_10000 = 253402300800
local charsets = { "utf-8", "windows-1252", "shift_jis", "gb18030", "utf-16le", "iso-2022-jp", "nonsense" }

local function has_mark(bytes)
  return bytes:find "^\xef\xbb\xbf" or bytes:find "^\xfe\xff" or bytes:find "^\xff\xfe"
end

local function check(s, choice)
  assert(text.decode_entities(text.encode_entities(s)) == s or s:find("\0", 1, true), "entities")
  local squeezed = text.squeeze(s)
  assert(text.squeeze(squeezed) == squeezed and #squeezed <= #s, "squeeze")
  local slug = text.slug(s)
  assert(utf8.len(slug) and text.slug(slug) == slug, "slug")
  local cut = text.cut(s, choice, "…")
  assert(utf8.len(cut), "cut")
  assert(text.cut(cut, choice) == cut, "cut again")
  assert(utf8.len(text.decode_entities(s)), "decoded")
end

return function(bytes, choice)
  text.squeeze(bytes)
  text.slug(bytes)
  text.cut(bytes, choice)
  text.decode_entities(bytes)
  local time = text.parse_date(bytes)
  if time and time < YEAR_10000 then assert(math.abs(text.parse_date(text.iso_date(time)) - time) < 0.001, "date") end
  local charset = charsets[choice % #charsets + 1]
  local s = text.to_utf8(bytes, charset)
  if not s then return assert(charset == "nonsense") end
  assert(utf8.len(s), charset)
  check(s, choice)
  local back = text.from_utf8(s, charset)
  -- A mark goes before what is said; ISO-2022-JP has several ways to say the same.
  if back and charset ~= "iso-2022-jp" and not has_mark(back) then assert(text.to_utf8(back, charset) == s, charset) end
end
