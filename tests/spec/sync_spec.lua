-- What tasks wait for among themselves: semaphore, queue, event, limiter, once, single_flight.
local lf = require "luafetch"
local test = require "luafetch.test"

-- A collector that never rests makes large numbers slow.
local MANY = os.getenv "LF_GCSTRESS" and 1000 or 100000

local PROGRAM = os.getenv "LUAFETCH" or "build/luafetch"

local function an_error()
  local _, err = lf.fetch "nope://x/"
  return err
end

-- What a program of its own prints, errors included.
local function run(code)
  local name = os.tmpname()
  local f <close> = assert(io.open(name, "w"))
  f:write('local lf = require "luafetch"\n', code)
  f:close()
  local p <close> = assert(io.popen(PROGRAM .. " " .. name .. " 2>&1"))
  local out = p:read "a"
  os.remove(name)
  return out
end

-- Runs fn on a clock that jumps; gives the seconds it took there.
local function virtually(fn)
  return test.run({}, fn).elapsed
end

-- Lets every task that is ready run until it waits.
local function settle()
  for _ = 1, 5 do lf.sleep(0) end
end

local function cancelled(t)
  local r, err = t:join()
  assert.is_nil(r)
  assert.equal("cancelled", err.kind)
  return tostring(err)
end

describe("a semaphore", function()
  it("gives n permits, and the next one when one comes back", function()
    local sem, log = lf.semaphore(2), {}
    local function work(name)
      local p <close> = sem:acquire()
      log[#log + 1] = name .. "+"
      lf.sleep(1)
      log[#log + 1] = name .. "-"
      return p ~= nil
    end
    local took = virtually(function()
      for _, name in ipairs { "a", "b", "c" } do lf.spawn(work, name) end
    end)
    assert.equal(2, took)
    assert.same({ "a+", "b+", "a-", "b-", "c+", "c-" }, log)
  end)

  it("serves in the order of coming, and nobody is quicker", function()
    local sem, order = lf.semaphore(1), {}
    local first = sem:acquire()
    for i = 1, 5 do
      lf.spawn(function()
        local _ <close> = sem:acquire()
        order[#order + 1] = i
      end)
    end
    settle()
    first:release()
    assert.is_nil(sem:try_acquire()) -- it is the first one's already
    local _ <close> = sem:acquire()
    assert.same({ 1, 2, 3, 4, 5 }, order)
  end)

  it("takes a permit back once", function()
    local sem = lf.semaphore(1)
    local p <close> = sem:acquire()
    p:release()
    p:release()
    local q <close> = sem:try_acquire()
    assert.is_truthy(q)
    assert.is_nil(sem:try_acquire())
  end)

  it("loses no permit to a cancelled holder, waiter or one that was just called", function()
    local sem = lf.semaphore(1)
    local holder = lf.spawn(function()
      local _ <close> = sem:acquire()
      lf.sleep(100)
    end)
    local tasks = {}
    for i = 1, 3 do tasks[i] = lf.spawn(function() local _ <close> = sem:acquire() return i end) end
    settle()
    tasks[1]:cancel "not needed"
    holder:cancel() -- unwound at our next wait: calls the second
    assert.equal("waiting", tasks[2]:status())
    assert.matches("cancelled: not needed", cancelled(tasks[1]))
    assert.equal(2, (tasks[2]:join()))
    assert.equal(3, (tasks[3]:join()))

    local p = sem:acquire()
    local a = lf.spawn(function() return sem:acquire() end)
    local b = lf.spawn(function() local _ <close> = sem:acquire() return "b" end)
    settle()
    p:release() -- calls a, which does not run any more
    a:cancel()
    assert.equal("b", (b:join()))
    local q <close> = sem:try_acquire()
    assert.is_truthy(q)
  end)

  it("works in __close of a cancelled task while a permit is free", function()
    local sem, got = lf.semaphore(1), nil
    local t = lf.spawn(function()
      local _ <close> = setmetatable({}, { __close = function()
        local p <close> = sem:acquire()
        got = p ~= nil
      end })
      lf.sleep(100)
    end)
    settle()
    t:cancel()
    t:join()
    assert.is_true(got)
  end)

  it("is quick: " .. MANY .. " pairs", function()
    local sem, start = lf.semaphore(3), os.clock()
    for _ = 1, MANY do
      local _ <close> = sem:acquire()
    end
    assert.is_true(os.clock() - start < 5, os.clock() - start)
  end)

  it("says what it wants", function()
    for _, n in ipairs { 0, -1, 1.5, "2", {} } do
      assert.error_matches(function() lf.semaphore(n) end, "^semaphore: the number of permits")
    end
    assert.matches("%(2 of 2 permits free%)", tostring(lf.semaphore(2)))
  end)
end)

describe("a queue", function()
  it("hands values over in order, false included", function()
    local q, got = lf.queue(), {}
    for _, v in ipairs { 1, false, "x" } do assert.is_true(q:put(v)) end
    assert.equal(3, #q)
    q:close()
    for v in q:iter() do got[#got + 1] = v end
    assert.same({ 1, false, "x" }, got)
    assert.is_nil(q:get())
  end)

  it("grows past its first places, wherever the first item is", function()
    local q = lf.queue()
    local put, got = 0, 0
    for round = 1, 200 do
      for _ = 1, round % 7 + 2 do
        put = put + 1
        q:put(put)
      end
      for _ = 1, round % 5 + 1 do
        if #q > 0 then
          got = got + 1
          assert.equal(got, q:get())
        end
      end
    end
    q:close()
    for v in q:iter() do
      got = got + 1
      assert.equal(got, v)
    end
    assert.equal(put, got)
  end)

  it("makes a producer wait when it is full", function()
    local q, log = lf.queue(2), {}
    local producer = lf.spawn(function()
      for i = 1, 6 do
        q:put(i)
        log[#log + 1] = "put " .. i
      end
      q:close()
    end)
    settle()
    assert.same({ "put 1", "put 2" }, log)
    assert.equal(2, #q)
    assert.equal(1, q:get())
    settle()
    assert.equal("put 3", log[3])
    assert.is_nil(log[4])
    local rest = {}
    for v in q:iter() do rest[#rest + 1] = v end
    assert.same({ 2, 3, 4, 5, 6 }, rest)
    producer:join()
  end)

  it("keeps the order of those who wait to put, and of those who wait to get", function()
    local q = lf.queue(3)
    for i = 1, 3 do q:put(i) end
    for i = 4, 6 do lf.spawn(function() q:put(i) end) end
    settle()
    local got = { q:get(), q:get() } -- two places are promised to 4 and 5
    local last = lf.spawn(function() q:put(7) end)
    for _ = 1, 5 do got[#got + 1] = q:get() end
    last:join()
    assert.same({ 1, 2, 3, 4, 5, 6, 7 }, got)

    local takers = {}
    for i = 1, 4 do takers[i] = lf.spawn(function() return q:get() end) end
    settle()
    for i = 1, 4 do q:put(i * 10) end
    for i = 1, 4 do assert.equal(i * 10, (takers[i]:join())) end
  end)

  it("loses no item and no place to cancelled tasks", function()
    local q = lf.queue(1)
    local a = lf.spawn(function() return q:get() end)
    local b = lf.spawn(function() return q:get() end)
    local c = lf.spawn(function() return q:get() end)
    settle()
    a:cancel()
    q:put "v" -- is b's, which does not run any more
    b:cancel "gone"
    assert.equal("v", (c:join()))
    assert.matches("gone", cancelled(b))

    q:put(1)
    local p2 = lf.spawn(function() return q:put(2) end)
    local p3 = lf.spawn(function() return q:put(3) end)
    local p4 = lf.spawn(function() return q:put(4) end)
    settle()
    p2:cancel()
    assert.equal(1, q:get()) -- the place is p3's, which does not run any more
    p3:cancel()
    p4:join()
    assert.equal(1, #q)
    assert.equal(4, q:get())
  end)

  it("when closed lets the items be taken, and no more be put", function()
    local q = lf.queue(1)
    q:put(1)
    local waiting = lf.spawn(function() return q:put(2) end)
    settle()
    q:close()
    q:close()
    local r, err = waiting:join()
    assert.is_nil(r)
    assert.equal("closed", err.kind)
    assert.matches("the queue is closed", tostring(err))
    assert.is_nil(q:put(3))
    assert.equal(1, q:get())
    assert.is_nil(q:get())
  end)

  it("closed while many wait for items ends them all; a cancelled one's item is not lost", function()
    local q = lf.queue()
    local tasks = {}
    for i = 1, 3 do tasks[i] = lf.spawn(function() return q:get() end) end
    settle()
    q:put "last"
    q:close()
    tasks[1]:cancel()
    assert.equal("last", (tasks[2]:join()))
    assert.is_nil((tasks[3]:join()))
  end)

  it("frees what was taken", function()
    local q, weak = lf.queue(), setmetatable({}, { __mode = "v" })
    for i = 1, 20 do
      weak[i] = {}
      q:put(weak[i])
    end
    for _ = 1, 20 do q:get() end
    collectgarbage()
    assert.is_nil(next(weak))
  end)

  it("carries " .. MANY .. " items between two tasks", function()
    local q, sum, start = lf.queue(64), 0, os.clock()
    local t = lf.spawn(function()
      for v in q:iter() do sum = sum + v end
    end)
    for i = 1, MANY do q:put(i) end
    q:close()
    t:join()
    assert.equal(MANY * (MANY + 1) // 2, sum)
    assert.is_true(os.clock() - start < 10, os.clock() - start)
  end)

  it("says what it wants", function()
    assert.error_matches(function() lf.queue(0) end, "^queue: the number of items")
    assert.error_matches(function() lf.queue():put(nil) end, "^queue:put: nil cannot be put")
    assert.error_matches(function() lf.queue():put() end, "nil cannot be put")
  end)
end)

describe("an event", function()
  it("lets all go on, also when it is cleared at once", function()
    local e, n = lf.event(), 0
    for _ = 1, 3 do lf.spawn(function() e:wait() n = n + 1 end) end
    settle()
    assert.is_false(e:is_set())
    e:set()
    e:clear()
    settle()
    assert.equal(3, n)
    assert.is_false(e:is_set())
    local late = lf.spawn(e.wait, e)
    settle()
    assert.equal("waiting", late:status())
    late:cancel "enough"
    assert.matches("enough", cancelled(late))
  end)

  it("that is set holds nobody", function()
    local e = lf.event()
    e:set()
    e:wait()
    assert.is_true(e:is_set())
  end)
end)

describe("a limiter", function()
  local function times(conf, n, tokens)
    local at = {}
    virtually(function()
      local l, start = lf.limiter(conf), lf.now()
      for i = 1, n do
        l:acquire(tokens)
        at[i] = lf.now() - start
      end
    end)
    return at
  end

  local function near(expected, got)
    assert.equal(#expected, #got)
    for i, v in ipairs(expected) do
      assert.is_true(math.abs(v - got[i]) < 1e-9, ("%d: %.17g"):format(i, got[i]))
    end
  end

  it("is exact: rate, per, burst", function()
    near({ 0, 0.5, 1, 1.5 }, times({ rate = 2 }, 4))
    near({ 0, 20, 40 }, times({ rate = 3, per = 60 }, 3))
    near({ 0, 0, 0, 0.1, 0.2 }, times({ rate = 10, burst = 3 }, 5))
    near({ 0, 0.1, 0.3 }, times({ rate = 10, burst = 3 }, 3, 2))
  end)

  it("does not drift over a million", function()
    local n = MANY
    local at = times({ rate = 7 }, n)
    assert.is_true(math.abs(at[n] - (n - 1) / 7) < 1e-6, at[n])
  end)

  it("fills up while nobody asks, and no further than burst", function()
    virtually(function()
      local l = lf.limiter { rate = 1, burst = 2 }
      l:acquire(2)
      lf.sleep(100)
      local start = lf.now()
      for _ = 1, 3 do l:acquire() end
      near({ 1 }, { lf.now() - start })
    end)
  end)

  it("serves in order: a small one does not overtake a large one", function()
    local order = {}
    virtually(function()
      local l = lf.limiter { rate = 1, burst = 5 }
      l:acquire(5)
      for i, n in ipairs { 4, 1, 2 } do
        lf.spawn(function()
          l:acquire(n)
          order[#order + 1] = ("%d at %g"):format(i, lf.now() // 1 % 1000)
        end)
      end
    end)
    assert.same({ "1 at 4", "2 at 5", "3 at 7" }, order)
  end)

  it("gives the tokens of a cancelled one to the next", function()
    virtually(function()
      local l, start = lf.limiter { rate = 1 }, lf.now()
      l:acquire()
      local a = lf.spawn(function() l:acquire() return "a" end)
      local b = lf.spawn(function() l:acquire() return lf.now() - start end)
      lf.sleep(0.5)
      a:cancel "too slow"
      near({ 1 }, { (b:join()) })
      assert.matches("too slow", cancelled(a))
      lf.sleep(9)
      assert.is_true(pcall(l.acquire, l))
    end)
  end)

  it("keeps the rate with many tasks and in real time", function()
    local l, start = lf.limiter { rate = 1000, burst = 10 }, lf.now()
    lf.each({ 1, 2, 3, 4, 5 }, function()
      for _ = 1, 10 do l:acquire() end
    end)
    local took = lf.now() - start
    assert.is_true(took >= 0.0399 and took < 5, took)
  end)

  it("says what it wants", function()
    local function wrong(conf, pattern)
      assert.error_matches(function() lf.limiter(conf) end, "^limiter: " .. pattern)
    end
    wrong({}, "option 'rate' must be a number above 0")
    wrong({ rate = 0 }, "option 'rate'")
    wrong({ rate = 1, per = -1 }, "option 'per'")
    wrong({ rate = 1, burst = 0.5 }, "option 'burst' must be a number from 1")
    wrong({ rate = 1, bursts = 2 }, "unknown option 'bursts' %(did you mean 'burst'%?%)")
    wrong(5, "wants {rate = …}, got number")
    local l = lf.limiter { rate = 1, burst = 2 }
    assert.error_matches(function() l:acquire(3) end, "more than its burst")
    assert.error_matches(function() l:acquire(0) end, "must be above 0")
  end)
end)

describe("once", function()
  it("runs once, whoever calls and when", function()
    local n = 0
    local f = lf.once(function(a)
      n = n + 1
      lf.sleep(0.002)
      return a, nil, "z"
    end)
    local tasks = {}
    for i = 1, 4 do tasks[i] = lf.spawn(f, i) end
    for i = 1, 4 do assert.same({ 1, nil, "z" }, { tasks[i]:join() }) end
    assert.same({ 1, nil, "z" }, { f "later" })
    assert.equal(1, n)
  end)

  it("shares a failure with those who waited, and does not keep it", function()
    local n, e = 0, an_error()
    local f = lf.once(function()
      n = n + 1
      lf.sleep(0)
      if n == 1 then return nil, e end
      if n == 2 then error(e) end
      return n
    end)
    local a, b = lf.spawn(f), lf.spawn(f)
    assert.equal(e, select(2, a:join()))
    assert.equal(e, select(2, b:join()))
    a, b = lf.spawn(f), lf.spawn(f)
    assert.equal(e, select(2, a:join()))
    assert.equal(e, select(2, b:join()))
    assert.equal(2, n)
    assert.equal(3, f())
    assert.equal(3, f())
  end)

  it("raises a bug where it was called, with the place, and tries again", function()
    local n = 0
    local f = lf.once(function()
      n = n + 1
      if n == 1 then error "oops" end
      return n
    end)
    assert.error_matches(f, "oops")
    assert.equal(2, f())
  end)

  it("lets the next in the line take over from a cancelled one", function()
    local n, closed = 0, 0
    local f = lf.once(function(name)
      n = n + 1
      local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
      lf.sleep(n == 1 and 100 or 0)
      return name
    end)
    local a, b, c, d = lf.spawn(f, "a"), lf.spawn(f, "b"), lf.spawn(f, "c"), lf.spawn(f, "d")
    settle()
    b:cancel()
    a:cancel "first"
    assert.equal("c", (c:join()))
    assert.equal("c", (d:join()))
    assert.equal("c", f "e")
    assert.equal(2, n)
    assert.equal(2, closed)
  end)

  it("passes on when the one that takes over is cancelled before it runs", function()
    local f = lf.once(function(name) lf.sleep(name == "a" and 100 or 0) return name end)
    local a, b, c = lf.spawn(f, "a"), lf.spawn(f, "b"), lf.spawn(f, "c")
    settle()
    lf.spawn(function() -- runs after a was unwound, before b is resumed
      b:cancel()
    end)
    a:cancel()
    assert.is_truthy((c:join()))
    assert.is_truthy((f "d"))
    assert.is_truthy(b:status())
  end)

  it("says so when the function calls itself", function()
    local f
    f = lf.once(function() return f() end)
    assert.error_matches(f, "once: the function calls itself")
  end)

  it("works inside a user coroutine, and a timeout ends it for one caller only", function()
    local f = lf.once(function() lf.sleep(3) return "made" end)
    virtually(function()
      local other = lf.spawn(coroutine.wrap(f))
      local _, err = lf.timeout(1, f)
      assert.equal("timeout", err.kind)
      assert.equal("made", (other:join()))
    end)
  end)
end)

describe("single_flight", function()
  it("shares what runs at the same time by key, and remembers nothing", function()
    local n = 0
    local f = lf.single_flight(function(key, extra)
      n = n + 1
      local name = key .. n
      lf.sleep(0.002)
      return name, extra
    end)
    local a, b, c = lf.spawn(f, "x", 1), lf.spawn(f, "x", 2), lf.spawn(f, "y", 3)
    assert.same({ "x1", 1 }, { a:join() })
    assert.same({ "x1", 1 }, { b:join() })
    assert.same({ "y2", 3 }, { c:join() })
    assert.same({ "x3", 4 }, { f("x", 4) })
  end)

  it("shares failures and bugs with those on board only", function()
    local n, e = 0, an_error()
    local f = lf.single_flight(function()
      n = n + 1
      lf.sleep(0)
      if n == 1 then return nil, e end
      return n
    end)
    local a, b = lf.spawn(f, 1), lf.spawn(f, 1)
    assert.equal(e, select(2, a:join()))
    assert.equal(e, select(2, b:join()))
    assert.equal(2, f(1))

    local bad = lf.single_flight(function() lf.sleep(0) error "oops" end)
    local seen = {}
    for i = 1, 2 do lf.spawn(function() seen[i] = select(2, pcall(bad, "k")) end) end
    settle()
    assert.matches("oops", seen[1])
    assert.equal(seen[1], seen[2])
  end)

  it("is taken over when the first one is cancelled", function()
    local n = 0
    local f = lf.single_flight(function() n = n + 1 lf.sleep(0.005) return n end)
    local a, b, c = lf.spawn(f, "k"), lf.spawn(f, "k"), lf.spawn(f, "k")
    settle()
    a:cancel()
    assert.equal(2, (b:join()))
    assert.equal(2, (c:join()))
  end)

  it("keeps no memory of keys", function()
    local f = lf.single_flight(function(key) return key end)
    for i = 1, MANY do f("key" .. i) end -- the table has its size, which depends on the collector
    collectgarbage()
    local before = collectgarbage "count"
    for i = 1, MANY do f("other" .. i) end
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 2000, collectgarbage "count" - before)
  end)

  it("wants a key", function()
    local f = lf.single_flight(print)
    assert.error_matches(function() f(nil) end, "^single_flight: the key")
    assert.error_matches(function() f(0 / 0) end, "the key must not be nil or NaN")
    assert.error_matches(function() lf.single_flight(1) end, "a function is needed")
    assert.error_matches(function() lf.once() end, "^once: a function is needed")
  end)
end)

describe("wrong use", function()
  it("is told at the script's line", function()
    local q, l = lf.queue(), lf.limiter { rate = 1 }
    for _, fn in ipairs { function() lf.semaphore(0) end, function() lf.queue(0) end, function() q:put() end,
      function() lf.limiter { rates = 1 } end, function() l:acquire(2) end, function() lf.once(1) end,
      function() lf.single_flight(print)() end } do
      local _, why = pcall(fn)
      assert.matches("sync_spec.lua:%d+: %l", why)
    end
  end)
end)

describe("waiting", function()
  it("is named when nobody can go on", function()
    local out = run [[
      local sem, q, full, e = lf.semaphore(1), lf.queue(), lf.queue(1), lf.event()
      local p = sem:acquire()
      full:put(1)
      local once, single
      once = lf.once(function() e:wait() end)
      single = lf.single_flight(function() e:wait() end)
      for _, fn in ipairs { function() sem:acquire() end, function() q:get() end, function() full:put(2) end,
        function() e:wait() end, once, once, function() single(1) end, function() single(1) end } do
        lf.spawn(fn)
      end
      lf.sleep(0)
      print(p)
    ]]
    for _, what in ipairs { "semaphore", "queue:get", "queue:put", "event", "once", "single_flight" } do
      assert.matches("waits for " .. what .. "\n", out)
    end
    assert.matches("deadlock", out)
  end)

  it("cannot be done where Lua cannot yield, and says how else", function()
    local e, sem = lf.event(), lf.semaphore(1)
    local _ <close> = sem:acquire()
    local function sort(fn) return function() table.sort({ 1, 2, 3 }, fn) end end
    assert.error_matches(sort(function() e:wait() end), "event:wait: cannot wait inside table.sort")
    assert.error_matches(sort(function() sem:acquire() end), "semaphore:acquire: cannot wait inside table.sort")
    assert.error_matches(sort(function() lf.queue():get() end), "queue:get: cannot wait")
  end)

  it("ends by lf.timeout, of which the outer one is the last word", function()
    local took = virtually(function()
      local e, start = lf.event(), lf.now()
      local _, err = lf.timeout(1, e.wait, e)
      assert.equal("timeout", err.kind)
      local _, outer = lf.timeout(2, function()
        lf.timeout(100, e.wait, e)
        error "not reached"
      end)
      assert.equal("timeout", outer.kind)
      assert.matches("2 s", outer.message)
      assert.equal(3, lf.now() - start)
    end)
    assert.equal(3, took)
  end)

  it("holds nothing when its scope is cancelled", function()
    local sem, q = lf.semaphore(1), lf.queue(1)
    local _, err = lf.scope(function(s)
      for _ = 1, 10 do
        s:spawn(function()
          local _ <close> = sem:acquire()
          q:put(1)
        end)
      end
      lf.sleep(0)
      s:cancel "shut down"
      lf.sleep(1)
    end)
    assert.matches("shut down", tostring(err))
    local p <close> = sem:try_acquire()
    assert.is_truthy(p)
    assert.equal(1, #q)
  end)

  it("loses nothing in a storm of cancelling", function()
    math.randomseed(7)
    local sem, q = lf.semaphore(3), lf.queue(4)
    local held, most, put, got = 0, 0, 0, 0
    local live = {}
    local function worker()
      while true do
        local _ <close> = sem:acquire()
        held = held + 1
        most = math.max(most, held)
        local _ <close> = setmetatable({}, { __close = function() held = held - 1 end })
        lf.sleep(0)
      end
    end
    local function producer()
      while true do
        q:put(1)
        put = put + 1
        lf.sleep(0)
      end
    end
    local function consumer()
      while q:get() do
        got = got + 1
        lf.sleep(0)
      end
    end
    local kinds = { worker, producer, consumer }
    for i = 1, 30 do live[i] = lf.spawn(kinds[i % 3 + 1]) end
    for _ = 1, MANY // 100 do
      local i = math.random(#live)
      live[i]:cancel()
      live[i] = lf.spawn(kinds[i % 3 + 1])
      lf.sleep(0)
    end
    for _, t in ipairs(live) do t:cancel() end
    for _, t in ipairs(live) do t:join() end
    assert.equal(0, held)
    assert.equal(3, most)
    for _ = 1, 3 do assert.is_truthy(sem:try_acquire()) end
    -- A producer that was cancelled right after its value went in did not count it.
    assert.is_true(got + #q >= put and got > 0, ("%d + %d, %d"):format(got, #q, put))
  end)
end)
