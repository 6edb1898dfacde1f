-- What keeps a crawl out of spaces without end: calendars, sessions in URLs, links that grow.
-- Asked when a page is about to be fetched, so that what it counts are pages.
local core = require "luafetch.core"
core.hide()

local M = {}

local Traps = {}
Traps.__index = Traps

local MOST = 100000 -- patterns that are counted

-- Segments of a path: how many, how often the most frequent one is there, and the path with all
-- that have a digit in them made the same; nil: none has.
local function look_over(path)
  local n, most, seen, common, same = 0, 0, {}, {}, false
  for segment in path:gmatch "[^/]+" do
    local times = (seen[segment] or 0) + 1
    seen[segment] = times
    if times > most then most = times end
    n = n + 1
    if segment:find "%d" then segment, same = "#", true end
    common[n] = segment
  end
  return n, most, same and "/" .. table.concat(common, "/") or nil
end

-- What many URLs of a host have in common: such a path, and a query without its values. nil: it has
-- nothing of which there could be many.
local function pattern_of(host, path, common, query)
  local names = query ~= "" and query:gsub("=[^&]*", "=") or ""
  if common or names:find("=", 1, true) then return host .. (common or path) .. "?" .. names end
end

-- Patterns that were seen only once tell nothing.
function Traps:forget_rare()
  local counts, n = {}, 0
  for pattern, count in pairs(self.counts) do
    if count > 1 then counts[pattern], n = count, n + 1 end
  end
  if n > MOST / 2 then counts, n = {}, 0 end
  self.counts, self.n = counts, n
end

function Traps:count(pattern)
  local count = (self.counts[pattern] or 0) + 1
  if count == 1 then
    if self.n >= MOST then self:forget_rare() end
    self.n = self.n + 1
  end
  self.counts[pattern] = count
  return count
end

-- Why the page is not fetched; nil: it is, and counted.
function Traps:enter(href)
  local host, path, query = href:match "^https?://([^/?#]*)([^?#]*)%??([^#]*)"
  local n, most, common = look_over(path)
  if self.path_depth and n > self.path_depth then
    return ("a trap? a path of %d segments"):format(n)
  elseif self.repeated and most > self.repeated then
    return ("a trap? the same segment %d times"):format(most)
  end
  local pattern = self.pages_per_pattern and pattern_of(host, path, common, query)
  if pattern and self:count(pattern) > self.pages_per_pattern then
    return ("a trap? more than %d pages such as this one"):format(self.pages_per_pattern)
  end
end

-- limits: path_depth, repeated, pages_per_pattern
function M.new(limits)
  local traps = { counts = {}, n = 0 }
  for name, value in pairs(limits) do traps[name] = value end
  return setmetatable(traps, Traps)
end

return M
