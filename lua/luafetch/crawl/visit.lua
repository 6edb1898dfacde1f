-- What becomes of one page that was claimed: may it be fetched, what came, what the script made
-- of it, and how that is committed. Runs in a task of its own.
local core = require "luafetch.core"
local pages = require "luafetch.crawl.page"
local url = require "luafetch.url"
core.hide()

local MAX_HOPS = 10
local REDIRECT = "luafetch.redirect" -- key in the meta of what a redirect led to
local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

-- ---- outcomes ----

-- What the job has answered; nil when the page belongs to somebody else by now, and nothing of
-- it was kept. Any other failure of the job ends the crawl.
local function committed(lease, value, err)
  if value then return value end
  if not err.message:find("belongs to somebody else", 1, true) then error(err, 0) end
  core.log.warn("crawl: another worker has taken over " .. lease.url)
end

local function skip(crawl, lease, why)
  crawl:log("not fetched", lease.url, why)
  crawl.counts.skipped = crawl.counts.skipped + 1
  crawl:free(lease)
  committed(lease, crawl.job:skip(lease, why))
end

-- err: an Error, or the text of a bug.
local function fail(crawl, lease, err)
  crawl.counts.failed = crawl.counts.failed + 1
  local items = crawl:tell_failed(lease.url, err, lease)
  crawl:free(lease)
  if committed(lease, crawl.job:fail(lease, err, { items = items })) then crawl:write(items) end
end

-- Seconds that Retry-After asks for (RFC 9110 §10.2.3), or nil.
local function retry_after(res)
  local said = res and (res.status == 429 or res.status == 503) and res.headers["retry-after"]
  if not said then return nil end
  local seconds = tonumber(said:match "^%s*(%d+)%s*$")
  if seconds then return seconds end
  local date = require("luafetch.text").parse_date(said)
  return date and math.max(date - os.time(), 0)
end

-- Seconds for which the host is left alone before another try.
local function pause(retry, lease, res)
  local asked = retry_after(res)
  if asked then return math.min(asked, retry.max_retry_after) end
  return math.random() * math.min(retry.backoff * retry.factor ^ (lease.tries - 1), retry.max)
end

local function fail_or_retry(crawl, lease, err, res)
  local retry = crawl.conf.retry
  local passing = retry.on[err.status] or err.kind ~= "http" and err.retryable
  if not passing or lease.tries > retry.times then return fail(crawl, lease, err) end
  local park = pause(retry, lease, res)
  crawl:log(("tried again in %.1f s at the earliest"):format(park), lease.url, err.message)
  crawl.counts.retries = crawl.counts.retries + 1
  crawl:free(lease)
  committed(lease, crawl.job:fail(lease, err, { again = true, park = park }))
end

-- ---- robots.txt ----

-- How many pages of a URL's host are in our hands.
local function held(crawl, href)
  local n, host = 0, href:match "//[^/?]*"
  for _, lease in pairs(crawl.leases) do
    if lease.url:match "//[^/?]*" == host then n = n + 1 end
  end
  return n
end

-- Pages of a host that were claimed before its Crawl-delay was known come back one by one: all but
-- this one, or this one as well where other processes hold such pages, of which each would go first.
local function heed_delay(crawl, lease, host)
  if not host.since then
    host.since = core.now()
    local pace = { rate = 1 / host.delay, per_host = 1, park = host.delay }
    if crawl:must(crawl.job:host(lease.url, pace)).active == held(crawl, lease.url) then return true end
  elseif lease.claimed >= host.since then
    return true
  end
  crawl:free(lease)
  committed(lease, crawl.job:release(lease))
  return false
end

-- Whether to go on; else the page has its outcome.
local function permitted(crawl, lease)
  local ok, rule, host = crawl.robots:allowed(lease.url)
  if ok == nil then
    fail_or_retry(crawl, lease, rule)
    return false
  elseif not ok then
    skip(crawl, lease, ("robots.txt forbids it (line %d: Disallow: %s)"):format(rule.line, rule.path))
    return false
  end
  return not host.delay or heed_delay(crawl, lease, host)
end

-- ---- redirects: each is a page of its own, fetched when its host has its turn ----

local function unwrap(lease)
  local redirect = type(lease.meta) == "table" and lease.meta[REDIRECT]
  lease.hops = {}
  if not redirect then return end
  lease.hops, lease.from, lease.meta = redirect.hops, redirect.from, redirect.meta
end

local function includes(list, value)
  for _, one in ipairs(list) do
    if one == value then return true end
  end
  return false
end

-- The canonical URL where the answer leads; or nil, err when nobody can go there.
local function target_of(res, hops)
  local location = res.headers.location
  local href = url.join(res.url, location)
  href = href and url.canonical(href)
  if not href or not href:find "^https?://" then
    return nil, core.error("redirect", "it redirects to what is no page: " .. location, res.url)
  elseif #hops > MAX_HOPS then
    return nil, core.error("redirect", ("stopped after %d redirects, the next one was to %s"):format(MAX_HOPS, href),
      res.url)
  end
  return href
end

-- The answer, or nil, err; or nil, nil, href: it leads to another page. Where it leads back to
-- a URL that it came through, as pages do that set a cookie first, it is followed here.
local function fetch(crawl, lease)
  local href, hops = lease.url, lease.hops
  while true do
    local res, err = crawl.session:fetch(href, crawl.page_options)
    if not res or not REDIRECTS[res.status] or (res.headers.location or "") == "" then return res, err end
    hops[#hops + 1] = href
    local target, wrong = target_of(res, hops)
    if not target then return nil, wrong end
    if target ~= lease.url and not includes(hops, target) then return nil, nil, target end
    href = target
  end
end

local function redirected(crawl, lease, href)
  local link = { url = href, depth = lease.depth, priority = lease.priority, from = lease.url }
  link.start = lease.from == nil and crawl.filter:is_same_site(lease.url, href)
  local ok, why = crawl.filter:check(href, link)
  if not ok then return skip(crawl, lease, ("it redirects to %s: %s"):format(href, why)) end
  crawl:log("redirected", lease.url, "to " .. href)
  link.from, link.meta = nil, { [REDIRECT] = { hops = lease.hops, from = lease.from, meta = lease.meta } }
  crawl:free(lease)
  committed(lease, crawl.job:complete { page = lease, links = { link } })
end

-- ---- the script's turn ----

local function is_error(value)
  return type(value) == "table" and value.ok == false and value.kind ~= nil
end

-- What it found is committed together. Nothing holds on to the page while that takes its time:
-- its tree is a dozen times as large as its text.
local function done(crawl, lease, links, items)
  crawl.counts.pages = crawl.counts.pages + 1
  crawl:free(lease)
  if not committed(lease, crawl.job:complete { page = lease, links = links, items = items }) then
    return crawl.known:forget()
  end
  crawl.known:add(links)
  crawl:write(items)
end

local function hand_over(crawl, lease, res)
  local page = pages.new(crawl, lease, res)
  local ok, value, err = pcall(page.run, page, crawl.conf.page, res)
  if not ok then
    fail(crawl, lease, value)
    crawl:count_bug(value)
  elseif value == nil and is_error(err) then
    fail(crawl, lease, err)
  else
    return done(crawl, lease, page.links, page.items)
  end
end

return function(crawl, lease)
  unwrap(lease)
  local trap = crawl.traps and crawl.traps:enter(lease.url)
  if trap then return skip(crawl, lease, trap) end
  if crawl.robots and not permitted(crawl, lease) then return end
  local res, err, elsewhere = fetch(crawl, lease)
  if elsewhere then return redirected(crawl, lease, elsewhere) end
  if not res and err.kind == "blocked" and err.status then return skip(crawl, lease, err.message) end
  if not res then return fail_or_retry(crawl, lease, err) end
  if not res.ok then return fail_or_retry(crawl, lease, res.error, res) end
  return hand_over(crawl, lease, res)
end
