---@meta
-- lf.robots: robots.txt as RFC 9309 has it.
-- luacheck: ignore 212

---`require "luafetch.robots"`, or `lf.robots`. Nothing here touches the network.
---@class luafetch.robots
local robots = {}

---@class luafetch.robots.Options
---@field url? string where the file came from: `sitemaps` are resolved against it

---Read a robots.txt. Never fails: what is no robots.txt allows everything. 500 KiB are read,
---and 16,664 bytes of a line.
---@param text string
---@param opts? luafetch.robots.Options
---@return luafetch.Robots
---@nodiscard
function robots.parse(text, opts) end

---@class luafetch.robots.Rule
---@field allow boolean
---@field path string the pattern, its escapes in upper case
---@field line integer of the file

---@class luafetch.Robots
local Robots = {}

---May `user_agent` fetch `url`? Of "foobot/2.1 (…)" the product token "foobot" is looked for,
---in any case; where the file does not name it, the group "*" holds. The longest pattern
---decides, of equal ones an Allow (RFC 9309 §2.2.2). Where it matters whether `%7E` is `~`, the
---stricter reading holds: a Disallow in either, an Allow only in both. /robots.txt itself is always allowed.
---@param user_agent string
---@param url string absolute, or a path with query
---@return boolean? allowed nil for what is no URL
---@return luafetch.robots.Rule|luafetch.Error|nil rule what decided; nil when no rule did
function Robots:allowed(user_agent, url) end

---Crawl-delay of the agent's group, which is no part of the RFC.
---@param user_agent string
---@return number? seconds
function Robots:crawl_delay(user_agent) end

---The Sitemap lines; absolute when `parse` was given a `url`.
---@return string[]
function Robots:sitemaps() end

return robots
