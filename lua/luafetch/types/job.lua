---@meta luafetch.job
-- lf.job: the state of a crawl, which outlives the process.
-- luacheck: ignore 212

---`require "luafetch.job"`, or `lf.job`.
---@class luafetch.job
local job = {}

---Options of `lf.job.open`. `lease`, `per_host` and `rate` may also be given to each `claim`.
---@class luafetch.JobOptions
---@field lease? number seconds for which a page is the claimer's, unless it is renewed; then it is given out again. Default 60
---@field per_host? integer|false pages of one host that are out at once, of all processes together. Default 8
---@field rate? number|false pages of one host given out in a second, by all processes together. Default false
---@field deliveries? integer a page whose lease ended without a word so many times has failed. Default 10
---@field wait? number seconds to wait while another process writes; then it is a `state` Error. Default 10. In Redis: while the server does not answer, is being started again or loads its data; then it is an `io` Error. Default 60
---@field create? boolean make it when it is not there. Default true
---@field readonly? boolean only look at it. Default false
---@field sync? boolean in a file: what was committed outlives the end of power, too. Default false: it outlives the end of the process; after that of power the job is whole, but may be a moment older

---A job: URLs that are each known once, who works on which of them, what became of them, and the
---items they gave. Several tasks and several processes may use one. Each call waits until what it
---did is committed; calls at one time are committed together. All but the iterators return nil and
---an Error, and have done nothing, when the job cannot be read or written: kind `state` (locked,
---damaged, of a newer version, not a job; lost by the server) or `io` (disk or memory full, read-only,
---no server, no password); the sentence names it. An `io` Error of a Redis server that did not answer
---leaves open what was done: the lease then tells.
---`local job <close> =` closes it.
---@class luafetch.Job
local Job = {}

---@class luafetch.JobLink
---@field url string absolute, http or https
---@field depth? integer links from the start; default: one more than the page's, or 0
---@field priority? integer higher ones come first in their host; default 0
---@field meta? any what JSON can say; `page.meta` of the page

---A page that `claim` gave: the right to work on it.
---@class luafetch.JobPage
---@field url string canonical
---@field id integer
---@field token integer of this lease: an older one is refused
---@field depth integer
---@field priority integer
---@field tries integer how often it has been given out, this time included
---@field meta any
---@field from string? the page on which it was found

---Open a job, or make it: in a file, or in a Redis server (5 or later), which all machines share. What
---a killed process had goes to others at once in a file, and at the end of its lease in Redis. There
---are no half commits in either. A server that cannot be reached at first is an Error at once.
---@param name? string a file, "name.db"; nil: a job of this process alone, which leaves nothing behind
---@param opts? luafetch.JobOptions
---@return luafetch.Job?
---@return luafetch.Error? err
---@nodiscard
function job.open(name, opts) end

---Make URLs known. Those that are known already, when compared as `lf.url.canonical` has it, are
---passed over. A URL that is none is an Error (`url`), and then none is added.
---@param list string|(string|luafetch.JobLink)[]
---@param opts? {items?: any[]} items: records that belong to no page
---@return integer? new how many were not known
---@return luafetch.Error? err
function Job:add(list, opts) end

---Pages to work on: hosts take turns, and none is given more than `per_host` and `rate` allow. In a
---host higher priorities come first, then smaller depths, then those that were known first.
---@param n? integer at most; default 1
---@param opts? luafetch.JobOptions lease, per_host, rate
---@return luafetch.JobPage[]? pages
---@return number|luafetch.Error|nil wait when there are fewer than n: seconds until there may be more (0: now); nil when nothing is left, neither pending nor at work
function Job:claim(n, opts) end

---A page is done. The outcome, its links and its items are committed together or not at all.
---`known` are other names of it, where a redirect led or what it calls itself: they become known as
---done, and are no pages of their own; one that was pending is not given out any more.
---@param t {page: luafetch.JobPage, links?: (string|luafetch.JobLink)[], items?: any[], known?: string[], park?: number} park: seconds in which nothing more of this host is given out
---@return integer? new links that were not known
---@return luafetch.Error? err kind `state`: the lease has ended and the page is somebody else's; nothing was written
function Job:complete(t) end

---A page has failed.
---@param page luafetch.JobPage
---@param why? any an Error or a text
---@param opts? {again?: boolean, park?: number, items?: any[]} again: it is pending once more; park and items: as for complete
---@return true?
---@return luafetch.Error? err as for complete
function Job:fail(page, why, opts) end

---A page is not to be fetched after all: neither done nor failed, and never given out again.
---@param page luafetch.JobPage
---@param reason? any a text or an Error: "robots.txt"
---@param opts? {park?: number} as for complete
---@return true?
---@return luafetch.Error? err as for complete
function Job:skip(page, reason, opts) end

---The pace of one host, which is kept in the job: it stands before what `open` and `claim` say, for
---all processes and after a resume, too. What is nil stays as it is; false: no limit. A slower rate
---counts from the last page that was given out. Without options only look.
---@param host string as in its URLs, "shop.example" or "shop.example:8080"; or one of its URLs
---@param opts? {rate?: number|false, per_host?: integer|false, park?: number} park: as for complete, from now on
---@return luafetch.JobHost?
---@return luafetch.Error? err
function Job:host(host, opts) end

---@class luafetch.JobHost
---@field pending integer
---@field active integer pages that are given out
---@field rate? number|false pages a second; nil: what `open` or `claim` say
---@field per_host? integer|false pages at once; nil: likewise
---@field wait number seconds for which nothing is given out

---Begin the leases anew.
---@param pages luafetch.JobPage|luafetch.JobPage[]
---@return integer? n how many were still ours
---@return luafetch.Error? err
function Job:renew(pages) end

---Give pages back as if they had not been claimed. What a task was given while it was cancelled is
---given back by itself, and so is everything at `close`.
---@param pages luafetch.JobPage|luafetch.JobPage[]
---@return true?
---@return luafetch.Error? err
function Job:release(pages) end

---@return {pending: integer, active: integer, done: integer, failed: integer, skipped: integer, items: integer, hosts: integer}?
---@return luafetch.Error? err
function Job:counts() end

---The items in the order of their commit: `for item, url, id in job:items() do`. Raises the Error.
---@param opts? {after?: integer, raw?: boolean} after: behind the item of that id; raw: items as JSON texts
---@return fun(): any, string?, integer?
function Job:items(opts) end

---Its items are what the run emits from now on: to the file of `-o`, or to standard output. They are
---read from the job as they come, by one process at a time, which keeps in the job how far it is: the
---file goes on where it stood after any end of a run, without a record twice or half. Standard output
---gets each at least once. `local output <close> =` before the end of the job: closing writes the rest
---and raises the Error of what could not be written; while it is open that ends the run. `lf.emit` to
---that file is refused. Items of a job without a name are written as `lf.emit` does.
---@return luafetch.JobOutput
---@nodiscard
function Job:emit() end

---@class luafetch.JobOutput
local JobOutput = {}

---Write what is left.
---@return true
function JobOutput:close() end

---What `emit` works with: to hold the output of a name, for five seconds from now, and to set the mark
---of how far it is. One process has it at a time; it is free after the end of that process, too.
---@param name string absolute name of a file, or "-"
---@param opts? {state?: any, over?: integer} state: the mark; over: give it back unless there are items behind that id
---@return {mine: boolean, last: integer?, state: any}? output last: id of the newest item
---@return luafetch.Error? err
function Job:output(name, opts) end

---The pages that failed. Raises the Error.
---@param opts? {after?: integer, raw?: boolean}
---@return fun(): {id: integer, url: string, error: string, tries: integer, depth: integer, meta: any, from: string?}?
function Job:failed(opts) end

---The pages that were skipped. Raises the Error.
---@param opts? {after?: integer, raw?: boolean}
---@return fun(): {id: integer, url: string, reason: string, tries: integer, depth: integer, meta: any, from: string?}?
function Job:skipped(opts) end

---All URLs, in the order in which they became known. `why`: the error or the reason. Raises the Error.
---@param opts? {after?: integer, raw?: boolean}
---@return fun(): luafetch.JobKnown?
function Job:pages(opts) end

---@class luafetch.JobKnown
---@field id integer
---@field url string
---@field status "pending"|"active"|"done"|"failed"|"skipped"
---@field tries integer
---@field depth integer
---@field priority integer
---@field meta any
---@field from string?
---@field why string?

---The hosts that have a pace of their own, or are parked: what `host` says of them. Raises the Error.
---@return fun(): {id: integer, host: string}?
function Job:hosts() end

---The outputs that were written, and how far: see `output`. Raises the Error.
---@return fun(): {id: integer, name: string, state: any}?
function Job:outputs() end

---What `luafetch job copy` works with. The first call makes an empty job half a copy, which others are
---refused to work on; one with `done`, how many pages are done, is the last. `items` are JSON texts.
---A page at work becomes pending.
---@param t {pages?: luafetch.JobKnown[], items?: {item: string, url: string?}[], done?: integer}
---@return integer? new pages that were not known
---@return luafetch.Error? err kind `state`: it is not empty
function Job:import(t) end

---Make the pages that failed pending.
---@return integer? n
---@return luafetch.Error? err
function Job:retry_failed() end

---Forget everything, items too.
---@return true?
---@return luafetch.Error? err
function Job:reset() end

---Give back what was claimed, and close. Closing again does nothing.
---@return true?
---@return luafetch.Error? err
function Job:close() end

return job
