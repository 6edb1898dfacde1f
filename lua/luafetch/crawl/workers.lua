-- A crawl whose job other processes of the same run work on, too (--workers): who claims next, and
-- whether more may come. In a run of one process nobody else is asked.
local core = require "luafetch.core"
core.hide()

local M = {}

-- Seconds until a claim is tried again when others come first, or there was too little; longer while
-- there is nothing.
local TURN, LONG = 0.02, 0.15

M.TURN = TURN

-- While this is open, others must not take what is in the job for all there will be.
function M.feeding()
  if not core.workers then return nil end
  core.worker_feeds(1)
  return setmetatable({}, { __close = function() core.worker_feeds(-1) end })
end

function M.others_feed()
  return core.workers and core.workers_feed()
end

-- Whether others should claim before who has so many pages in hand.
function M.leaves(busy)
  return core.workers and core.worker_leaves(busy)
end

-- A claim gave so many of those that were wanted: seconds until the next one at the latest, or nil.
function M.got(crawl, count, wanted)
  if not core.workers then return nil end
  core.worker_got(crawl.busy, count == wanted)
  crawl.turn = count > 0 and TURN or math.min(1.5 * (crawl.turn or TURN), LONG)
  return crawl.turn
end

return M
