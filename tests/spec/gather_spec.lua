-- gather, as_completed, each, map, first over functions and tasks; requests have their
-- own spec. A URL that cannot be fetched stands for a failure.
local lf = require "luafetch"

-- A collector that never rests makes large numbers slow.
local MANY = os.getenv "LF_GCSTRESS" and 1000 or 100000

local BAD = "nope://x/"

local function an_error()
  local _, err = lf.fetch(BAD)
  return err
end

-- A function item: sleeps, then returns.
local function after(seconds, ...)
  local results = table.pack(...)
  return function()
    lf.sleep(seconds)
    return table.unpack(results, 1, results.n)
  end
end

-- An iterator 1..n that counts what was pulled.
local function counter(n)
  local c = { pulled = 0 }
  setmetatable(c, { __call = function()
    if c.pulled < n then
      c.pulled = c.pulled + 1
      return c.pulled
    end
  end })
  return c
end

describe("gather", function()
  it("keeps the order of functions, tasks and failures", function()
    local t = lf.spawn(after(0.002, "task"))
    local results, nfailed = lf.gather { after(0.004, "slow"), t, BAD, after(0, "fast") }
    assert.equal(4, results.n)
    assert.equal("slow", results[1])
    assert.equal("task", results[2])
    assert.is_false(results[3].ok)
    assert.equal("fast", results[4])
    assert.equal(1, nfailed)
  end)

  it("of nothing is nothing", function()
    local results, nfailed = lf.gather {}
    assert.equal(0, results.n)
    assert.equal(0, nfailed)
  end)

  it("puts the Error of a failed function in its place", function()
    local e = an_error()
    local results, nfailed = lf.gather { function() return nil, e end, function() error(e) end,
      function() return { ok = false } end, function() return nil, "no lf Error" end }
    assert.equal(e, results[1])
    assert.equal(e, results[2])
    assert.is_nil(results[4])
    assert.equal(4, results.n)
    assert.is_true(nfailed >= 2)
  end)

  it("takes an ended, a failed and a cancelled task", function()
    local done = lf.spawn(after(0, 1))
    done:join()
    local stopped = lf.spawn(lf.sleep, 100)
    stopped:cancel()
    local results, nfailed = lf.gather { done, stopped }
    assert.equal(1, results[1])
    assert.equal("cancelled", results[2].kind)
    assert.equal(1, nfailed)
  end)

  it("with fail_fast cancels the rest and names the index", function()
    local closed
    local r, err, index = lf.gather({ function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      lf.sleep(100)
    end, function() lf.sleep(0) return nil, an_error() end }, { fail_fast = true })
    assert.is_nil(r)
    assert.is_false(err.ok)
    assert.equal(2, index)
    assert.is_true(closed)
  end)

  it("raises a bug of one, having cancelled the others", function()
    local closed
    local ok, err = pcall(lf.gather, { function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      lf.sleep(100)
    end, function() lf.sleep(0) error "a bug" end })
    assert.is_false(ok)
    assert.matches("a bug", err)
    assert.matches("spawned at .*gather_spec.lua", err)
    assert.is_true(closed)
  end)

  it("keeps to its limit", function()
    local now, most, items = 0, 0, {}
    for i = 1, 20 do
      items[i] = function()
        now = now + 1
        most = math.max(most, now)
        lf.sleep(0.001)
        now = now - 1
      end
    end
    lf.gather(items, { limit = 4 })
    assert.equal(4, most)
  end)

  it("raises wrong use at the script's line", function()
    local function fails(pattern, ...)
      local args = table.pack(...)
      local ok, err = pcall(function() lf.gather(table.unpack(args, 1, args.n)) end)
      assert.is_false(ok)
      assert.matches("gather_spec.lua:%d+: " .. pattern, err)
    end
    fails("gather: items must be a list or an iterator, got a nil")
    fails("gather: item 2 is a boolean", { print, true })
    fails("gather: options must be a table", {}, 5)
    fails(".*'limit'", {}, { limit = 0 })
    fails(".*'limit'", {}, { limit = 1.5 })
    fails(".*'fail_fast'", {}, { fail_fast = 1 })
  end)

  it("cannot wait for its own task", function()
    local me
    me = lf.spawn(function() return pcall(lf.gather, { me }) end)
    local ok, err = me:join()
    assert.is_false(ok)
    assert.matches("cannot wait for itself", err)
  end)

  it("ends with its task", function()
    local closed
    local t = lf.spawn(function()
      lf.gather { function()
        local _ <close> = setmetatable({}, { __close = function() closed = true end })
        lf.sleep(100)
      end }
    end)
    lf.sleep(0.001)
    t:cancel()
    t:join()
    assert.is_true(closed)
  end)
end)

describe("as_completed", function()
  it("gives result, index and item in the order they end", function()
    local items = { after(0.006, "c"), after(0.001, "a"), after(0.003, "b") }
    local got = {}
    for r, i, item in lf.as_completed(items) do
      got[#got + 1] = r .. i
      assert.equal(items[i], item)
    end
    assert.same({ "a2", "b3", "c1" }, got)
  end)

  it("pulls an iterator only when a place is free, in a task that may wait", function()
    local pulled, ended = 0, 0
    local function pull()
      lf.sleep(0)
      if pulled == 10 then return nil end
      assert.is_true(pulled - ended <= 3)
      pulled = pulled + 1
      return after(0.001, pulled)
    end
    for r in lf.as_completed(pull, { limit = 3 }) do
      ended = ended + 1
      assert.is_number(r)
    end
    assert.equal(10, ended)
  end)

  it("gives false for a function without a result", function()
    local n = 0
    for r in lf.as_completed { function() end, function() return nil end } do
      assert.is_false(r)
      n = n + 1
    end
    assert.equal(2, n)
  end)

  it("left early and closed, cancels the rest", function()
    local closed = 0
    local function item()
      local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
      lf.sleep(100)
    end
    do
      local p <close> = lf.as_completed { item, after(0, 1), item }
      assert.equal(1, (p()))
    end
    lf.sleep(0)
    assert.equal(2, closed)
  end)

  it("left early ends with its task at the latest", function()
    local closed
    lf.spawn(function()
      -- luacheck: push ignore 512
      for _, i in lf.as_completed { after(0, 1), function()
        local _ <close> = setmetatable({}, { __close = function() closed = true end })
        lf.sleep(100)
      end } do
        local _ = function() return i end -- what Lua 5.4.4 miscompiles
        break
      end
      -- luacheck: pop
    end):join()
    assert.is_true(closed)
  end)

  it("raises what its iterator raises: an Error as it is, a bug with its traceback", function()
    local e = an_error()
    local n = 0
    local ok, err = pcall(function()
      for _ in lf.as_completed(function()
        n = n + 1
        if n > 2 then error(e) end
        return after(0, n)
      end) do end
    end)
    assert.is_false(ok)
    assert.equal(e, err)
    ok, err = pcall(function()
      for _ in lf.as_completed(function() error "broken iterator" end) do end
    end)
    assert.is_false(ok)
    assert.matches("broken iterator", err)
  end)

  it("with fail_fast gives the failure last", function()
    local n, last = 0, nil
    for r in lf.as_completed({ BAD, after(100, 1) }, { fail_fast = true }) do
      n, last = n + 1, r
    end
    assert.equal(1, n)
    assert.is_false(last.ok)
  end)

  it("a bug in a group nobody asks any more ends its task", function()
    local ok, err = pcall(lf.scope, function()
      -- luacheck: push ignore 512
      for _ in lf.as_completed { after(0, 1), function() lf.sleep(0.001) error "late bug" end } do
        break
      end
      -- luacheck: pop
      lf.sleep(0.005)
    end)
    assert.is_false(ok)
    assert.matches("late bug", err)
  end)

  it("can be asked by one task at a time", function()
    local p <close> = lf.as_completed { after(0.003, 1), after(0.003, 2) }
    local other = lf.spawn(function() return (p()) end)
    lf.sleep(0)
    local ok, err = pcall(p)
    assert.is_false(ok)
    assert.matches("another task", err)
    other:join()
  end)
end)

describe("each and map", function()
  it("run a function for each item, no more than limit at once", function()
    local now, most, sum = 0, 0, 0
    local nfailed = lf.each(counter(50), function(item)
      now = now + 1
      most = math.max(most, now)
      lf.sleep(0.0005)
      now = now - 1
      sum = sum + item
    end, { limit = 7 })
    assert.equal(0, nfailed)
    assert.equal(1275, sum)
    assert.equal(7, most)
  end)

  it("pull lazily", function()
    local c = counter(20)
    lf.each(c, function(item)
      assert.is_true(c.pulled <= item + 2)
      lf.sleep(0)
    end, { limit = 2 })
    assert.equal(20, c.pulled)
  end)

  it("count failures, also statuses", function()
    local e = an_error()
    assert.equal(2, (lf.each({ 1, 2, 3 }, function(i)
      if i == 1 then return nil, e end
      if i == 2 then error(e) end
    end)))
  end)

  it("map keeps first values in order", function()
    local results, nfailed = lf.map({ 3, 1, 2 }, function(ms)
      lf.sleep(ms / 1000)
      return ms * 10, "second"
    end)
    assert.same({ 30, 10, 20, n = 3 }, results)
    assert.equal(0, nfailed)
  end)

  it("have a timeout for each item", function()
    local results, nfailed = lf.map({ 0, 100 }, function(s) lf.sleep(s) return s end,
      { timeout = 0.01 })
    assert.equal(0, results[1])
    assert.equal("timeout", results[2].kind)
    assert.equal(1, nfailed)
  end)

  it("with fail_fast return nil, err, index", function()
    local e = an_error()
    local r, err, index = lf.map({ 100, 0 }, function(s)
      lf.sleep(s)
      return nil, e
    end, { fail_fast = true })
    assert.is_nil(r)
    assert.equal(e, err)
    assert.equal(2, index)
    r, err, index = lf.each({ 1 }, function() return nil, e end, { fail_fast = true })
    assert.is_nil(r)
    assert.equal(e, err)
    assert.equal(1, index)
  end)

  it("return the Error their iterator failed with", function()
    local e = an_error()
    local r, err = lf.each(function() error(e) end, print)
    assert.is_nil(r)
    assert.equal(e, err)
  end)

  it("raise a bug with its traceback", function()
    local ok, err = pcall(lf.each, { 1 }, function() error "item bug" end)
    assert.is_false(ok)
    assert.matches("item bug", err)
    assert.matches("stack traceback", err)
  end)

  it("name the option that was meant", function()
    local ok, err = pcall(function() lf.each({}, print, { limt = 2 }) end)
    assert.is_false(ok)
    assert.matches("gather_spec.lua:%d+: each: unknown option 'limt' %(did you mean 'limit'%?%)",
      err)
    assert.is_false((pcall(lf.map, {}, 1)))
  end)
end)

describe("first", function()
  it("gives the first accepted and cancels the others", function()
    local closed
    local value, i, item = lf.first { after(0.5, "slow"), after(0.001, "quick"), function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      lf.sleep(100)
    end }
    assert.equal("quick", value)
    assert.equal(2, i)
    assert.is_function(item)
    assert.is_true(closed)
  end)

  it("passes over what is not accepted", function()
    local value, i = lf.first({ after(0, 1), after(0.001, 2), after(0.002, 3) },
      function(v) lf.sleep(0) return v > 1 end)
    assert.equal(2, value)
    assert.equal(2, i)
  end)

  it("gives the last Error when all failed", function()
    local r, err = lf.first { BAD, BAD }
    assert.is_nil(r)
    assert.is_false(err.ok)
  end)

  it("gives an Error when nothing was accepted", function()
    local r, err = lf.first({ after(0, 1) }, function() return false end)
    assert.is_nil(r)
    assert.matches("none of 1 results was accepted", tostring(err))
  end)
end)

describe("many items", function()
  it("go through each without growth", function()
    local function round(n)
      lf.each(counter(n), function() end)
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    local before = round(MANY // 10)
    assert.is_true(round(MANY) < before * 1.1 + 64)
  end)
end)

describe("what can be called", function()
  it("is a function to spawn, timeout, scope, each and map: fetch itself", function()
    local test = require "luafetch.test"
    test.run({ ["http://a.test/"] = { body = "x" } }, function()
      assert.equal("x", lf.spawn(fetch, "http://a.test/"):join().body)
      assert.equal("x", lf.timeout(5, fetch, "http://a.test/").body)
      assert.equal("x", lf.map({ "http://a.test/" }, fetch)[1].body)
      assert.equal(0, lf.each({ "http://a.test/" }, fetch))
      lf.scope(function(s) assert.equal("x", s:spawn(fetch, "http://a.test/"):join().body) end)
    end)
    local ok, err = pcall(lf.spawn, {})
    assert.is_false(ok)
    assert.truthy(err:find("function expected", 1, true), err)
  end)
end)
