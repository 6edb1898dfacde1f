-- robots.txt: the tests of google/robotstxt. Those named ID_ are about the standard and must
-- all be right; those named GoogleOnly_ are about that parser, and what differs says why.
-- Run: luafetch tests/conformance/robots.lua   (LF_DATA names the folder)
package.path = "tests/support/?.lua;" .. package.path
local robots = require "luafetch.robots"
local suite = require "suite"

local standard = suite.score("robots, the standard")
local extensions = suite.score("robots, Google's own", {
  ["GoogleOnly_IndexHTMLisDirectory"] = "RFC 9309 knows no index files: a rule for /x/index.html is none for /x/",
})

for _, row in ipairs(suite.rows "robots-google/robots-google-cases.json") do
  local allowed, rule = robots.parse(row.robots):allowed(row.user_agent, row.url)
  local flaw
  if allowed ~= row.allowed then
    flaw = ("%q of %q for %s: wanted %s, got %s by line %s"):format(row.url:sub(1, 80), row.robots:sub(1, 200),
      row.user_agent, row.allowed, allowed, rule and rule.line)
  end
  local score = row.test:find "^ID_" and standard or extensions
  score:count(row.test, flaw)
end

suite.finish(standard, extensions)
