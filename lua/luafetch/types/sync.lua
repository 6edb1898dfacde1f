---@meta
-- luacheck: ignore 212 241

-- What tasks wait for among themselves. All of them are fair: who came first is served
-- first, and nobody can be quicker. A task that is cancelled while it waits leaves no gap:
-- its permit, item, place or token goes to the next. No wait has a timeout of its own:
-- `lf.timeout(5, q.get, q)` ends any of them.

---@class luafetch
local lf = {}

---@class luafetch.Semaphore
local Semaphore = {}

---Closable: `local p <close> = sem:acquire()` gives it back whatever happens. One that is
---neither closed nor released stays taken.
---@class luafetch.Permit
local Permit = {}

---Gives the permit back; harmless the second time.
function Permit:release() end

---Waits for a permit.
---@return luafetch.Permit
function Semaphore:acquire() end

---@return luafetch.Permit? permit nil when none is free
function Semaphore:try_acquire() end

---A semaphore: at most `n` tasks hold a permit at a time.
---@param n integer permits, from 1
---@return luafetch.Semaphore
function lf.semaphore(n) end

---Values from task to task, first in, first out. `#q` is how many it holds. Closable.
---@class luafetch.Queue
---@operator len: integer
local Queue = {}

---Puts a value at the end; waits while the queue is full.
---@param value any anything but nil, which raises
---@return true? ok nil when the queue is, or was meanwhile, closed
---@return luafetch.Error? err `closed`
function Queue:put(value) end

---Takes the first value; waits while there is none.
---@return any value nil when the queue is closed and empty
function Queue:get() end

---`for v in q:iter() do … end` takes values until the queue is closed and empty. Several
---tasks may do so at a time: each value goes to one of them.
---@return fun(): any
function Queue:iter() end

---Nothing can be put any more; what is there can be taken. Who waits goes on.
function Queue:close() end

---@param max? integer|false values it holds, from 1. Default: no limit
---@return luafetch.Queue
function lf.queue(max) end

---@class luafetch.Event
local Event = {}

---Sets the event: all who wait go on, even if it is cleared directly afterwards.
function Event:set() end

function Event:clear() end

---@return boolean
function Event:is_set() end

---Waits until the event is set; returns at once when it is.
function Event:wait() end

---@return luafetch.Event
function lf.event() end

---@class luafetch.LimiterOptions
---@field rate number tokens that come in `per` seconds, above 0
---@field per? number seconds. Default 1
---@field burst? number tokens that may be saved up, from 1; it begins with so many. Default 1

---@class luafetch.Limiter
local Limiter = {}

---Waits for tokens. Who wants few does not overtake who wants many.
---@param n? number above 0, at most `burst`. Default 1
function Limiter:acquire(n) end

---A limit of rate, a bucket of tokens: `local l = lf.limiter { rate = 5 }`, then
---`l:acquire()` before each of what may happen five times a second.
---@param options luafetch.LimiterOptions
---@return luafetch.Limiter
function lf.limiter(options) end

---A function that runs `fn` at its first call and gives all later calls the same results.
---Calls that come while it runs wait for it. A failure (`nil, Error`, or an error that is
---raised) goes to those who waited for it too, but is not kept: the next call tries again.
---When the task that runs it is cancelled, the next one that waits runs it, with its own
---arguments. Raises when `fn` calls the function it is wrapped in.
---@generic T: function
---@param fn T
---@return T
function lf.once(fn) end

---A function whose calls with the same first argument, as long as they overlap, share one
---run of `fn` and its results or its failure. Nothing is remembered afterwards. Cancelling
---is as for lf.once. The key is compared as a table's key; nil and NaN raise.
---@generic T: function
---@param fn T fn(key, ...)
---@return T
function lf.single_flight(fn) end
