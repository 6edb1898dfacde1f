-- Fifty hosts with different robots.txt, rates, refusals and failures, crawled by three processes on
-- one job: what each host saw is judged by its own log.
local lf = require "luafetch"
local process = require "tests.support.process"
local servers = require "tests.support.servers"

local HOSTS = 50
local PAGES = 10 -- of a host that may be fetched
local STARTS = 3 -- of these pages are known from the beginning
local WORKERS = 3
local RATE, PER_HOST = 8, 2
local DELAY = 0.4 -- seconds of Crawl-delay
local PARK = 1 -- seconds of Retry-After
-- By how much a request may come later than it was sent, or its neighbour be logged late.
local LATE = (os.getenv "LF_SANITIZED" or os.getenv "LF_GCSTRESS") and 0.3 or 0.2

-- Each host is of one kind: nginx directives, and what becomes of its PAGES pages.
local KINDS = {
  {}, -- any page, as fast as `rate` says
  { delay = DELAY, robots = "User-agent: *\\nCrawl-delay: " .. DELAY .. "\\n" },
  { private = true, robots = "User-agent: *\\nDisallow: /private\\n" },
  { refuses = true, page = "limit_req zone=each burst=4 nodelay;" },
  { broken = true, page = "if ($uri = /3.html) { return 444; } if ($uri = /4.html) { return 500; }" },
  { slow = true, page = "limit_rate 4k;" }, -- half a second a page
  { down = true, robots_status = 503 },
}

local function kind_of(host) return KINDS[host % #KINDS + 1] end

local function server_block(host)
  local kind = kind_of(host)
  local robots = kind.robots_status and ("return %d;"):format(kind.robots_status)
    or kind.robots and ('return 200 "%s";'):format(kind.robots) or "return 404;"
  return ([[
    server {
      listen 127.0.1.%d:@PORT@;
      root @DIR@/site;
      access_log @DIR@/timed.log timed;
      add_header Retry-After %d always;
      location = /robots.txt { default_type text/plain; %s }
      location / { %s }
    }
  ]]):format(host, PARK, robots, kind.page or "")
end

local function write_site(dir)
  os.execute(("mkdir -p '%s/site/private'"):format(dir))
  local function page(name, text)
    local file = assert(io.open(("%s/site/%s.html"):format(dir, name), "w"))
    file:write(text)
    file:close()
  end
  local links = { '<a href="/private/1.html">no</a>' }
  for n = 2, PAGES do links[n] = ('<a href="/%d.html">%d</a>'):format(n, n) end
  page(1, table.concat(links))
  for n = 2, PAGES do page(n, ("<p>text %06d</p>"):format(n):rep(300)) end
  page("private/1", "none of your business")
end

local SCRIPT = ([[
  local lf = require "luafetch"
  local start = {}
  for n = 1, %d do
    for host = 1, %d do start[#start + 1] = ("http://127.0.1.%%d:%%s/%%d.html"):format(host, arg[2], n) end
  end
  local result = assert(lf.crawl {
    start = start, job = arg[1], rate = %d, per_host = %d, limit = 100, lease = 5,
    retry = { times = 8, backoff = 0.02, max = 0.1 },
    page = function(page)
      page:follow(page:html():links())
      page:emit(page.url)
    end,
    failed = function() end,
  })
  print("through: " .. result.pages)
]]):format(STARTS, HOSTS, RATE, PER_HOST)

local redis = os.execute "command -v redis-server >/dev/null" and servers.redis()
if not redis then print "skip: no redis-server, so no job in Redis" end
local engines = { { name = "a file", place = function(dir) return dir .. "/job.db" end } }
if redis then engines[2] = { name = "Redis", place = function() return redis.url .. "/job" end } end

for _, engine in ipairs(engines) do describe("fifty hosts, with a job in " .. engine.name, function()
  local dir, web, seen, counts, workers

  setup(function()
    dir = io.popen("mktemp -d"):read "l"
    local blocks = { "server { listen 127.0.0.1:@PORT@; }" } -- asked whether it is there
    for host = 1, HOSTS do blocks[host + 1] = server_block(host) end
    web = servers.nginx {
      servers = table.concat(blocks),
      http_extra = "log_format timed '$server_addr $uri $status $msec $request_time';\n"
        .. "limit_req_zone $server_addr zone=each:1m rate=4r/s; limit_req_status 429;",
    }
    write_site(web.dir)
    local script = assert(io.open(dir .. "/crawl.lua", "w"))
    script:write(SCRIPT)
    script:close()
    local where = engine.place(dir)
    workers = {}
    for n = 1, WORKERS do
      workers[n] = process({ dir .. "/crawl.lua", where, tostring(web.port) }, dir .. "/worker" .. n)
    end
    for _, worker in ipairs(workers) do worker:wait(60) end
    local job <close> = assert(lf.job.open(where))
    counts = assert(job:counts())
    seen = {}
    for host = 1, HOSTS do seen[host] = {} end
    for line in io.lines(web.dir .. "/timed.log") do
      local host, uri, status, ended, took = line:match "^127%.0%.1%.(%d+) (%S+) (%d+) (%S+) (%S+)$"
      local list = seen[tonumber(host)]
      list[#list + 1] = { uri = uri, status = tonumber(status), from = ended - took, to = tonumber(ended) }
    end
    for _, list in ipairs(seen) do table.sort(list, function(a, b) return a.from < b.from end) end
  end)
  teardown(function()
    web.stop()
    os.execute("rm -r '" .. dir .. "'")
  end)

  -- Of each host of a kind that has the field: its pages as its server saw them.
  local function each(field, fn)
    local n = 0
    for host = 1, HOSTS do
      local list = {}
      for _, request in ipairs(seen[host]) do
        if request.uri ~= "/robots.txt" then list[#list + 1] = request end
      end
      if not field or kind_of(host)[field] then
        fn(list, kind_of(host), "host " .. host)
        n = n + 1
      end
    end
    assert.is_true(n >= HOSTS // #KINDS)
  end

  it("give every page that can be had, once", function()
    each(nil, function(list, kind, host)
      local had, n = {}, 0
      for _, request in ipairs(list) do
        if request.status == 200 then
          assert.is_nil(had[request.uri], host .. ": twice " .. request.uri)
          had[request.uri], n = true, n + 1
        end
      end
      local outside = kind.private and 0 or 1 -- /private/1.html, where nothing forbids it
      assert.equal(kind.down and 0 or kind.broken and PAGES - 2 + outside or PAGES + outside, n, host)
    end)
  end)

  it("have an outcome for each page", function()
    local wanted = { done = 0, failed = 0, skipped = 0 }
    for host = 1, HOSTS do
      local kind = kind_of(host)
      local failed = kind.down and STARTS or kind.broken and 2 or 0
      local skipped = kind.private and 1 or 0
      wanted.failed, wanted.skipped = wanted.failed + failed, wanted.skipped + skipped
      wanted.done = wanted.done + (kind.down and 0 or PAGES + 1 - failed - skipped)
    end
    assert.same(wanted, { done = counts.done, failed = counts.failed, skipped = counts.skipped })
    assert.same({ wanted.done, 0, 0, HOSTS }, { counts.items, counts.pending, counts.active, counts.hosts })
  end)

  it("were visited by all workers", function()
    for n, worker in ipairs(workers) do
      assert.is_true(tonumber(worker:output():match "through: (%d+)") > 0, n .. ": " .. worker:output())
    end
  end)

  it("see no page that robots.txt forbids", function()
    each("private", function(list, _, host)
      for _, request in ipairs(list) do assert.is_nil(request.uri:find "private", host) end
    end)
    each("down", function(list, _, host) assert.equal(0, #list, host) end)
  end)

  it("see no more than per_host at once", function()
    local most = 0
    each(nil, function(list, _, host)
      for i, request in ipairs(list) do
        local at_once = 1
        for k = 1, i - 1 do -- the log is a few milliseconds behind what the client has
          if list[k].to - 0.01 > request.from then at_once = at_once + 1 end
        end
        most = math.max(most, at_once)
        assert.is_true(at_once <= PER_HOST, ("%s: %d at once"):format(host, at_once))
      end
    end)
    assert.equal(PER_HOST, most) -- or nothing was measured
  end)

  it("see no more than the rate", function()
    each(nil, function(all, _, host)
      local list, lost = {}, {}
      -- A kept connection that ends without an answer may just have been too old: the request goes out
      -- once more, at once, as with all clients.
      for _, request in ipairs(all) do
        if request.from - (lost[request.uri] or 0) > 0.05 then list[#list + 1] = request end
        lost[request.uri] = request.status == 444 and request.to or nil
      end
      for i = 1, #list do
        local n = 1
        while list[i + n] and list[i + n].from - list[i].from < 1 - LATE do n = n + 1 end
        -- one more: what was given out in time may be a little late where its robots.txt had to come first
        assert.is_true(n <= RATE + 1, ("%s: %d in a second"):format(host, n))
      end
    end)
  end)

  it("see no page before their Crawl-delay is over", function()
    each("delay", function(list, kind, host)
      for i = 2, #list do
        local gap = list[i].from - list[i - 1].from
        assert.is_true(gap >= kind.delay - LATE, ("%s: only %.3f s"):format(host, gap))
      end
      local all = list[#list].from - list[1].from
      assert.is_true(all >= kind.delay * (#list - 1) - LATE, ("%s: %d pages in %.2f s"):format(host, #list, all))
    end)
  end)

  it("are left alone when they say so", function()
    local refusals = 0
    each("refuses", function(list, _, host)
      for i, request in ipairs(list) do
        if request.status == 429 then
          refusals = refusals + 1
          local under_way = 0 -- in the hands of others already when it was said
          for k = i + 1, #list do
            if list[k].from - request.to < PARK - LATE then under_way = under_way + 1 end
          end
          assert.is_true(under_way < PER_HOST, ("%s: %d more"):format(host, under_way))
        end
      end
    end)
    assert.is_true(refusals > 0)
  end)
end) end
