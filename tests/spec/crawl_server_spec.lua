-- lf.crawl against servers: bodies that are not downloaded, servers that die, jobs that
-- outlive the process.
local command = require "tests.support.command"
local lf = require "luafetch"
local process = require "tests.support.process"
local servers = require "tests.support.servers"

local PAGES = 200
local KILLS = (os.getenv "LF_SANITIZED" or os.getenv "LF_GCSTRESS") and 3 or 8

-- Pages 1 to PAGES: each links to three further ones, to the first one and to a picture.
local function write_site(dir)
  for n = 1, PAGES do
    local links = { '<a href="1.html">first</a><a href="x.png">x</a>' }
    for i = 3 * n - 1, math.min(3 * n + 1, PAGES) do links[#links + 1] = ('<a href="%d.html">%d</a>'):format(i, i) end
    local file = assert(io.open(("%s/%d.html"):format(dir, n), "w"))
    file:write("<title>", n, "</title>", table.concat(links))
    file:close()
  end
  os.execute(("printf x >'%s/x.png'"):format(dir))
end

-- Crawls arg[1] with the job arg[2].
local SCRIPT = [[
  local lf = require "luafetch"
  print "begun"
  io.stdout:flush()
  local result = assert(lf.crawl {
    start = arg[1], job = arg[2], rate = false, robots = false,
    page = function(page)
      lf.sleep(0.03)
      local doc = page:html()
      lf.emit(doc:title())
      page:follow(doc:links())
    end,
  })
  print(lf.json.encode(result, { sort_keys = true }))
]]

describe("a crawl over a network", function()
  local dir, web, fault

  setup(function()
    dir = io.popen("mktemp -d"):read "l"
    write_site(dir)
    web = servers.nginx { root = dir }
    fault = servers.fault()
  end)
  teardown(function()
    servers.stop_all()
    os.execute("rm -r '" .. dir .. "'")
  end)

  local function all_items(file)
    local job <close> = assert(lf.job.open(file))
    local numbers, n = {}, 0
    for item in job:items() do
      n = n + 1
      numbers[tonumber(item)] = true
    end
    for i = 1, PAGES do assert.is_true(numbers[i], "page " .. i .. " is missing") end
    assert.equal(PAGES, n)
    return job:counts()
  end

  it("fetches every page of a site once, and no picture", function()
    local titles, n = {}, 0
    local result = assert(lf.crawl {
      start = web.url .. "/1.html", rate = false,
      page = function(page)
        local doc = page:html()
        titles[doc:title()] = true
        n = n + 1
        page:follow(doc:links())
      end,
    })
    assert.same({ PAGES, 1, 0 }, { n, result.skipped, result.failed })
    for i = 1, PAGES do assert.is_true(titles[tostring(i)]) end
  end)

  it("does not wait for the body of what is no page", function()
    local answer = "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 1000000\r\n\r\nx"
    local began = lf.now()
    local result = assert(lf.crawl {
      start = fault.url .. "/raw?end=hang&data=" .. lf.url.encode(answer), rate = false, robots = false,
      page = function() error "not reached" end,
    })
    assert.same({ 0, 1, 0 }, { result.pages, result.skipped, result.failed })
    assert.is_true(lf.now() - began < 5)
  end)

  it("follows redirects of a server", function()
    local urls = {}
    local result = assert(lf.crawl {
      start = fault.url .. "/redirect/3", types = false, rate = false, robots = false,
      page = function(page) urls[#urls + 1] = page.url end,
    })
    assert.same({ fault.url .. "/ok" }, urls)
    assert.equal(0, result.failed)
  end)

  it("tells each page of a server that dies", function()
    local dying = servers.fault()
    local start, failed = {}, {}
    for i = 1, 20 do start[i] = ("%s/delay/100?n=%d"):format(dying.url, i) end
    local result = assert(lf.crawl {
      start = start, types = false, rate = false, robots = false, per_host = 2, retry = { times = 1, backoff = 0.01 },
      page = function() if dying then dying = dying:stop() end end,
      failed = function(_, err) failed[#failed + 1] = err.kind end,
    })
    assert.equal(20, result.pages + result.failed)
    assert.is_true(result.failed >= 16)
    for _, kind in ipairs(failed) do assert.matches("^c", kind) end -- connect, closed
  end)

  it("gives back what it had when it is cancelled, and goes on from there", function()
    local file = dir .. "/cancelled.db"
    local begun, n = lf.event(), 0
    local opts = {
      start = web.url .. "/1.html", job = file, rate = false, robots = false,
      page = function(page)
        n = n + 1
        if n == 5 then begun:set() end
        lf.sleep(0.02)
        page:follow(page:html():links())
      end,
    }
    local crawl = lf.spawn(lf.crawl, opts)
    begun:wait()
    crawl:cancel()
    local out, err = crawl:join()
    assert.is_nil(out)
    assert.equal("cancelled", err.kind)
    local counts
    for _ = 1, 100 do -- its file is closed beside us
      do
        local job <close> = assert(lf.job.open(file))
        counts = assert(job:counts())
      end
      if counts.active == 0 then break end
      lf.sleep(0.02)
    end
    assert.equal(0, counts.active)
    assert.is_true(counts.done < PAGES and counts.pending > 0)
    local result = assert(lf.crawl(opts))
    local job <close> = assert(lf.job.open(file))
    counts = assert(job:counts())
    assert.same({ PAGES, 1, 0, 0 }, { counts.done, counts.skipped, counts.pending, counts.active })
    assert.is_true(result.pages < PAGES)
  end)

  it("loses no page and keeps each record once when it is killed", function()
    local file = dir .. "/killed.db"
    local script <close> = command.file(SCRIPT, ".lua")
    local half_done = 0
    -- Each is killed a little later, until some were amid their work, however slow it starts here.
    for i = 1, 100 do
      local p = process({ "-q", script.name, web.url .. "/1.html", file }, dir .. "/log")
      lf.sleep(0.05 + 0.03 * i)
      p:signal "KILL"
      p:wait()
      local job <close> = assert(lf.job.open(file))
      local counts = job:counts()
      if counts.done > 0 and counts.pending > 0 then half_done = half_done + 1 end
      if i >= KILLS and half_done > 0 then break end
    end
    assert.is_true(half_done > 0)
    local r = command { script.name, web.url .. "/1.html", file }
    assert.equal(0, r.code, r.err)
    local counts = all_items(file)
    assert.same({ PAGES, 1, 0, 0 }, { counts.done, counts.skipped, counts.pending, counts.active })
    r = command { script.name, web.url .. "/1.html", file } -- there is nothing left to do
    assert.matches('"pages":0', r.out)
    assert.equal(PAGES, all_items(file).done)
  end)

  it("says what is wrong with its job", function()
    local result, err = lf.crawl { job = "README.md", start = web.url, page = function() end }
    assert.is_nil(result)
    assert.equal("state", err.kind)
  end)

  it("says with --verbose why a URL was not fetched", function()
    local r = command { "-v", "-e", [[
      local lf = require "luafetch"
      assert(lf.crawl { start = arg[1], rate = false, depth = 0,
        page = function(page) page:follow { "/x", "http://other.test/", "ftp://a.test/" } end })
    ]], web.url .. "/1.html" }
    assert.equal(0, r.code, r.err)
    assert.matches("not fetched " .. web.url .. "/x %(too deep%)", r.err)
    assert.matches("not fetched http://other.test/ %(too deep%)", r.err)
    assert.matches("not fetched ftp://a.test/ %(no http%)", r.err)
  end)
end)
