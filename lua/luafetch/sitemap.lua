-- lf.sitemap: the entries of a sitemap, at once or one by one, and the URLs of a whole tree of
-- sitemaps, fetched as they are needed. Scanning is src/http/sitemap.c.
local core = require "luafetch.core"
local input = require "luafetch.input"
local new_reader = require "luafetch.sitemap.reader"
local url = require "luafetch.url"
core.hide()

local M = {}

local MAX_BODY = 256 << 20 -- bytes of a file, decoded; the protocol allows 50 MB
local MAX_DEPTH = 3 -- indexes in indexes; the protocol allows one
local MAX_FILES = 50000

local function absolute(s, base)
  if not base or s:find "^%a[%w+.-]*:" then return s end
  return url.join(base, s) or s
end

local function resolve(entry, base)
  if not base then return entry end
  entry.loc = absolute(entry.loc, base)
  for _, link in ipairs(entry.alternates or {}) do link.href = absolute(link.href, base) end
  return entry
end

-- A function that gives the next entry of the bytes that `read` gives, or nil, or nil, err; and
-- the reader.
local function scan(read, base, max)
  local reader, ended = new_reader(max or MAX_BODY), false
  return function()
    while true do
      local entry, err = reader:next()
      if entry then return resolve(entry, base) end
      if err then
        err.url = base
        return nil, err
      end
      if ended then return nil end
      local chunk
      chunk, err = read()
      if chunk then
        reader:feed(chunk)
      elseif err then
        return nil, err
      else
        ended = true
        reader:finish()
      end
    end
  end, reader
end

local READ_OPTIONS = { url = "string", max_body = "number" }

function M.entries(source, opts)
  local own = input.options("sitemap.entries", opts, READ_OPTIONS)
  local read, base = input.reading("sitemap.entries", source)
  local next_entry, reader = scan(read, own.url or base, own.max_body)
  return function()
    local entry, err = next_entry()
    if err then error(err, 0) end
    return entry, entry and reader:kind()
  end
end

local function collect(next_entry)
  local entries = {}
  while true do
    local entry, err = next_entry()
    if not entry then return entries, err end
    entries[#entries + 1] = entry
  end
end

-- What came before a file broke off is worth having, but not without saying so.
function M.parse(bytes, opts)
  local own = input.options("sitemap.parse", opts, READ_OPTIONS)
  input.check_string("sitemap.parse", bytes)
  local next_entry, reader = scan(input.once(bytes), own.url, own.max_body)
  local entries, err = collect(next_entry)
  if err and #entries == 0 then return nil, err end
  entries.kind = reader:kind()
  return entries, err
end

-- ---- a tree of sitemaps ----

local Walk = {}
Walk.__index = Walk

-- An Error goes to `failed`, or is raised.
function Walk:fail(url_of_file, err)
  if not self.failed then error(err, 0) end
  self.failed(url_of_file, err)
end

function Walk:close()
  if self.response then self.response:close() end
  self.response, self.next_entry, self.pending = nil, nil, {}
end
Walk.__close = Walk.close

-- The files of an index, the first one on top.
function Walk:push(entries, depth)
  for i = #entries, 1, -1 do
    self.pending[#self.pending + 1] = { url = entries[i].loc, depth = depth }
  end
end

function Walk:fetch(file)
  if file.depth > self.depth then
    return nil, core.error("parse", ("sitemap indexes are nested deeper than %d"):format(self.depth), file.url)
  elseif self.files == self.max_files then
    self.pending = {}
    return nil, core.error("too_large", ("more than %d sitemaps"):format(self.max_files), file.url)
  end
  self.files = self.files + 1
  local res, err = core.fetch(file.url, self.opts)
  if not res or res.ok then return res, err end
  res:close()
  return nil, res.error
end

-- A list of URLs is read while the script takes them; an index at once, since its connection
-- would have to wait for all the files in it. → the first entry of a list
function Walk:open(file)
  if self.seen[file.url] then return nil end
  self.seen[file.url] = true
  local res, err = self:fetch(file)
  if not res then return self:fail(file.url, err) end
  local next_entry, reader = scan(input.of_response(res), res.url, self.max_body)
  local entry, broken = next_entry()
  if entry and reader:kind() ~= "index" then
    self.response, self.next_entry, self.url = res, next_entry, file.url
    return entry
  end
  if entry then
    local entries
    entries, broken = collect(next_entry)
    self:push(entries, file.depth + 1)
    self:push({ entry }, file.depth + 1)
  end
  res:close()
  if broken then self:fail(file.url, broken) end
end

-- The next entry of the open file; without one the file is closed.
function Walk:step()
  local entry, err = self.next_entry()
  if entry then return entry end
  self.response:close()
  self.response, self.next_entry = nil, nil
  if err then self:fail(self.url, err) end
end

function Walk:__call()
  while true do
    local entry
    if self.next_entry then
      entry = self:step()
    else
      local file = table.remove(self.pending)
      if not file then return nil end
      entry = self:open(file)
    end
    if entry then return entry.loc, entry end
  end
end

local WALK_OPTIONS = { depth = "number", max_files = "number", max_body = "number", failed = "function" }

function M.urls(start, opts)
  input.check_string("sitemap.urls", start)
  local for_fetch = {}
  local own = input.options("sitemap.urls", opts, WALK_OPTIONS, for_fetch)
  for_fetch.stream = true
  return setmetatable({
    opts = for_fetch, failed = own.failed, depth = own.depth or MAX_DEPTH, max_files = own.max_files or MAX_FILES,
    max_body = own.max_body, pending = { { url = start, depth = 0 } }, seen = {}, files = 0,
  }, Walk)
end

return M
