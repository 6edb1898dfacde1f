-- A page of a crawl, as its script gets it: the Response, which can do a little more here.
-- What it finds is held until the page is done, and then committed at once.
local core = require "luafetch.core"
local json = require "luafetch.json"
local url = require "luafetch.url"
core.hide()

local M = {}

local Page = {}
Page.__index = Page

-- ---- what takes the records of a task ----

local at_work, last = {}, 0 -- number → a page, or what else has add_item

core.take_records(function(item)
  local taker = at_work[core.working_for()]
  if not taker then core.misuse "emit: the page is done" end
  taker:add_item(item)
end)

-- Run fn(...) in a scope in which `taker` gets what it emits: its results, or nil, err; raises a
-- bug. At the end it is `over`.
local function work(taker, session, fn, ...)
  last = last + 1
  local number, args = last, table.pack(...)
  at_work[number] = taker
  local _ <close> = setmetatable({}, { __close = function()
    at_work[number], taker.over = nil, true
  end })
  return core.scope(function()
    core.work_for(number, session)
    return fn(table.unpack(args, 1, args.n))
  end)
end

-- As it is now: the script may use its table again. What is no JSON is its bug.
local function copy(item)
  return json.decode(json.encode(item))
end

-- ---- items ----

function Page:add_item(item)
  for _, change in ipairs(self.crawl.item_functions) do
    local why
    item, why = change(item, self.response)
    if item == nil or item == false then
      self.crawl:log("item dropped", self.lease.url, why)
      self.crawl.counts.dropped = self.crawl.counts.dropped + 1
      return
    end
  end
  self.items[#self.items + 1] = copy(item)
end

local Records = {}
Records.__index = Records

function Records:add_item(item)
  self[#self + 1] = copy(item)
end

-- What fn(...) emits.
function M.records_of(session, fn, ...)
  local records = setmetatable({}, Records)
  work(records, session, fn, ...)
  return records
end

-- ---- links ----

-- What relative references on the page are relative to.
function Page:base()
  if not self.base_url then
    local response = self.response
    local kind = response.headers["content-type"] or "text/html"
    local doc = kind:lower():find("html", 1, true) and response:html()
    self.base_url = doc and doc:base() or response.url
  end
  return self.base_url
end

local function absolute(page, ref)
  if not ref:find "^%s*%a[%w+.-]*:" then ref = url.join(page:base(), ref) end
  return ref and page.crawl.known:canonical(ref)
end

function Page:add_link(ref, meta, priority)
  local href = absolute(self, ref)
  if not href or self.seen[href] then return false end
  self.seen[href] = true
  if self.crawl.known:has(href) then return true end
  local link = { url = href, depth = self.lease.depth + 1, meta = meta, priority = priority, from = self.response.url }
  local ok, why = self.crawl.filter:check(href, link)
  if not ok then
    self.crawl:log("not fetched", href, why)
    return false
  end
  link.from = nil
  self.links[#self.links + 1] = link
  return true
end

local function ref_of(node)
  return node:attr "href" or node:attr "src"
end

-- How many of them passed the rules.
function Page:follow(what, meta, priority)
  if type(what) == "string" then return self:add_link(what, meta, priority) and 1 or 0 end
  if type(what) == "userdata" then
    local ref = ref_of(what)
    return ref and self:follow(ref, meta, priority) or 0
  end
  if type(what) ~= "table" then
    core.misuse("follow: a URL, a node or a list of them is wanted, got a " .. type(what))
  end
  if type(what.url) == "string" then
    return self:follow(what.url, what.meta == nil and meta or what.meta, what.priority or priority)
  end
  local n = 0
  for _, one in ipairs(what) do n = n + self:follow(one, meta, priority) end
  return n
end

-- ---- the Response's new methods ----

local methods = {}

function methods.follow(response, what, meta, priority)
  local page = response.crawl_page
  if page.over then core.misuse "follow: the page is done" end
  if priority ~= nil and math.type(priority) ~= "integer" then
    core.misuse("follow: the priority must be a whole number, got " .. tostring(priority))
  end
  return page:follow(what, meta, priority)
end

function methods.emit(response, item)
  local page = response.crawl_page
  if page.over then core.misuse "emit: the page is done" end
  if item == nil then core.misuse "emit: wants an item, got nothing" end
  page:add_item(item)
end

-- ---- its life ----

function M.new(crawl, lease, response)
  local page = setmetatable({
    crawl = crawl, lease = lease, response = response, links = {}, items = {}, seen = {}, over = false,
  }, Page)
  core.response_add(response, {
    crawl_page = page, depth = lease.depth, meta = lease.meta, from = lease.from, priority = lease.priority,
    follow = methods.follow, emit = methods.emit,
  })
  return page
end

-- Run fn(...) for this page: as `work`.
function Page:run(fn, ...)
  return work(self, self.crawl.session, fn, ...)
end

return M
