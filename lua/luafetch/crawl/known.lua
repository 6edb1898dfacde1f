-- What a crawl remembers of the URLs it met last, since most pages of a site link to the same
-- ones: how they are written for comparison, and which of them its job has.
local core = require "luafetch.core"
local url = require "luafetch.url"
core.hide()

local M = {}

local MOST = 10000 -- that are remembered for sure; twice as many at most

-- A table whose older half is forgotten when the younger one is full.
local Memo = {}
Memo.__index = Memo

local function memo() return setmetatable({ young = {}, older = {}, count = 0 }, Memo) end

function Memo:get(key)
  local value = self.young[key]
  if value == nil then
    value = self.older[key]
    if value ~= nil then self:set(key, value) end
  end
  return value
end

function Memo:set(key, value)
  if self.count >= MOST then self.older, self.young, self.count = self.young, {}, 0 end
  self.young[key], self.count = value, self.count + 1
end

local Known = {}
Known.__index = Known

-- The canonical form of an absolute URL, or nil.
function Known:canonical(ref)
  local href = self.forms:get(ref)
  if not href then
    href = url.canonical(ref)
    if href == ref then href = ref end -- one string, not two
    if href then self.forms:set(ref, href) end
  end
  return href
end

-- Whether the job is known to have it.
function Known:has(href) return self.in_job:get(href) end

-- They are committed.
function Known:add(links)
  for _, link in ipairs(links) do self.in_job:set(link.url, true) end
end

-- The job may have been emptied.
function Known:forget() self.in_job = memo() end

function M.new() return setmetatable({ forms = memo(), in_job = memo() }, Known) end

return M
