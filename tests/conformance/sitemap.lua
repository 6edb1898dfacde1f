-- Sitemaps: the tests of Scrapy, for its Sitemap and for what it takes of a robots.txt.
-- Run: luafetch tests/conformance/sitemap.lua   (LF_DATA names the folder)
package.path = "tests/support/?.lua;" .. package.path
local json = require "luafetch.json"
local robots = require "luafetch.robots"
local sitemap = require "luafetch.sitemap"
local suite = require "suite"

-- An entry as Scrapy gives it: all is text, and alternates are no more than their URLs.
local function as_scrapy(entry)
  local links
  for i, link in ipairs(entry.alternates or {}) do
    links = links or {}
    links[i] = link.href
  end
  return { loc = entry.loc, lastmod = entry.lastmod, changefreq = entry.changefreq, alternate = links,
    priority = entry.priority and tostring(entry.priority) }
end

local kinds = { urlset = "urlset", index = "sitemapindex" }

local run = {
  ["Sitemap().type"] = function(text) return kinds[sitemap.parse(text).kind] end,
  ["list(Sitemap)"] = function(text)
    local list = json.array()
    for i, entry in ipairs(sitemap.parse(text) or {}) do list[i] = as_scrapy(entry) end
    return list
  end,
  ["list(sitemap_urls_from_robots)"] = function(text, options)
    return robots.parse(text, { url = options.base_url }):sitemaps()
  end,
}

local score = suite.score "sitemap"
for i, row in ipairs(suite.rows "sitemap-scrapy/sitemap-cases.json") do
  local got = json.encode(run[row.fn](row.args[1], row.kw), { sort_keys = true })
  local wanted = json.encode(row.expect, { sort_keys = true })
  score:count(("%s %d"):format(row.test, i), got ~= wanted and ("got %s, wanted %s"):format(got, wanted) or nil)
end

suite.finish(score)
