-- What robots.txt says, host by host (RFC 9309): fetched once for all who ask, kept for a day.
local core = require "luafetch.core"
local robots = require "luafetch.robots"
local tasks = require "luafetch.tasks"
local url = require "luafetch.url"
core.hide()

local M = {}

local Cache = {}
Cache.__index = Cache

local KEPT = 24 * 3600 -- seconds; §2.4: not longer than that
local KEPT_FAILURE = 60 -- until a host that had no answer is asked again
local MOST = 5000 -- files in a generation; there are two
local MAX_BODY = 4 << 20 -- bytes; §2.5 wants 500 KiB to be read, and they are
local MAX_DELAY = 300 -- seconds of Crawl-delay that are heeded

-- §2.3.1.3: what is not there allows everything; §2.3.1.4: what cannot be had, nothing.
local function read(cache, at)
  local res, err = cache.session:fetch { url = at, redirects = 5, max_body = MAX_BODY }
  if res and res.ok then return robots.parse(res.body, { url = at }) end
  local status = res and res.status
  if status and status < 500 and status ~= 429 then return robots.parse "" end
  if err and (err.kind == "redirect" or err.kind == "too_large") then return robots.parse "" end
  err = err or res.error
  local why = core.error("robots", "robots.txt cannot be had, so nothing may be fetched: " .. err.message, at)
  why.retryable, why.status = true, status
  return nil, why
end

function Cache:load(at)
  local file, err = read(self, at)
  local entry = { file = file, err = err, expires = core.now() + (file and KEPT or KEPT_FAILURE) }
  local delay = file and file:crawl_delay(self.agent)
  if delay and delay > 0 then entry.delay = math.min(delay, MAX_DELAY) end
  if self.count >= MOST then self.older, self.young, self.count = self.young, {}, 0 end
  self.young[at], self.count = entry, self.count + 1
  return entry
end

-- The entry of a URL's host: file or err, and perhaps delay.
function Cache:entry(href)
  local parts = url.parse(href)
  local at = parts.origin .. "/robots.txt"
  local entry = self.young[at] or self.older[at]
  if entry and entry.expires > core.now() then return entry end
  return self.flight(at)
end

-- true; or false and the rule; or nil and an Error. And what is known of the host: `delay` are
-- the seconds of its Crawl-delay, if any.
function Cache:allowed(href)
  local entry = self:entry(href)
  if not entry.file then return nil, entry.err end
  local ok, rule = entry.file:allowed(self.agent, href)
  return ok ~= false, rule, entry
end

-- agent: what the session's requests call themselves.
function M.new(session, agent)
  local cache = setmetatable({ session = session, agent = agent, young = {}, older = {}, count = 0 }, Cache)
  cache.flight = tasks.single_flight(function(at)
    local known = cache.young[at] -- who flew before may have brought it
    if known and known.expires > core.now() then return known end
    return cache:load(at)
  end)
  return cache
end

return M
