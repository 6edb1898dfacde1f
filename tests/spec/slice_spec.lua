-- Long slices of Lua: data keeps flowing beside them, nobody is timed out for them, and they are told of.
local lf = require "luafetch"
local core = require "luafetch.core"
local servers = require "tests.support.servers"

local PROGRAM = os.getenv "LUAFETCH" or "build/luafetch"

-- Lua that does not wait.
local function spin(seconds)
  local clock, stop = lf.now, lf.now() + seconds
  while clock() < stop do end
end

-- The same until `done()`, for so many seconds at most.
local function spin_until(done, seconds)
  local stop = lf.now() + seconds
  while not done() and lf.now() < stop do spin(0.05) end
end

-- What a program of its own prints, errors and exit code included.
local function run(code)
  local name = os.tmpname()
  local f <close> = assert(io.open(name, "w"))
  f:write('local lf = require "luafetch"\n', code)
  f:close()
  local p <close> = assert(io.popen(table.concat({ PROGRAM, name, "2>&1; echo exit $?" }, " ")))
  local out = p:read "a"
  os.remove(name)
  return (out:gsub("[^%s]*" .. name:match "[^/]*$", "x.lua"))
end

local function requests_done()
  return core.stats().requests
end

-- Starts n downloads in a task; gives the task and a table of how they ended.
local function download(urls, opts)
  local ended = {}
  local t = lf.spawn(function()
    local s <close> = lf.session { limit = #urls, per_host = #urls }
    for r in s:as_completed(urls, opts) do ended[#ended + 1] = r end
  end)
  lf.sleep(0.05)
  return t, ended
end

local function check_all(n, ended)
  assert.equal(n, #ended)
  for _, r in ipairs(ended) do assert.is_nil(r.error and tostring(r.error)) end
end

describe("a long slice", function()
  local web

  setup(function() web = servers.fault() end)
  teardown(function() web:stop() end)

  local function urls(n, path)
    local list = {}
    for i = 1, n do list[i] = web.url .. path .. i end
    return list
  end

  it("lets 50 downloads go on and finish, and no other Lua run", function()
    local t, ended = download(urls(50, "/drip?n=10&ms=200&i="), { timeout = 2.7 })
    local before = requests_done()
    spin(3) -- longer than their timeout
    assert.equal(50, requests_done() - before)
    assert.equal(0, #ended)
    t:join()
    check_all(50, ended)
  end)

  it("lets large bodies flow beyond what sockets hold", function()
    local before = requests_done()
    local t, ended = download(urls(10, "/bytes/20000000?i="), {})
    local function all() return requests_done() - before == 10 end
    spin_until(all, 10)
    assert.is_true(all())
    t:join()
    check_all(10, ended)
  end)

  -- How many turns another task gets while `each` calls its argument again and again.
  local function turns_beside(each)
    local turns = 0
    local other = lf.spawn(function()
      while true do
        turns = turns + 1
        lf.sleep(0)
      end
    end)
    each(function() spin(0.004) end)
    other:cancel()
    other:join()
    return turns
  end

  it("ends where a stream is read that never dries up", function()
    for _, way in ipairs { "chunks", "lines", "read" } do
      local r <close> = assert(lf.fetch(web.url .. "/bytes/20000000", { stream = true }))
      local turns = turns_beside(function(work)
        local next_piece = way == "read" and function() return r:read() end or r[way](r)
        for _ = 1, 150 do
          next_piece()
          work()
        end
      end)
      assert.is_true(turns >= 8, way .. ": " .. turns)
    end
  end)

  it("inside user coroutines, and in the callback of a C function", function()
    local t, ended = download(urls(10, "/drip?n=5&ms=20&i="), { timeout = 0.5 })
    coroutine.wrap(function()
      coroutine.wrap(function() table.sort({ 1, 2 }, function(a, b) spin(0.8) return a < b end) end)()
    end)()
    t:join()
    check_all(10, ended)
  end)

  it("times nobody out whose answer was there in time", function()
    local fetched = lf.spawn(function() return lf.timeout(0.5, lf.fetch.get, web.url .. "/delay/100") end)
    local gathered = lf.spawn(function()
      return lf.timeout(0.5, function()
        return lf.map({ 100, 150, 200 }, function(ms) return (lf.fetch(web.url .. "/delay/" .. ms)) end)
      end)
    end)
    local hanging = lf.spawn(function() return lf.timeout(0.5, lf.fetch.get, web.url .. "/hang") end)
    lf.sleep(0.05)
    spin(1)
    assert.is_true((fetched:join()).ok)
    local results, nfailed = gathered:join()
    assert.is_truthy(results, tostring(nfailed))
    assert.equal(3, results.n)
    assert.equal(0, nfailed)
    assert.equal("timeout", select(2, hanging:join()).kind)
  end)

  it("in C counts against nobody either", function()
    local t, ended = download(urls(50, "/delay/100?i="), { timeout = 0.5 })
    os.execute "sleep 1"
    t:join()
    check_all(50, ended)
  end)

  it("lets a hook of the script's own alone", function()
    local n = 0
    local t = lf.spawn(function()
      debug.sethook(function() n = n + 1 end, "", 100000)
      spin(0.2)
      local hook, _, count = debug.gethook()
      debug.sethook()
      return hook ~= nil and count
    end)
    assert.equal(100000, (t:join()))
    assert.is_true(n > 0)
    assert.is_nil((debug.gethook()))
  end)

  it("leaves no hook behind", function()
    spin(0.1)
    assert.is_nil((debug.gethook()))
  end)
end)

describe("a slice over 100 ms", function()
  it("is told of once for each place, with how long it took", function()
    local out = run [[
      local function spin(s) local stop = lf.now() + s while lf.now() < stop do end end
      lf.background(lf.sleep, 100)
      for _ = 1, 3 do
        spin(0.3) lf.sleep(0)
      end
      local stop = lf.now() + 0.2 while lf.now() < stop do end
    ]]
    local n = 0
    for took, line in out:gmatch "a slice of (%d.%d) s without waiting at x.lua:(%d+); other tasks stood still" do
      n = n + 1
      assert.is_true(tonumber(took) >= (n == 1 and 0.3 or 0.2) and tonumber(took) < 2, took)
      assert.equal(n == 1 and "2" or "7", line)
    end
    assert.equal(2, n, out)
  end)

  it("that is spent in a C function is told of at the line that called it", function()
    local out = run [[
      lf.background(lf.sleep, 100)
      lf.sleep(0)
      os.execute "sleep 0.3"
      lf.sleep(0)
    ]]
    assert.matches("a slice of 0.3 s without waiting at x.lua:[45]", out)
  end)

  it("is nobody's business when nobody waits", function()
    assert.equal("exit 0\n", run "local stop = lf.now() + 0.3 while lf.now() < stop do end")
  end)

  it("does not keep a signal from ending a script that spins", function()
    local out = run [[
      lf.background(lf.sleep, 100)
      local p = assert(io.open "/proc/self/stat"):read "n"
      os.execute("(sleep 0.2; kill -INT " .. p .. ") &")
      while true do end
    ]]
    assert.matches("exit 130", out)
  end)
end)
