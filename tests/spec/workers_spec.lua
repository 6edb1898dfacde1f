-- --workers N: several processes on one job, which are together what one would be.
local lf = require "luafetch"
local command = require "tests.support.command"
local process = require "tests.support.process"
local servers = require "tests.support.servers"

-- Pages 1 to N of a site, each of which takes some of a worker's time. Arguments: site, job, N, then
-- what crawl is told besides, as Lua.
local CRAWL = [[
local lf = require "luafetch"
local start = {}
for i = 1, tonumber(arg[3]) do start[i] = arg[1] .. "/?n=" .. i end
local me = io.open("/proc/self/stat"):read "n"
local opts = load("return " .. (arg[4] or "{}"))()
opts.start, opts.job, opts.robots, opts.rate, opts.types = start, arg[2], false, false, false
opts.page = function(page)
  local ends = os.clock() + 0.004
  while os.clock() < ends do end
  page:emit { n = tonumber(page.url:match "%d+$"), worker = me }
end
assert(lf.crawl(opts))
]]

-- Pages that take no network, over a lease of a second. Arguments: job, pages, seconds a page; "emit".
local CLAIM = [[
local lf = require "luafetch"
local job <close> = assert(lf.job.open(arg[1], { per_host = false, lease = 1, deliveries = 100 }))
local output <close> = arg[4] and job:emit()
local list = {}
for i = 1, tonumber(arg[2]) do list[i] = "http://a.test/" .. i end
assert(job:add(list))
local me = io.open("/proc/self/stat"):read "n"
repeat
  local pages, wait = assert(job:claim(4))
  for _, page in ipairs(pages) do
    lf.sleep(tonumber(arg[3]))
    job:complete { page = page, items = { { n = tonumber(page.url:match "%d+$"), worker = me } } }
  end
  if #pages == 0 then lf.sleep(0.02) end
until #pages == 0 and not wait
]]

-- Says which worker it is, and waits for ever. Argument: job.
local WAIT = [[
local lf = require "luafetch"
local job <close> = assert(lf.job.open(arg[1]))
local c <close> = setmetatable({}, { __close = function() lf.log.warn "closed" end })
lf.log.warn("up " .. io.open("/proc/self/stat"):read "n" .. ".")
lf.sleep(1000)
]]

local engines = { SQLite = true }
if os.execute "command -v redis-server >/dev/null" then engines.Redis = true end

describe("--workers", function()
  local dir, site, redis

  setup(function()
    site = servers.nginx { access_log = true, conf_extra = "location / { add_header X-A b; return 200 x; }" }
    redis = engines.Redis and servers.redis()
  end)
  teardown(function()
    site.stop()
    if redis then redis.stop() end
  end)
  before_each(function() dir = io.popen("mktemp -d"):read "l" end)
  after_each(function() os.execute("rm -r '" .. dir .. "'") end)

  local function write(name, text)
    local f = assert(io.open(dir .. "/" .. name, "w"))
    f:write(text)
    f:close()
    return dir .. "/" .. name
  end

  local function slurp(name)
    local f = io.open(name, "rb")
    local text = f and f:read "a" or ""
    if f then f:close() end
    return text
  end

  local jobs = 0
  local function job_of(engine)
    jobs = jobs + 1
    return engine == "Redis" and ("%s/job%d"):format(redis.url, jobs) or ("%s/job%d.db"):format(dir, jobs)
  end

  -- Each page once, in whole lines; how many workers they are of.
  local function check(text, pages)
    local seen, workers, n, many = {}, {}, 0, 0
    for line in text:gmatch "([^\n]*)\n" do
      local item = assert(lf.json.decode(line), line)
      assert.is_nil(seen[item.n], "twice: " .. line)
      seen[item.n], n = true, n + 1
      if not workers[item.worker] then workers[item.worker], many = true, many + 1 end
    end
    assert.equal("", text:match "[^\n]*$")
    assert.equal(pages, n)
    return many
  end

  local function items(job) return command({ "job", job, "items" }).out end

  -- The numbers of so many workers that have done some of the pages.
  local function working(job, n)
    for _ = 1, 500 do
      local seen, list = {}, {}
      for pid in items(job):gmatch '"worker":(%d+)' do
        if not seen[pid] then list[#list + 1] = pid end
        seen[pid] = true
      end
      if #list >= n then return list end
      lf.sleep(0.02)
    end
    error("not " .. n .. " of them work")
  end

  local function requests() return select(2, slurp(site.dir .. "/access.log"):gsub("\n", "\n")) end

  -- The numbers of the processes that are up, when there are so many.
  local function up(p, n)
    local list
    for _ = 1, 1000 do
      list = {}
      for pid in p:output():gmatch "up (%d+)%." do list[#list + 1] = pid end
      if #list == n then return list end
      lf.sleep(0.01)
    end
    error("not " .. n .. " of them: " .. p:output())
  end

  local function ended(pid)
    local text = slurp("/proc/" .. pid .. "/stat")
    return text == "" or text:find "%) [ZX]" ~= nil
  end

  local function all_ended(list)
    for _ = 1, 500 do
      local left = 0
      for _, pid in ipairs(list) do left = left + (ended(pid) and 0 or 1) end
      if left == 0 then return true end
      lf.sleep(0.01)
    end
  end

  for engine in pairs(engines) do
    describe("on a job in " .. engine, function()
      it("share it: each page once, all of them work, and the summary is of all", function()
        local out, before = dir .. "/out.jsonl", requests()
        local r = command { "--workers", "3", "--stats=json", "-o", out, write("c.lua", CRAWL), site.url,
          job_of(engine), "150" }
        assert.equal(0, r.code, r.err)
        assert.equal(3, check(slurp(out), 150))
        local stats = assert(lf.json.decode(r.err), r.err)
        assert.equal(150, requests() - before)
        assert.same({ 150, 150, 0, 150, 3 }, { stats.requests, stats.ok, stats.failed, stats.statuses["2xx"],
          stats.workers })
        assert.equal(150, stats.connections_opened + stats.connections_reused)
        assert.is_true(stats.peak_active >= 3 and stats.latency.p50 > 0 and stats.lua > 150 * 0.004)
      end)

      it("give what a killed one had to others, and write -o once and whole", function()
        local out, job = dir .. "/out.jsonl", job_of(engine)
        -- Who is killed may hold the file; in Redis that would be for five seconds.
        local p = process({ "--workers", "2", "-o", out, write("c.lua", CLAIM), job, "120", "0.02",
          engine == "SQLite" and "emit" or nil }, dir .. "/log")
        local victim = working(job, 1)[1]
        os.execute("kill -9 " .. victim)
        p:wait()
        assert.matches("^warning: worker %d %(process " .. victim
          .. "%) was killed by signal 9 %(Killed%); it is started again\n$", p:output())
        if engine == "SQLite" then check(slurp(out), 120) end
        assert.is_true(check(items(job), 120) >= 2)
      end)
    end)
  end

  for engine in pairs(engines) do
    it("give back what they have when they end amid writing, in " .. engine, function()
      local job <close> = assert(lf.job.open(job_of(engine)))
      local name = tostring(job):match "^job (.*)"
      local r = command { "-e", [[
        local lf = require "luafetch"
        local job = assert(lf.job.open(arg[1]))
        local list = {}
        for i = 1, 5000 do list[i] = ("http://h%d.test/%d"):format(i % 50, i) end
        job:add(list)
        print(#job:claim(5))
        for i = 1, 5000 do list[i] = list[i] .. "/more" end
        lf.background(function() job:add(list) end)
        lf.sleep(0.01)
        error "enough"
      ]], name }
      assert.equal(1, r.code)
      assert.equal("5\n", r.out)
      assert.equal(0, assert(job:counts()).active)
    end)
  end

  it("keep to the limit of a host together", function()
    local slow = servers.fault()
    local r = command { "--workers", "3", "--stats=json", "-e", [[
      local lf = require "luafetch"
      local start = {}
      for i = 1, 12 do start[i] = arg[1] .. "/delay/60?n=" .. i end
      assert(lf.crawl { start = start, job = arg[2], robots = false, rate = false, types = false, per_host = 2,
        page = function() end })
    ]], slow.url, dir .. "/job.db" }
    slow.stop()
    assert.equal(0, r.code, r.err)
    local stats = assert(lf.json.decode(r.err), r.err)
    assert.equal(12, stats.requests)
    assert.is_true(stats.elapsed >= 12 / 2 * 0.06, stats.elapsed)
  end)

  it("want a script with a job, and say so before anything is done twice", function()
    local r = command { "--workers", "3", "-e", [[
      local lf = require "luafetch"
      lf.crawl { start = arg[1], page = print }
    ]], site.url }
    assert.equal(1, r.code)
    assert.matches("line%):2: crawl: option 'job' is missing: the 3 processes of %-%-workers share one", r.err)
    assert.equal(1, select(2, r.err:gsub("option 'job'", "")))
    r = command { "--workers", "3", "-e", "print 'once'" }
    assert.equal("once\n", r.out)
    assert.equal(2, r.code)
    assert.matches("^error: %-%-workers 3: the script opens no job that they could share", r.err)
    r = command { "--workers", "1", "-e", "print 'once'" }
    assert.same({ 0, "once\n", "" }, { r.code, r.out, r.err })
  end)

  it("refuse what makes no sense", function()
    for _, words in ipairs { { "0", "-e", "" }, { "257", "-e", "" }, { "x", "-e", "" }, { "2", "-" },
      { "3", "--limit", "2", "-e", "" }, { "2", "job", "x", "status" } } do
      local r = command { "--workers", table.unpack(words) }
      assert.equal(2, r.code)
      assert.matches("%-%-workers", r.err)
    end
  end)

  it("that are killed again and again end the run", function()
    local r = command { "--workers", "2", "-e", [[
      local lf = require "luafetch"
      local job <close> = assert(lf.job.open(arg[1]))
      os.execute("kill -9 " .. io.open("/proc/self/stat"):read "n")
      lf.sleep(100)
    ]], dir .. "/job.db" }
    assert.equal(1, r.code)
    assert.equal(5, select(2, r.err:gsub("it is started again", "")))
    assert.matches("5 have been started again before, so the run ends\n$", r.err)
  end)

  it("that end by themselves are not started again, and the worst exit code is the run's", function()
    local job = job_of "SQLite"
    local r = command { "--workers", "3", "-e", [[
      local lf = require "luafetch"
      local job <close> = assert(lf.job.open(arg[1]))
      print "begun"
      assert(job:add { "http://a.test/" })
      if #assert(job:claim(1)) == 1 then os.exit(7) end
    ]], job }
    assert.equal("begun\nbegun\nbegun\n", r.out)
    assert.same({ 7, "" }, { r.code, r.err })
  end)

  for name, code in pairs { INT = 130, TERM = 143 } do
    it(("end in order by SIG%s, and no process is left"):format(name), function()
      local p = process({ "--workers", "3", write("wait.lua", WAIT), dir .. "/job.db" }, dir .. "/log")
      local list = up(p, 3)
      p:signal(name)
      p:wait()
      assert.is_true(all_ended(list))
      assert.equal(3, select(2, p:output():gsub("warning: closed\n", "")))
      local shell = "{ @ & p=$!; while [ $(grep -c up DIR/err) != 2 ]; do sleep 0.02; done; "
        .. "kill -SIG $p; wait $p; } 2>DIR/err"
      local r = command({ "--workers", "2", dir .. "/wait.lua", dir .. "/job.db" },
        { shell = shell:gsub("DIR", dir):gsub("SIG", name) })
      assert.equal(code, r.code)
    end)
  end

  it("end at once by a second signal, and with the process that started them", function()
    local stubborn = write("stubborn.lua", WAIT:gsub('lf.log.warn "closed"', "while true do end"))
    local p = process({ "--workers", "2", stubborn, dir .. "/job.db" }, dir .. "/log")
    local list = up(p, 2)
    p:signal "TERM"
    lf.sleep(0.05)
    assert.is_false(p:has_ended())
    p:signal "TERM"
    p:wait()
    assert.is_true(all_ended(list))
    p = process({ "--workers", "3", write("wait.lua", WAIT), dir .. "/job2.db" }, dir .. "/log2")
    list = up(p, 3)
    p:signal "KILL"
    p:wait()
    assert.is_true(all_ended(list))
  end)

  it("of which one is stopped: the others have its pages, and the run ends", function()
    local job = dir .. "/job.db"
    local p = process({ "--workers", "2", write("c.lua", CLAIM), job, "100", "0.02" }, dir .. "/log")
    local victim = working(job, 2)[1]
    repeat -- one that is stopped amid a commit keeps everybody from the file
      os.execute("kill -STOP " .. victim)
      local free = lf.job.open(job, { wait = 0.3 })
      if not free then os.execute("kill -CONT " .. victim) end
    until free and free:close()
    p:wait()
    assert.matches("warning: worker %d %(process " .. victim .. "%) is stopped; what it holds goes to o", p:output())
    assert.matches("warning: the other workers are through: 1 that is stopped goes on", p:output())
    assert.equal(2, check(items(job), 100))
  end)

  it("have the limits of a run together", function()
    local before, began = requests(), lf.now()
    local r = command { "--workers", "3", "--max-requests", "50", "--stats=json", write("c.lua", CRAWL), site.url,
      dir .. "/job.db", "150" }
    assert.equal(4, r.code)
    assert.equal(50, requests() - before)
    assert.equal(1, select(2, r.err:gsub("error: the run was ended by max%-requests: 50 were made", "")))
    assert.is_true(lf.now() - began < 20) -- no lease has to run out
    began = lf.now()
    r = command { "--workers", "2", "--max-time", "0.3", write("wait.lua", WAIT), dir .. "/job2.db" }
    assert.equal(4, r.code)
    assert.is_true(lf.now() - began < 2)
    assert.matches("error: the run was ended by max%-time: 0.3 s are over\n$", r.err)
    r = command { "--workers", "3", "--max-memory", "300M", "--limit", "7", "-e", [[
      local lf = require "luafetch"
      local job <close> = assert(lf.job.open(arg[1]))
      print(lf.limits().max_memory)
    ]], dir .. "/job3.db" }
    assert.equal((100 << 20) .. "\n" .. (100 << 20) .. "\n" .. (100 << 20) .. "\n", r.out)
  end)

  it("have a progress line for all, and lines that are whole", function()
    local r = command({ "--workers", "3", "--progress", "-e", [[
      local lf = require "luafetch"
      local start = {}
      for i = 1, 60 do start[i] = arg[1] .. "/?n=" .. i end
      assert(lf.crawl { start = start, job = arg[2], robots = false, rate = false, types = false, page = function(page)
        lf.sleep(0.1)
        lf.log.warn(page.url:match "n=%d+" .. ("-"):rep(500))
      end })
    ]], site.url, dir .. "/job.db" })
    assert.equal(0, r.code, r.err)
    local _, seen = require "tests.support.screen"(r.err)
    local most = 0
    for _, line in ipairs(seen) do
      most = math.max(most, tonumber(line:match "^(%d+) done, 0 failed, %d+ in flight") or 0)
    end
    assert.is_true(most > 20 and most <= 60, most)
    local n = 0
    for line in r.err:gsub("\r[^\r\n]-\27%[[KJ]", ""):gsub("\r\27%[K", ""):gmatch "[^\n]+" do
      assert.matches("^warning: n=%d+%-+$", line)
      assert.equal(500, #line:match "%-+$")
      n = n + 1
    end
    assert.equal(60, n)
  end)

  it("wait for each other: one whose start comes late is not left alone", function()
    local r = command({ "--workers", "2", "-e", [[
      local lf = require "luafetch"
      local me = io.open("/proc/self/stat"):read "n"
      local result = assert(lf.crawl {
        start = io.lines(), job = arg[1], robots = false, rate = false, types = false,
        page = function(page) lf.emit { n = tonumber(page.url:match "%d+$"), worker = me } lf.sleep(0.02) end,
      })
      print("pages", result.pages)
    ]], dir .. "/job.db" }, {
      shell = ("{ sleep 0.5; for i in $(seq 40); do echo %s/?n=$i; done; } | @"):format(site.url),
    })
    assert.equal(0, r.code, r.err)
    local sum, all = 0, 0
    for n in r.out:gmatch "pages\t(%d+)\n" do
      sum, all = sum + n, all + (tonumber(n) > 0 and 1 or 0)
    end
    assert.same({ 40, 2 }, { sum, all })
  end)
end)
