-- Where a crawl begins: URLs of a list, an iterator, a sitemap or a file, added to its job little
-- by little, while the first of them are being fetched.
local core = require "luafetch.core"
local url = require "luafetch.url"
core.hide()

local M = {}

local BATCH = 200 -- URLs added at once …
local PATIENCE = 0.1 -- … or after so many seconds, when more are slow to come

-- ---- where they come from: functions that give the next one, or nil ----

local function of_list(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

-- A URL a line; what is blank, or behind a #, is passed over.
local function of_file(name)
  local file, why = io.open(name)
  if not file then error(core.error("io", "cannot read the start: " .. why), 0) end
  return function()
    for line in file:lines() do
      line = line:match "^%s*([^#%s]%S*)"
      if line then return line end
    end
    file:close()
  end
end

-- What was no good: the script hears of it, and may emit then.
local function refuse(crawl, from, err)
  local items = crawl:tell_failed(from, err, {})
  if #items == 0 then return end
  crawl:must(crawl.job:add({}, { items = items }))
  crawl:write(items)
end

local function of_sitemap(crawl, at)
  local sitemap = require "luafetch.sitemap"
  return sitemap.urls(at, {
    session = crawl.session, redirects = 10,
    failed = function(from, err) refuse(crawl, from, err) end,
  })
end

local function source(crawl, start)
  if type(start) == "string" then return of_list { start } end
  if type(start) == "function" then return start end
  local meta = getmetatable(start)
  if meta and meta.__call then return start end
  if start.sitemap then return of_sitemap(crawl, start.sitemap) end
  if start.file then return of_file(start.file) end
  if start.url then return of_list { start } end
  return of_list(start)
end

-- ---- into the job ----

-- The link for one of them, or nil when it is not fetched.
local function link_of(crawl, one)
  local told = type(one) == "table" and one or { url = one }
  if type(told.url) ~= "string" then
    core.misuse("crawl: option 'start' wants URLs, or tables with a 'url', got a " .. type(told.url))
  end
  local href, err = url.canonical(told.url)
  if not href then
    refuse(crawl, told.url, err)
    return nil
  end
  local link = { url = href, depth = 0, meta = told.meta, priority = told.priority, start = true }
  local ok, why = crawl.filter:check(href, link)
  if ok then return link end
  crawl:log("not fetched", href, why)
end

-- Everything of `start` into crawl.job; raises an Error that ends it.
function M.feed(crawl, start)
  local next_one = source(crawl, start)
  local batch, since = {}, core.now()
  local function add()
    if #batch > 0 then crawl:must(crawl.job:add(batch)) end
    batch, since = {}, core.now()
    crawl.news:set()
  end
  for one in next_one do
    batch[#batch + 1] = link_of(crawl, one)
    if #batch >= BATCH or core.now() - since > PATIENCE then add() end
  end
  add()
end

return M
