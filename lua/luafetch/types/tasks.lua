---@meta
-- luacheck: ignore 212 241 331

-- Tasks. A task is a function that may wait; it ends when its function and its children
-- have ended. Only Errors are data: a function that returns `nil, err` or raises an Error
-- has failed, and that is a value to whoever joins or collects it. Any other Lua error is
-- a bug: it cancels the siblings, ends the parents and is raised, as a string with the
-- traceback and the places of spawning, by the call that owns the scope (scope, timeout,
-- gather, map, each, first, as_completed), where pcall can catch it.
--
-- A task that computes for long without waiting keeps the others from running, not data
-- from flowing: after 20 ms requests go on beside it, every 10 ms, by a debug hook that is
-- set for a moment in the running coroutine (a coroutine with a debug.sethook of its own is
-- left alone, and holds up the requests too). What has arrived in time is not timed out.
-- Slices over 100 ms are told of on stderr, once for each place.

---@class luafetch
local lf = {}

---@class luafetch.Task
local Task = {}

---Waits for the end of the task.
---@return any ... what its function returned; or nil, Error when it failed or was cancelled
---Raises when the task had a bug, and for the running task itself or a parent of it.
function Task:join() end

---Ends the task and all its children: what they wait for is stopped at once, `<close>`
---variables run, children before parents; pcall cannot catch it. A task that cancels
---itself or a parent runs on to its next wait. Harmless when the task has ended.
---@param why? string the reason, for the message of the Error that joiners get
function Task:cancel(why) end

---@return "ready"|"waiting"|"running"|"done"|"failed"|"cancelled"
function Task:status() end

---Starts a child of the running task. A child that fails is reported as a warning unless
---somebody joins it.
---@param fn fun(...): ...
---@param ... any its arguments
---@return luafetch.Task
function lf.spawn(fn, ...) end

---A child that its parent does not wait for: cancelled when the parent's function ends.
---@param fn fun(...): ...
---@param ... any its arguments
---@return luafetch.Task
function lf.background(fn, ...) end

---Waits. 0 lets the other tasks that are ready run first.
---@param seconds number not negative
function lf.sleep(seconds) end

---@return number seconds on a monotonic clock; only differences mean something
function lf.now() end

---Runs a function as a child task for so many seconds at most.
---@param seconds number|false false: no limit
---@param fn fun(...): ...
---@param ... any its arguments
---@return any ... its results; or nil, Error (`timeout` when the time was over)
function lf.timeout(seconds, fn, ...) end

---@class luafetch.ScopeOptions
---@field limit? integer|false tasks at once; s:spawn waits for a free place. Default false
---@field timeout? number|false seconds for the whole scope. Default false
---@field fail_fast? boolean the first task that fails cancels the rest. Default false

---@class luafetch.Scope
local Scope = {}

---Starts a task in the scope, waiting for a free place when there is a limit. Raises when
---the scope has ended; in a cancelled scope the task is cancelled from the start.
---@param fn fun(...): ...
---@param ... any its arguments
---@return luafetch.Task
function Scope:spawn(fn, ...) end

---Cancels all of the scope, its function included.
---@param why? string
function Scope:cancel(why) end

---Runs a function as a child task and waits until it and all that was spawned in the scope
---have ended.
---@param fn fun(s: luafetch.Scope): ...
---@return any ... its results; or nil, Error: its own, of the first failure (`fail_fast`), `timeout`, or `cancelled`
---@overload fun(opts: luafetch.ScopeOptions, fn: fun(s: luafetch.Scope): ...): ...
function lf.scope(fn) end

---A request, a function (its first result counts) or a task.
---@alias luafetch.Item string|luafetch.Request|luafetch.Task|fun(): ...

---Items: a list, or an iterator that is called until it gives nil. It is pulled in a task
---of its own, so it may wait, and only when there is room for another item. An Error that
---it raises ends the items: the call returns nil, Error (as_completed raises it).
---@alias luafetch.Items luafetch.Item[]|fun(): luafetch.Item?

---Any option of `fetch` may be among them: a default for items that are requests.
---@class luafetch.GroupOptions: luafetch.Options
---@field limit? integer|false requests, or functions, at once. Default: the session's or the run's; 100 functions
---@field per_host? integer|false requests at once to one host and port. Default: as the session or the run has it
---@field fail_fast? boolean the first failure cancels the rest. Default false

---Options of `each` and `map`. `limit` and `per_host` also hold for what the functions fetch.
---@class luafetch.EachOptions
---@field limit? integer|false functions at once. Default 100
---@field per_host? integer|false
---@field timeout? number|false seconds for each item. Default false
---@field fail_fast? boolean

---@class luafetch.Results: { [integer]: any, n: integer }

---Fetches or runs all items.
---@param items luafetch.Items
---@param opts? luafetch.GroupOptions
---@return luafetch.Results? results in the order of the items: a Response, an Error, or what a function returned first; nil with `fail_fast` or when the iterator failed
---@return integer|luafetch.Error nfailed how many have `.ok == false`; else the Error
---@return integer? index of the item that failed, with `fail_fast`
function lf.gather(items, opts) end

---Results in the order they are there: `for r, i, item in lf.as_completed(items)`. A
---function without a result gives false. With `fail_fast` the first failure is the last
---result. A loop that is left early leaves the rest going until its task ends; to stop it
---at once: `local p <close> = lf.as_completed(items); for r in p do … end`.
---@param items luafetch.Items
---@param opts? luafetch.GroupOptions
---@return fun(): any, integer, luafetch.Item results closable
function lf.as_completed(items, opts) end

---Calls a function for each item, every call a task.
---@generic T
---@param items T[]|fun(): T?
---@param fn fun(item: T): ...
---@param opts? luafetch.EachOptions
---@return integer? nfailed nil with `fail_fast` or when the iterator failed
---@return luafetch.Error? err
---@return integer? index
function lf.each(items, fn, opts) end

---Like each, and keeps the first result of every call.
---@generic T
---@param items T[]|fun(): T?
---@param fn fun(item: T): ...
---@param opts? luafetch.EachOptions
---@return luafetch.Results? results in the order of the items; the Error of calls that failed
---@return integer|luafetch.Error nfailed
---@return integer? index
function lf.map(items, fn, opts) end

---The first result that is accepted; the other items are cancelled.
---@param items luafetch.Items
---@param accept? fun(result: any, index: integer, item: luafetch.Item): boolean default: not failed
---@param opts? luafetch.GroupOptions
---@return any value nil when none was accepted
---@return integer|luafetch.Error index or the last failure
---@return luafetch.Item? item
---@overload fun(items: luafetch.Items, opts: luafetch.GroupOptions): any, integer|luafetch.Error, luafetch.Item?
function lf.first(items, accept, opts) end
