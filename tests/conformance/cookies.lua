-- The cookie jar against the IETF's http-state suite (with expiry dates of the year 9999).
-- Run: luafetch tests/conformance/cookies.lua   (LF_DATA names the folder)
package.path = "tests/support/?.lua;" .. package.path
local suite = require "suite"
local new_jar = require "luafetch.cookies"

local NOW = 1700000000
local ORIGIN = "http://home.example.org:8888"

local nameless = "RFC 6265bis §5.6 keeps a cookie without a name, and sends its value; RFC 6265 did not"
local control = "RFC 6265bis §5.6 ignores a Set-Cookie with a control character; the suite cuts it off there"
local reasons = {
  OPTIONAL_DOMAIN0042 = "RFC 6265bis §5.7 takes the last Domain, an empty one too, which makes it host-only",
  DISABLED_PATH0029 = "paths compare as bytes (RFC 6265bis §5.1.4); upstream disabled the row",
  DISABLED_CHROMIUM0022 = control,
  DISABLED_CHROMIUM0023 = control,
}

local function sent_by(row)
  local jar = new_jar()
  for _, line in ipairs(row.received) do
    jar:receive(ORIGIN .. "/cookie-parser?" .. row.test:lower(), line, NOW)
  end
  local to = row["sent-to"] or "/cookie-parser-result?" .. row.test:lower()
  if to:sub(1, 1) == "/" then to = ORIGIN .. to end
  return jar:header(to, NOW) or "", jar
end

local function wanted_of(row)
  local list = {}
  for i, cookie in ipairs(row.sent) do list[i] = cookie.name .. "=" .. cookie.value end
  return table.concat(list, "; ")
end

-- Is all that differs a cookie without a name?
local function only_nameless(got, wanted, jar)
  local nameless_values, named = {}, {}
  for _, cookie in ipairs(jar:list(NOW)) do
    if cookie.name == "" then nameless_values[cookie.value] = true end
  end
  for pair in (got .. "; "):gmatch "(.-); " do
    if not nameless_values[pair] then named[#named + 1] = pair end
  end
  return table.concat(named, "; ") == wanted
end

local score = suite.score("cookies-http-state", reasons)
for _, row in ipairs(suite.rows "cookies-http-state/parser-9999.json") do
  local wanted, got, jar = wanted_of(row), sent_by(row)
  if got ~= wanted and not reasons[row.test] and only_nameless(got, wanted, jar) then reasons[row.test] = nameless end
  score:count(row.test, got ~= wanted and ("sent %q, wanted %q"):format(got, wanted) or nil)
end
suite.finish(score)
