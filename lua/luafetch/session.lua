-- Methods of sessions that work on many requests: the functions of luafetch.tasks, with
-- the session as a default option of every request they make. And middleware: functions
-- that a request of the session goes through, each with the rest of the way in its hand.
local core = require "luafetch.core"
local tasks = require "luafetch.tasks"
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
local function request_of(url, opts, method)
  local request = copy_into({}, opts)
  if type(url) == "table" then
    copy_into(request, url)
  else
    request.url = url
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
local function remember(self, url, opts, method, res, ...)
  local recipe = core.stream_recipe(res)
  if recipe then
    recipe.session, recipe.url, recipe.opts, recipe.method = self, url, opts, method or nil
  end
  return res, ...
end

-- Only a program that uses middleware pays for looking whether a session has some.
local function intercept()
  for verb, method in pairs(verbs) do
    plain[verb] = methods[verb]
    methods[verb] = function(self, url, opts)
      local chain = chains[self]
      local odd = opts ~= nil and type(opts) ~= "table" or type(url) ~= "string" and type(url) ~= "table"
      if not chain or odd then return plain[verb](self, url, opts) end -- it complains
      local request = request_of(url, opts, method)
      if not request.stream then return through(self, chain, 1, request) end
      return remember(self, url, opts, method, through(self, chain, 1, request))
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
