-- What users of other libraries complain of, one test each, named by the issue that would
-- not have been written. What does not exist here yet is not tested here.
local lf = require "luafetch"
local test = require "luafetch.test"
local servers = require "tests.support.servers"

local function list(n, of)
  local t = {}
  for i = 1, n do t[i] = of(i) end
  return t
end

-- Runs fn over scripted pages: what it returns, and the log.
local function play(pages, fn)
  local results
  local log = test.run(pages, function() results = table.pack(fn()) end)
  return log, table.unpack(results, 1, results.n)
end

-- Lua's own assert, which raises what it is given; Busted's wraps it.
local raise = load "return assert(...)"

local web

setup(function() web = servers.fault() end)
teardown(function() web:stop() end)

describe("Tarantool http.client", function()
  it("tarantool#5916: a failure says what it was, and is no status", function()
    play({ ["http://a.test/"] = { error = "connect" }, ["http://b.test/"] = { delay = false },
      ["http://c.test/"] = { status = 408 } }, function()
      local res, err = lf.fetch "http://a.test/"
      assert.is_nil(res)
      assert.equal("connect", err.kind)
      assert.is_nil(err.status)
      res, err = lf.fetch("http://b.test/", { timeout = 1 })
      assert.is_nil(res)
      assert.equal("timeout", err.kind)
      assert.is_true(err.retryable)
      res = lf.fetch "http://c.test/"
      assert.equal(408, res.status)
      assert.equal("http", res.error.kind)
    end)
  end)

  it("tarantool#3681: the reason is a sentence with the phase and the URL", function()
    local _, err = lf.fetch(web.url .. "/hang", { timeout = 0.05 })
    assert.equal("headers", err.phase)
    assert.equal(("timeout after 0.05 s waiting for headers: %s/hang"):format(web.url), tostring(err))
  end)

  it("src/httpc.c: a cancelled request is no timeout", function()
    local t = lf.spawn(lf.fetch.get, web.url .. "/hang")
    lf.sleep(0.01)
    t:cancel "enough"
    local _, err = t:join()
    assert.equal("cancelled", err.kind)
    assert.matches("enough", err.message)
  end)

  it("tarantool#3945: connections are kept without being asked for", function()
    for _ = 1, 5 do assert(lf.fetch(web.url .. "/ok?reuse")) end
    local before = require("luafetch.core").stats()
    for _ = 1, 5 do assert(lf.fetch(web.url .. "/ok?reuse")) end
    local after = require("luafetch.core").stats()
    assert.equal(5, after.connections_reused - before.connections_reused)
  end)

  it("tarantool/doc#3074: a server that never answers ends by itself", function()
    local log, _, err = play({ ["http://a.test/"] = { delay = false } }, function()
      return lf.fetch "http://a.test/"
    end)
    assert.equal("timeout", err.kind)
    assert.is_true(log.elapsed <= 30, log.elapsed)
  end)

  it("tarantool#4591: a name that takes long holds up nobody", function()
    local slow = lf.spawn(lf.fetch.get, "http://nowhere.invalid/", { timeout = { connect = 2 } })
    local start = lf.now()
    assert(lf.fetch(web.url .. "/ok"))
    assert.is_true(lf.now() - start < 1)
    slow:cancel()
  end)

  it("tarantool#6101: headers of a redirect are not those of the answer", function()
    local _, res = play({
      ["http://a.test/"] = { status = 302, headers = { Location = "http://b.test/", ["X-Hop"] = "1" } },
      ["http://b.test/"] = { headers = { ["X-Final"] = "1" } },
    }, function() return lf.fetch "http://a.test/" end)
    assert.is_nil(res.headers["x-hop"])
    assert.equal("1", res.headers["x-final"])
    assert.equal("http://b.test/", res.url)
    assert.equal(1, #res.history)
  end)

  it("tarantool#4119: redirects can be switched off", function()
    local _, res = play({ ["http://a.test/"] = { status = 302, headers = { Location = "/b" } } }, function()
      return lf.fetch("http://a.test/", { redirects = 0 })
    end)
    assert.equal(302, res and res.status)
  end)

  it("tarantool#3569: requests work from a hundred coroutines deep", function()
    local function deep(n)
      if n == 0 then return lf.fetch(web.url .. "/ok") end
      return coroutine.wrap(deep)(n - 1)
    end
    assert.equal("ok\n", deep(100).body)
  end)
end)

describe("aiohttp", function()
  it("aiohttp#10313: time in the queue does not count", function()
    local pages, urls = {}, list(1000, function(i) return "http://a.test/" .. i end)
    for _, url in ipairs(urls) do pages[url] = { delay = 5 } end
    local log, results, nfailed = play(pages, function()
      return lf.gather(urls, { limit = 10, timeout = 6 })
    end)
    assert.equal(0, nfailed)
    assert.is_true(log.elapsed > 500) -- many times the timeout
    assert.is_true(results[1000].timings.queue > 400)
  end)

  it("aiohttp#2648: a deadline over queue and all is there when wanted", function()
    local pages, urls = {}, list(20, function(i) return "http://a.test/" .. i end)
    for _, url in ipairs(urls) do pages[url] = { delay = 5 } end
    local _, results, nfailed = play(pages, function()
      return lf.gather(urls, { per_host = 1, deadline = 12 })
    end)
    assert.equal(18, nfailed)
    assert.equal("queue", results[20].phase)
  end)

  it("aiohttp#2638: a body that is too large is an error, not the end of memory", function()
    local _, err = lf.fetch(web.url .. "/bytes/3000000", { max_body = 1000000 })
    assert.equal("too_large", err.kind)
  end)

  it("aiohttp#8248: so is one that is small only on the wire", function()
    for _, path in ipairs { "/gzip-bomb?mb=40", "/deflate-bomb?mb=40", "/br-bomb", "/zstd-bomb?mb=40" } do
      local _, err = lf.fetch(web.url .. path, { max_body = 1000000 })
      assert.equal("too_large", err.kind, path)
    end
  end)

  it("aiohttp#850: a connection that died while idle is no failure of a GET", function()
    assert(lf.fetch(web.url .. "/stale"))
    assert.equal(200, assert(lf.fetch(web.url .. "/ok")).status)
  end)

  it("aiohttp#10790: nothing is tried again that was not asked for, and attempts are counted", function()
    local log = play({ ["http://a.test/"] = { error = "closed" } }, function()
      local _, err = lf.fetch "http://a.test/"
      assert.equal(1, err.attempts)
    end)
    assert.equal(1, #log.requests)
  end)

  it("aiohttp#1925: what a session leaves open is closed without a word", function()
    local s <close> = lf.session { base_url = web.url }
    assert(s:get "/ok")
  end)

  it("aiohttp limit_per_host=0: one host is not hammered by default", function()
    local pages, urls = {}, list(100, function(i) return "http://a.test/" .. i end)
    for _, url in ipairs(urls) do pages[url] = { delay = 1 } end
    local log = play(pages, function() return lf.gather(urls) end)
    assert.equal(13, log.elapsed) -- 100 in groups of 8
  end)

  it("cpython#75633: the first failure of a gather loses no result and orphans nobody", function()
    local _, results, nfailed = play({ ["http://a.test/"] = { error = "connect" }, ["http://b.test/"] = { delay = 1 } },
      function() return lf.gather { "http://a.test/", "http://b.test/" } end)
    assert.equal(1, nfailed)
    assert.equal("connect", results[1].kind)
    assert.equal(200, results[2].status)
  end)

  it("asyncio TaskGroup: a bug is never collected as a result", function()
    local finished = false
    local ok, why = pcall(lf.gather, {
      function() lf.sleep(0) return nil .. "x" end,
      function() lf.sleep(0.01) finished = true end,
    })
    assert.is_false(ok)
    assert.matches("attempt to concatenate a nil value", why)
    assert.matches("complaints_spec.lua", why)
    assert.is_false(finished)
  end)
end)

describe("httpx", function()
  it("httpx#1450: a server that trickles is bounded by the total", function()
    local start = lf.now()
    local _, err = lf.fetch(web.url .. "/drip?n=1000&ms=10", { timeout = 0.1 })
    assert.equal("timeout", err.kind)
    assert.equal("body", err.phase)
    assert.is_true(lf.now() - start < 1)
  end)

  it("httpx#1171: a gather far over the limits waits, and fails nobody", function()
    local pages, urls = {}, list(500, function(i) return ("http://h%d.test/%d"):format(i % 3, i) end)
    for _, url in ipairs(urls) do pages[url] = { delay = 0.1 } end
    local _, _, nfailed = play(pages, function() return lf.gather(urls) end)
    assert.equal(0, nfailed)
  end)

  it("httpx#108: retries know statuses, waits and methods, in one option", function()
    local log = play({ ["http://a.test/"] = { { status = 503 }, { error = "closed" }, { body = "x" } } }, function()
      assert.equal("x", lf.fetch("http://a.test/", { retry = 2 }).body)
    end)
    assert.equal(3, #log.requests)
  end)

  it("httpx#3215: a thousand requests at twenty at a time are quick", function()
    local urls, cpu = list(1000, function(i) return web.url .. "/ok?" .. i end), os.clock()
    local _, nfailed = lf.gather(urls, { limit = 20, per_host = 20 })
    assert.equal(0, nfailed)
    assert.is_true(os.clock() - cpu < 10, os.clock() - cpu)
  end)
end)

describe("Scrapy, Colly and Crawlee", function()
  it("scrapy#1144: another page from inside the function is the next line", function()
    local _, titles = play({
      ["http://a.test/1"] = { body = "http://b.test/1" }, ["http://b.test/1"] = { body = "one" },
      ["http://a.test/2"] = { body = "http://b.test/2" }, ["http://b.test/2"] = { body = "two" },
    }, function()
      return lf.map({ 1, 2 }, function(i)
        local first = assert(lf.fetch("http://a.test/" .. i))
        return assert(lf.fetch(first.body)).body
      end)
    end)
    assert.same({ "one", "two", n = 2 }, titles)
  end)

  it("scrapy#456: start URLs are pulled when there is room, not before", function()
    local pulled, ahead = 0, 0
    local pages = setmetatable({}, { __index = function() return nil end })
    for i = 1, 200 do pages["http://a.test/" .. i] = { delay = 1 } end
    play(pages, function()
      local seen = 0
      local function urls()
        pulled = pulled + 1
        if pulled <= 200 then return "http://a.test/" .. pulled end
      end
      for _ in lf.as_completed(urls, { limit = 5, per_host = 5 }) do
        seen = seen + 1
        ahead = math.max(ahead, pulled - seen)
      end
    end)
    assert.is_true(ahead <= 25, ahead)
  end)

  it("colly#648: tasks that wait for their turn are not made yet", function()
    local most, tasks = 0, require("luafetch.core").leftovers
    local before = tasks().tasks
    lf.each(list(1000, function(i) return i end), function()
      most = math.max(most, tasks().tasks - before)
      lf.sleep(0)
    end, { limit = 10 })
    assert.is_true(most <= 11, most)
  end)

  it("colly#266: per_host counts each host by itself, limit all of them", function()
    local pages, urls = {}, {}
    for i = 1, 40 do
      urls[i] = ("http://h%d.test/%d"):format(i % 4, i)
      pages[urls[i]] = { delay = 1 }
    end
    assert.equal(5, play(pages, function() return lf.gather(urls, { per_host = 2 }) end).elapsed)
    assert.equal(10, play(pages, function() return lf.gather(urls, { per_host = 2, limit = 4 }) end).elapsed)
  end)

  it("scrapy#3849: Retry-After is waited for, and other hosts go on meanwhile", function()
    local busy = { { status = 429, headers = { ["Retry-After"] = "60" } }, { body = "x" } }
    local log = play({ ["http://a.test/"] = busy, ["http://b.test/"] = { delay = 1 } }, function()
      local s <close> = lf.session { retry = 2 }
      assert.is_true(s:gather({ "http://a.test/", "http://b.test/" })[1].ok)
    end)
    assert.equal(60, log.requests[3].at)
    assert.equal(0, log.requests[2].at)
  end)

  it("scrapy#802: a further attempt waits, longer each time, and not for ever", function()
    local log = play({ ["http://a.test/"] = { status = 503 } }, function()
      lf.fetch("http://a.test/", { retry = { times = 8, jitter = false } })
    end)
    for i = 3, 9 do
      local wait, before = log.requests[i].at - log.requests[i - 1].at, log.requests[i - 1].at - log.requests[i - 2].at
      assert.near(math.min(2 * before, 30), wait, 0.01)
    end
  end)

  it("colly#191: a limit of requests at once and a rate hold together", function()
    local pages, urls = {}, list(9, function(i) return "http://a.test/" .. i end)
    for _, url in ipairs(urls) do pages[url] = { delay = 2 } end
    local log = play(pages, function()
      local s <close> = lf.session { per_host = 2, rate = 2 }
      s:gather(urls)
    end)
    for i = 2, 9 do assert.is_true(log.requests[i].at - log.requests[i - 1].at >= 0.49) end
    for i = 3, 9 do assert.is_true(log.requests[i].at - log.requests[i - 2].at >= 1.99) end
  end)

  it("colly#551: attempts are bounded, and so are those of all requests together", function()
    local log = play({ ["http://a.test/"] = { status = 503 } }, function()
      local s <close> = lf.session { retry = { times = 100, backoff = 0 } }
      s:gather(list(50, function() return "http://a.test/" end))
    end)
    assert.is_true(#log.requests <= 50 + 10 + 10 + 5, #log.requests)
  end)

  it("crawlee#3741: an answer 429 slows down its host, and is not lost", function()
    local page = { quota = 5, body = "x" }
    local log, failed = play({ ["http://a.test/"] = page }, function()
      local s <close> = lf.session { rate = "auto", retry = 5 }
      return (select(2, s:gather(list(100, function() return "http://a.test/" end))))
    end)
    assert.equal(0, failed)
    assert.is_true(log.elapsed < 30, log.elapsed)
  end)

  it("colly body limit: a body is whole or an error, never cut in silence", function()
    for _, path in ipairs { "/short", "/gzip-truncated" } do
      local res, err = lf.fetch(web.url .. path)
      assert.is_nil(res, path)
      assert.is_truthy(err.kind == "truncated" or err.kind == "decode", err.kind)
    end
  end)
end)

describe("Lua libraries", function()
  it("lua-http#10: connections are pooled, also between tasks", function()
    assert(lf.fetch(web.url .. "/ok"))
    local stats = require("luafetch.core").stats
    local before = stats()
    lf.each(list(50, function(i) return i end), function() assert(lf.fetch(web.url .. "/ok")) end, { limit = 4 })
    assert.is_true(stats().connections_opened - before.connections_opened <= 4)
  end)

  it("lua-http#156: a timeout fires in every phase", function()
    for _, path in ipairs { "/hang", "/hang-headers", "/hang-body", "/drip-headers?ms=20" } do
      local start = lf.now()
      local _, err = lf.fetch(web.url .. path, { timeout = 0.06 })
      assert.equal("timeout", err.kind, path)
      assert.is_true(lf.now() - start < 1)
    end
  end)

  it("copas#138: an Error is the same thing wherever it comes out", function()
    play({ ["http://a.test/"] = { error = "connect" } }, function()
      local _, err = lf.fetch "http://a.test/"
      local raised = select(2, pcall(function() raise(lf.fetch "http://a.test/") end))
      local gathered = lf.gather({ "http://a.test/" })[1]
      local joined = select(2, lf.spawn(function() return raise(lf.fetch "http://a.test/") end):join())
      for _, e in ipairs { err, raised, gathered, joined } do
        assert.equal("connect", e.kind)
        assert.equal(e, e.error)
        assert.equal(tostring(err), tostring(e))
      end
    end)
  end)

  it("lit#270: `nil, err` and `assert` are all there is to know", function()
    local ok, err = pcall(function() return raise(lf.fetch("http://127.0.0.1:1/")) end)
    assert.is_false(ok)
    assert.equal("connect", err.kind)
    assert.equal("http://127.0.0.1:1/", err.url)
  end)

  local blocked = {
    ["lua-nginx-module#1447: __tostring"] = { "__tostring", function()
      local meta = { __tostring = function() return lf.fetch(web.url .. "/ok").body end }
      return string.format("%s", setmetatable({}, meta))
    end },
    ["lua-nginx-module#376: require"] = { "require", function()
      package.preload["complaints.waits"] = function() return lf.fetch(web.url .. "/ok") end
      return require "complaints.waits"
    end },
    ["OpenComputers#543: gsub"] = { "string.gsub", function()
      return ("a"):gsub(".", function() return lf.fetch(web.url .. "/ok").body end)
    end },
    ["cqueues#231: sort"] = { "table.sort", function()
      table.sort({ 1, 2 }, function(a, b) return lf.fetch(web.url .. "/ok") and a < b end)
    end },
  }
  for name, case in pairs(blocked) do
    it(name .. " says what is in the way", function()
      local ok, why = pcall(case[2])
      package.preload["complaints.waits"] = nil
      assert.is_false(ok)
      assert.matches("cannot wait", why)
      assert.is_truthy(why:find(case[1], 1, true), why)
      assert.is_nil(why:find("C-call boundary", 1, true))
    end)
  end

  it("lua yields where 5.4 can: pcall, __index, iterators, __close", function()
    local got = {}
    local function body() return lf.fetch(web.url .. "/ok").body end
    got[1] = select(2, pcall(body))
    got[2] = setmetatable({}, { __index = body }).x
    for v in function(_, last) if not last then return body() end end do got[3] = v end
    do
      local _ <close> = setmetatable({}, { __close = function() got[4] = body() end })
    end
    assert.same({ "ok\n", "ok\n", "ok\n", "ok\n" }, got)
  end)
end)

describe("cancelling", function()
  it("works in queue, name, connect, headers, body, sleep, semaphore, queue:get; the reason is kept", function()
    local sem, q, e, l = lf.semaphore(1), lf.queue(), lf.event(), lf.limiter { rate = 0.001 }
    local _ <close> = sem:acquire()
    l:acquire()
    local waits = {
      function() return lf.fetch "http://nowhere.invalid/" end,
      function() return lf.fetch "http://192.0.2.1/" end,
      function() return lf.fetch(web.url .. "/hang-headers") end,
      function() return lf.fetch(web.url .. "/hang-body") end,
      function() return lf.sleep(100) end,
      function() return sem:acquire() end,
      function() return q:get() end,
      function() return e:wait() end,
      function() return l:acquire() end,
      function() return lf.gather(list(30, function() return web.url .. "/hang" end)) end,
    }
    local tasks = list(#waits, function(i) return lf.spawn(waits[i]) end)
    lf.sleep(0.02)
    local start = lf.now()
    for i, t in ipairs(tasks) do t:cancel("reason " .. i) end
    for i, t in ipairs(tasks) do
      local _, err = t:join()
      if err.kind == "cancelled" then
        assert.equal("cancelled: reason " .. i, err.message)
      else
        assert.is_true(i <= 2, tostring(err)) -- no network here: it had failed already
      end
    end
    assert.is_true(lf.now() - start < 0.5)
  end)
end)
