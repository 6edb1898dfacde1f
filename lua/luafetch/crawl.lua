-- lf.crawl: sites from their first pages on. The state is a job's, the limits are a session's;
-- this file holds both together and knows when it is over.
local core = require "luafetch.core"
local filter = require "luafetch.crawl.filter"
local frontier = require "luafetch.crawl.frontier"
local jobs = require "luafetch.job"
local known = require "luafetch.crawl.known"
local options = require "luafetch.crawl.options"
local pages = require "luafetch.crawl.page"
local robots = require "luafetch.crawl.robots"
local start = require "luafetch.crawl.start"
local traps = require "luafetch.crawl.traps"
local workers = require "luafetch.crawl.workers"
core.hide()

local Crawl = {}
Crawl.__index = Crawl

-- ---- for the files of crawl/ ----

-- Why something is not as one might expect, for --verbose.
function Crawl.log(_, what, href, why)
  core.log.info("crawl:", what, href, why and "(" .. tostring(why) .. ")" or "")
end

-- A page's time on the wire and in the script is over: others may have its place.
function Crawl:free(lease)
  self.leases[lease.id] = nil
  self.busy = self.busy - 1
  self.news:set()
end

-- Without the job there is no crawl: its caller gets the Error.
function Crawl.must(_, value, err)
  if value == nil then error(err, 0) end
  return value
end

local function info_of(lease)
  return { from = lease.from, depth = lease.depth, meta = lease.meta, tries = lease.tries }
end

-- The script hears of it: what it emits then.
function Crawl:tell_failed(href, err, lease)
  if self.conf.failed then
    return pages.records_of(self.session, self.conf.failed, href, err, info_of(lease))
  elseif type(err) == "string" then
    core.log.error(("crawl: %s: %s"):format(href, err))
  else
    core.log.warn("crawl: " .. tostring(err))
  end
  return {}
end

-- Items are committed: of a job with a name its output reads them there.
function Crawl:write(items)
  self.counts.items = self.counts.items + #items
  if self.output then return end
  for _, item in ipairs(items) do core.emit(item) end
end

function Crawl:count_bug(text)
  self.bugs = self.bugs + 1
  if self.conf.max_errors and self.bugs > self.conf.max_errors then error(text, 0) end
end

-- ---- making one ----

-- The rate as the job understands it: a number, or nil.
local function rate_of(rate)
  if type(rate) == "table" then return rate.rate and rate.rate / (rate.per or 1) end
  return type(rate) == "number" and rate or nil
end

local function open_job(conf)
  return jobs.open(conf.job, { lease = conf.lease, per_host = conf.per_host, rate = rate_of(conf.rate) })
end

local function new(conf, job, session)
  local crawl = setmetatable({
    conf = conf, job = job, session = session, filter = filter.new(conf), known = known.new(), news = core.event(),
    began = core.now(), busy = 0, open = 0, bugs = 0, leases = {}, fed = not conf.start,
    counts = { pages = 0, items = 0, failed = 0, skipped = 0, retries = 0, dropped = 0 },
  }, Crawl)
  crawl.page_options = { types = conf.types }
  crawl.traps = conf.traps and traps.new(conf.traps)
  crawl.item_functions = type(conf.item) == "table" and conf.item or { conf.item }
  if conf.robots then
    crawl.robots = robots.new(session, conf.session.user_agent or core.user_agent)
  end
  return crawl
end

local function feed(crawl)
  local _ <close> = workers.feeding()
  start.feed(crawl, crawl.conf.start)
  crawl.fed = true
  crawl.news:set()
end

-- ---- the face ----

return function(opts)
  local conf = options.read(opts)
  local session <close> = core.session(conf.session)
  local job <close>, err = open_job(conf)
  if not job then return nil, err end
  local crawl = new(conf, job, session)
  local output <close> = conf.job and job:emit()
  crawl.output = output
  local ended, why = core.scope({ fail_fast = true }, function(s)
    local feeder = conf.start and s:spawn(feed, crawl)
    crawl.counts.limit = frontier.work(crawl, s)
    if feeder then feeder:cancel "the crawl is over" end
    return true
  end)
  if not ended then return nil, why end
  if output then output:close() end
  crawl.counts.seconds = core.now() - crawl.began
  local closed
  closed, err = job:close()
  if not closed then return nil, err end
  return crawl.counts
end
