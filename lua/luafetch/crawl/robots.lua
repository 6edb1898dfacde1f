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
local ENOUGH = 500 << 10 -- bytes; §2.5 wants so many to be read, what comes behind them is not waited for
local MAX_DELAY = 300 -- seconds of Crawl-delay that are heeded

-- What is read of its body, or nil, err.
local function head_of(res)
  local parts, n = {}, 0
  while n < ENOUGH do
    local piece, err = res:read(ENOUGH - n)
    if err then return nil, err end
    if not piece then break end
    parts[#parts + 1], n = piece, n + #piece
  end
  return table.concat(parts)
end

-- §2.3.1.3: what is not there allows everything; §2.3.1.4: what cannot be had, nothing.
local function read(cache, at)
  local res <close>, err = cache.session:fetch { url = at, redirects = 5, stream = true, max_body = false }
  if res and res.ok then
    local text
    text, err = head_of(res)
    if text then return robots.parse(text, { url = at }) end
  end
  local status = res and not res.ok and res.status or nil
  if status and status < 500 and status ~= 429 then return robots.parse "" end
  if err and err.kind == "redirect" then return robots.parse "" end
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
  -- a canonical URL begins with its origin, unless a user stands in it
  local origin = href:match "^https?://[^/?#@]*%f[/?#]" or url.parse(href).origin
  local at = origin .. "/robots.txt"
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
