-- Tasks: spawn, join, cancel, scopes, timeouts, user coroutines, and what goes wrong.
local lf = require "luafetch"

-- A collector that never rests makes large numbers slow.
local MANY = os.getenv "LF_GCSTRESS" and 1000 or 100000

local PROGRAM = os.getenv "LUAFETCH" or "build/luafetch"

-- An lf Error; making one needs no network.
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

-- A value that notes when it is closed.
local function closing(list, name)
  return setmetatable({}, { __close = function() list[#list + 1] = name end })
end

local function line()
  return debug.getinfo(2, "l").currentline
end

describe("spawn and join", function()
  it("gives the results of the function", function()
    local t = lf.spawn(function(...) lf.sleep(0) return select("#", ...), ... end, 1, nil, 3)
    assert.same({ 3, 1, nil, 3 }, { t:join() })
    assert.equal("done", t:status())
  end)

  it("lets several tasks join one, before and after its end", function()
    local t = lf.spawn(function() lf.sleep(0.002) return "x" end)
    local got = {}
    local function join()
      local r = t:join()
      got[#got + 1] = r
    end
    local a, b = lf.spawn(join), lf.spawn(join)
    a:join()
    b:join()
    join()
    assert.same({ "x", "x", "x" }, got)
  end)

  it("takes an lf Error that was returned or raised as a value", function()
    local e = an_error()
    local r, err = lf.spawn(function() return nil, e end):join()
    assert.is_nil(r)
    assert.equal(e, err)
    local t = lf.spawn(function() error(e) end)
    r, err = t:join()
    assert.is_nil(r)
    assert.equal(e, err)
    assert.equal("failed", t:status())
  end)

  it("gives nil, \"text\" as it is: that is no failure", function()
    local t = lf.spawn(function() return nil, "text" end)
    assert.same({ nil, "text" }, { t:join() })
    assert.equal("done", t:status())
  end)

  it("refuses to join oneself or a parent", function()
    local me
    me = lf.spawn(function()
      local inner = lf.spawn(function() return pcall(me.join, me) end)
      local ok, why = inner:join()
      local ok2, why2 = pcall(me.join, me)
      return ok, why, ok2, why2
    end)
    local ok, why, ok2, why2 = me:join()
    assert.is_false(ok)
    assert.matches("cannot join its parent", why)
    assert.is_false(ok2)
    assert.matches("cannot join itself", why2)
  end)

  it("ends only when its children have ended", function()
    local done
    local t = lf.spawn(function()
      lf.spawn(function() lf.sleep(0.005) done = true end)
      return 1
    end)
    assert.equal(1, t:join())
    assert.is_true(done)
  end)

  it("tells its state", function()
    local t = lf.spawn(function() lf.sleep(0.002) end)
    assert.equal("ready", t:status())
    lf.sleep(0)
    assert.equal("waiting", t:status())
    assert.matches("^luafetch.task %(waiting, spawned at .*:%d+%)$", tostring(t))
    local u
    u = lf.spawn(function() return u:status() end)
    assert.equal("running", (u:join()))
  end)

  it("raises wrong use", function()
    assert.has_error(function() lf.spawn(1) end)
    assert.has_error(function() lf.spawn() end)
  end)
end)

describe("sleep and now", function()
  it("sleeps about as long as asked", function()
    local start = lf.now()
    lf.sleep(0.01)
    local took = lf.now() - start
    assert.is_true(took >= 0.0099 and took < 5)
  end)

  it("wakes in the order of the times", function()
    local got = {}
    lf.scope(function(s)
      for _, ms in ipairs { 3, 1, 2 } do
        s:spawn(function() lf.sleep(ms / 200) got[#got + 1] = ms end)
      end
    end)
    assert.same({ 1, 2, 3 }, got)
  end)

  it("lets others run at sleep(0)", function()
    local got = {}
    local t = lf.spawn(function() got[#got + 1] = "other" end)
    lf.sleep(0)
    got[#got + 1] = "me"
    t:join()
    assert.same({ "other", "me" }, got)
  end)

  it("raises for what is no time, at the script's line", function()
    for _, bad in ipairs { -1, 0 / 0, "x", {} } do
      local ok, err = pcall(function() lf.sleep(bad) end)
      assert.is_false(ok)
      assert.matches("tasks_spec.lua:%d+:", err)
    end
    assert.is_false((pcall(lf.sleep)))
    assert.is_false((pcall(lf.timeout, -1, print)))
    assert.is_false((pcall(lf.timeout, 0 / 0, print)))
  end)
end)

describe("cancel", function()
  it("ends a task that sleeps; a joiner gets the Error with the reason", function()
    local t = lf.spawn(function() lf.sleep(100) end)
    lf.sleep(0)
    t:cancel "enough"
    assert.equal("cancelled", t:status())
    local r, err = t:join()
    assert.is_nil(r)
    assert.equal("cancelled", err.kind)
    assert.matches("enough", tostring(err))
    t:cancel() -- harmless
  end)

  it("ends one that has not begun, without running it", function()
    local ran
    local t = lf.spawn(function() ran = true end)
    t:cancel()
    t:join()
    assert.is_nil(ran)
  end)

  it("cannot be swallowed by pcall", function()
    local after
    local t = lf.spawn(function()
      pcall(function() pcall(lf.sleep, 100) after = 1 end)
      after = 2
    end)
    lf.sleep(0)
    t:cancel()
    t:join()
    assert.is_nil(after)
  end)

  it("ends a joiner without touching what it joined", function()
    local t = lf.spawn(function() lf.sleep(0.005) return "mine" end)
    local j = lf.spawn(function() t:join() end)
    lf.sleep(0)
    j:cancel()
    j:join()
    assert.equal("mine", (t:join()))
  end)

  it("closes variables in order, children before parents", function()
    local got = {}
    local t = lf.spawn(function()
      local _ <close> = closing(got, "parent 1")
      local _ <close> = closing(got, "parent 2")
      lf.spawn(function()
        local _ <close> = closing(got, "child")
        lf.sleep(100)
      end)
      lf.scope(function(s)
        s:spawn(function()
          local _ <close> = closing(got, "scoped")
          lf.sleep(100)
        end)
        local _ <close> = closing(got, "body")
        lf.sleep(100)
      end)
    end)
    lf.sleep(0.001)
    t:cancel()
    t:join()
    assert.equal("parent 1", got[#got])
    assert.equal("parent 2", got[#got - 1])
    table.sort(got)
    assert.same({ "body", "child", "parent 1", "parent 2", "scoped" }, got)
  end)

  it("unwinds user coroutines, the innermost first", function()
    local got = {}
    local t = lf.spawn(function()
      local _ <close> = closing(got, "task")
      local outer = coroutine.wrap(function()
        local _ <close> = closing(got, "outer")
        local inner = coroutine.create(function()
          local _ <close> = closing(got, "inner")
          lf.sleep(100)
        end)
        coroutine.resume(inner)
      end)
      outer()
    end)
    lf.sleep(0)
    t:cancel()
    t:join()
    assert.same({ "inner", "outer", "task" }, got)
  end)

  it("says so when __close wants to wait", function()
    local why
    local t = lf.spawn(function()
      local _ <close> = setmetatable({}, { __close = function()
        local ok, err = pcall(lf.sleep, 1)
        why = not ok and err
      end })
      lf.sleep(100)
    end)
    lf.sleep(0)
    t:cancel()
    t:join()
    assert.matches("sleep: this task was cancelled, __close cannot wait", why)
  end)

  it("goes on with the others when a __close fails", function()
    local got = {}
    local t = lf.spawn(function()
      local _ <close> = closing(got, "last")
      local _ <close> = setmetatable({}, { __close = function() error "in close" end })
      lf.sleep(100)
    end)
    lf.sleep(0)
    t:cancel()
    local _, err = t:join()
    assert.equal("cancelled", err.kind)
    assert.same({ "last" }, got)
  end)

  it("lets a task that cancels itself or its parent run to its next wait", function()
    local got = {}
    local me
    me = lf.spawn(function()
      me:cancel()
      got[1] = "went on"
      assert(lf.spawn(function() got[3] = "born dead" end):status() == "cancelled")
      lf.sleep(0)
      got[2] = "no"
    end)
    me:join()
    assert.same({ "went on" }, got)
    local parent
    parent = lf.spawn(function()
      lf.spawn(function()
        parent:cancel()
        got[4] = "child went on"
        lf.sleep(0)
        got[5] = "no"
      end)
      lf.sleep(100)
    end)
    parent:join()
    assert.equal("child went on", got[4])
    assert.is_nil(got[5])
  end)

  it("ends tasks nested 100,000 deep", function()
    local depth = 0
    local function nest()
      depth = depth + 1
      if depth < MANY then lf.spawn(nest) end
      lf.sleep(100)
    end
    local top = lf.spawn(nest)
    while depth < MANY do lf.sleep(0) end
    top:cancel()
    top:join()
    assert.equal("cancelled", top:status())
  end)
end)

describe("background", function()
  it("is cancelled when its parent's function ends", function()
    local got = {}
    local b
    lf.spawn(function()
      b = lf.background(function()
        local _ <close> = closing(got, "closed")
        lf.sleep(100)
      end)
      lf.sleep(0)
    end):join()
    assert.same({ "closed" }, got)
    assert.equal("cancelled", b:status())
  end)

  it("can be joined while the parent runs", function()
    assert.equal(5, (lf.background(function() return 5 end):join()))
  end)
end)

describe("a bug", function()
  it("cancels its siblings and is raised by the scope, with traceback and places", function()
    local got, at = {}, nil
    local ok, err = pcall(lf.scope, function(s)
      s:spawn(function()
        local _ <close> = closing(got, "sibling")
        lf.sleep(100)
      end)
      at = line() + 1
      s:spawn(function()
        lf.sleep(0)
        local _ = (nil)[1]
      end)
      lf.sleep(100)
      got[#got + 1] = "no"
    end)
    assert.is_false(ok)
    assert.same({ "sibling" }, got)
    assert.matches("attempt to index a nil value", err)
    assert.matches("stack traceback:", err)
    assert.matches("spawned at .*tasks_spec.lua:" .. at, err)
  end)

  it("ends its parents, wherever they are, up to the call that owns the scope", function()
    local got = {}
    local ok, err = pcall(lf.timeout, 100, function()
      local _ <close> = closing(got, "grandparent")
      lf.spawn(function()
        local _ <close> = closing(got, "parent")
        lf.spawn(function() error "deep" end)
        pcall(lf.sleep, 100)
      end)
      pcall(lf.sleep, 100)
    end)
    assert.is_false(ok)
    assert.matches("deep", err)
    assert.same({ "parent", "grandparent" }, got)
    local _, places = err:gsub("spawned at", "")
    assert.equal(3, places)
  end)

  it("in a parent that is over, still reaches the scope", function()
    local ok, err = pcall(lf.scope, function()
      lf.spawn(function() lf.sleep(0.001) error "late" end)
    end)
    assert.is_false(ok)
    assert.matches("late", err)
  end)

  it("may be any value", function()
    local ok, err = pcall(lf.scope, function() error { 1 } end)
    assert.is_false(ok)
    assert.matches("table", err)
    ok, err = pcall(lf.scope, function() error(nil) end)
    assert.is_false(ok)
    assert.matches("nil", err)
    local t = setmetatable({}, { __tostring = function() return "special" end })
    ok, err = pcall(lf.scope, function() error(t) end)
    assert.is_false(ok)
    assert.matches("special", err)
  end)

  it("runs what is to be closed", function()
    local got = {}
    pcall(lf.scope, function()
      local _ <close> = closing(got, "closed")
      error "x"
    end)
    assert.same({ "closed" }, got)
  end)

  it("is raised to a joiner outside of the scope", function()
    local t, ok, err
    local outside = lf.spawn(function()
      lf.sleep(0.001)
      ok, err = pcall(t.join, t)
    end)
    pcall(lf.scope, function(s)
      t = s:spawn(function() lf.sleep(0.003) error "seen" end)
    end)
    outside:join()
    assert.is_false(ok)
    assert.matches("seen", err)
  end)

  it("at the top ends the run", function()
    local out = run 'lf.spawn(function() error "top bug" end) lf.sleep(100)'
    assert.matches("top bug", out)
    assert.matches("stack traceback:", out)
    assert.matches("spawned at .*:2", out)
  end)
end)

describe("scope", function()
  it("returns what its function returns, when all has ended", function()
    local n = 0
    assert.same({ 1, nil, 3 }, { lf.scope(function(s)
      for _ = 1, 3 do s:spawn(function() lf.sleep(0.001) n = n + 1 end) end
      return 1, nil, 3
    end) })
    assert.equal(3, n)
  end)

  it("keeps to its limit", function()
    local now, most = 0, 0
    lf.scope({ limit = 3 }, function(s)
      for _ = 1, 20 do
        s:spawn(function()
          now = now + 1
          most = math.max(most, now)
          lf.sleep(0.001)
          now = now - 1
        end)
      end
    end)
    assert.equal(3, most)
  end)

  it("with fail_fast ends at the first failure", function()
    local e, got = an_error(), {}
    local r, err = lf.scope({ fail_fast = true }, function(s)
      s:spawn(function()
        local _ <close> = closing(got, "other")
        lf.sleep(100)
      end)
      s:spawn(function() lf.sleep(0) return nil, e end)
      lf.sleep(100)
    end)
    assert.is_nil(r)
    assert.equal(e, err)
    assert.same({ "other" }, got)
  end)

  it("can be cancelled, also from inside", function()
    local r, err = lf.scope(function(s)
      s:spawn(function() lf.sleep(100) end)
      s:cancel "no more"
      lf.sleep(100)
    end)
    assert.is_nil(r)
    assert.equal("cancelled", err.kind)
    assert.matches("no more", err.message)
  end)

  it("has a timeout", function()
    local r, err = lf.scope({ timeout = 0.005 }, function(s)
      s:spawn(function() lf.sleep(100) end)
      return "body ended"
    end)
    assert.is_nil(r)
    assert.equal("timeout", err.kind)
  end)

  it("takes tasks until it has ended", function()
    local kept
    lf.scope(function(s) kept = s end)
    local ok, err = pcall(kept.spawn, kept, print)
    assert.is_false(ok)
    assert.matches("the scope has ended", err)
    kept:cancel() -- harmless
  end)

  it("knows its options", function()
    local ok, err = pcall(lf.scope, { limt = 3 }, print)
    assert.is_false(ok)
    assert.matches("unknown option 'limt' %(did you mean 'limit'%?%)", err)
    assert.is_false((pcall(lf.scope, { limit = 0 }, print)))
    assert.is_false((pcall(lf.scope, { fail_fast = 1 }, print)))
    assert.is_false((pcall(lf.scope, { timeout = "x" }, print)))
  end)

  it("that is waited for ends with its task", function()
    local got = {}
    local t = lf.spawn(function()
      lf.scope(function()
        local _ <close> = closing(got, "body")
        lf.sleep(100)
      end)
    end)
    lf.sleep(0.001)
    t:cancel()
    t:join()
    assert.same({ "body" }, got)
  end)
end)

describe("timeout", function()
  it("gives the results in time", function()
    assert.same({ 1, 2 }, { lf.timeout(1, function(...) return ... end, 1, 2) })
    assert.equal(3, (lf.timeout(false, function() return 3 end)))
  end)

  it("or nil and the Error", function()
    local r, err = lf.timeout(0.002, function() lf.sleep(100) end)
    assert.is_nil(r)
    assert.equal("timeout", err.kind)
    assert.equal("timeout after 0.002 s", err.message)
  end)

  it("of an outer call ends inner ones", function()
    local inner_ended
    local start = lf.now()
    local _, err = lf.timeout(0.005, function()
      lf.timeout(100, lf.sleep, 50)
      inner_ended = true
    end)
    assert.matches("0.005", err.message)
    assert.is_nil(inner_ended)
    assert.is_true(lf.now() - start < 1)
  end)

  it("of an inner call is a value to the outer one", function()
    local kind = lf.timeout(1, function()
      local _, err = lf.timeout(0.001, lf.sleep, 10)
      return err.kind
    end)
    assert.equal("timeout", kind)
  end)

  it("passes on a failure", function()
    local e = an_error()
    local _, err = lf.timeout(1, function() error(e) end)
    assert.equal(e, err)
  end)

  it("is no cancellation: the task goes on", function()
    local t = lf.spawn(function()
      lf.timeout(0.001, lf.sleep, 10)
      lf.sleep(0.001)
      return "alive"
    end)
    assert.equal("alive", (t:join()))
  end)
end)

describe("user coroutines", function()
  it("may wait", function()
    local function gen()
      return coroutine.wrap(function()
        for i = 1, 3 do
          lf.sleep(0.0005)
          coroutine.yield(i)
        end
      end)
    end
    local got = {}
    for i in gen() do got[#got + 1] = i end
    assert.same({ 1, 2, 3 }, got)
  end)

  it("may wait inside one another", function()
    local function level(n)
      local co = coroutine.create(function(a)
        lf.sleep(0)
        local b = coroutine.yield(n > 0 and level(n - 1) or a)
        lf.sleep(0)
        return b
      end)
      local _, first = coroutine.resume(co, n)
      local _, second = coroutine.resume(co, n * 10)
      return first + second
    end
    assert.equal(150, level(5))
  end)

  it("cannot be resumed or closed while they wait", function()
    local co = coroutine.create(function() lf.sleep(0.005) return "end" end)
    local wrapped = coroutine.wrap(function() lf.sleep(0.005) end)
    local t = lf.spawn(function() return coroutine.resume(co) end)
    local u = lf.spawn(function() wrapped() end)
    lf.sleep(0)
    local ok, err = coroutine.resume(co)
    assert.is_false(ok)
    assert.equal("cannot resume a coroutine that is waiting", err)
    assert.equal("normal", coroutine.status(co))
    ok, err = pcall(coroutine.close, co)
    assert.is_false(ok)
    assert.matches("waiting", err)
    ok, err = pcall(wrapped)
    assert.is_false(ok)
    assert.matches("cannot resume a coroutine that is waiting", err)
    assert.same({ true, "end" }, { t:join() })
    u:join()
    assert.equal("dead", coroutine.status(co))
  end)

  it("behave as Lua's own otherwise", function()
    local co = coroutine.create(function(...) error { ... } end)
    local ok, err = coroutine.resume(co, 1)
    assert.is_false(ok)
    assert.same({ 1 }, err)
    assert.equal("dead", coroutine.status(co))
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
    local wrap = coroutine.wrap(function() error "text" end)
    ok, err = pcall(wrap)
    assert.is_false(ok)
    assert.matches("tasks_spec.lua:%d+: text", err)
    local got = {}
    co = coroutine.create(function()
      local _ <close> = closing(got, "closed")
      coroutine.yield()
    end)
    coroutine.resume(co)
    assert.is_true(coroutine.close(co))
    assert.same({ "closed" }, got)
    assert.is_true(select(2, coroutine.running()))
    assert.is_false(coroutine.isyieldable())
    coroutine.wrap(function()
      assert.is_false(select(2, coroutine.running()))
      assert.is_true(coroutine.isyieldable())
    end)()
    assert.has_error(function() coroutine.resume(1) end)
    assert.has_error(function() coroutine.wrap(1) end)
  end)

  it("let an error through after a wait", function()
    local wrap = coroutine.wrap(function() lf.sleep(0) error "after" end)
    local ok, err = pcall(wrap)
    assert.is_false(ok)
    assert.matches("after", err)
  end)

  it("yield outside of one is an error", function()
    local ok, err = pcall(coroutine.yield, 1)
    assert.is_false(ok)
    assert.matches("coroutine.yield outside a coroutine", err)
  end)
end)

describe("where Lua cannot yield", function()
  local function fails(pattern, f, ...)
    local ok, err = pcall(f, ...)
    assert.is_false(ok)
    assert.matches(pattern, err)
  end
  local function wait() lf.sleep(0) end

  it("table.sort", function()
    fails("sleep: cannot wait inside table.sort .*fetch first", table.sort, { 2, 1 }, wait)
  end)

  it("string.gsub", function()
    fails("cannot wait inside a string.gsub", string.gsub, "a", "a", wait)
  end)

  it("require", function()
    package.preload["lf.test.waits"] = wait
    fails("while a module is loaded by require", require, "lf.test.waits")
    package.preload["lf.test.waits"] = nil
  end)

  it("__tostring", function()
    fails("__tostring", tostring, setmetatable({}, { __tostring = wait }))
    fails("__tostring", string.format, "%s", setmetatable({}, { __tostring = wait }))
  end)

  it("the reader of load", function()
    fails("load", function() return assert(load(wait)) end)
  end)

  it("__gc", function()
    local why
    setmetatable({}, { __gc = function() why = select(2, pcall(lf.sleep, 0)) end })
    collectgarbage()
    collectgarbage()
    assert.matches("cannot wait inside __gc", why)
  end)

  it("under a coroutine that is itself allowed to", function()
    fails("cannot wait inside table.sort", table.sort, { 2, 1 }, coroutine.wrap(wait))
  end)

  it("but pcall, metamethods and iterators are no obstacle", function()
    local t = setmetatable({}, { __index = function(_, k) wait() return k end })
    assert.equal("x", t.x)
    assert.is_true((pcall(wait)))
    assert.is_true((xpcall(wait, print)))
    for _ in function(_, c) wait() if not c then return 1 end end do wait() end
  end)
end)

describe("a run", function()
  it("in which all wait ends with a report of who waits for what", function()
    local out = run [[
      local a, b
      lf.scope(function(s)
        a = s:spawn(function() lf.sleep(0) b:join() end)
        b = s:spawn(function() a:join() end)
      end)]]
    assert.matches("deadlock", out)
    assert.matches("the main task waits for scope", out)
    assert.matches("spawned at .*:4 waits for join", out)
    assert.matches("spawned at .*:5 waits for join", out)
  end)

  it("warns once of a failure that nobody joined", function()
    local out = run [[
      lf.spawn(function()
        local t = lf.spawn(function() return lf.fetch "nope://x/" end)
        lf.sleep(0.001)
        _G.keep = t
      end):join() ]]
    local _, n = out:gsub("failed and nobody joined it: [^\n]*nope://x/", "")
    assert.equal(1, n)
    assert.matches("task spawned at .*:3 failed", out)
  end)

  it("does not warn of one that was joined", function()
    local out = run 'lf.spawn(function() return lf.fetch "nope://x/" end):join()'
    assert.equal("", out)
  end)

  it("ends when the top level and all tasks have", function()
    assert.equal("a\nb\n", run [[
      lf.spawn(function() lf.sleep(0.002) print "b" end)
      print "a" ]])
  end)
end)

describe("many tasks", function()
  it("leave no memory behind", function()
    local function round(n)
      for _ = 1, n do lf.spawn(function() end) end
      lf.sleep(0)
      while lf.spawn(function() return true end):join() ~= true do end
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    local n = MANY // 10
    round(n)
    local before = round(n)
    for _ = 1, 5 do round(n) end
    assert.is_true(round(n) < before * 1.1 + 64)
  end)
end)
