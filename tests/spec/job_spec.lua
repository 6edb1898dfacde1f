-- lf.job: the state of a crawl, with each engine: in a file and in Redis. Politeness and leases are
-- looked at with several handles of one job, which know of each other no more than processes do; what a process
-- alone can show (kill -9, SIGSTOP, a full disk) is done by processes.
local lf = require "luafetch"
local test = require "luafetch.test"
local command = require "tests.support.command"
local process = require "tests.support.process"
local servers = require "tests.support.servers"

local WORKER = [[
local lf = require "luafetch"
local job = assert(lf.job.open(arg[1], { lease = tonumber(arg[2]), deliveries = 100 }))
]]

-- As many random points as the issue asks for; fewer where everything is slow.
local KILLS = os.getenv "LF_SANITIZED" and 5 or os.getenv "LF_GCSTRESS" and 5 or 20

-- Where a job of each engine is, in the test's directory; sentences name it as `shown`.
local engines = {
  { name = "a file", shown = "crawl.db", in_file = true, lease = "60",
    place = function(dir) return dir .. "/crawl.db" end },
}

local redis
if os.execute "command -v redis-server >/dev/null" then
  local made = 0
  engines[2] = {
    -- That a worker was killed is known of processes of one machine alone: elsewhere a lease ends by time.
    name = "Redis", lease = "2", shown = "redis://127.0.0.1:%d+/crawl%d+",
    place = function()
      redis, made = redis or servers.redis(), made + 1
      return redis.url .. "/crawl" .. made
    end,
  }
else
  print "skip: no redis-server, so no job in Redis"
end

local function specs(engine) return function()
  local dir, file

  local function sh(line)
    local pipe = assert(io.popen(line .. " 2>&1"))
    local out = pipe:read "a"
    pipe:close()
    return out
  end

  before_each(function()
    dir = io.popen("mktemp -d"):read "l"
    file = engine.place(dir)
  end)
  teardown(function()
    if redis then redis.stop() end
    redis = nil
  end)
  after_each(function() os.execute("rm -r '" .. dir .. "'") end)

  local function open(opts) return assert(lf.job.open(file, opts)) end

  local function urls(host, n)
    local list = {}
    for i = 1, n do list[i] = ("http://%s/%d"):format(host, i) end
    return list
  end

  local function names(pages)
    local list = {}
    for i, page in ipairs(pages) do list[i] = page.url end
    return list
  end

  -- What counts() gives when nothing has failed.
  local function counts(pending, active, done, items, hosts)
    return { pending = pending, active = active, done = done, failed = 0, skipped = 0, items = items, hosts = hosts }
  end

  local function collect(job)
    local list = {}
    for item in job:items() do list[#list + 1] = item end
    return list
  end

  local function refused(kind, pattern, ...)
    local value, err = ...
    assert.is_nil(value)
    assert.equal(kind, err.kind)
    assert.matches(pattern, err.message)
  end

  describe("knows a URL once", function()
    it("in its canonical form, whoever adds it", function()
      local job <close> = open()
      assert.equal(2, job:add { "http://A.test/x#y", "http://a.test:80/x", "http://a.test/%7Ex" })
      assert.equal(0, job:add "http://a.test/~x")
      assert.same({ "http://a.test/x", "http://a.test/~x" }, names(job:claim(5)))
    end)

    it("and none of a list with something that is no page's", function()
      local job <close> = open()
      refused("url", "only http and https", job:add { "http://a.test/", "mailto:x@y.test" })
      refused("url", "no URL of a page", job:add { "/relative" })
      assert.equal(0, job:counts().pending)
    end)

    it("also among more hosts than are remembered", function()
      local job <close> = open()
      local list = {}
      for i = 1, 3000 do list[i] = ("http://h%d.test/"):format(i) end
      assert.equal(3000, job:add(list))
      assert.equal(0, job:add(list))
      assert.equal(3000, job:counts().hosts)
    end)
  end)

  describe("gives out pages", function()
    it("of all hosts in turn, by priority, then by depth", function()
      local job <close> = open()
      job:add(urls("a.test", 3))
      job:add { { url = "http://b.test/deep", depth = 2 }, { url = "http://b.test/flat", depth = 1 },
        { url = "http://b.test/first", depth = 9, priority = 1 } }
      assert.same({ "http://a.test/1", "http://b.test/first", "http://a.test/2", "http://b.test/flat",
        "http://a.test/3", "http://b.test/deep" }, names(job:claim(10)))
    end)

    it("with what belongs to them", function()
      local job <close> = open()
      job:add { { url = "http://a.test/", meta = { n = { 1, "ä" } } } }
      local page = job:claim()[1]
      assert.same({ 0, 0, 1 }, { page.depth, page.priority, page.tries })
      assert.same({ n = { 1, "ä" } }, page.meta)
      assert.equal(1, job:complete { page = page, links = { "http://a.test/", "http://b.test/x" } })
      local linked = job:claim()[1]
      assert.same({ "http://b.test/x", 1, "http://a.test/" }, { linked.url, linked.depth, linked.from })
    end)

    it("of a host no more than per_host, of all handles together", function()
      local one <close> = open { per_host = 2 }
      local two <close> = open { per_host = 2 }
      one:add(urls("a.test", 5))
      local pages, wait = one:claim(10)
      assert.equal(2, #pages)
      assert.is_true(wait > 50) -- the lease's end, since nothing else is known
      assert.same({}, (two:claim(10)))
      assert(one:complete { page = pages[1] })
      assert.same({ "http://a.test/3" }, names((two:claim(10))))
      assert.equal(2, #two:claim(10, { per_host = false }))
    end)

    it("of a host no faster than the rate, of all handles together", function()
      local one <close> = open { rate = 5 }
      local two <close> = open { rate = 5 }
      one:add(urls("a.test", 4))
      local began, got, last = lf.now(), 0, nil
      while got < 4 do
        for _, job in ipairs { one, two } do
          local pages, wait = job:claim(4)
          got = got + #pages
          if #pages > 0 then
            assert.equal(1, #pages)
            assert.is_true(not last or lf.now() - last > 0.15)
            last = lf.now()
          end
          lf.sleep(math.min(wait or 0, 0.02))
        end
      end
      assert.is_true(lf.now() - began >= 0.59)
    end)

    it("of a parked host later", function()
      local job <close> = open()
      job:add(urls("a.test", 2))
      assert(job:fail(job:claim()[1], "429", { again = true, park = 0.2 }))
      local pages, wait = job:claim(2)
      assert.same({}, pages)
      assert.is_true(wait > 0.05 and wait <= 0.2)
      lf.sleep(wait + 0.01)
      assert.equal(2, #job:claim(2))
    end)

    it("and says when it is over", function()
      local job <close> = open()
      assert.same({ {} }, { job:claim(3) })
      job:add "http://a.test/"
      local pages, wait = job:claim(3)
      assert.is_true(wait > 0)
      assert(job:complete { page = pages[1] })
      assert.same({ {} }, { job:claim(3) })
    end)
  end)

  describe("keeps the pace of one host", function()
    it("before what claims say, for all handles and after it is opened again", function()
      do
        local one <close> = open { rate = 1000 }
        one:add(urls("a.test", 9))
        assert.same({ pending = 9, active = 0, wait = 0 }, one:host "a.test")
        local state = one:host("http://a.test/any", { rate = 10, per_host = 2 })
        assert.same({ 10, 2 }, { state.rate, state.per_host })
      end
      local one <close> = open { per_host = false }
      local two <close> = open { per_host = false }
      assert.equal(1, #one:claim(9))
      local pages, wait = two:claim(9, { rate = false, per_host = 9 })
      assert.same({}, pages)
      assert.is_true(wait > 0.02 and wait <= 0.1)
      lf.sleep(wait)
      assert.equal(1, #two:claim(9))
      one:host("a.test", { rate = false })
      lf.sleep(0.11) -- what the old rate said of the last page still holds
      assert.same({}, (one:claim(9))) -- two are out
      one:host("a.test", { per_host = 4 })
      assert.equal(2, #one:claim(9))
      assert.same({ pending = 5, active = 4, rate = false, per_host = 4, wait = 0 }, two:host "a.test")
      one:host("a.test", { per_host = false })
      assert.equal(5, #two:claim(9))
      assert.is_false(two:host("a.test").per_host)
    end)

    it("from the last page on when it becomes slower, and leaves other hosts alone", function()
      local job <close> = open()
      job:add(urls("a.test", 2))
      job:add(urls("b.test:8080", 2))
      assert.equal(1, #job:claim(1))
      local wait = job:host("a.test", { rate = 0.1 }).wait
      assert.is_true(wait > 9 and wait <= 10)
      assert.same({ "http://b.test:8080/1", "http://b.test:8080/2" }, names(job:claim(9)))
      assert.equal(2, job:host("b.test:8080").active)
    end)

    it("also before any page of it is known, and parks it at once", function()
      local job <close> = open()
      assert.is_true(job:host("a.test", { park = 5 }).wait > 4)
      job:add(urls("a.test", 1))
      local pages, wait = job:claim(1)
      assert.same({}, pages)
      assert.is_true(wait > 4 and wait <= 5)
      assert.is_true(job:host("a.test", { park = 0.1 }).wait > 4) -- never sooner
      refused("url", "no URL of a page", job:host "a b")
      assert.equal(1, job:counts().hosts)
    end)
  end)

  it("takes other names of a page as done", function()
    local job <close> = open()
    job:add { "http://a.test/", "http://b.test/pending", "http://c.test/active" }
    local first, pending, active = table.unpack(job:claim(3))
    assert.equal("http://b.test/pending", pending.url)
    job:release(pending)
    local list = { "http://a.test/final#x", "http://b.test/pending", "http://c.test/active", "http://d.test/" }
    assert.equal(1, job:complete { page = first, known = list, links = { "http://a.test/final", "http://a.test/new" } })
    assert.same(counts(1, 1, 1, 0, 4), job:counts())
    assert.equal(0, job:add(list))
    assert.same({ "http://a.test/new" }, names(job:claim(9)))
    assert(job:complete { page = active })
    refused("url", "only http and https", job:complete { page = active, known = { "mailto:x@y.test" } })
  end)

  it("skips pages with a reason, which are neither done nor failed", function()
    local job <close> = open()
    job:add(urls("a.test", 2))
    local pages = job:claim(2)
    assert.is_true(job:skip(pages[1], "robots.txt", { park = 1 }))
    assert.is_true(job:skip(pages[2]))
    refused("state", "the lease has ended", job:skip(pages[2]))
    local c = job:counts()
    assert.same({ 2, 0, 0, 0, 0 }, { c.skipped, c.done, c.failed, c.active, c.pending })
    local reasons = {}
    for page in job:skipped() do reasons[page.url] = page.reason end
    assert.same({ ["http://a.test/1"] = "robots.txt", ["http://a.test/2"] = "skipped" }, reasons)
    assert.is_true(job:host("a.test").wait > 0.5)
    assert.equal(0, job:add(urls("a.test", 2)))
    assert.equal(0, job:retry_failed())
    assert.same({ {} }, { job:claim(2) })
    job:reset()
    assert.equal(0, job:counts().skipped)
  end)

  describe("without a name", function()
    it("works as others do", function()
      local job <close> = assert(lf.job.open(nil, { per_host = 1 }))
      local other <close> = assert(lf.job.open())
      assert.equal("job (temporary)", tostring(job))
      assert.equal(2, job:add(urls("a.test", 2)))
      assert.equal(0, other:counts().pending)
      local page = job:claim(2)[1]
      assert.equal(1, job:complete { page = page, items = { "x" }, links = { "http://b.test/" } })
      refused("state", "^the temporary job: the lease has ended", job:complete { page = page })
      assert.same({ "http://b.test/", "http://a.test/2" }, names(job:claim(2)))
      assert.same({ "x" }, collect(job))
    end)

    -- More than the cache holds, so that it has a file, and then the worst end.
    it("leaves nothing behind, not even when it is killed", function()
      local r = command({ "--no-progress", "-e", [[
        local lf = require "luafetch"
        local job = assert(lf.job.open())
        for n = 1, 20 do
          local list = {}
          for i = 1, 2000 do list[i] = ("http://a.test/%d/%d/%s"):format(n, i, ("x"):rep(900)) end
          assert(job:add(list) == 2000)
        end
        assert(job:counts().pending == 40000)
        print(io.popen("ls -l /proc/" .. io.open("/proc/self/stat"):read("n") .. "/fd"):read("a"))
        os.execute("kill -9 $PPID")
      ]] }, { shell = ("SQLITE_TMPDIR='%s' @"):format(dir) })
      assert.matches(dir:gsub("%p", "%%%0") .. "/[^\n]* %(deleted%)", r.out)
      assert.equal("", sh("ls -A '" .. dir .. "'"))
    end)
  end)

  if engine.in_file then describe("under the clock of luafetch.test", function()
    -- What a crawl does: as fast as it may.
    local function work(job, seen)
      while true do
        local pages, wait = assert(job:claim(5))
        for _, page in ipairs(pages) do
          assert(fetch(page.url))
          seen[#seen + 1] = page.url
          assert(job:complete { page = page })
        end
        if #pages == 0 and not wait then return end
        if #pages == 0 then lf.sleep(wait) end
      end
    end

    local function pages(n)
      local list = {}
      for _, url in ipairs(urls("a.test", n)) do list[url] = { delay = 0.5 } end
      return list
    end

    it("paces and parks over hours that pass at once", function()
      local began, seen = lf.now(), {}
      local log = test.run(pages(20), function()
        local job <close> = open { rate = 1 / 600 }
        job:add(urls("a.test", 20))
        work(job, seen)
      end)
      assert.equal(20, #seen)
      for i = 2, 20 do assert.near(600, log.requests[i].at - log.requests[i - 1].at, 0.1) end
      assert.equal(0, log.leftovers)
      assert.is_true(lf.now() - began < 30)
    end)

    it("ends leases by it, and does not take it with the file", function()
      test.run({}, function()
        local job <close> = open { lease = 3600 }
        job:add(urls("a.test", 2))
        job:claim()
        lf.sleep(3500)
        assert.equal(1, #job:claim(2))
        lf.sleep(200)
        assert.equal(1, #job:claim(2))
        job:host("a.test", { park = 86400, per_host = 1 })
      end)
      test.run({}, function() -- another play is another boot
        local job <close> = open()
        assert.equal(1, #job:claim(2))
        job:host("a.test", { park = 86400 })
      end)
      local job <close> = open()
      assert.equal(1, #job:claim(2))
    end)

    it("waits for the writer without a jump of the clock", function()
      test.run({}, function()
        local job <close> = open()
        lf.background(function() lf.sleep(7200) end)
        local began = lf.now()
        for i = 1, 20 do job:add(("http://a.test/%d"):format(i)) end
        assert.is_true(lf.now() - began < 1)
      end)
    end)
  end) end

  describe("has leases", function()
    it("that end, and refuse whoever comes late", function()
      local one <close> = open { lease = 0.05 }
      local two <close> = open()
      one:add "http://a.test/"
      local late = one:claim()[1]
      lf.sleep(0.07)
      local page = two:claim()[1]
      assert.equal(2, page.tries)
      refused("state", engine.shown .. ": the lease has ended",
        one:complete { page = late, links = { "http://b.test/" }, items = { 1 } })
      refused("state", "the lease has ended", one:fail(late))
      assert.equal(0, one:renew(late))
      assert.same(counts(0, 1, 0, 0, 1), one:counts())
      assert(two:complete { page = page })
      refused("state", "the lease has ended", two:complete { page = page })
    end)

    it("that are renewed", function()
      local one <close> = open { lease = 0.2 }
      local two <close> = open()
      one:add(urls("a.test", 2))
      local pages = one:claim(2)
      for _ = 1, 4 do
        lf.sleep(0.08)
        assert.equal(2, one:renew(pages))
      end
      assert.same({}, (two:claim(2)))
      assert.equal(1, one:renew(pages[1]))
    end)

    it("that go back when they are released, and when the job is closed", function()
      local one = open()
      local two <close> = open()
      one:add(urls("a.test", 2))
      local pages = one:claim(2)
      assert.is_true(one:release(pages[1]))
      assert.same({ "http://a.test/1" }, names((two:claim(2))))
      one:close()
      local again = two:claim(2)
      assert.same({ "http://a.test/2" }, names(again))
      assert.equal(1, again[1].tries)
    end)

    it("not for ever: a page that nobody survives has failed", function()
      local job <close> = open { lease = 0, deliveries = 3 }
      job:add "http://a.test/"
      for _ = 1, 3 do
        assert.equal(1, #job:claim())
        lf.sleep(0.002)
      end
      assert.same({ {} }, { job:claim() })
      for page in job:failed() do assert.matches("given up: 3 times", page.error) end
      assert.equal(1, job:counts().failed)
    end)

    it("that a cancelled claim does not keep", function()
      local job <close> = open()
      job:add(urls("a.test", 8))
      for i = 1, 20 do
        local pages
        local task = lf.spawn(function() pages = job:claim(8) end)
        lf.sleep(i % 10 / 1000)
        task:cancel()
        task:join()
        if pages then job:release(pages) end
      end
      for _ = 1, 100 do
        if job:counts().active == 0 then break end
        lf.sleep(0.01)
      end
      assert.equal(8, #job:claim(8))
    end)
  end)

  it("keeps items in order, and what failed with why and where from", function()
    local job <close> = open()
    job:add(urls("a.test", 1))
    local list = {}
    for i = 1, 450 do list[i] = { n = i } end
    job:complete { page = job:claim()[1], items = list, links = { "http://a.test/broken" } }
    local _, err = fetch "http://127.0.0.1:1/"
    assert(job:fail(job:claim()[1], err, { items = { "of a failed page" } }))
    assert.equal(0, job:add({}, { items = { "of no page" } }))
    local all = collect(job)
    assert.equal("of no page", table.remove(all))
    assert.equal("of a failed page", table.remove(all))
    assert.same(list, all)
    assert.equal(452, job:counts().items)
    local n = 0
    for text, url, id in job:items { raw = true, after = 449 } do
      n = n + 1
      assert.same(({
        { '{"n":450}', "http://a.test/1", 450 }, { '"of a failed page"', "http://a.test/broken", 451 },
        { '"of no page"', nil, 452 },
      })[n], { text, url, id })
    end
    assert.equal(3, n)
    for page in job:failed() do
      assert.same({ "http://a.test/broken", "http://a.test/1", tostring(err) }, { page.url, page.from, page.error })
    end
    assert.equal(1, job:retry_failed())
    assert.equal("http://a.test/broken", job:claim()[1].url)
    assert.is_true(job:reset())
    assert.same(counts(0, 0, 0, 0, 0), job:counts())
    assert.equal(1, job:add "http://a.test/1")
  end)

  it("serves many tasks at once, and commits their pages together", function()
    local job <close> = open { per_host = false }
    job:add(urls("a.test", 300))
    local pages, began = job:claim(300), lf.now()
    local failed = lf.each(pages, function(page)
      assert(job:complete { page = page, items = { page.id }, links = { page.url .. "/a", page.url .. "/b" } })
    end, { limit = 300 })
    assert.equal(0, failed)
    assert.is_true(lf.now() - began < 20)
    assert.same(counts(600, 0, 300, 300, 1), job:counts())
  end)

  it("tells wrong use at the script's line", function()
    local job = open()
    for text, fn in pairs {
      ["unknown option 'leese'"] = function() lf.job.open(file, { leese = 1 }) end,
      ["'per_host' must be a whole number above 0"] = function() job:claim(1, { per_host = 0 }) end,
      ["'rate' must be pages a second"] = function() job:claim(1, { rate = -1 }) end,
      ["wants a host or a URL"] = function() job:host(7) end,
      ["unknown option 'lease'"] = function() job:host("a.test", { lease = 1 }) end,
      ["job.open: wants the name"] = function() lf.job.open "" end,
      ["from 1 to 10000"] = function() job:claim(0) end,
      ["wants a page that claim gave"] = function() job:complete { page = {} } end,
      ["unknown option 'link'"] = function() job:complete { page = { id = 1, token = 1 }, link = {} } end,
      ["a link is a URL"] = function() job:add { 7 } end,
      ["a page or a list of pages"] = function() job:renew(1) end,
    } do
      local ok, err = pcall(fn)
      assert.is_false(ok)
      assert.matches(text, err)
      assert.matches("job_spec.lua:%d", err)
    end
    assert.has_error(function() job:complete { page = { id = 1, token = 1 }, items = { print } } end)
    assert.is_true(job:close())
    assert.is_true(job:close())
    assert.has_error(function() job:counts() end)
  end)

  it("is closed under tasks that wait for it, when a scope is left by an error", function()
    for round = 1, 12 do
      local ok, err = pcall(lf.scope, function(s)
        local job <close> = open { per_host = false }
        job:add(urls("a.test", 40))
        for i = 1, 30 do
          s:spawn(function()
            for _, page in ipairs(job:claim(2)) do job:complete { page = page, links = urls("b.test", i) } end
          end)
        end
        lf.sleep(round % 4 / 1000)
        error("enough", 0)
      end)
      assert.is_false(ok)
      assert.matches("^enough", err)
    end
    local job <close> = open()
    for _ = 1, 100 do
      if job:counts().active == 0 then break end
      lf.sleep(0.01)
    end
    assert.equal(0, job:counts().active)
  end)

  it("is closed by the collector, too, and in the middle of something", function()
    local job = open()
    job:add(urls("a.test", 3))
    job:claim(2)
    job = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    local other <close> = open()
    for _ = 1, 100 do
      if other:counts().active == 0 then break end
      lf.sleep(0.01)
    end
    assert.equal(0, other:counts().active)
  end)

  if engine.in_file then describe("refuses a file", function()
    local function make()
      local job <close> = open()
      job:add(urls("a.test", 2000))
    end

    it("that is none, or not there", function()
      refused("io", "cannot open .*/no/x.db: No such file", lf.job.open(dir .. "/no/x.db"))
      refused("io", "cannot open " .. dir:gsub("%p", "%%%0") .. ": it is no file", lf.job.open(dir))
      refused("io", "crawl.db: No such file", lf.job.open(file, { create = false }))
      assert.is_nil(io.open(file))
    end)

    it("that is something else, and leaves it alone", function()
      local f = assert(io.open(file, "w"))
      f:write(("some text\n"):rep(1000))
      f:close()
      refused("state", "crawl.db is not a job: it is no SQLite database", lf.job.open(file))
      assert.equal(10000, #io.open(file):read "a")
    end)

    it("of somebody else's, or of a newer version", function()
      make()
      local function set(offset, bytes)
        local f = assert(io.open(file, "r+b"))
        f:seek("set", offset)
        f:write(bytes)
        f:close()
      end
      set(60, "\0\0\0\9") -- user_version
      refused("state", "crawl.db was written by a newer luafetch .job version 9", lf.job.open(file))
      set(60, "\0\0\0\1")
      set(68, "\1\2\3\4") -- application_id
      refused("state", "crawl.db is not a job: it is a database of something else", lf.job.open(file))
      set(68, "LFJB")
      local job <close> = open()
      assert.equal(2000, job:counts().pending)
    end)

    it("that is half, or overwritten inside", function()
      make()
      local f = assert(io.open(file, "rb"))
      local whole = f:read "a"
      f:close()
      local function write(text)
        local g = assert(io.open(file, "wb"))
        g:write(text)
        g:close()
      end
      write(whole:sub(1, #whole // 2))
      refused("state", "crawl.db is damaged: database disk image is malformed", lf.job.open(file))
      write(whole:sub(1, 4096) .. ("\255"):rep(#whole - 4096))
      refused("state", "crawl.db is damaged", lf.job.open(file))
      assert.equal(#whole, #io.open(file):read "a")
    end)

    it("to be written when it was opened to be read", function()
      make()
      local job <close> = open { readonly = true }
      assert.equal(2000, job:counts().pending)
      refused("io", "cannot write to .*crawl.db", job:claim())
      assert.equal(2000, job:counts().pending)
    end)
  end) end

  describe("among processes", function()
    -- A process with the code; `started` once it has written its first line.
    local function start(code, ...)
      local words = { "'" .. (os.getenv "LUAFETCH" or "build/luafetch") .. "'", "--no-progress", "-" }
      for _, word in ipairs { ... } do words[#words + 1] = "'" .. word .. "'" end
      local script, out = dir .. "/script.lua", dir .. "/out"
      local f = assert(io.open(script, "w"))
      f:write(WORKER, code)
      f:close()
      os.remove(out)
      local line = ("%s <'%s' >'%s' 2>&1 & echo $!"):format(table.concat(words, " "), script, out)
      local pid = io.popen(line):read "l"
      return pid, function()
        for _ = 1, 500 do
          local text = io.open(out)
          text = text and text:read "a" or ""
          if text:find "\n" then return text end
          lf.sleep(0.02)
        end
        error("nothing from the process: " .. sh("cat " .. out))
      end
    end

    local function wait_for(pid)
      for _ = 1, 1000 do
        local stat = io.open("/proc/" .. pid .. "/stat")
        local text = stat and stat:read "a"
        if stat then stat:close() end
        if not text or text:find "%) [ZX]" then return end -- nobody may be there to reap it
        lf.sleep(0.02)
      end
    end

    it("loses nothing and repeats nothing when they are killed anywhere", function()
      local PAGES = 400
      do
        local job <close> = open()
        job:add(urls("a.test", 20))
      end
      local code = [[
        local all = tonumber(arg[3])
        print "on"
        io.stdout:flush()
        math.randomseed()
        local function work()
          while true do
            local list, wait = assert(job:claim(4, { per_host = false }))
            if #list == 0 and not wait then return end
            for _, page in ipairs(list) do
              local n, links = tonumber(page.url:match "%d+$"), {}
              for i = 1, 3 do
                if n * 3 + i <= all then links[i] = "http://a.test/" .. n * 3 + i end
              end
              assert(job:complete { page = page, links = links, items = { n } })
            end
            if #list == 0 then lf.sleep(0.01) end
          end
        end
        lf.each({ 1, 2, 3, 4 }, function()
          local ok, err = pcall(work)
          if not ok then print(err) end
        end)
      ]]
      local seen, total = {}, 0
      for i = 1, KILLS do
        local pid, started = start(code, file, engine.lease, tostring(PAGES))
        started()
        lf.sleep(math.random() * 0.03)
        sh("kill -9 " .. pid)
        lf.sleep(0.03)
        local job <close> = open()
        local items = collect(job)
        local now = job:counts()
        assert.equal(now.done, #items)
        assert.equal(now.items, #items)
        assert.is_true(#items >= total, "lost something at point " .. i)
        total = #items
      end
      local pid, started = start(code, file, engine.lease, tostring(PAGES))
      started()
      wait_for(pid)
      assert.equal("on\n", io.open(dir .. "/out"):read "a")
      local job <close> = open()
      for _, n in ipairs(collect(job)) do
        assert.is_nil(seen[n], "twice: " .. n)
        seen[n] = true
      end
      for n = 1, PAGES do assert.is_true(seen[n], "lost: " .. n) end
      assert.same(counts(0, 0, PAGES, PAGES, 1), job:counts())
      if engine.in_file then assert.equal("ok\n", sh(([[python3 -c "import sqlite3,sys
print(sqlite3.connect(sys.argv[1]).execute('pragma integrity_check').fetchone()[0])" '%s']]):format(file))) end
    end)

    it("takes over from one that was stopped, which is refused when it goes on", function()
      local pid, started = start([[
        job:add "http://a.test/"
        local page = job:claim()[1]
        print "claimed"
        io.stdout:flush()
        lf.sleep(1)
        print(job:complete { page = page, items = { "late" } })
      ]], file, "0.3")
      started()
      sh("kill -STOP " .. pid)
      lf.sleep(0.4)
      local job <close> = open()
      local page = job:claim()[1]
      assert.equal(2, page.tries)
      assert(job:complete { page = page, items = { "ours" } })
      sh("kill -CONT " .. pid)
      wait_for(pid)
      assert.matches("nil.*the lease has ended", sh("cat " .. dir .. "/out"))
      assert.same({ "ours" }, collect(job))
    end)

    if engine.in_file then it("may make the same file at the same time", function()
      local NAMES, racers = 60, {}
      for i = 1, 4 do
        racers[i] = process({ "--no-progress", "-e", [[
          local lf = require "luafetch"
          for i = 1, arg[2] do assert(lf.job.open(arg[1] .. "/race" .. i)):close() end
        ]], dir, NAMES }, dir .. "/racer" .. i)
      end
      for _, racer in ipairs(racers) do
        racer:wait()
        assert.equal("", racer:output())
      end
      for i = 1, NAMES do
        local job <close> = assert(lf.job.open(("%s/race%d"):format(dir, i), { readonly = true }))
        assert.same(counts(0, 0, 0, 0, 0), job:counts())
      end
    end) end

    if engine.in_file then it("says that another one keeps it locked", function()
      local job <close> = open { wait = 0.1 }
      local hold = io.popen(([[python3 -c "import sqlite3,sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute('begin immediate')
print('held', flush=True)
sys.stdin.read()" '%s' >'%s/held']]):format(file, dir), "w")
      for _ = 1, 200 do
        if sh("cat " .. dir .. "/held"):find "held" then break end
        lf.sleep(0.02)
      end
      refused("state", "crawl.db is locked by another process", job:add "http://a.test/")
      refused("state", "crawl.db is locked by another process", lf.job.open(file, { wait = 0.1 }))
      assert.equal(0, job:counts().pending)
      hold:close()
      assert.equal(1, job:add "http://a.test/")
    end) end
  end)

  if engine.in_file then describe("of 100,000 URLs and more", function()
    -- A process of its own, for its peak of memory: three times 100,000 URLs and pages with
    -- links to what is known. The cache of pages is full after the second.
    local SCRIPT = [[
      local lf = require "luafetch"
      local job = assert(lf.job.open(arg[1], { per_host = false }))
      local last, texts = 0, 0
      local function url()
        last = last + 1
        local text = ("https://host%d.example/section/%d/page-%d.html"):format(last % 100, last % 1000, last)
        texts = texts + #text
        return text
      end
      local function grow(n)
        for _ = 1, n // 5000 do
          local list = {}
          for i = 1, 5000 do list[i] = url() end
          assert(job:add(list) == 5000)
        end
      end
      local function work()
        lf.each(assert(job:claim(1000)), function(page)
          local links = { url() }
          for i = 2, 20 do links[i] = page.url end
          assert(job:complete { page = page, links = links, items = { { title = "A Light in the Attic" } } } == 1)
        end, { limit = 100 })
      end
      local peaks = {}
      for i = 1, 3 do
        grow(100000)
        work()
        peaks[i] = tonumber(io.open("/proc/self/status"):read("a"):match "VmHWM:%s+(%d+)")
      end
      local counts = assert(job:counts())
      job:close()
      print(lf.json.encode {
        counts = counts, texts = texts, file = io.open(arg[1]):seek "end", peaks = peaks,
      })
    ]]

    if os.getenv "LF_GCSTRESS" then return end -- so many under a collector that never rests take minutes

    it("loses none, takes at most 150 bytes for each, and no more memory than with fewer", function()
      local r = command({ "--no-progress", "-e", SCRIPT, file })
      assert.equal("", r.err)
      local got = lf.json.decode(r.out)
      assert.same(counts(300000, 0, 3000, 3000, 100), got.counts)
      local bytes = (got.file - got.texts) / 303000
      assert.is_true(bytes <= 150, ("%.0f bytes a URL"):format(bytes))
      if not os.getenv "LF_SANITIZED" then -- which keeps what was freed
        -- A list of keys alone, 16 bytes each, would take another 1,600 kB.
        local full, more = got.peaks[2], got.peaks[3]
        assert.is_true(more - full < 800, ("%d kB, then %d kB"):format(full, more))
      end
    end)
  end) end

  if engine.in_file then describe("on a disk", function()
    local SCRIPT = [[
      local lf = require "luafetch"
      local job = assert(lf.job.open(arg[1], { create = arg[2] ~= "ro" }))
      local n, err = 0, nil
      repeat
        local list = {}
        for i = 1, 500 do list[i] = ("http://a.test/%d/%s"):format(n + i, ("x"):rep(200)) end
        local new
        new, err = job:add(list)
        n = n + (new or 0)
      until err
      print(err.kind, err.message)
      job:close()
      job = assert(lf.job.open(arg[1], { readonly = true }))
      print(n == job:counts().pending, n > 0)
    ]]

    it("that is full, it says so and keeps what it had", function()
      local under = command.unshared("-rm", ("mount -t tmpfs -o size=4m tmpfs '%s'"):format(dir))
      if not under then return print "skip: no name spaces here" end
      local r = command({ "--no-progress", "-e", SCRIPT, dir .. "/full.db" }, { under = under })
      assert.equal("", r.err)
      assert.matches("^io\tcannot .*full.db: .*\ntrue\ttrue\n$", r.out)
    end)

    it("that is read-only, it says so", function()
      open():close()
      local first = ("mount --bind '%s' '%s' && mount -o remount,bind,ro '%s'"):format(dir, dir, dir)
      local under = command.unshared("-rm", first)
      if not under then return print "skip: no name spaces here" end
      local r = command({ "--no-progress", "-e", SCRIPT, file, "ro" }, { under = under })
      assert.equal(1, r.code)
      assert.matches("cannot .*crawl.db", r.err)
      assert.matches("read%-only", r.err:lower())
    end)
  end) end
end end

for _, engine in ipairs(engines) do describe("a job in " .. engine.name, specs(engine)) end
