-- lf.crawl on a scripted network, whose clock jumps. What needs real connections, files that
-- outlive the process or signals is in crawl_server_spec.lua.
local command = require "tests.support.command"
local lf = require "luafetch"
local test = require "luafetch.test"

-- Each a page of links: {["http://a.test/"] = "x y", …}; what is a table is an answer.
local function site(pages)
  local answers = {}
  for url, links in pairs(pages) do
    if type(links) == "string" then
      local body = links:gsub("%S+", '<a href="%0">%0</a>')
      answers[url] = { headers = { ["Content-Type"] = "text/html" }, body = body }
    else
      answers[url] = links
    end
  end
  return answers
end

local function follow_all(page) page:follow(page:html():links()) end

-- Run one crawl: what it gives, what was asked for without robots.txt, and the log.
local function crawl(pages, opts)
  local result, err
  opts.page = opts.page or follow_all
  if opts.rate == nil then opts.rate = false end
  local log = test.run(site(pages), function() result, err = lf.crawl(opts) end)
  local asked = {}
  for _, request in ipairs(log.requests) do
    if not request.url:find("/robots.txt", 1, true) then asked[#asked + 1] = request.url end
  end
  assert.equal(0, log.leftovers)
  return result, asked, log, err
end

local function sorted(list)
  table.sort(list)
  return list
end

local function paths(asked)
  local list = {}
  for i, url in ipairs(asked) do list[i] = url:match "^http://[^/]*(.*)" end
  return table.concat(list, " ")
end

describe("a crawl", function()
  it("follows links from page to page, each URL once, breadth first", function()
    local result, asked = crawl({
      ["http://a.test/"] = "/b /c http://A.test:80/b#again",
      ["http://a.test/b"] = "/ /d",
      ["http://a.test/c"] = "/d /e",
      ["http://a.test/d"] = "/f", ["http://a.test/e"] = "", ["http://a.test/f"] = "",
    }, { start = "http://a.test/", per_host = 1 })
    assert.equal("/ /b /c /d /e /f", paths(asked))
    assert.same({ 6, 0, 0 }, { result.pages, result.failed, result.skipped })
  end)

  it("gives the page as a Response with its place in the crawl", function()
    local seen = {}
    crawl({ ["http://a.test/"] = "/b", ["http://a.test/b"] = "" }, {
      start = { { url = "http://a.test/", meta = "start" } },
      page = function(page)
        seen[#seen + 1] = { page.status, page.url, page.depth, page.from, page.meta }
        assert.equal(page.body, page:text())
        assert.is_nil(page.nonsense)
        assert.equal(page.depth == 0 and 1 or 0, page:follow(page:html():css "a", { n = page.depth + 1 }))
      end,
    })
    assert.same({
      { 200, "http://a.test/", 0, nil, "start" }, { 200, "http://a.test/b", 1, "http://a.test/", { n = 1 } },
    }, seen)
  end)

  it("starts from a list, an iterator, a file or a sitemap", function()
    local pages = { ["http://a.test/1"] = "", ["http://a.test/2"] = "", ["http://a.test/map.xml"] = {
      body = "<urlset><url><loc>http://a.test/1</loc></url><url><loc>http://a.test/2</loc></url></urlset>",
    } }
    local file <close> = command.file "# two\nhttp://a.test/1\n\n  http://a.test/2  # the second\n"
    local list = { "http://a.test/1", "http://a.test/2" }
    local i = 0
    local function iterate()
      i = i + 1
      return list[i]
    end
    for _, start in ipairs { list, iterate, { file = file.name }, { sitemap = "http://a.test/map.xml" } } do
      local result, asked = crawl(pages, { start = start })
      assert.equal(2, result.pages)
      local text = paths(asked):gsub("/map.xml ", "")
      assert.equal("/1 /2", text)
    end
  end)

  it("begins while a slow start still goes on", function()
    local i = 0
    local _, _, log = crawl({ ["http://a.test/1"] = "", ["http://a.test/2"] = "", ["http://a.test/3"] = "" }, {
      robots = false,
      start = function()
        i = i + 1
        if i > 1 then lf.sleep(10) end
        return i <= 3 and "http://a.test/" .. i or nil
      end,
    })
    assert.is_true(log.requests[1].at < 11)
    assert.is_true(log.requests[2].at > 9)
    assert.is_true(log.requests[3].at > 19)
  end)

  it("tells of starts that are no URLs and of files that are not there", function()
    local failed = {}
    local result = crawl({ ["http://a.test/"] = "" }, {
      start = { "nonsense", "http://a.test/" }, failed = function(url, why) failed[#failed + 1] = { url, why.kind } end,
    })
    assert.same({ { "nonsense", "url" } }, failed)
    assert.equal(1, result.pages)
    local none, _, _, err = crawl({}, { start = { file = "/nowhere/urls" } })
    assert.is_nil(none)
    assert.equal("io", err.kind)
    assert.matches("/nowhere/urls", err.message)
  end)

  describe("goes where it may", function()
    local web = {
      ["http://www.a.test/"] = "/in http://a.test/ http://a.test.evil.test/ http://b.test/ mailto:x@a.test x:y()",
      ["http://www.a.test/in"] = "/deny/1 /in/deep", ["http://www.a.test/in/deep"] = "",
      ["http://www.a.test/deny/1"] = "", ["http://a.test/"] = "", ["http://b.test/"] = "",
      ["http://a.test.evil.test/"] = "",
    }
    local function where(opts)
      opts.start = "http://www.a.test/"
      local _, asked = crawl(web, opts)
      return table.concat(sorted(asked), " ")
    end

    it("by itself on the site of the page with the link", function()
      assert.equal("http://a.test/ http://www.a.test/ http://www.a.test/deny/1 http://www.a.test/in "
        .. "http://www.a.test/in/deep", where {})
    end)

    it("with allow by host, by pattern, by function, or everywhere", function()
      assert.equal("http://b.test/ http://www.a.test/", where { allow = { "b.test" } })
      assert.equal("http://a.test/ http://www.a.test/", where { allow = "a.test" })
      assert.equal("http://www.a.test/ http://www.a.test/in", where { allow = "/in" })
      local inside = "http://www.a.test/ http://www.a.test/in http://www.a.test/in/deep"
      assert.equal(inside, where { allow = "*.a.test/in*" })
      assert.equal("http://b.test/ http://www.a.test/", where { allow = "http://b.test/*" })
      assert.equal("http://www.a.test/ http://www.a.test/in", where {
        allow = function(url, link) return link.depth == 1 and link.from == "http://www.a.test/" and url:find "in$" end,
      })
      assert.matches("http://a.test.evil.test/ http://a.test/ http://b.test/ ", where { allow = true }, 1, true)
    end)

    it("and never with deny", function()
      assert.equal("http://www.a.test/ http://www.a.test/in", where {
        deny = { "/deny/*", function(url) return url:find "deep" end, "a.test" },
      })
      assert.equal("", where { deny = "*.a.test", allow = true })
    end)

    it("as deep as it may", function()
      assert.equal("http://a.test/ http://www.a.test/ http://www.a.test/in", where { depth = 1 })
      assert.equal("http://www.a.test/", where { depth = 0 })
    end)
  end)

  it("stops after so many pages, or so much time", function()
    local chain = {}
    for i = 1, 50 do chain["http://a.test/" .. i] = { body = ('<a href="/%d">x</a>'):format(i + 1), delay = 1 } end
    local result = crawl(chain, { start = "http://a.test/1", max_pages = 7 })
    assert.same({ 7, "max_pages" }, { result.pages, result.limit })
    result = crawl(chain, { start = "http://a.test/1", max_time = 10, robots = false })
    assert.is_true(result.pages >= 8 and result.pages <= 10)
    assert.equal("max_time", result.limit)
  end)

  it("takes links of higher priority first", function()
    local pages = { ["http://a.test/"] = "/1 /2 /3" }
    for i = 1, 3 do pages["http://a.test/" .. i] = "" end
    local _, asked = crawl(pages, {
      start = "http://a.test/", per_host = 1,
      page = function(page)
        for i, link in ipairs(page:html():links()) do page:follow(link, nil, i) end
      end,
    })
    assert.equal("/ /3 /2 /1", paths(asked))
  end)
end)

describe("a crawl leaves out", function()
  it("what is no page, unless it is asked for", function()
    local pages = {
      ["http://a.test/"] = "/image /unknown /xhtml", ["http://a.test/unknown"] = { body = "" },
      ["http://a.test/image"] = { headers = { ["Content-Type"] = "image/png" }, body = "x" },
      ["http://a.test/xhtml"] = { headers = { ["Content-Type"] = "application/xhtml+xml; charset=utf-8" } },
    }
    local result = crawl(pages, { start = "http://a.test/" })
    assert.same({ 3, 1, 0 }, { result.pages, result.skipped, result.failed })
    result = crawl(pages, { start = "http://a.test/", types = "text/html, image/*", page = function(page)
      if page.depth == 0 then follow_all(page) end
    end })
    assert.same({ 3, 1 }, { result.pages, result.skipped })
    result = crawl(pages, { start = "http://a.test/", types = false, page = function(page)
      if page.depth == 0 then follow_all(page) end
    end })
    assert.same({ 4, 0 }, { result.pages, result.skipped })
  end)

  -- Each page links to the next one, for ever.
  local function endless(next_of, opts)
    local pages = {}
    local path = "/"
    for _ = 1, 60 do
      local following = next_of(path)
      pages["http://a.test" .. path] = following
      path = following
    end
    opts.start = "http://a.test/"
    local result, asked = crawl(pages, opts)
    assert.equal(1, result.skipped)
    return #asked
  end

  it("spaces without end", function()
    local function deeper(path) return path .. string.char(96 + select(2, path:gsub("/", ""))) .. "/" end
    assert.equal(26, endless(deeper, {}))
    assert.equal(5, endless(deeper, { traps = { path_depth = 4 } }))
    local function again(path) return path .. "again/" end
    assert.equal(4, endless(again, {}))
    local function calendar(path) return "/day?date=" .. (tonumber(path:match "%d+$") or 0) + 1 end
    assert.equal(11, endless(calendar, { traps = { pages_per_pattern = 10 } }))
    local function numbers(path) return "/item-" .. (tonumber(path:match "%d+") or 0) + 1 .. "/x" end
    assert.equal(11, endless(numbers, { traps = { pages_per_pattern = 10 } }))
  end)

  it("none of them with traps = false", function()
    local pages, path = {}, "/"
    for _ = 1, 30 do
      pages["http://a.test" .. path] = path .. "again/"
      path = path .. "again/"
    end
    pages["http://a.test" .. path] = ""
    assert.equal(31, crawl(pages, { start = "http://a.test/", traps = false }).pages)
  end)
end)

describe("records of a crawl", function()
  local function run(script, ...)
    local file <close> = command.file(script, ".lua")
    return command { file.name, ... }
  end

  local SITE = [[
    local lf, test = require "luafetch", require "luafetch.test"
    local pages = {
      ["http://a.test/"] = { body = '<a href="/bad">x</a><a href="/good">x</a>' },
      ["http://a.test/bad"] = { body = "bad" }, ["http://a.test/good"] = { body = "good" },
    }
    test.run(pages, function() assert(lf.crawl { start = "http://a.test/", rate = false, robots = false, per_host = 1,
  ]]

  it("are written when their page is done, and not when it failed", function()
    local r = run(SITE .. [[
      failed = function() end,
      page = function(page)
        page:follow(page:html():links())
        local t = { url = page.url }
        page:emit(t)
        t.url = "changed later"
        lf.spawn(function() lf.emit { child = true } end)
        if page.url:find "bad" then return nil, require("luafetch.core").error("parse", "no good") end
      end }) end)
    ]])
    assert.equal("", r.err)
    assert.equal('{"url":"http://a.test/"}\n{"child":true}\n{"url":"http://a.test/good"}\n{"child":true}\n', r.out)
  end)

  it("may tell of what failed, and stand in the job with the others", function()
    local job = os.tmpname()
    os.remove(job)
    local out = os.tmpname()
    local script = SITE .. ([[
      job = %q, start = { "http://a.test/", "nonsense" }, max_errors = false,
      failed = function(url, err) lf.spawn(function() lf.emit { failed = url, why = tostring(err) } end):join() end,
      page = function(page)
        page:follow(page:html():links())
        lf.emit { url = page.url }
        if page.url:find "bad" then error "my bug" end
      end }) end)
    ]]):format(job)
    script = script:gsub('start = "http://a.test/", ', "", 1)
    local file <close> = command.file(script, ".lua")
    for _ = 1, 2 do -- the second time there is nothing new but that nonsense
      assert.equal("", command({ "--no-progress", "-o", out, file.name }).err)
    end
    local printed = {}
    for line in io.lines(out) do
      local record = lf.json.decode(line)
      if record.failed == "http://a.test/bad" then assert.matches(": my bug\n", record.why) end
      printed[#printed + 1] = record.url or record.failed
    end
    assert.same({ "http://a.test/", "http://a.test/bad", "http://a.test/good", "nonsense", "nonsense" },
      sorted(printed))
    do
      local state <close> = assert(lf.job.open(job))
      assert.equal(5, state:counts().items)
    end
    os.remove(job)
    os.remove(out)
  end)

  it("go through the item functions, which may change and drop them", function()
    local r = run(SITE .. [[
      page = function(page)
        page:follow(page:html():links())
        lf.emit { n = #page.body }
      end,
      item = {
        function(item, page)
          if page.body == "bad" then return nil, "it is bad" end
          item.url = page.url
          return item
        end,
        function(item) item.n = nil return item end,
      } }) end)
    ]])
    assert.equal('{"url":"http://a.test/"}\n{"url":"http://a.test/good"}\n', r.out)
    assert.equal("", r.err)
  end)

  it("may be made in children and with plain requests, which keep to the crawl's limits", function()
    local most, now = 0, 0
    local pages = { ["http://a.test/"] = { body = '<a href="/1"><a href="/2"><a href="/3">' } }
    for i = 1, 3 do
      pages["http://a.test/" .. i] = { body = "" }
      pages["http://a.test/api/" .. i] = { body = "{}", delay = 5 }
    end
    local result, _, log = crawl(pages, {
      start = "http://a.test/", per_host = 3, rate = 0.5, robots = false,
      page = function(page)
        page:follow(page:html():links())
        if page.depth == 0 then return end
        now = now + 1
        most = math.max(most, now)
        lf.scope(function(s)
          s:spawn(function() assert(fetch("http://a.test/api/" .. page.url:match "%d$")):json() end)
        end)
        now = now - 1
      end,
    })
    assert.equal(4, result.pages)
    assert.is_true(most > 1)
    for i = 2, #log.requests do
      assert.is_true(log.requests[i].at - log.requests[i - 1].at > 1.9, "two requests within " ..
        log.requests[i].at - log.requests[i - 1].at)
    end
  end)

  it("cannot be added to a page that is done", function()
    local kept
    crawl({ ["http://a.test/"] = "" }, { start = "http://a.test/", page = function(page) kept = page end })
    assert.has_error(function() kept:follow "/x" end)
    assert.has_error(function() kept:emit {} end)
  end)
end)

describe("what fails in a crawl", function()
  it("is told with the page it stands on, and is no page", function()
    local failed = {}
    local result = crawl({
      ["http://a.test/"] = "/gone /dead /fine",
      ["http://a.test/dead"] = { error = "connect" }, ["http://a.test/fine"] = "",
    }, {
      start = "http://a.test/",
      page = function(page) page:follow(page:html():links(), "m") end,
      failed = function(url, err, info)
        failed[#failed + 1] = { url, err.kind, err.status, info.from, info.depth, info.meta, info.tries }
      end,
    })
    table.sort(failed, function(a, b) return a[1] < b[1] end)
    assert.same({
      { "http://a.test/dead", "connect", nil, "http://a.test/", 1, "m", 3 },
      { "http://a.test/gone", "http", 404, "http://a.test/", 1, "m", 1 },
    }, failed)
    assert.same({ 2, 2 }, { result.pages, result.failed })
  end)

  it("is tried again when it may pass, while the host is left alone", function()
    local result, _, log = crawl({
      ["http://a.test/"] = {
        { status = 503, headers = { ["Retry-After"] = "40" } }, { status = 500 }, { body = "fine" },
      },
      ["http://b.test/"] = { body = "fine" },
    }, { start = { "http://a.test/", "http://b.test/" }, robots = false, retry = { backoff = 3 } })
    local at = {}
    for _, request in ipairs(log.requests) do
      if request.url == "http://a.test/" then at[#at + 1] = request.at end
    end
    assert.equal(3, #at)
    assert.is_true(at[2] - at[1] >= 40 and at[2] - at[1] < 41)
    assert.is_true(at[3] - at[2] < 7)
    assert.same({ 2, 2, 0 }, { result.pages, result.retries, result.failed })
  end)

  it("is not tried again with retry = false", function()
    local result, asked = crawl({ ["http://a.test/"] = { status = 503 } }, {
      start = "http://a.test/", retry = false, failed = function() end,
    })
    assert.same({ 1, 1 }, { #asked, result.failed })
  end)

  it("by a bug of the script goes to failed, up to max_errors", function()
    local pages = {}
    local start = {}
    for i = 1, 9 do
      start[i] = "http://a.test/" .. i
      pages[start[i]] = ""
    end
    local bugs = {}
    local result = crawl(pages, {
      start = start,
      page = function(page) if page.url:find "[2468]$" then page:nonsense() end end,
      failed = function(_, err) bugs[#bugs + 1] = err end,
    })
    assert.same({ 5, 4 }, { result.pages, result.failed })
    assert.matches("crawl_spec.lua:%d+: attempt to call a nil value %(method 'nonsense'%)", bugs[1])
    local ok, err = pcall(crawl, pages, {
      start = start, max_errors = 2, failed = function() end,
      page = function(page) page:nonsense() end,
    })
    assert.is_false(ok)
    assert.matches("attempt to call a nil value %(method 'nonsense'%)", err)
  end)

  it("in failed itself ends it", function()
    local ok, err = pcall(crawl, {}, { start = "http://a.test/", failed = function() error "my bug" end })
    assert.is_false(ok)
    assert.matches("my bug", err)
  end)

  it("and an Error that the page raises or returns", function()
    local kinds = {}
    crawl({ ["http://a.test/1"] = "", ["http://a.test/2"] = "" }, {
      start = { "http://a.test/1", "http://a.test/2" },
      page = function(page)
        if page.url:find "1$" then assert(fetch "http://a.test/none"):raise() end
        return fetch "nonsense:"
      end,
      failed = function(_, err) kinds[#kinds + 1] = err.kind end,
    })
    assert.same({ "http", "url" }, sorted(kinds))
  end)
end)

describe("a crawl and redirects", function()
  it("take each hop through the rules, as a page of its own", function()
    local seen = {}
    local result, asked = crawl({
      ["http://a.test/"] = "/old /away /relative /secret",
      ["http://a.test/old"] = { status = 301, headers = { Location = "/new#part" } },
      ["http://a.test/away"] = { status = 302, headers = { Location = "http://b.test/" } },
      ["http://a.test/relative"] = { status = 307, headers = { Location = "new" } },
      ["http://a.test/secret"] = { status = 302, headers = { Location = "/private/x" } },
      ["http://a.test/robots.txt"] = { body = "User-agent: *\nDisallow: /private/" },
      ["http://a.test/new"] = "",
    }, {
      start = "http://a.test/",
      page = function(page)
        seen[#seen + 1] = { page.url, page.depth, page.from, page.meta }
        page:follow(page:html():links(), page.meta or "m")
      end,
    })
    assert.same({ { "http://a.test/", 0 }, { "http://a.test/new", 1, "http://a.test/", "m" } }, seen)
    assert.equal("/ /away /new /old /relative /secret", paths(sorted(asked)))
    assert.same({ 2, 0, 2 }, { result.pages, result.failed, result.skipped })
  end)

  it("leave from a start to another host of its site", function()
    local _, asked = crawl({
      ["http://a.test/"] = { status = 301, headers = { Location = "http://www.a.test/" } },
      ["http://www.a.test/"] = "/x", ["http://www.a.test/x"] = "",
    }, { start = "http://a.test/", allow = "www.a.test/nothing" })
    assert.same({ "http://a.test/", "http://www.a.test/" }, asked)
  end)

  it("come back to a page that sets a cookie first", function()
    local result, asked = crawl({
      ["http://a.test/"] = { { status = 302, headers = { Location = "/cookie" } }, { body = "in" } },
      ["http://a.test/cookie"] = { status = 302, headers = { Location = "/", ["Set-Cookie"] = "seen=1" } },
    }, { start = "http://a.test/", page = function(page) assert.equal("in", page.body) end })
    assert.equal("/ /cookie /", paths(asked))
    assert.same({ 1, 0 }, { result.pages, result.failed })
  end)

  it("end when they are without end, or lead nowhere", function()
    local failed = {}
    local pages = { ["http://a.test/loop"] = { status = 302, headers = { Location = "/loop" } },
      ["http://a.test/ftp"] = { status = 302, headers = { Location = "ftp://a.test/" } } }
    for i = 1, 30 do pages["http://a.test/" .. i] = { status = 302, headers = { Location = "/" .. i + 1 } } end
    local result, asked = crawl(pages, {
      start = { "http://a.test/1", "http://a.test/loop", "http://a.test/ftp" },
      failed = function(_, err) failed[#failed + 1] = err.kind .. ": " .. err.message end,
    })
    assert.equal(3, result.failed)
    table.sort(failed)
    assert.matches("redirects to what is no page: ftp://a.test/", failed[1])
    assert.matches("stopped after 10 redirects, the next one was to http://a.test/12", failed[2])
    assert.matches("stopped after 10 redirects, the next one was to http://a.test/loop", failed[3])
    assert.equal(11 + 11 + 1, #asked)
  end)
end)

describe("a crawl and robots.txt", function()
  it("asks once for each host, and keeps to it", function()
    local result, asked, log = crawl({
      ["http://a.test/robots.txt"] = {
        body = "User-agent: luafetch\nDisallow: /no\n\nUser-agent: *\nDisallow: /", delay = 1,
      },
      ["http://a.test/"] = "/no/1 /yes /yes2", ["http://a.test/yes"] = "", ["http://a.test/yes2"] = "",
      ["http://a.test/no/1"] = "",
    }, { start = { "http://a.test/", "http://a.test/yes", "http://a.test/yes2" } })
    assert.equal("/ /yes /yes2", paths(sorted(asked)))
    assert.same({ 3, 1 }, { result.pages, result.skipped })
    assert.equal(4, #log.requests)
  end)

  it("goes by the name that it gives itself", function()
    local rules = { body = "User-agent: mybot\nDisallow: /" }
    local pages = { ["http://a.test/robots.txt"] = rules, ["http://a.test/"] = "" }
    assert.equal(0, crawl(pages, { start = "http://a.test/", user_agent = "MyBot/2.0" }).pages)
    assert.equal(1, crawl(pages, { start = "http://a.test/" }).pages)
    assert.equal(1, crawl(pages, { start = "http://a.test/", user_agent = "MyBot/2.0", robots = false }).pages)
  end)

  it("fetches nothing where it cannot be had, and everything where there is none", function()
    local failed = {}
    local result, asked = crawl({
      ["http://a.test/robots.txt"] = { status = 500 }, ["http://a.test/"] = "",
      ["http://b.test/robots.txt"] = { status = 403 }, ["http://b.test/"] = "",
      ["http://c.test/robots.txt"] = { { error = "timeout" }, { body = "" } }, ["http://c.test/"] = "",
    }, {
      start = { "http://a.test/", "http://b.test/", "http://c.test/" }, retry = { backoff = 100, max = 100, times = 5 },
      failed = function(url, err) failed[#failed + 1] = { url, err.kind, err.message } end,
    })
    assert.equal("http://b.test/ http://c.test/", table.concat(sorted(asked), " "))
    assert.same({ 2, 1 }, { result.pages, result.failed })
    assert.same({ "http://a.test/", "robots" }, { failed[1][1], failed[1][2] })
    assert.matches("robots.txt cannot be had.*HTTP 500", failed[1][3])
  end)

  it("reads what forbids in a file that is larger than what must be read, and not the rest", function()
    local huge = "User-agent: *\nDisallow: /\n" .. ("#"):rep(9000000)
    local result = crawl({
      ["http://a.test/robots.txt"] = { body = huge }, ["http://a.test/"] = "",
      ["http://b.test/robots.txt"] = { status = 304 }, ["http://b.test/"] = "",
    }, { start = { "http://a.test/", "http://b.test/" } })
    assert.same({ 1, 1, 0 }, { result.pages, result.skipped, result.failed })
  end)

  it("heeds Crawl-delay, for pages that were in its hands already, too", function()
    local pages = { ["http://a.test/robots.txt"] = { body = "User-agent: *\nCrawl-delay: 7", delay = 1 } }
    local start = {}
    for i = 1, 6 do
      start[i] = "http://a.test/" .. i
      pages[start[i]] = ""
    end
    start[7] = "http://b.test/"
    pages["http://b.test/"] = ""
    local result, _, log = crawl(pages, { start = start })
    assert.equal(7, result.pages)
    local last
    for _, request in ipairs(log.requests) do
      if request.url:find "a.test/%d" then
        assert.is_true(not last or request.at - last > 6.9, "only so much later: " .. request.at - (last or 0))
        last = request.at
      elseif request.url == "http://b.test/" then
        assert.is_true(request.at < 2)
      end
    end
  end)

  it("heeds Crawl-delay where another process has a page of the host in its hands, too", function()
    local file = os.tmpname()
    os.remove(file)
    local log = test.run(site {
      ["http://a.test/robots.txt"] = { body = "User-agent: *\nCrawl-delay: 7" },
      ["http://a.test/1"] = "", ["http://a.test/2"] = "",
    }, function()
      local other <close> = assert(lf.job.open(file))
      other:add "http://a.test/1"
      local theirs = other:claim()
      lf.background(function()
        lf.sleep(1) -- it hears of the delay a little later, and gives its page back as this one does
        other:release(theirs)
      end)
      assert.equal(2, assert(lf.crawl { start = "http://a.test/2", job = file, page = follow_all }).pages)
    end)
    os.execute("rm " .. file .. "*")
    assert.equal(3, #log.requests)
    assert.is_true(log.requests[2].at > 6.9, "it did not wait for its turn")
    assert.is_true(log.requests[2].at < 10)
    assert.is_true(log.requests[3].at - log.requests[2].at > 6.9)
  end)
end)

describe("many hosts", function()
  it("are served breadth first and in turn, ten thousand of them", function()
    local hosts = os.getenv "LF_GCSTRESS" and 200 or os.getenv "LF_SANITIZED" and 1000 or 10000
    local pages, start = {}, {}
    for i = 1, hosts do
      start[i] = ("http://h%d.test/"):format(i)
      pages[start[i]] = { body = '<a href="1"></a>', delay = 0.05 }
      pages[start[i] .. "1"] = { body = "", delay = 0.05 }
    end
    local result, _, log = crawl(pages, { start = start, robots = false, rate = "auto" })
    assert.equal(2 * hosts, result.pages)
    local deep = 0
    for i, request in ipairs(log.requests) do
      if request.url:find "1$" then deep = deep + 1 end
      if i == hosts then assert.equal(0, deep) end
    end
    assert.is_true(log.elapsed < hosts / 100 * 0.1 * 1.3 + 1) -- a hundred at once
  end)

  it("each no faster than its rate, and a slow one holds up no other", function()
    local pages, start = {}, {}
    for i = 1, 50 do
      for n = 1, 5 do
        start[#start + 1] = ("http://h%d.test/%d"):format(i, n)
        pages[start[#start]] = { body = "", delay = i == 1 and 20 or 0.1 }
      end
    end
    local result, _, log = crawl(pages, { start = start, robots = false, rate = 2, per_host = 2 })
    assert.equal(250, result.pages)
    local last, fast = {}, 0
    for _, request in ipairs(log.requests) do
      local host = request.url:match "//([^/]*)"
      assert.is_true(not last[host] or request.at - last[host] > 0.49)
      last[host] = request.at
      if host ~= "h1.test" then fast = math.max(fast, request.at) end
    end
    assert.is_true(fast < 3.5)
    assert.is_true(last["h1.test"] > 40)
  end)
end)

describe("wrong use of lf.crawl", function()
  local function raises(pattern, opts)
    if type(opts) == "table" and not opts.bare then
      opts.start, opts.page = "http://a.test/", function() end
    elseif type(opts) == "table" then
      opts.bare = nil
    end
    local ok, err = pcall(lf.crawl, opts)
    assert.is_false(ok)
    assert.matches(pattern, err)
  end

  it("is told at once", function()
    raises("crawl: options must be a table", "http://a.test/")
    raises("option 'page' is missing", { bare = true, start = "http://a.test/" })
    raises("wants a 'start', or a 'job'", { bare = true, page = function() end })
    raises("unknown option 'alow'.*allow", { alow = "x" })
    raises("option 'depth' must be a whole number or false, got %-1", { depth = -1 })
    raises("there is no option 'base_url'", { base_url = "http://a.test/" })
    raises("option 'rate' must be", { rate = "fast" })
    raises("option 'retry'.*unknown option 'time'.*times", { retry = { time = 1 } })
    raises("option 'traps'.*unknown option 'depth'", { traps = { depth = 1 } })
    raises("option 'retry.factor' must be a number from 1", { retry = { factor = 0 } })
  end)
end)
