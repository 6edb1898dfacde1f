-- Methods of sessions that work on many requests: the functions of luafetch.tasks, with
-- the session as a default option of every request they make. And middleware: functions
-- that a request of the session goes through, each with the rest of the way in its hand; with
-- the option `robots` one that asks robots.txt.
local core = require "luafetch.core"
local tasks = require "luafetch.tasks"
local url = require "luafetch.url"
core.hide()

local methods = core.session_methods

-- ---- middleware ----

local verbs = {
  fetch = false, get = "GET", head = "HEAD", post = "POST", put = "PUT", patch = "PATCH",
  delete = "DELETE", options = "OPTIONS",
}
local plain = {} -- the methods as they are without middleware
local chains = setmetatable({}, { __mode = "k" }) -- session → its middleware, outermost first

local function copy_into(target, from)
  for name, value in pairs(from or {}) do target[name] = value end
  return target
end

-- One table that says all of the request; the middleware may change it.
local function request_of(what, opts, method)
  local request = copy_into({}, opts)
  if type(what) == "table" then
    copy_into(request, what)
  else
    request.url = what
  end
  if method then request.method = method end
  request.headers = copy_into({}, request.headers)
  return request
end

local function through(session, chain, at, request)
  local middleware = chain[at]
  if not middleware then return plain.fetch(session, request) end
  return middleware(request, function(changed)
    return through(session, chain, at + 1, changed or request)
  end)
end

-- A stream that is taken up again goes through the middleware once more.
local function remember(self, what, opts, method, res, ...)
  local recipe = core.stream_recipe(res)
  if recipe then
    recipe.session, recipe.url, recipe.opts, recipe.method = self, what, opts, method or nil
  end
  return res, ...
end

-- Only a program that uses middleware pays for looking whether a session has some.
local function intercept()
  for verb, method in pairs(verbs) do
    plain[verb] = methods[verb]
    methods[verb] = function(self, what, opts)
      local chain = chains[self]
      local odd = opts ~= nil and type(opts) ~= "table" or type(what) ~= "string" and type(what) ~= "table"
      if not chain or odd then return plain[verb](self, what, opts) end -- it complains
      local request = request_of(what, opts, method)
      if not request.stream then return through(self, chain, 1, request) end
      return remember(self, what, opts, method, through(self, chain, 1, request))
    end
  end
end

function methods.use(self, middleware)
  if type(middleware) ~= "function" then
    core.misuse("use: a function(request, next) is needed, got a " .. type(middleware))
  end
  if not plain.fetch then intercept() end
  local chain = {}
  for i, one in ipairs(chains[self] or {}) do chain[i] = one end -- a chain under way stays
  chain[#chain + 1] = middleware
  chains[self] = chain
  return self
end

-- ---- robots.txt ----

-- The URL that a request asks for, or nil: then it complains by itself.
local function url_of(opts, request)
  local href = request.url
  if opts.base_url and href then href = url.join(opts.base_url, href) end
  local parts = href and url.parse(href)
  if not parts or not parts.origin then return nil end
  for _, params in pairs { opts.params or false, request.params or false } do
    if params then parts = url.parse(url.build(copy_into({ params = params }, parts))) end
  end
  return parts.href
end

local function forbidden(href, rule)
  return core.error("robots", ("robots.txt forbids it (line %d: Disallow: %s)"):format(rule.line, rule.path), href)
end

-- A middleware that asks before each request, and waits as long as Crawl-delay says.
local function keeping_to_robots(session, opts)
  local fetcher = { fetch = function(_, request) return plain.fetch(session, request) end }
  local cache = require("luafetch.crawl.robots").new(fetcher, opts.user_agent or core.user_agent)
  return function(request, next)
    local href = url_of(opts, request)
    if not href then return next() end
    local ok, rule, host = cache:allowed(href)
    if ok == nil then return nil, rule end
    if not ok then return nil, forbidden(href, rule) end
    if host.delay then
      host.limiter = host.limiter or core.limiter { rate = 1 / host.delay }
      host.limiter:acquire()
    end
    return next()
  end
end

local make = core.session

function core.session(opts)
  local session = make(opts)
  if opts and opts.robots then session:use(keeping_to_robots(session, opts)) end
  return session
end

-- ---- many requests ----

local of_group = { limit = true, per_host = true, fail_fast = true }

local function with_session(self, opts)
  if opts ~= nil and type(opts) ~= "table" then return opts end -- its receiver complains
  return copy_into({ session = self }, opts)
end

-- With middleware a request is a task: what makes one of an item, and the group's options.
local function as_task(self, opts)
  local own, rest = {}, {}
  for name, value in pairs(opts or {}) do
    if of_group[name] then own[name] = value else rest[name] = value end
  end
  return function(item)
    if type(item) == "function" then return item() end
    if type(item) == "userdata" then return item:join() end
    return self:fetch(item, rest)
  end, own
end

function methods.gather(self, list, opts)
  if not chains[self] then return tasks.gather(list, with_session(self, opts)) end
  return tasks.map(list, as_task(self, opts))
end

-- The items, each as a function that fetches it, and who finds the item again.
local function wrapped(self, items, opts)
  local run, own = as_task(self, opts)
  local held, n = {}, 0
  local function wrap(item)
    n = n + 1
    held[n] = item
    return function() return run(item) end
  end
  local list = items
  if type(items) == "table" then
    list = {}
    for i, item in ipairs(items) do list[i] = wrap(item) end
  elseif type(items) == "function" then
    list = function()
      local item = items()
      if item ~= nil then return wrap(item) end
    end
  end
  return list, own, function(i)
    local item = held[i]
    held[i] = nil
    return item
  end
end

function methods.as_completed(self, items, opts)
  if not chains[self] then return tasks.as_completed(items, with_session(self, opts)) end
  local list, own, item_of = wrapped(self, items, opts)
  local next_result = tasks.as_completed(list, own)
  return function()
    local result, i = next_result()
    if result == nil then return nil end
    return result, i, item_of(i)
  end
end

function methods.first(self, items, accept, opts)
  if type(accept) == "table" and opts == nil then
    accept, opts = nil, accept
  end
  if not chains[self] then return tasks.first(items, accept, with_session(self, opts)) end
  local list, own, item_of = wrapped(self, items, opts)
  local value, i, item = tasks.first(list, accept, own)
  if value ~= nil then item = item_of(i) end
  return value, i, item
end

-- These make no requests of their own: `fn` uses the session, or not.
function methods.each(_, items, fn, opts)
  return tasks.each(items, fn, opts)
end

function methods.map(_, items, fn, opts)
  return tasks.map(items, fn, opts)
end

return methods
