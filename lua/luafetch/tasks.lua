-- Many things at once: gather, as_completed, each, map, first.
--
-- `require "luafetch.tasks"` gives a table of functions that init.lua merges into the
-- module, after the C primitives of `require "luafetch.core"` (spawn, scope, timeout,
-- sleep, now, background). All of it is sugar over core.group (src/bind/group.c), which
-- takes items, holds them in a scope and gives back results in the order they end:
--   g:next() --> index, result, failed, item;  nothing, or nil, err, at the end.

local core = require "luafetch.core"

core.hide() -- errors of wrong use are the script's, not this file's

local M = {}

-- What the functions below know themselves; every other option belongs to fetch.
local OWN = { limit = true, per_host = true, fail_fast = true }
local OWN_NAMES = { "limit", "per_host", "timeout", "fail_fast" }

-- Iterators close themselves at the end of a `for` only where Lua is sound: 5.4.4 (Debian
-- 12) miscompiles `break` out of such a loop when its body made a closure over a loop
-- variable, and leaves the thread broken. Asked once, in a thread of its own.
local PROBE = [[
  local closed = false
  local closing = setmetatable({}, { __close = function() closed = true end })
  for k in next, { 1 }, nil, closing do
    local _ = function() return k end
    break
  end
  return closed
]]

local sound

local function lua_is_sound()
  if sound == nil then
    local ok, closed = coroutine.resume(coroutine.create(load(PROBE)))
    sound = ok and closed
  end
  return sound
end

-- Whether `f` can be called as an iterator.
local function callable(f)
  if type(f) == "function" then return true end
  local meta = getmetatable(f)
  return type(meta) == "table" and meta.__call ~= nil
end

local function misuse(what, fmt, ...)
  core.misuse(what .. ": " .. string.format(fmt, ...))
end

-- Splits the options: those of the group go into `conf`, the rest is fetch's.
local function split(conf, opts)
  local rest
  for name, value in pairs(opts) do
    if OWN[name] then
      conf[name] = value
    else
      rest = rest or {}
      rest[name] = value
    end
  end
  if conf.fail_fast ~= nil and type(conf.fail_fast) ~= "boolean" then
    misuse(conf.what, "option 'fail_fast' must be true or false")
  end
  return rest
end

-- Names that neither we nor fetch know; without fetch's list it finds out by itself.
local function check_fetch_options(what, rest)
  local known = core.fetch_options
  if not known then return end
  local names, set = { table.unpack(OWN_NAMES) }, {}
  for _, name in ipairs(known) do
    names[#names + 1] = name
    set[name] = true
  end
  for name in pairs(rest) do
    if not set[name] then core.option_unknown(what, tostring(name), names) end
  end
end

-- `each` and `map` call functions: there is no request that fetch's options could be for.
local function take_call_options(conf, rest)
  for name, value in pairs(rest) do
    if name ~= "timeout" then core.option_unknown(conf.what, tostring(name), OWN_NAMES) end
    conf.seconds = value
  end
end

-- The next item of an iterator is pulled when there is room for it, in a task of its own:
-- it may fetch, too.
local function feeder(iterate)
  return function(g)
    local i = 0
    while true do
      g:room()
      local item = iterate()
      if item == nil then return end
      i = i + 1
      g:add(i, item)
    end
  end
end

-- The group of one call.
local function open(what, items, opts, fn, keep)
  local conf = { what = what, fn = fn, keep = keep }
  if opts ~= nil then
    if type(opts) ~= "table" then
      misuse(what, "options must be a table, got a %s", type(opts))
    end
    local rest = split(conf, opts)
    if rest and fn then
      take_call_options(conf, rest)
    elseif rest then
      check_fetch_options(what, rest)
      conf.opts = rest
    end
  end
  local iterate = callable(items)
  if not iterate then
    if type(items) ~= "table" then
      misuse(what, "items must be a list or an iterator, got a %s", type(items))
    end
    conf.items = items
  end
  local g = core.group(conf)
  if iterate then g:feed(feeder(items)) end
  return g, conf
end

-- Runs through all results; with fail_fast the first failure cancels the rest.
local function collect(g, conf, results)
  local nfailed, n = 0, 0
  while true do
    local i, result, failed = g:next()
    if not i then
      if result then return nil, result end -- the iterator's Error
      break
    end
    n = n + 1
    if results then results[i] = result end
    if failed then
      nfailed = nfailed + 1
      if conf.fail_fast then
        g:stop()
        return nil, result.error, i
      end
    end
  end
  if not results then return nfailed end
  results.n = n
  return results, nfailed
end

local function results_for(conf)
  return core.table(conf.items and #conf.items or 0)
end

function M.gather(list, opts)
  local g <close>, conf = open("gather", list, opts)
  return collect(g, conf, results_for(conf))
end

local function check_function(what, fn)
  if not callable(fn) then misuse(what, "a function is needed, got a %s", type(fn)) end
end

function M.map(items, fn, opts)
  check_function("map", fn)
  local g <close>, conf = open("map", items, opts, fn)
  return collect(g, conf, results_for(conf))
end

function M.each(items, fn, opts)
  check_function("each", fn)
  local g <close>, conf = open("each", items, opts, fn)
  return collect(g, conf)
end

-- The group is the iterator. Left early it stays open until the end of its task, unless
-- it is closed: `local p <close> = lf.as_completed(…)`.
function M.as_completed(items, opts)
  local g = open("as_completed", items, opts, nil, true)
  if lua_is_sound() then return g, nil, nil, g end
  return g
end

local function is_ok(result, _, _, failed)
  return result and not failed
end

function M.first(items, accept, opts)
  if type(accept) == "table" and opts == nil then
    accept, opts = nil, accept
  end
  if accept ~= nil then check_function("first", accept) end
  local g <close>, conf = open("first", items, opts, nil, true)
  local n, last = 0, nil
  while true do
    local i, result, failed, item = g:next()
    if not i then return nil, result or last or core.none_accepted(n) end
    n = n + 1
    if (accept or is_ok)(result, i, item, failed) then
      g:stop()
      return result, i, item
    end
    if failed then
      last = result.error
      if conf.fail_fast then
        g:stop()
        return nil, last, i
      end
    end
  end
end

-- Runs fn unless another task does that just now, or did; its results. A flight
-- (src/bind/sync_flight.c) left by an error or a cancelled task tells the others.
local function share(flight, fn, ...)
  if flight:board() then return flight:results() end
  local _ <close> = flight
  return flight:land(fn(...))
end

function M.once(fn)
  check_function("once", fn)
  local flight = core.flight "once"
  return function(...)
    if flight:failed() then flight = core.flight "once" end
    return share(flight, fn, ...)
  end
end

-- Flights are held by the tasks on board: when these have gone, so has the key.
function M.single_flight(fn)
  check_function("single_flight", fn)
  local flights = setmetatable({}, { __mode = "v" })
  return function(key, ...)
    if key == nil or key ~= key then misuse("single_flight", "the key must not be nil or NaN") end
    local flight = flights[key]
    if not flight or flight:over() then
      flight = core.flight "single_flight"
      flights[key] = flight
    end
    return share(flight, fn, key, ...)
  end
end

return M
