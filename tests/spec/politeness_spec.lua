-- Rates, limits by pattern of hosts, hosts that ask to be left alone, and a rate that is
-- found out.
local lf = require "luafetch"
local command = require "tests.support.command"
local report = require "luafetch.report"
local servers = require "tests.support.servers"
local test = require "luafetch.test"

local page = { body = "x" }

-- The times of the requests to each host, and the log.
local function play(pages, fn)
  local log = test.run(pages, fn)
  local times = {}
  for _, sent in ipairs(log.requests) do
    local host = sent.url:match "//([^/]*)"
    times[host] = times[host] or {}
    table.insert(times[host], sent.at)
  end
  assert.equal(0, log.leftovers)
  return times, log
end

local function near(want, got)
  assert.equal(#want, #got)
  for i, value in ipairs(want) do assert.near(value, got[i], 0.01) end
end

-- n URLs of each host.
local function urls_of(n, ...)
  local list = {}
  for i = 1, n do
    for _, host in ipairs { ... } do list[#list + 1] = ("http://%s/?%d"):format(host, i) end
  end
  return list
end

local function pages_of(urls, reply)
  local pages = {}
  for _, url in ipairs(urls) do pages[url] = reply or page end
  return pages
end

describe("a rate", function()
  local urls = urls_of(4, "a.test", "b.test")

  it("holds for each host by itself", function()
    local times, log = play(pages_of(urls), function()
      local s <close> = lf.session { rate = 2 }
      s:gather(urls)
      assert.equal(2, s:stats().rates["a.test"])
    end)
    near({ 0, 0.5, 1, 1.5 }, times["a.test"])
    near({ 0, 0.5, 1, 1.5 }, times["b.test"])
    assert.near(1.5, log.elapsed, 0.01)
  end)

  it("may be so many in so many seconds, and some at once", function()
    local times = play(pages_of(urls), function()
      local s <close> = lf.session { rate = { rate = 6, per = 60, burst = 2 } }
      s:gather(urls)
    end)
    near({ 0, 0, 10, 20 }, times["a.test"])
  end)

  it("may be any number above 0", function()
    for _, rate in ipairs { 5e-324, 1e-300, { rate = 1, per = 1e300 }, { rate = 1e-300, per = 1e300, burst = 1 } } do
      local times = play(pages_of(urls), function()
        local s <close> = lf.session { rate = rate }
        s:get(urls[1])
        assert.is_nil((s:get(urls[1], { deadline = 1e6 })))
      end)
      near({ 0 }, times["a.test"])
    end
    for _, rate in ipairs { 1e308, math.maxinteger, { rate = 1e300, per = 1e-300 } } do
      local times = play(pages_of(urls), function()
        local s <close> = lf.session { rate = rate }
        s:gather(urls)
      end)
      near({ 0, 0, 0, 0 }, times["a.test"])
    end
  end)

  it("is the session's: another one has its own, and a request has none", function()
    local times = play(pages_of(urls), function()
      local s <close> = lf.session { rate = 1 }
      local t <close> = lf.session { rate = 1 }
      for _ = 1, 2 do
        lf.spawn(t.get, t, urls[1])
        lf.spawn(lf.fetch, urls[1])
      end
      s:gather { urls[1], urls[1] }
      lf.sleep(2)
    end)
    near({ 0, 0, 0, 0, 1, 1 }, times["a.test"])
  end)

  it("counts redirects and further attempts", function()
    local moved = { status = 302, headers = { Location = "http://a.test/2" } }
    local times = play({ ["http://a.test/1"] = moved, ["http://a.test/2"] = { { status = 503 }, page } }, function()
      local s <close> = lf.session { rate = 0.1, retry = { times = 1, backoff = 0 } }
      assert.equal("x", s:get("http://a.test/1").body)
    end)
    near({ 0, 10, 20 }, times["a.test"])
  end)

  it("does not forget a host that nobody uses meanwhile", function()
    local times = play(pages_of(urls), function()
      local s <close> = lf.session { rate = 0.1 }
      s:get(urls[1])
      lf.sleep(4)
      s:get(urls[1])
    end)
    near({ 0, 10 }, times["a.test"])
  end)

  it("can be waited for in vain: what is cancelled takes no turn", function()
    local times = play(pages_of(urls), function()
      local s <close> = lf.session { rate = 0.1 }
      s:get(urls[1])
      local _, err = lf.timeout(3, s.get, s, urls[1])
      assert.equal("timeout", err.kind)
      s:get(urls[1])
    end)
    near({ 0, 10 }, times["a.test"])
  end)

  it("counts for the deadline, and not for the time-out", function()
    play(pages_of(urls), function()
      local s <close> = lf.session { rate = 0.1, timeout = 5 }
      s:get(urls[1])
      assert.equal(200, s:get(urls[1]).status)
      local _, err = s:get(urls[1], { deadline = 3 })
      assert.equal("timeout", err.kind)
      assert.matches("^deadline of 3 s", tostring(err))
    end)
  end)

  it("is no part of a redirect's time-out either", function()
    local moved = { status = 302, headers = { Location = "http://a.test/2" } }
    local times = play({ ["http://a.test/1"] = moved, ["http://a.test/2"] = page }, function()
      local s <close> = lf.session { rate = 0.01, timeout = 5 }
      local res = assert(s:get "http://a.test/1")
      assert.near(100, res.timings.queue, 0.01)
      assert.near(0, res.timings.total, 0.01)
    end)
    near({ 0, 100 }, times["a.test"])
  end)

  it("of the run is --rate", function()
    local fault = servers.fault()
    local code = ("for i = 1, 4 do print(fetch(%q).status) end"):format(fault.url .. "/ok")
    local r = command { "--stats", "--rate", "5/s", "-e", code }
    fault:stop()
    assert.equal("200\n200\n200\n200\n", r.out)
    assert.matches("limited by the rate", r.err)
    for _, value in ipairs { "0", "-1", "5/d", "fast" } do
      r = command { "--rate", value, "-e", "" }
      assert.equal(2, r.code)
      assert.matches(("--rate wants N, N/s, N/m, N/h or auto, not '%s'"):format(value), r.err, 1, true)
    end
  end)

  it("raises at wrong use", function()
    local function wrong(opts, message)
      local ok, err = pcall(lf.session, opts)
      assert.is_false(ok)
      assert.matches(message, err, 1, true)
    end
    wrong({ rate = 0 }, "option 'rate' must be a number above 0")
    wrong({ rate = "fast" }, "option 'rate' must be a number a second, \"auto\", false or a table")
    wrong({ rate = { per = 60 } }, "option 'rate' wants a 'rate' in its table")
    wrong({ rate = { rate = 1, burst = 0 } }, "option 'rate.burst' must be a whole number from 1")
    wrong({ rate = { rate = 1, brst = 60 } }, "unknown option 'brst' (did you mean 'burst'?)")
    wrong({ hosts = { "a" } }, "is no pattern of hosts")
    wrong({ hosts = { ["http://a.test/"] = {} } }, "'http://a.test/' is no pattern of hosts")
    wrong({ hosts = { ["a.test"] = 5 } }, "option 'hosts.a.test' must be a table")
    wrong({ hosts = { ["a.test"] = { rte = 5 } } }, "unknown option 'rte' (did you mean 'rate'?)")
    assert.is_false((pcall(lf.fetch, "http://a.test/", { rate = 1 })))
  end)
end)

describe("limits by pattern of hosts", function()
  -- How long 6 requests of 1 s to that host take.
  local function took(host, hosts)
    local urls = urls_of(6, host)
    local _, log = play(pages_of(urls, { delay = 1 }), function()
      local s <close> = lf.session { per_host = 6, hosts = hosts }
      s:gather(urls)
    end)
    return log.elapsed
  end

  it("hold for what they match", function()
    local one = { per_host = 1 }
    assert.equal(6, took("a.test", { ["a.test"] = one }))
    assert.equal(1, took("b.a.test", { ["a.test"] = one }))
    assert.equal(6, took("b.a.test", { ["*.a.test"] = one }))
    assert.equal(1, took("a.test", { ["*.a.test"] = one }))
    assert.equal(6, took("a.test", { ["*"] = one }))
    assert.equal(6, took("a.test", { ["a.TEST"] = one }))
    assert.equal(6, took("a.test:8080", { ["a.test"] = one }))
    assert.equal(6, took("a.test:8080", { ["a.test:8080"] = one }))
    assert.equal(1, took("a.test", { ["a.test:8080"] = one }))
    assert.equal(6, took("[::1]:8080", { ["[::1]"] = one }))
    assert.equal(6, took("x1y2z.test", { ["x*y*.test"] = one }))
  end)

  it("the most special one holds", function()
    local hosts = { ["*"] = { per_host = 1 }, ["*.a.test"] = { per_host = 2 }, ["b.a.test"] = { per_host = 3 } }
    assert.equal(6, took("c.test", hosts))
    assert.equal(3, took("c.a.test", hosts))
    assert.equal(2, took("b.a.test", hosts))
  end)

  it("say only what they say: the rest is the session's", function()
    local urls = urls_of(3, "a.test", "b.test")
    local times = play(pages_of(urls), function()
      local hosts = { ["a.test"] = { per_host = 1 }, ["b.test"] = { rate = false } }
      local s <close> = lf.session { rate = 1, hosts = hosts }
      s:gather(urls)
    end)
    near({ 0, 1, 2 }, times["a.test"])
    near({ 0, 0, 0 }, times["b.test"])
  end)
end)

describe("a host that asks to be left alone", function()
  local function asks(headers, status) return { { status = status or 429, headers = headers }, page } end

  it("is parked, and others go on", function()
    local urls = urls_of(3, "a.test", "b.test")
    local pages = pages_of(urls)
    pages[urls[1]] = asks { ["Retry-After"] = "30" }
    local times = play(pages, function()
      local s <close> = lf.session { per_host = 1, retry = 2 }
      local results, failed = s:gather(urls)
      assert.equal(0, failed)
      assert.equal(2, results[1].attempts)
    end)
    near({ 0, 30, 30, 30 }, times["a.test"])
    near({ 0, 0, 0 }, times["b.test"])
  end)

  it("holds up nobody in a group either, which has fewer places than there are requests for it", function()
    local urls = urls_of(10, "a.test")
    local pages = pages_of(urls)
    pages[urls[1]] = asks { ["Retry-After"] = "60" }
    for _, url in ipairs(urls_of(20, "b.test")) do
      urls[#urls + 1] = url
      pages[url] = page
    end
    local times = play(pages, function()
      local s <close> = lf.session { per_host = 1, retry = 2 }
      for res in s:as_completed(urls, { limit = 4 }) do assert.is_true(res.ok) end
    end)
    assert.is_true(times["b.test"][20] < 1)
    assert.near(60, times["a.test"][2], 0.01)
  end)

  it("is seen in the session's stats and in the log", function()
    play({ ["http://a.test/"] = asks { ["Retry-After"] = "30" } }, function()
      local s <close> = lf.session { retry = 1 }
      local task = lf.spawn(s.get, s, "http://a.test/")
      lf.sleep(10)
      assert.near(20, s:stats().parked["a.test"], 0.01)
      assert(task:join())
      assert.same({}, s:stats().parked)
    end)
    local script <close> = command.file([[
      local test = require "luafetch.test"
      test.run({ ["http://a.test/"] = { { status = 429, headers = { ["Retry-After"] = "30" } }, {} } }, function()
        fetch("http://a.test/", { retry = 1 })
      end)
    ]], ".lua")
    local r = command { "--verbose", script.name }
    assert.matches("a.test is left alone for 30 s (429, Retry-After)", r.err, 1, true)
    assert.equal("", command({ script.name }).err)
  end)

  it("is seen in the progress line", function()
    local fault = servers.fault()
    local code = ("fetch(%q, { retry = 1 })"):format(fault.url .. "/fail/1?key=parked&status=429&after=1")
    local r = command { "--progress", "-e", code }
    fault:stop()
    assert.matches(", 1 host parked", r.err, 1, true)
  end)

  it("is heeded where there is a rate, too, and the script gets the answer", function()
    local times = play({ ["http://a.test/"] = asks { ["Retry-After"] = "30" } }, function()
      local s <close> = lf.session { rate = 100 }
      assert.equal(429, s:get("http://a.test/").status)
      assert.equal(200, s:get("http://a.test/").status)
    end)
    near({ 0, 30 }, times["a.test"])
  end)

  it("is not heeded where neither is on", function()
    local times = play({ ["http://a.test/"] = asks { ["Retry-After"] = "30" } }, function()
      assert.equal(429, lf.fetch("http://a.test/").status)
      assert.equal(200, lf.fetch("http://a.test/").status)
    end)
    near({ 0, 0 }, times["a.test"])
  end)

  it("may say so by its rate limit", function()
    local soon = tostring(os.time() + 45)
    for _, headers in ipairs {
      { ["RateLimit-Remaining"] = "0", ["RateLimit-Reset"] = "45" },
      { ["RateLimit"] = '"default";r=0;t=45' },
      { ["X-RateLimit-Remaining"] = "0", ["X-RateLimit-Reset"] = "45" },
      { ["X-RateLimit-Remaining"] = "0", ["X-RateLimit-Reset"] = soon },
    } do
      local times = play({ ["http://a.test/"] = asks(headers, 200) }, function()
        local s <close> = lf.session { retry = 1 }
        s:get "http://a.test/"
        s:get "http://a.test/"
      end)
      assert.near(44, times["a.test"][2], 2)
    end
    local headers = { ["RateLimit-Remaining"] = "7", ["RateLimit-Reset"] = "45" }
    local times = play({ ["http://a.test/"] = asks(headers, 200) }, function()
      local s <close> = lf.session { retry = 1 }
      s:get "http://a.test/"
      s:get "http://a.test/"
    end)
    near({ 0, 0 }, times["a.test"])
  end)

  it("may say so with a redirect", function()
    local moved = { status = 302, headers = { Location = "/2", RateLimit = '"default";r=0;t=45' } }
    local times = play({ ["http://a.test/1"] = moved, ["http://a.test/2"] = page }, function()
      local s <close> = lf.session { retry = 1 }
      assert.equal(200, s:get("http://a.test/1").status)
    end)
    near({ 0, 45 }, times["a.test"])
  end)

  it("does not keep a run from ending", function()
    local _, log = play({ ["http://a.test/"] = { status = 429, headers = { ["Retry-After"] = "100" } } }, function()
      local s <close> = lf.session { rate = 100 }
      s:get "http://a.test/"
    end)
    assert.equal(0, log.elapsed)
  end)
end)

describe("rate = \"auto\"", function()
  -- Asks for `seconds`; served and refused by the ten seconds.
  local function served(quota, seconds, reply, opts)
    local tens = {}
    local answer = { body = "x", delay = 0.02, quota = quota }
    for name, value in pairs(reply or {}) do answer[name] = value end
    play({ ["http://a.test/"] = answer }, function()
      local s <close> = lf.session(opts or { rate = "auto" })
      local start = lf.now()
      local function next_url()
        if lf.now() - start < seconds then return "http://a.test/" end
      end
      for res in s:as_completed(next_url) do
        local ten = (lf.now() - start) // 10 + 1
        tens[ten] = tens[ten] or { well = 0, refused = 0 }
        local how = res.status == 200 and "well" or "refused"
        tens[ten][how] = tens[ten][how] + 1
      end
    end)
    return tens
  end

  local function level(ten, quota)
    local all = ten.well + ten.refused
    assert.is_true(ten.well >= 0.9 * 10 * quota, ("%g served of %g"):format(ten.well, 10 * quota))
    assert.is_true(ten.refused < 0.02 * all, ("%g of %g refused"):format(ten.refused, all))
  end

  it("finds out what a host bears, after ten seconds", function()
    for _, quota in ipairs { 10, 50, 200 } do
      local tens = served(quota, 60)
      local sum = { well = 0, refused = 0 }
      for i = 2, 6 do
        sum.well = sum.well + tens[i].well / 5
        sum.refused = sum.refused + tens[i].refused / 5
      end
      level(sum, quota)
    end
  end)

  it("finds the new level within ten seconds when it halves or doubles", function()
    local tens = served({ { 0, 50 }, { 30, 25 }, { 60, 100 }, { 90, 50 } }, 120)
    level(tens[3], 50)
    level(tens[5], 25)
    level(tens[8], 100)
    level(tens[11], 50)
  end)

  it("takes no more than what is asked for", function()
    local times = play({ ["http://a.test/"] = { body = "x" } }, function()
      local s <close> = lf.session { rate = "auto" }
      for _ = 1, 20 do
        s:get "http://a.test/"
        lf.sleep(1)
      end
      assert.is_true(s:stats().rates["a.test"] <= 4.01)
    end)
    assert.equal(20, #times["a.test"])
  end)

  it("does so on the wire", function()
    local fault = servers.fault()
    local url = fault.url .. "/quota/50"
    local s <close> = lf.session { rate = "auto" }
    local start, well, refused = lf.now(), 0, 0
    local function next_url()
      if lf.now() - start < 14 then return url end
    end
    for res in s:as_completed(next_url) do
      if lf.now() - start > 6 then
        if res.status == 200 then well = well + 1 else refused = refused + 1 end
      end
    end
    fault:stop()
    assert.is_true(well >= 0.9 * 8 * 50, well .. " served")
    assert.is_true(refused < 0.02 * (well + refused), refused .. " refused")
  end)
end)

describe("what limited the run", function()
  local urls = urls_of(20, "a.test")
  local slow = pages_of(urls, { delay = 1 })

  local function limited_by(pages, fn)
    local _, log = play(pages, fn)
    return (report.limited_by(log.stats))
  end

  it("is named: the limit per host", function()
    assert.equal("limited_host", limited_by(slow, function() lf.gather(urls, { per_host = 2 }) end))
    assert.equal("limited_host", limited_by(slow, function()
      local s <close> = lf.session { per_host = 2 }
      s:gather(urls)
    end))
  end)

  it("the limit of all", function()
    assert.equal("limited_total", limited_by(slow, function() lf.gather(urls, { limit = 2 }) end))
  end)

  it("the rate", function()
    assert.equal("limited_rate", limited_by(pages_of(urls), function()
      local s <close> = lf.session { rate = 1 }
      s:gather(urls)
    end))
  end)

  it("hosts that were parked", function()
    assert.equal("limited_parked", limited_by({
      ["http://a.test/"] = { { status = 429, headers = { ["Retry-After"] = "100" } }, page },
    }, function() lf.fetch("http://a.test/", { retry = 1 }) end))
  end)

  it("failures that were waited after", function()
    assert.equal("backoff", limited_by({ ["http://a.test/"] = { { status = 503 }, { status = 503 }, page } }, function()
      lf.fetch("http://a.test/", { retry = { times = 2, backoff = 10, max = 30 } })
    end))
  end)

  it("the network", function()
    assert.equal("network", limited_by(slow, function() lf.gather({ urls[1], urls[2] }) end))
  end)

  it("Lua", function()
    local r = command { "--stats", "-e", [[
      local start = os.clock()
      while os.clock() - start < 0.3 do end
      fetch "http://127.0.0.1:1/"
    ]] }
    assert.equal(0, r.code)
    local stats = r.err:match "limited by Lua" or r.err
    assert.equal("limited by Lua", stats)
  end)
end)
