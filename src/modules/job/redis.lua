-- A job in Redis: whatever changes or reads it runs here, in the server, a group of operations
-- at a time. Nobody else's command comes in between.
--
-- KEYS[1] is the job's hash. All other keys begin with its name, and so share its tag: they live
-- in one slot of a cluster. ARGV: byte order of the numbers in blobs, "<" or ">"; the job's
-- random id, "" to open it; the worker; the number of its group; "1" when the group writes; then
-- for each operation its name, its numbers, its blob, its items and one thing more.
--
-- A worker has one group on its way. What came of it is kept until the next one, so that a group
-- whose answer was lost with the connection can be sent again.
--
--   h:N      a host: HOST below
--   l:N      the levels of host N at which URLs are pending, in the order of claims
--   q:N:L    ids of its pending URLs at level L
--   u:N      records of URLs one behind the other; an id is piece and place in it
--   s:N      keys of known URLs, of so many in the bucket N that it stays a listpack
--   due full hosts that have pending URLs: by the time from which they may have one; or not at all
--   lease until   who has which URL; and until when
--   items outputs failed skipped why hosts w:N
--
-- Times are µs since 1970: above 1e14, where Lua's ".." would round them.
local ROOT = KEYS[1]
local P = ROOT .. ":"
local E, job_id, worker, group, writes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == "1"
local call, pack, parse = redis.call, struct.pack, struct.unpack

local VERSION = 1
local SPACE, PIECE = 65536, 65472 -- ids of a piece, and its bytes: 64 KB with what Redis adds
local HEAD, HEAD_SIZE = "<BI2i4i4I4I6I4I4", 29
-- Leases, pending URLs, time of its next one; in due or full, its time there; its own pace; time of its
-- last one.
local HOST = "<I4I4I8BI8i8i8I8"
local AS_BEFORE = -1
local LINK, LINK_SIZE = E .. "c16I4I4I4i4i4", 36
local PENDING, ACTIVE, DONE, GIVEN_UP, PASSED_OVER = 0, 1, 2, 3, 4
local IDLE, DUE, FULL = 0, 1, 2
local LOAD = 40 -- known URLs of a bucket: up to twice as many before it is split
local SLICE = 1000
local NO_LIMIT = 2147483647
local LATE = { 1, "lease" }

-- The row of the job, read when a group begins and written when it ends.
local FIELDS = { "v", "token", "pending", "active", "done", "failed", "skipped", "items",
  "hosts", "per_host", "seen", "buckets", "piece", "used", "half" }
local FRESH = { v = VERSION, token = 0, pending = 0, active = 0, done = 0, failed = 0, skipped = 0, items = 0,
  hosts = 0,  per_host = NO_LIMIT, seen = 0, buckets = 1, piece = 0, used = PIECE, half = 0 }
local t = {}
local now = redis.call("TIME")
now = now[1] * 1000000 + now[2]

-- ---- records of URLs ----

local function place(id)
  return P .. "u:" .. math.floor(id / SPACE), id % SPACE
end

-- A piece has its whole size from the start: growing, it would have up to twice as much.
local function new_record(bytes)
  if t.used + #bytes > PIECE then
    t.piece, t.used = t.piece + 1, 0
    call("SETRANGE", P .. "u:" .. t.piece, math.max(#bytes, PIECE) - 1, "\0")
  end
  local id = t.piece * SPACE + t.used
  call("SETRANGE", P .. "u:" .. t.piece, t.used, bytes)
  t.used = t.used + #bytes
  return id
end

local function read(id)
  local key, at = place(id)
  local r = { id = id }
  local bytes = call("GETRANGE", key, at, at + HEAD_SIZE + 255)
  if #bytes < HEAD_SIZE then error("LFDAMAGED") end
  local url, meta
  r.state, r.tries, r.depth, r.priority, r.host, r.parent, url, meta = parse(HEAD, bytes)
  local n = HEAD_SIZE + url + meta
  if #bytes < n then bytes = call("GETRANGE", key, at, at + n - 1) end
  r.url = bytes:sub(HEAD_SIZE + 1, HEAD_SIZE + url)
  r.size = n
  r.meta = meta > 0 and bytes:sub(HEAD_SIZE + url + 1, n)
  return r
end

local function mark(r, state, tries)
  local key, at = place(r.id)
  r.tries = math.min(tries, 65535)
  call("SETRANGE", key, at, pack("<BI2", state, r.tries))
end

local function url_of(id)
  return id > 0 and read(id).url
end

-- ---- known URLs: a table that grows by one bucket at a time ----

local span -- the power of two that is not above t.buckets

local function split()
  local n, from = t.buckets, t.buckets - span
  local list = call("HGETALL", P .. "s:" .. from)
  for i = 1, #list, 2 do
    if parse("<I4", list[i]) % (2 * span) == n then
      call("HDEL", P .. "s:" .. from, list[i])
      call("HSET", P .. "s:" .. n, list[i], list[i + 1])
    end
  end
  t.buckets = n + 1
  if t.buckets == 2 * span then span = t.buckets end
end

local SEEN = P .. "s:"

local function bucket_of(key)
  local hash = parse("<I4", key)
  local n = hash % (2 * span)
  return SEEN .. (n < t.buckets and n or hash % span)
end

-- False when it is new, and then somebody has to say what its id is.
local function is_known(bucket, key)
  return call("HSETNX", bucket, key, "") == 0
end

local function learn(bucket, key, id)
  call("HSET", bucket, key, id)
  t.seen = t.seen + 1
  if t.seen > LOAD * t.buckets then split() end
end

-- ---- hosts ----

local hosts, unsettled, unsaved = {}, {}, {}

local function host(id)
  local h = hosts[id]
  if not h then
    h = { id = id, active = 0, pending = 0, next = 0, where = IDLE, due = 0, gap = AS_BEFORE,
      limit = AS_BEFORE, last = 0 }
    local bytes = call("GET", P .. "h:" .. id)
    if bytes then
      h.active, h.pending, h.next, h.where, h.due, h.gap, h.limit, h.last = parse(HOST, bytes)
    end
    hosts[id] = h
  end
  return h
end

local ids = {} -- of names

local function host_named(name)
  local id = ids[name] or tonumber(call("HGET", P .. "hosts", name) or nil)
  if not id then
    t.hosts = t.hosts + 1
    id = t.hosts
    call("HSET", P .. "hosts", name, id)
  end
  ids[name] = id
  return host(id)
end

local function touch(h)
  unsettled[h] = true
end

local function has_room(h)
  return h.active < (h.limit ~= AS_BEFORE and h.limit or t.per_host)
end

-- Where a claim looks for it, or does not.
local function settle(h)
  local where = h.pending == 0 and IDLE or has_room(h) and DUE or FULL
  if h.where ~= where then
    if h.where == DUE then call("ZREM", P .. "due", h.id) end
    if h.where == FULL then call("SREM", P .. "full", h.id) end
    if where == FULL then call("SADD", P .. "full", h.id) end
  end
  if where == DUE and (h.where ~= where or h.due ~= h.next) then
    call("ZADD", P .. "due", h.next, h.id)
    h.due = h.next
  end
  h.where = where
  unsettled[h], unsaved[h] = nil, true
end

local function settle_all()
  for h in pairs(unsettled) do settle(h) end
end

-- What lies there still was said to be done meanwhile.
local function drop_levels(id)
  for _, level in ipairs(call("ZRANGE", P .. "l:" .. id, 0, -1)) do call("DEL", P .. "q:" .. id .. ":" .. level) end
  call("DEL", P .. "l:" .. id)
end

local function save_hosts()
  settle_all()
  for h in pairs(unsaved) do
    call("SET", P .. "h:" .. h.id, pack(HOST, h.active, h.pending, h.next, h.where, h.due,
      h.gap, h.limit, h.last))
    if h.pending == 0 then drop_levels(h.id) end
  end
end

-- ---- what is pending ----

local function push(h, r, first)
  local level = ("%08x%08x"):format(NO_LIMIT - r.priority, r.depth + NO_LIMIT + 1)
  if call(first and "LPUSH" or "RPUSH", P .. "q:" .. h.id .. ":" .. level, r.id) == 1 then
    call("ZADD", P .. "l:" .. h.id, 0, level)
  end
  h.pending, t.pending = h.pending + 1, t.pending + 1
  touch(h)
end

local function take(h)
  while true do
    local level = call("ZRANGE", P .. "l:" .. h.id, 0, 0)[1]
    if not level then error("LFDAMAGED") end
    local id = call("LPOP", P .. "q:" .. h.id .. ":" .. level)
    local r = id and read(tonumber(id))
    if r and r.state == PENDING then
      h.pending, t.pending = h.pending - 1, t.pending - 1
      return r
    end
    if not id then call("ZREM", P .. "l:" .. h.id, level) end
  end
end

-- ---- leases ----

-- The host of a lease that is still the caller's.
local function lease_host(id, token)
  local lease = call("HGET", P .. "lease", id)
  if not lease then return nil end
  local its, number = parse("<I8I4", lease)
  return its == token and host(number) or nil
end

local function end_lease(id, h)
  call("HDEL", P .. "lease", id)
  call("ZREM", P .. "until", id)
  h.active, t.active = h.active - 1, t.active - 1
  touch(h)
end

local ENDED = { [GIVEN_UP] = "failed", [PASSED_OVER] = "skipped" }
local ENDS = { failed = GIVEN_UP, skipped = PASSED_OVER }

local function note_end(r, how, why)
  call("ZADD", P .. how, r.id, r.id)
  call("HSET", P .. "why", r.id, why)
  t[how] = t[how] + 1
end

local function end_page(r, how, why)
  mark(r, ENDS[how], r.tries)
  note_end(r, how, why)
end

-- `deliveries`: this one counts, and after so many the URL has failed: a page that kills every
-- worker would be given out for ever.
local function give_back(id, h, deliveries)
  local r = read(id)
  end_lease(id, h)
  if deliveries and r.tries >= deliveries then
    end_page(r, "failed", ("given up: %d times nothing was heard of it"):format(r.tries))
    return
  end
  mark(r, PENDING, deliveries and r.tries or r.tries - 1)
  push(h, r, true)
end

local function each_lease(blob, fn)
  for at = 1, #blob, 16 do
    local id, token = parse(E .. "i8i8", blob, at)
    local h = lease_host(id, token)
    if h then fn(id, h) end
  end
end

-- ---- links and items ----

-- What somebody else's page turned out to be need not be fetched, if nobody has begun.
local function forego(id)
  local r = read(id)
  if r.state ~= PENDING then return end
  mark(r, DONE, r.tries)
  local h = host(r.host)
  h.pending, t.pending = h.pending - 1, t.pending - 1
  touch(h)
end

-- state: PENDING, or DONE for other names of a page.
local function add_links(blob, parent, state)
  local at, n = 1, 0
  while at <= #blob do
    local key, name, url, meta, depth, priority = parse(LINK, blob, at)
    local from = at + LINK_SIZE
    local bucket = bucket_of(key)
    if not is_known(bucket, key) then
      local h = host_named(blob:sub(from, from + name - 1))
      local head = pack(HEAD, state, 0, depth, priority, h.id, parent, url, meta)
      local id = new_record(head .. blob:sub(from + name, from + name + url + meta - 1))
      learn(bucket, key, id)
      if state == PENDING then push(h, { id = id, depth = depth, priority = priority }) end
      n = n + 1
    elseif state == DONE then
      forego(tonumber(call("HGET", bucket, key)))
    end
    at = from + name + url + meta
  end
  return n
end

local function add_items(blob, page)
  local at = 1
  page = pack("<I6", page)
  while at <= #blob do
    local n = parse(E .. "I4", blob, at)
    call("RPUSH", P .. "items", page .. blob:sub(at + 4, at + 3 + n))
    t.items = t.items + 1
    at = at + 4 + n
  end
end

local function park(h, o)
  if o.park > 0 then h.next = math.max(h.next, now + o.park) end
end

-- ---- operations: o has numbers, blob and items; they give {0, number, cells …} ----

local ops = {}

function ops.add(o)
  local n = add_links(o.blob, 0, PENDING)
  add_items(o.items, 0)
  return { 0, n }
end

function ops.complete(o)
  local h = lease_host(o.id, o.token)
  if not h then return LATE end
  add_links(o.more, o.id, DONE)
  local n = add_links(o.blob, o.id, PENDING)
  add_items(o.items, o.id)
  local key, at = place(o.id)
  call("SETRANGE", key, at, string.char(DONE))
  end_lease(o.id, h)
  t.done = t.done + 1
  park(h, o)
  return { 0, n }
end

function ops.fail(o)
  local h = lease_host(o.id, o.token)
  if not h then return LATE end
  local r = read(o.id)
  end_lease(o.id, h)
  if o.again == 1 then
    mark(r, PENDING, r.tries)
    push(h, r, true)
  else
    end_page(r, "failed", o.blob)
  end
  add_items(o.items, o.id)
  park(h, o)
  return { 0, 0 }
end

function ops.skip(o)
  local h = lease_host(o.id, o.token)
  if not h then return LATE end
  end_lease(o.id, h)
  end_page(read(o.id), "skipped", o.blob)
  park(h, o)
  return { 0, 0 }
end

-- A slower pace counts from the last page that was given out.
function ops.host(o)
  local h = host_named(o.blob)
  if o.gap ~= AS_BEFORE then h.gap = o.gap end
  if o.per_host ~= AS_BEFORE then h.limit = o.per_host end
  if h.last > 0 then h.next = math.max(h.next, h.last + math.max(o.gap, 0)) end
  park(h, o)
  touch(h)
  return { 0, h.next - now, h.gap, h.pending, h.active, h.limit ~= AS_BEFORE and h.limit }
end

function ops.renew(o)
  local n = 0
  each_lease(o.blob, function(id)
    call("ZADD", P .. "until", now + o.term, id)
    n = n + 1
  end)
  return { 0, n }
end

function ops.release(o)
  each_lease(o.blob, give_back)
  return { 0, 0 }
end

-- Hosts that have as many leases as the last claim allowed may have more of this one.
local function allow(per_host)
  local more = per_host > t.per_host
  t.per_host = per_host
  if not more then return end
  for _, id in ipairs(call("SMEMBERS", P .. "full")) do settle(host(tonumber(id))) end
end

local function next_host(time)
  while true do
    local id = call("ZRANGEBYSCORE", P .. "due", "-inf", time, "LIMIT", 0, 1)[1]
    if not id then return nil end
    local h = host(tonumber(id))
    if has_room(h) then return h end
    settle(h)
  end
end

-- Tokens are times that never repeat, also when the server has lost its last second.
local function claim_one(o, h, time, out)
  local r = take(h)
  mark(r, ACTIVE, r.tries + 1)
  t.token = math.max(t.token + 1, now)
  call("HSET", P .. "lease", r.id, pack("<I8I4I4", t.token, h.id, worker))
  call("ZADD", P .. "until", now + o.term, r.id)
  h.active, t.active = h.active + 1, t.active + 1
  h.last, h.next = time, time + (h.gap ~= AS_BEFORE and h.gap or o.gap)
  settle(h)
  for _, cell in ipairs { r.id, t.token, r.url, r.depth, r.priority, r.tries, r.meta, url_of(r.parent) } do
    out[#out + 1] = cell
  end
end

-- µs until a claim may give more: a host is due, or a lease ends; -1: nothing is left.
local function wait_of()
  local first
  for _, name in ipairs { "due", "until" } do
    local time = tonumber(call("ZRANGE", P .. name, 0, 0, "WITHSCORES")[2])
    if time and (not first or time < first) then first = time end
  end
  return first and math.max(first - now, 0) or -1
end

-- The times of one claim differ, so that hosts without a rate keep taking turns.
function ops.claim(o)
  local late = call("ZRANGEBYSCORE", P .. "until", "-inf", now, "LIMIT", 0, SLICE)
  for _, id in ipairs(late) do
    local lease = call("HGET", P .. "lease", id)
    give_back(tonumber(id), host(parse("<I4", lease, 9)), o.deliveries)
  end
  settle_all()
  allow(o.per_host)
  local out, n, time = { 0, 0 }, 0, now
  while n < o.n do
    local h = next_host(time)
    if not h then break end
    claim_one(o, h, time, out)
    n, time = n + 1, time + 1
  end
  if n < o.n then out[2] = wait_of() end
  return out
end

function ops.counts()
  return { 0, 0, t.pending, t.active, t.done, t.failed, t.skipped, t.items, t.hosts }
end

function ops.items(o)
  local out, id = { 0, 0 }, o.after
  for _, item in ipairs(call("LRANGE", P .. "items", o.after, o.after + o.n - 1)) do
    id = id + 1
    out[#out + 1] = id
    out[#out + 1] = item:sub(7)
    out[#out + 1] = url_of(parse("<I6", item))
  end
  return out
end

local function ended(how, o)
  local out = { 0, 0 }
  for _, id in ipairs(call("ZRANGEBYSCORE", P .. how, "(" .. o.after, "+inf", "LIMIT", 0, o.n)) do
    local r = read(tonumber(id))
    local why = call("HGET", P .. "why", id)
    for _, cell in ipairs { r.id, r.url, why, r.tries, r.depth, r.meta, url_of(r.parent) } do
      out[#out + 1] = cell
    end
  end
  return out
end

function ops.failed(o)
  return ended("failed", o)
end

function ops.skipped(o)
  return ended("skipped", o)
end

-- Who has lost it may not say any more how far it is. It is given back only when nothing is left
-- to write: whoever commits an item later finds it free.
function ops.output(o)
  local bytes = call("HGET", P .. "outputs", o.blob)
  local whose, till, state = 0, 0, ""
  if bytes then
    whose, till = parse("<I4I8", bytes)
    state = bytes:sub(13)
  end
  local says = #o.more > 0 or o.again == 1
  if (whose == worker and till > 0) or (till <= now and not says) then
    till = o.again == 1 and t.items <= o.n and 0 or now + o.term
    whose = worker
    if #o.more > 0 then state = o.more end
    call("HSET", P .. "outputs", o.blob, pack("<I4I8", whose, till) .. state)
  elseif not bytes then
    return { 0, 0 }
  end
  return { 0, 0, whose == worker and till > 0 and 1 or 0, t.items, #state > 0 and state }
end

-- ---- one job into another ----

local STATUS = { [PENDING] = "pending", [ACTIVE] = "active", [DONE] = "done", [GIVEN_UP] = "failed",
  [PASSED_OVER] = "skipped" }

-- A lease that is over makes a page pending with the next claim.
local function status_of(r)
  if r.state ~= ACTIVE then return STATUS[r.state] end
  local till = tonumber(call("ZSCORE", P .. "until", r.id) or nil)
  return STATUS[till and till > now and ACTIVE or PENDING]
end

-- The record there; nil behind the last one of its piece, where the bytes are 0.
local function record_at(piece, at)
  if at + HEAD_SIZE > (piece == t.piece and t.used or PIECE) then return nil end
  local r = read(piece * SPACE + at)
  return r.size > HEAD_SIZE and r or nil
end

function ops.pages(o)
  local out, piece, at, n = { 0, 0 }, 1, 0, 0
  if o.after > 0 then piece, at = math.floor(o.after / SPACE), o.after % SPACE + read(o.after).size end
  while n < o.n and piece <= t.piece do
    local r = record_at(piece, at)
    if r then
      for _, cell in ipairs { r.id, r.url, status_of(r), r.tries, r.depth, r.priority, r.meta, url_of(r.parent),
        ENDED[r.state] and call("HGET", P .. "why", r.id) or false } do out[#out + 1] = cell end
      at, n = at + r.size, n + 1
    else
      piece, at = piece + 1, 0
    end
  end
  return out
end

-- The id of a row is where HSCAN goes on; NO_MORE when that is its end.
local NO_MORE = 9007199254740991

function ops.hosts(o)
  local out, at = { 0, 0 }, tostring(o.after)
  if o.after == NO_MORE then return out end
  repeat
    local step = call("HSCAN", P .. "hosts", at, "COUNT", o.n)
    at = step[1]
    for i = 1, #step[2], 2 do
      local h = host(tonumber(step[2][i + 1]))
      if h.gap ~= AS_BEFORE or h.limit ~= AS_BEFORE or h.next > now then
        out[#out + 1] = at == "0" and NO_MORE or tonumber(at)
        out[#out + 1] = step[2][i]
      end
    end
  until #out > 2 or at == "0"
  return out
end

function ops.outputs(o)
  local out = { 0, 0 }
  local list = o.after == 0 and call("HGETALL", P .. "outputs") or {}
  for i = 1, #list, 2 do
    local state = list[i + 1]:sub(13)
    for _, cell in ipairs { i, list[i], #state > 0 and state } do out[#out + 1] = cell end
  end
  return out
end

-- The link there: its record's tail, its key, host and levels; and where it ends.
local function link_at(blob, at)
  local l = {}
  local name, url, meta
  l.key, name, url, meta, l.depth, l.priority = parse(LINK, blob, at)
  at = at + LINK_SIZE
  l.host, l.texts = blob:sub(at, at + name - 1), blob:sub(at + name, at + name + url + meta - 1)
  l.url, l.meta = url, meta
  return l, at + name + url + meta
end

local function id_of(link)
  return link.url > 0 and tonumber(call("HGET", bucket_of(link.key), link.key) or nil) or 0
end

local PAST, PAST_SIZE = E .. "i4i4I4I4", 16

local function import_page(blob, at)
  local state, tries, length, found = parse(PAST, blob, at)
  at = at + PAST_SIZE + length
  local why, l, from = blob:sub(at - length, at - 1), nil, nil
  l, at = link_at(blob, at)
  if found == 1 then from, at = link_at(blob, at) end
  local bucket = bucket_of(l.key)
  if is_known(bucket, l.key) then return at, 0 end
  local h = host_named(l.host)
  local head = pack(HEAD, state, math.min(tries, 65535), l.depth, l.priority, h.id, from and id_of(from) or 0, l.url,
    l.meta)
  l.id = new_record(head .. l.texts)
  learn(bucket, l.key, l.id)
  if state == PENDING then push(h, l) end
  if ENDED[state] then note_end(l, ENDED[state], why) end
  return at, 1
end

local function import_items(blob, pages)
  local at, from = 1, 1
  while at <= #blob do
    local n, link = parse(E .. "I4", blob, at), nil
    link, from = link_at(pages, from)
    call("RPUSH", P .. "items", pack("<I6", id_of(link)) .. blob:sub(at + 4, at + 3 + n))
    t.items = t.items + 1
    at = at + 4 + n
  end
end

-- A copy is half until its end is said (o.again; o.n pages are done), and only who makes it may work
-- on it until then.
function ops.import(o)
  if t.half == 0 and (t.hosts > 0 or t.items > 0) then return { 2, "LFUSED" } end
  t.half = worker
  local at, sum, one = 1, 0, nil
  while at <= #o.blob do
    at, one = import_page(o.blob, at)
    sum = sum + one
  end
  import_items(o.items, o.more)
  if o.again == 1 then t.half, t.done = 0, o.n end
  return { 0, sum }
end

-- So many at a time: the caller asks again until there are none.
function ops.retry_failed()
  local list = call("ZRANGE", P .. "failed", 0, SLICE - 1)
  for _, id in ipairs(list) do
    local r = read(tonumber(id))
    mark(r, PENDING, 0)
    push(host(r.host), r)
    call("ZREM", P .. "failed", id)
    call("HDEL", P .. "why", id)
  end
  t.failed = t.failed - #list
  return { 0, #list }
end

-- Tokens go on: a lease of before must fit none of after.
function ops.reset()
  for n = 0, t.buckets - 1 do call("UNLINK", P .. "s:" .. n) end
  for n = 1, t.piece do call("UNLINK", P .. "u:" .. n) end
  for n = 1, t.hosts do
    drop_levels(n)
    call("UNLINK", P .. "h:" .. n)
  end
  for _, name in ipairs { "due", "full", "lease", "until", "items", "outputs", "failed", "skipped", "why", "hosts" } do
    call("UNLINK", P .. name)
  end
  for name, value in pairs(FRESH) do
    if name ~= "token" then t[name] = value end
  end
  hosts, unsettled, unsaved, ids, span = {}, {}, {}, {}, 1
  return { 0, 0 }
end

function ops.close()
  local list = call("HGETALL", P .. "lease")
  for i = 1, #list, 2 do
    local _, number, whose = parse("<I8I4I4", list[i + 1])
    if whose == worker then give_back(tonumber(list[i]), host(number)) end
  end
  local outputs = call("HGETALL", P .. "outputs")
  for i = 1, #outputs, 2 do
    if parse("<I4", outputs[i + 1]) == worker then
      call("HSET", P .. "outputs", outputs[i], pack("<I4I8", worker, 0) .. outputs[i + 1]:sub(13))
    end
  end
  return { 0, 0 }
end

-- ---- the group ----

local function read_totals()
  local v = call("HMGET", ROOT, unpack(FIELDS))
  for i, name in ipairs(FIELDS) do t[name] = tonumber(v[i] or nil) end
  t.half = t.half or 0
  span = 1
  while span * 2 <= (t.buckets or 1) do span = span * 2 end
end

local function write_totals()
  local v = {}
  for _, name in ipairs(FIELDS) do
    v[#v + 1] = name
    v[#v + 1] = t[name]
  end
  call("HSET", ROOT, unpack(v))
end

-- Where memory ends by throwing keys away, URLs would become unknown.
local function evicts()
  local info = call("INFO", "memory")
  local policy = info:match "maxmemory_policy:(allkeys%-%w+)"
  return not info:find "maxmemory:0%s" and policy
end

-- o.again: it may be made; o.n: only to look. The blob: an id and a secret, if it is made.
function ops.open(o)
  local policy = evicts()
  if policy then return redis.error_reply("LFEVICTS " .. policy) end
  local made = not t.v
  if made then
    if o.again == 0 then return redis.error_reply "LFNONE" end
    for name, value in pairs(FRESH) do t[name] = value end
    call("HSET", ROOT, "id", o.blob:sub(1, 32), "secret", o.blob:sub(33))
    write_totals()
  end
  local number = o.n == 1 and 0 or call("HINCRBY", ROOT, "workers", 1)
  local v = call("HMGET", ROOT, "id", "secret")
  return { { 0, number, v[1], v[2] } }
end

-- What is wrong with the whole.
local function complaint(id)
  if not id then
    if call("EXISTS", ROOT) == 1 then return "LFFOREIGN" end
    return job_id ~= "" and "LFLOST" or nil
  end
  if not t.v then return "LFFOREIGN" end
  if t.v > VERSION then return "LFNEWER " .. t.v end
  return job_id ~= "" and job_id ~= id and "LFLOST" or nil
end

local WITH_HALF = { counts = true, reset = true, close = true }

local function run(i)
  local o = { blob = ARGV[i + 2], items = ARGV[i + 3], more = ARGV[i + 4] }
  o.id, o.token, o.n, o.after, o.gap, o.per_host, o.term, o.park, o.again, o.deliveries =
    parse(E .. "i8i8i8i8i8i8i8i8i8i8", ARGV[i + 1])
  if ARGV[i] == "open" then return ops.open(o) end
  if t.half ~= 0 and t.half ~= worker and not WITH_HALF[ARGV[i]] then return { 2, "LFHALF" } end
  local ok, answer = pcall(ops[ARGV[i]], o)
  if ok then return answer end
  return { 2, type(answer) == "table" and answer.err or tostring(answer) }
end

-- The answer to this group when it is not the first time that it comes.
local function answered()
  local last = writes and job_id ~= "" and call("GET", P .. "w:" .. worker)
  if not last then return nil end
  local at = last:find(" ", 1, true)
  local was = tonumber(last:sub(1, at - 1))
  if was > group then return redis.error_reply "LFSTALE" end
  return was == group and cmsgpack.unpack(last:sub(at + 1)) or nil
end

local function run_all()
  local out = {}
  for i = 6, #ARGV, 5 do out[#out + 1] = run(i) end
  if not writes then return out end
  save_hosts()
  write_totals()
  if ARGV[6] == "close" then
    call("DEL", P .. "w:" .. worker)
  else
    call("SET", P .. "w:" .. worker, group .. " " .. cmsgpack.pack(out), "EX", 86400)
  end
  return out
end

read_totals()
local wrong = complaint(call("HGET", ROOT, "id"))
if wrong then return redis.error_reply(wrong) end
if ARGV[6] == "open" then return run(6) end
local before = answered()
if before then return before end
-- A server that takes no writes refuses this one, and so the group as a whole.
if writes then call("HINCRBY", ROOT, "groups", 1) end
return run_all()
