-- Which URLs a crawl fetches: its rules, and what keeps it out of spaces without end.
local core = require "luafetch.core"
local url = require "luafetch.url"
core.hide()

local M = {}

local Filter = {}
Filter.__index = Filter

local MAX_URL = 2083 -- bytes; what browsers and servers have always taken
local MAX_HOSTS = 10000 -- of which the site is remembered

-- The host, with its port, and the rest of an http(s) URL as lf.url writes it.
local function split(href)
  local authority, rest = href:match "^https?://([^/?#]*)([^#]*)"
  if authority then return authority:match "[^@]*$", rest end
end

-- ---- rules ----

-- A pattern of ours as one of Lua: `*` stands for any characters.
local function of_glob(glob)
  return "^" .. glob:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*") .. "$"
end

local function of_host(glob)
  local pattern, with_port = of_glob(glob:lower()), glob:find ":%d+$"
  return function(_, _, host)
    return (with_port and host or host:gsub(":%d+$", "")):find(pattern) ~= nil
  end
end

local function of_string(glob)
  if glob:find "^%a[%w+.-]*://" then
    local pattern = of_glob(glob)
    return function(href) return href:find(pattern) ~= nil end
  elseif glob:find "^/" then
    local pattern = of_glob(glob)
    return function(_, _, _, rest) return rest:find(pattern) ~= nil end
  elseif glob:find("/", 1, true) then
    local pattern = of_glob(glob)
    return function(_, _, host, rest) return (host .. rest):find(pattern) ~= nil end
  end
  return of_host(glob)
end

-- One function of all rules; nil for none. rule(href, link, host, rest)
local function compile(rules)
  if rules == nil then return nil end
  local list = {}
  for i, rule in ipairs(type(rules) == "table" and rules or { rules }) do
    list[i] = type(rule) == "string" and of_string(rule) or rule
  end
  return function(...)
    for _, rule in ipairs(list) do
      if rule(...) then return true end
    end
    return false
  end
end

-- ---- the usual rule: stay on the site ----

function Filter:site(host)
  local site = self.sites[host]
  if site then return site end
  local name = host:gsub(":%d+$", "")
  site = url.registrable_domain(name) or name
  if self.nsites >= MAX_HOSTS then self.sites, self.nsites = {}, 0 end
  self.sites[host], self.nsites = site, self.nsites + 1
  return site
end

function Filter:is_same_site(one, other)
  local a, b = split(one), split(other)
  return a ~= nil and b ~= nil and (a == b or self:site(a) == self:site(b))
end

-- ---- the face ----

-- Whether to fetch it, or nil and why not. `link`: from, depth; start: it was given as one.
function Filter:check(href, link)
  local host, rest = split(href)
  if not host then return nil, "no http" end
  if #href > MAX_URL then return nil, "too long" end
  if self.depth and link.depth > self.depth then return nil, "too deep" end
  if self.deny and self.deny(href, link, host, rest) then return nil, "denied" end
  if link.start or self.allow == true then return true end
  if self.allow then
    if self.allow(href, link, host, rest) then return true end
    return nil, "not allowed"
  end
  if not link.from or self:is_same_site(link.from, href) then return true end
  return nil, "another site"
end

-- opts: allow, deny, depth
function M.new(opts)
  return setmetatable({
    allow = opts.allow == true or compile(opts.allow), deny = compile(opts.deny), depth = opts.depth,
    sites = {}, nsites = 0,
  }, Filter)
end

return M
