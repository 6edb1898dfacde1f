-- Public suffixes: the list's own tests, as libpsl and this system's list answer them.
-- Run: luafetch tests/conformance/psl.lua   (LF_DATA names the folder)
package.path = "tests/support/?.lua;" .. package.path
local suite = require "suite"
local url = require "luafetch.url"

-- As url.parse writes a host: lower case, IDNA done.
local function host(name)
  local u = url.parse("http://" .. name .. "/")
  return u and u.host
end

local score = suite.score "psl"
for line in (suite.read "psl/tests.txt" or ""):gmatch "[^\n]+" do
  local name, wanted = line:match "^([^/%s]%S*)%s+(%S+)%s*$"
  if name then
    local got = name ~= "null" and url.registrable_domain(name) or "null"
    wanted = wanted ~= "null" and host(wanted) or "null"
    score:count(name, got ~= wanted and ("got %s, wanted %s"):format(got, wanted) or nil)
  end
end

suite.finish(score)
