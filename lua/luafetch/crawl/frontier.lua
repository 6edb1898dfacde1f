-- The pages that a crawl has in its hands: claimed from its job in batches, each visited by a
-- task of its own, their leases renewed until they are done.
local core = require "luafetch.core"
local visit = require "luafetch.crawl.visit"
local workers = require "luafetch.crawl.workers"
core.hide()

local M = {}

local AHEAD = 2 -- pages in hand for each that may be on the wire
local UNSAVED = 4 -- the same, those included that wait to be committed
local MOST = 10000 -- that a job gives at once
local LOOK = 1 -- seconds until a job that others may work on is looked at again

-- How many more may be claimed now.
local function room(crawl)
  local conf = crawl.conf
  local n = math.min(AHEAD * conf.limit - crawl.busy, UNSAVED * conf.limit - crawl.open, MOST)
  if conf.max_pages then
    n = math.min(n, conf.max_pages - crawl.counts.pages - crawl.counts.failed - crawl.busy)
  end
  return n
end

local function take(crawl, scope, lease)
  crawl.busy, crawl.open = crawl.busy + 1, crawl.open + 1
  crawl.leases[lease.id] = lease
  lease.claimed = core.now()
  scope:spawn(function()
    visit(crawl, lease)
    crawl.open = crawl.open - 1
    crawl.news:set()
  end)
end

-- Wait until something has changed, or so many seconds.
local function await(crawl, seconds)
  if crawl.news:is_set() then return end
  core.timeout(seconds or false, crawl.news.wait, crawl.news)
end

-- Nothing new is begun from then on.
local function is_over(crawl)
  local conf, counts = crawl.conf, crawl.counts
  if conf.max_time and core.now() - crawl.began >= conf.max_time then return "max_time" end
  if conf.max_pages and counts.pages + counts.failed >= conf.max_pages then return "max_pages" end
end

-- The earlier of two times to look again; nil: none.
local function earlier(a, b)
  return a and b and math.min(a, b) or a or b
end

-- One batch: seconds until there may be more (false: until there is news), or nil at the end.
local function claim(crawl, scope)
  local n = room(crawl)
  if n <= 0 then return false end
  if workers.leaves(crawl.busy) then return workers.TURN end
  local leases, wait = crawl.job:claim(n)
  if not leases then error(wait, 0) end
  for _, lease in ipairs(leases) do take(crawl, scope, lease) end
  local turn = workers.got(crawl, #leases, n)
  if #leases == n then return 0 end
  if not wait and #leases == 0 and crawl.open == 0 and crawl.fed and not workers.others_feed() then return nil end
  return earlier(wait, turn or crawl.conf.job and LOOK) or false
end

local function renew(crawl)
  while true do
    core.sleep(crawl.conf.lease / 3)
    local list = {}
    for _, lease in pairs(crawl.leases) do list[#list + 1] = lease end
    if #list > 0 then crawl:must(crawl.job:renew(list)) end
  end
end

-- Work until nothing is left, or a limit ends it: the name of that limit.
function M.work(crawl, scope)
  core.background(renew, crawl)
  local why
  while true do
    why = is_over(crawl)
    if why then break end
    crawl.news:clear()
    local wait = claim(crawl, scope)
    if wait == nil then break end
    local left = crawl.conf.max_time and crawl.began + crawl.conf.max_time - core.now()
    if wait ~= 0 then await(crawl, earlier(wait, left)) end
  end
  while crawl.open > 0 do
    crawl.news:clear()
    await(crawl, nil)
  end
  return why
end

return M
