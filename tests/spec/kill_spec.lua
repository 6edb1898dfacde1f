-- A crawl that several processes share, killed and stopped anywhere: with a job in a file and in Redis.
local lf = require "luafetch"
local process = require "tests.support.process"
local servers = require "tests.support.servers"

local slow = os.getenv "LF_SANITIZED" or os.getenv "LF_GCSTRESS"
local PAGES = slow and 500 or 2000
local KILLS = slow and 8 or 20
local WORKERS = 3

-- Crawls arg[1] with the job arg[2]; arg[3]: seconds a page, arg[4]: of a lease.
local SCRIPT = [[
  local lf = require "luafetch"
  local pause = tonumber(arg[3])
  local result = assert(lf.crawl {
    start = arg[1], job = arg[2], lease = tonumber(arg[4]), limit = 4, per_host = 24,
    rate = false, robots = false,
    page = function(page)
      lf.sleep(pause * math.random())
      page:follow(page:html():links())
      page:emit(page:html():title())
    end,
  })
  print("through: " .. result.pages)
]]

-- Pages 1 to PAGES: each links to three further ones and to the first one.
local function write_site(dir)
  for n = 1, PAGES do
    local links = { '<a href="1.html">first</a>' }
    for i = 3 * n - 1, math.min(3 * n + 1, PAGES) do links[#links + 1] = ('<a href="%d.html">%d</a>'):format(i, i) end
    local file = assert(io.open(("%s/%d.html"):format(dir, n), "w"))
    file:write("<title>", n, "</title>", table.concat(links))
    file:close()
  end
end

local redis = os.execute "command -v redis-server >/dev/null" and servers.redis()
if not redis then print "skip: no redis-server, so no job in Redis" end

-- That a process of this machine has died is known at once of a file; of Redis when its lease ends.
local engines = { { name = "a file", lease = 60, place = function(dir, name) return dir .. "/" .. name .. ".db" end } }
if redis then
  engines[2] = { name = "Redis", lease = 0.5, place = function(_, name) return redis.url .. "/" .. name end }
end

describe("a crawl of several processes", function()
  local dir, web

  setup(function()
    dir = io.popen("mktemp -d"):read "l"
    write_site(dir)
    web = servers.nginx { root = dir }
  end)
  teardown(function()
    servers.stop_all()
    os.execute("rm -r '" .. dir .. "'")
  end)

  local function output_name(where) return dir .. "/" .. where:match "[^/]*$" .. ".jsonl" end

  local function worker(n, where, pause, lease, output)
    local script = dir .. "/crawl.lua"
    local file = assert(io.open(script, "w"))
    file:write(SCRIPT)
    file:close()
    local words = { script, web.url .. "/1.html", where, tostring(pause), tostring(lease) }
    if output then table.move({ "-o", output, table.unpack(words) }, 1, 7, 1, words) end
    return process(words, ("%s/worker%d"):format(dir, n))
  end

  -- The numbers of the pages whose items the job has, and the file of -o, in order.
  local function items_of(job)
    local list = {}
    for item in job:items() do list[#list + 1] = tonumber(item) end
    table.sort(list)
    return list
  end

  local function output_of(where)
    local list = {}
    for line in io.lines(output_name(where)) do list[#list + 1] = tonumber(lf.json.decode(line)) end
    table.sort(list)
    return list
  end

  local function finished(list)
    for _, p in ipairs(list) do
      p:wait(60)
      assert.matches("through: %d", p:output())
    end
  end

  local undisturbed

  setup(function()
    local where = dir .. "/undisturbed.db"
    finished { worker(1, where, 0, 60) }
    local job <close> = assert(lf.job.open(where))
    undisturbed = items_of(job)
    assert.equal(PAGES, #undisturbed)
  end)

  for _, engine in ipairs(engines) do
    it(("has each page once when they are killed anywhere, with a job in %s"):format(engine.name), function()
      local where = engine.place(dir, "killed")
      local job <close> = assert(lf.job.open(where))
      local workers = {}
      for n = 1, WORKERS do workers[n] = worker(n, where, 0.02, engine.lease, output_name(where)) end
      for kill = 1, KILLS do
        -- somewhere in its share of the pages, at any moment of a page
        local share = PAGES / (KILLS + 1)
        local point, ends = math.floor(share * (kill - 1 + math.random())), lf.now() + 30
        while assert(job:counts()).done < point do
          assert.is_true(lf.now() < ends, "it stands still")
          lf.sleep(0.005)
        end
        lf.sleep(0.01 * math.random())
        local n = math.random(WORKERS)
        workers[n]:signal "KILL"
        workers[n]:wait()
        assert.is_nil(workers[n]:output():find "through")
        workers[n] = worker(n, where, 0.02, engine.lease, output_name(where))
      end
      finished(workers)
      assert.same(undisturbed, items_of(job))
      assert.same(undisturbed, output_of(where))
      local counts = assert(job:counts())
      assert.same({ PAGES, 0, 0, 0, 0, PAGES },
        { counts.done, counts.pending, counts.active, counts.failed, counts.skipped, counts.items })
    end)

    it(("takes over from one that was stopped, with a job in %s"):format(engine.name), function()
      local where = engine.place(dir, "stopped")
      local job <close> = assert(lf.job.open(where))
      local sleeper = worker(1, where, 0.05, 0.5)
      repeat
        lf.sleep(0.005)
        local counts = assert(job:counts())
        assert.is_false(sleeper:has_ended(), sleeper:output())
      until counts.done > PAGES / 20 and counts.active > 0
      sleeper:stop()
      assert.is_true(assert(job:counts()).active > 0)
      finished { worker(2, where, 0.01, 0.5) }
      assert.same(undisturbed, items_of(job))
      sleeper:signal "CONT"
      finished { sleeper }
      assert.matches("another worker has taken over", sleeper:output())
      assert.same(undisturbed, items_of(job))
    end)
  end
end)
