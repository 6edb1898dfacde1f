-- luafetch job copy A B: from each engine into each, whole or not at all.
local lf = require "luafetch"
local command = require "tests.support.command"
local servers = require "tests.support.servers"

local kinds = { "file", "redis" }
if not os.execute "command -v redis-server >/dev/null" then
  print "skip: no redis-server, so no copies from and to Redis"
  kinds = { "file" }
end

describe("luafetch job copy", function()
  local dir, redis, made = nil, nil, 0

  setup(function() redis = kinds[2] and servers.redis() end)
  teardown(function()
    if redis then redis.stop() end
  end)
  before_each(function() dir = io.popen("mktemp -d"):read "l" end)
  after_each(function() os.execute("rm -r '" .. dir .. "'") end)

  local function place(kind)
    made = made + 1
    return kind == "file" and ("%s/%d.db"):format(dir, made) or ("%s/job%d"):format(redis.url, made)
  end

  local function url(n) return ("http://h%d.test/%d"):format(n % 50, n) end

  -- A job with one of everything, and more than one piece of each.
  local function fill(name)
    local job <close> = assert(lf.job.open(name, { per_host = false }))
    local list = {}
    for i = 1, 3000 do
      list[i] = { url = url(i), depth = i % 3, priority = i % 2, meta = i % 9 == 0 and { i } or nil }
    end
    list[100].meta = ("x"):rep(70000)
    assert.equal(3000, job:add(list))
    -- Together, as the tasks of a crawl do: alone each would wait for a commit of its own.
    local claimed, n = job:claim(900), 0
    lf.each(claimed, function(page)
      n = n + 1
      local i = n
      if i % 7 == 0 then
        assert(job:fail(page, "HTTP " .. i))
      elseif i % 7 == 1 then
        assert(job:skip(page, "robots.txt"))
      elseif i % 7 == 2 then
        assert(job:fail(page, nil, { again = true }))
      else
        assert(job:complete { page = page, links = { url(3000 + i) }, items = { { i }, "ä" },
          known = { "http://other.test/" .. i } })
      end
    end, { limit = 100 })
    assert(job:host("h1.test", { rate = 2.5, per_host = 3 }))
    assert(job:host("h2.test", { park = 500 }))
    assert(job:host("nobody.test", { per_host = false, rate = false }))
    assert(job:output "/x/out.csv".mine)
    assert(job:output("/x/out.csv", { state = { item = 7, columns = { "a", "b" } } }))
  end

  local function round(x) return type(x) == "number" and math.floor(x * 10 + 0.5) or x end

  -- Everything that can be seen of it, in an order of its own; not the numbers of pages.
  local function seen(name)
    local job <close> = assert(lf.job.open(name))
    local t = { counts = job:counts(), pages = {}, items = {}, hosts = {}, outputs = {} }
    for page in job:pages() do
      page.id = nil
      t.pages[#t.pages + 1] = lf.json.encode(page, { sort_keys = true })
    end
    for item, from, id in job:items { raw = true } do t.items[#t.items + 1] = { item, from, id } end
    for row in job:hosts() do
      local h = job:host(row.host)
      t.hosts[row.host] = { round(h.rate), h.per_host, h.pending, h.wait > 400 and h.wait < 501 }
    end
    for row in job:outputs() do t.outputs[row.name] = row.state end
    return t
  end

  local function copy(from, to) return command { "job", "copy", from, to } end

  for _, a in ipairs(kinds) do
    for _, b in ipairs(kinds) do
      it("takes everything over, from " .. a .. " to " .. b, function()
        local from, to = place(a), place(b)
        fill(from)
        local before = seen(from)
        assert.same({ pending = 2743, active = 0, done = 514, failed = 128, skipped = 129, items = 1028, hosts = 52 },
          before.counts)
        local r = copy(from, to)
        assert.same({ 0, "" }, { r.code, r.err })
        assert.equal(("%d URLs and %d items copied\n"):format(#before.pages, #before.items), r.out)
        local after = seen(to)
        assert.same(before.counts, after.counts)
        assert.same(before.hosts, after.hosts)
        assert.same(before.outputs, after.outputs)
        assert.same(before.items, after.items)
        assert.same(before.pages, after.pages)
        assert.same(before, seen(from))
        -- It is a job like any other: worked on to its end, and nothing comes twice.
        local job <close> = assert(lf.job.open(to, { per_host = false }))
        assert.equal(0, job:add { url(1), url(2999), "http://other.test/4" })
        for _, name in ipairs { "h1.test", "h2.test" } do assert(job:host(name, { per_host = false, rate = false })) end
        local worked = 0
        repeat
          local pages = assert(job:claim(1000))
          lf.each(pages, function(page) assert(job:complete { page = page }) end, { limit = 100 })
          worked = worked + #pages
        until #pages == 0
        assert.equal(before.counts.pending - job:host "h2.test".pending, worked)
        assert.equal(before.counts.failed, job:retry_failed())
      end)
    end
  end

  it("leaves a second job alone that is not empty, and a first that is worked on", function()
    local from, to = place "file", place(kinds[#kinds])
    fill(from)
    do
      local job <close> = assert(lf.job.open(to))
      job:add "http://mine.test/"
    end
    local r = copy(from, to)
    assert.same({ 1, "" }, { r.code, r.out })
    assert.matches("^error: job .* is not empty\n$", r.err)
    local job <close> = assert(lf.job.open(to))
    assert.equal(1, job:counts().pending)
    assert(job:claim()[1])
    r = copy(to, place "file")
    assert.equal(1, r.code)
    assert.matches("^error: 1 pages of the first job are at work: end its workers", r.err)
    assert.equal(1, copy(dir .. "/none.db", place "file").code)
    assert.equal(2, command({ "job", "copy", to }).code)
  end)

  for _, kind in ipairs(kinds) do
    it("nobody works on half a copy, in " .. kind, function()
      local name = place(kind)
      local job <close> = assert(lf.job.open(name))
      local other <close> = assert(lf.job.open(name))
      assert.equal(1, job:import { pages = { { url = "http://a.test/", status = "pending" } } })
      for _, call in ipairs { "claim", "retry_failed" } do
        local value, err = other[call](other)
        assert.is_nil(value)
        assert.equal("state", err.kind)
        assert.matches("is half a copy: reset it, and copy the job once more", err.message)
      end
      assert.is_nil((other:add "http://b.test/"))
      assert.is_nil((other:import { done = 0 }))
      assert.equal(1, other:counts().pending)
      assert.equal(0, job:import { done = 0 })
      assert.equal(1, #other:claim())
      local _, err = job:import {}
      assert.matches("is not empty", err.message)
    end)

    it("that was killed is copied once more when it was reset, in " .. kind, function()
      local from, to = place "file", place(kind)
      fill(from)
      do -- what a killed one leaves
        local job = assert(lf.job.open(to))
        assert.equal(1, job:import { pages = { { url = "http://a.test/", status = "done", tries = 1 } } })
        job:close()
      end
      local r = copy(from, to)
      assert.matches("is not empty", r.err)
      local job <close> = assert(lf.job.open(to))
      assert.is_nil((job:claim()))
      assert.equal(0, command({ "job", to, "reset" }).code)
      assert.equal(0, copy(from, to).code)
      assert.same({ 2743, 514, 1028 }, { job:counts().pending, job:counts().done, job:counts().items })
      assert.equal(1, #job:claim())
    end)
  end

  it("refuses pages that are none", function()
    local job <close> = assert(lf.job.open(place "file"))
    assert.has_error(function() job:import { pages = { { url = "http://a.test/" } } } end)
    assert.has_error(function() job:import { pages = { { url = "http://a.test/", status = "odd" } } } end)
    assert.has_error(function() job:import { items = { { url = "http://a.test/" } } } end)
    assert.is_nil((job:import { pages = { { url = "mailto:x", status = "done" } } }))
    assert.equal(0, job:counts().hosts)
  end)
end)
