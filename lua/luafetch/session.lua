-- Methods of sessions that work on many requests: the functions of luafetch.tasks, with
-- the session as a default option of every request they make.
local core = require "luafetch.core"
local tasks = require "luafetch.tasks"
core.hide()

local methods = core.session_methods

local function with_session(self, opts)
  if opts ~= nil and type(opts) ~= "table" then return opts end -- its receiver complains
  local copy = { session = self }
  for name, value in pairs(opts or {}) do copy[name] = value end
  return copy
end

function methods.gather(self, list, opts)
  return tasks.gather(list, with_session(self, opts))
end

function methods.as_completed(self, items, opts)
  return tasks.as_completed(items, with_session(self, opts))
end

function methods.first(self, items, accept, opts)
  if type(accept) == "table" and opts == nil then
    accept, opts = nil, accept
  end
  return tasks.first(items, accept, with_session(self, opts))
end

-- These make no requests of their own: `fn` uses the session, or not.
function methods.each(_, items, fn, opts)
  return tasks.each(items, fn, opts)
end

function methods.map(_, items, fn, opts)
  return tasks.map(items, fn, opts)
end

return methods
