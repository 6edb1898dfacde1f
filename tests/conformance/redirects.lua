-- Headers on redirects against the table of Go's net/http, where we are stricter: another
-- scheme, host or port is another origin, and that sees a list of harmless headers only.
-- Run: luafetch tests/conformance/redirects.lua   (LF_DATA names the folder)
package.path = "tests/support/?.lua;./?.lua;" .. package.path
local certs = require "tests.support.certs"
local lf = require "luafetch"
local servers = require "tests.support.servers"
local suite = require "suite"

local rows = suite.rows "redirect-headers-go/should-copy-header.json"
if #rows == 0 then return end

local subdomain = "a host below is another origin (RFC 6454 §5)"
local scheme = "another scheme is another origin (RFC 6454 §5)"
local reasons = {
  ["X-Foo: http://foo.com/ → http://bar.com/"] = "X-Api-Key and the like hold secrets: only Accept*, User-Agent, "
    .. "Range, If-Range and, with the body, Content-* go to another origin",
  ["www-authenticate: http://foo.com/ → http://sub.foo.com/"] = subdomain,
  ["www-authenticate: http://foo.com:80/ → http://sub.foo.com/"] = subdomain,
  ["www-authenticate: http://foo.com:443/ → https://foo.com/"] = scheme,
  ["www-authenticate: http://foo.com:443/ → https://sub.foo.com/"] = scheme,
}

-- A listener on a free port stands for each scheme and port of the table.
local made = certs.new()
local cert = made:issue("foo.com", { names = "DNS:foo.com,DNS:*.foo.com" })
local resolve, listeners = {}, {}
for _, host in ipairs { "foo.com", "bar.com", "sub.foo.com", "notfoo.com" } do resolve[host] = "127.0.0.1" end

local function listener(u)
  local port = u.port or (u.scheme == "https" and 443 or 80)
  local key = u.scheme .. port
  if listeners[key] then return listeners[key] end
  local plain = servers.fault()
  listeners[key] = plain
  if u.scheme == "https" then
    listeners[key] = servers.nginx { servers = ([[
      server {
        listen 127.0.0.1:@PORT@ ssl;
        ssl_certificate %s; ssl_certificate_key %s;
        location / { proxy_pass %s; proxy_set_header Host $http_host; }
      }]]):format(cert.cert, cert.key, plain.url) }
  end
  return listeners[key]
end

local function here(address, path)
  local u = assert(lf.url.parse(address))
  return ("%s://%s:%d%s"):format(u.scheme, u.host, listener(u).port, path)
end

local score = suite.score("redirect-headers-go", reasons)
for _, row in ipairs(rows) do
  local from = here(row.from_url, "/redirect-to?url=" .. lf.url.encode(here(row.to_url, "/echo")))
  local res = assert(fetch(from, { resolve = resolve, tls = { ca = made.ca }, headers = { [row.header] = "secret" } }))
  assert(#res.history == 1 and res.status == 200)
  local copied = res.body:lower():find("\n" .. row.header:lower() .. ": ", 1, true) ~= nil
  score:count(("%s: %s → %s"):format(row.header, row.from_url, row.to_url),
    copied ~= row.copied and ("copied is %s, wanted %s"):format(copied, row.copied) or nil)
end
made:remove()
servers.stop_all()
suite.finish(score)
