-- How luafetch.url fares in the public suites: WPT's urltestdata (with extras and IDNA) and
-- the resolution examples of RFC 3986. Fails under 98 % of the http(s) rows of WPT or when
-- one of the RFC's misses. Run: luafetch tests/conformance/url.lua
local json = require "luafetch.json"
local url = require "luafetch.url"

local data = os.getenv "LF_DATA" or "../shared/data"
local WANTED = 0.98

local function load(name)
  local f = io.open(data .. "/" .. name, "rb")
  if not f then
    print("skipped: " .. data .. "/" .. name .. " is not there (LF_DATA names the folder)")
    return nil
  end
  local text = f:read "a"
  f:close()
  return assert(json.decode(text))
end

-- null and "" both mean absence, which luafetch.url writes as nil
local function text(v)
  if v == nil or v == json.null then return "" end
  return tostring(v)
end

local function score(name)
  return {name = name, passed = 0, total = 0, misses = {}}
end

local function count(s, why, what)
  s.total = s.total + 1
  if not why then
    s.passed = s.passed + 1
  else
    s.misses[#s.misses + 1] = what .. "  -- " .. why
  end
end

local function report(s)
  print(("%s: %d / %d"):format(s.name, s.passed, s.total))
  for _, miss in ipairs(s.misses) do print("  miss: " .. miss) end
end

local function differs(name, got, wanted)
  if text(got) == text(wanted) then return nil end
  return ("%s is %q, wanted %q"):format(name, text(got), text(wanted))
end

local default_port = {http = 80, https = 443, ws = 80, wss = 443, ftp = 21}

-- our parts -> the names and punctuation of the URL standard's API
local function part_flaw(u, row)
  local port = u.port ~= default_port[u.scheme] and u.port or nil
  local host = u.host and u.host .. (port and ":" .. port or "")
  local function mark(sign, s) return s and s ~= "" and sign .. s or "" end
  return differs("protocol", u.scheme .. ":", row.protocol)
    or differs("username", u.user, row.username)
    or differs("password", u.password, row.password)
    or differs("host", host, row.host)
    or differs("hostname", u.host, row.hostname)
    or differs("port", port, row.port)
    or differs("pathname", u.path, row.pathname)
    or differs("search", mark("?", u.query), row.search)
    or differs("hash", mark("#", u.fragment), row.hash)
    or text(row.origin) ~= "" and differs("origin", u.origin or "null", row.origin)
end

local function row_flaw(row)
  local base = row.base ~= json.null and row.base or nil
  local u, err = url.parse(row.input, base)
  if row.failure then return u and "parsed as " .. u.href .. ", wanted a failure" end
  if not u then return tostring(err.message) end
  local again = url.parse(u.href)
  return differs("href", u.href, row.href)
    or part_flaw(u, row)
    or differs("href parsed again", again and again.href, u.href)
end

local function is_http(row)
  local s = text(row.href) ~= "" and row.href or row.input
  if s:lower():find "^%s*https?:" then return true end
  return not s:find "^%s*%a[%w+.-]*:" and text(row.base):find "^https?:" ~= nil
end

local function run_wpt(http, all, file)
  for _, row in ipairs(load(file) or {}) do
    if type(row) == "table" then
      local why = row_flaw(row)
      local what = ("%s: %q base %q"):format(file, row.input, text(row.base))
      if http and is_http(row) then count(http, why, what) end
      count(all, why, what)
    end
  end
end

-- {input, output}: a host and its ASCII form, or null
local function run_hosts(s, file)
  for _, row in ipairs(load(file) or {}) do
    if type(row) == "table" then
      local u, err = url.parse("https://" .. row.input .. "/x")
      local host = u and u.path == "/x" and u.host or nil
      local why = differs("host", host, row.output)
      count(s, why and why .. (err and " (" .. tostring(err.message) .. ")" or ""),
        ("%q"):format(row.input))
    end
  end
end

-- The standard gives an http URL always a path, where the RFC's target has none.
local function run_rfc(s)
  for _, row in ipairs(load "url-rfc3986/resolve.json" or {}) do
    local got, err = url.join(row.base, row.ref)
    local wanted = row.target
    if wanted:find "^http://[^/]*$" then wanted = wanted .. "/" end
    if row.ref == "http:g" and got == "http://a/b/c/g" then wanted = got end
    local why = not got and err.message or differs("target", got, wanted)
    count(s, why, ("%q"):format(row.ref))
  end
end

local http, all = score "url-wpt http(s)", score "url-wpt all"
run_wpt(http, all, "url-wpt/urltestdata.json")
local extra = score "url-wpt ada_extra"
run_wpt(nil, extra, "url-wpt/ada_extra_urltestdata.json")
local toascii, idna = score "url-wpt toascii", score "url-wpt IdnaTestV2"
run_hosts(toascii, "url-wpt/toascii.json")
run_hosts(idna, "url-wpt/IdnaTestV2.json")
local rfc = score "url-rfc3986"
run_rfc(rfc)

for _, s in ipairs {http, all, extra, toascii, idna, rfc} do report(s) end
if http.total > 0 and http.passed < WANTED * http.total or rfc.passed < rfc.total then
  os.exit(1)
end
