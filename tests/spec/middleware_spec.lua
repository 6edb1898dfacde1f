-- Middleware: what a session's requests go through.
local lf = require "luafetch"
local test = require "luafetch.test"

local pages = {
  ["http://a.test/ok"] = { body = "fine", delay = 1 },
  ["http://a.test/busy"] = { { status = 503 }, { status = 503 }, { body = "at last" } },
  ["http://a.test/down"] = { error = "connect" },
}

local function play(fn)
  return test.run(pages, function()
    local s <close> = lf.session { base_url = "http://a.test/" }
    fn(s)
  end)
end

describe("a session with robots = true", function()
  local web = {
    ["http://a.test/robots.txt"] = { body = "User-agent: luafetch\nDisallow: /no\nDisallow: /*?x=\nCrawl-delay: 5" },
    ["http://a.test/yes"] = { body = "fine" }, ["http://a.test/yes?y=1"] = { body = "fine" },
    ["http://b.test/"] = { body = "fine" },
    ["http://c.test/robots.txt"] = { { status = 503 }, { body = "" } }, ["http://c.test/"] = { body = "fine" },
  }

  it("asks robots.txt once for each host, and keeps to it", function()
    local log = test.run(web, function()
      local s <close> = lf.session { base_url = "http://a.test/", robots = true }
      assert.equal("fine", s:get("yes").body)
      local res, err = s:get "/no/1"
      assert.is_nil(res)
      assert.same({ "robots", "http://a.test/no/1" }, { err.kind, err.url })
      assert.matches("forbids it %(line 2: Disallow: /no%)", err.message)
      assert.equal("robots", select(2, s:get("yes", { params = { x = 1 } })).kind)
      assert.equal("fine", s:get("yes", { params = { y = 1 } }).body)
      assert.equal("fine", s:get("http://b.test/").body)
      assert.equal("url", select(2, s:get "http://").kind)
    end)
    local list = {}
    for i, request in ipairs(log.requests) do list[i] = request.url end
    assert.same({ "http://a.test/robots.txt", "http://a.test/yes", "http://a.test/yes?y=1",
      "http://b.test/robots.txt", "http://b.test/" }, list)
    assert.is_true(log.requests[3].at - log.requests[2].at >= 5)
    assert.is_true(log.requests[5].at - log.requests[3].at < 1)
  end)

  it("asks once also for many at a time", function()
    local log = test.run(web, function()
      local s <close> = lf.session { robots = true }
      local results = s:gather { "http://b.test/", "http://b.test/", "http://a.test/no" }
      assert.same({ true, true, "robots" }, { results[1].ok, results[2].ok, results[3].kind })
    end)
    assert.equal(4, #log.requests)
  end)

  it("fetches nothing while robots.txt cannot be had", function()
    test.run(web, function()
      local s <close> = lf.session { robots = true }
      local _, err = s:get "http://c.test/"
      assert.same({ "robots", true }, { err.kind, err.retryable })
      assert.equal("robots", select(2, s:get "http://c.test/").kind)
      lf.sleep(61)
      assert.equal("fine", s:get("http://c.test/").body)
    end)
  end)

  it("wants a boolean", function()
    assert.has_error(function() lf.session { robots = "yes" } end)
  end)
end)

describe("middleware", function()
  it("sees the request and the response", function()
    play(function(s)
      local seen = {}
      s:use(function(request, next)
        seen[#seen + 1] = request.method .. " " .. request.url
        local res, err = next(request)
        seen[#seen + 1] = res and res.status
        return res, err
      end)
      assert.equal("fine", s:get("ok").body)
      assert.same({ "GET ok", 200 }, seen)
    end)
  end)

  it("runs the first one outermost, and may change the request", function()
    local log = play(function(s)
      local order = {}
      s:use(function(request, next)
        order[#order + 1] = "one"
        request.url = "ok"
        return next(request)
      end)
      s:use(function(request, next)
        order[#order + 1] = "two " .. request.url
        return next()
      end)
      assert.equal("fine", s:fetch("elsewhere").body)
      assert.same({ "one", "two ok" }, order)
    end)
    assert.equal("http://a.test/ok", log.requests[1].url)
  end)

  it("may repeat, wait, and answer by itself", function()
    local log = play(function(s)
      s:use(function(request, next)
        local res, err = next(request)
        while res and res.status == 503 do
          lf.sleep(10)
          res, err = next(request)
        end
        return res, err
      end)
      assert.equal("at last", s:get("busy").body)
      s:use(function() return { ok = true, body = "made up" } end)
      assert.equal("made up", s:get("none").body)
    end)
    assert.equal(3, #log.requests)
    assert.equal(20, log.elapsed)
  end)

  it("passes errors through", function()
    play(function(s)
      s:use(function(request, next) return next(request) end)
      local res, err = s:get "down"
      assert.is_nil(res)
      assert.equal("connect", err.kind)
    end)
  end)

  it("leaves other sessions alone", function()
    play(function(s)
      s:use(function() error "never" end)
      local other <close> = lf.session { base_url = "http://a.test/" }
      assert.equal("fine", other:get("ok").body)
    end)
  end)

  it("holds for gather, as_completed and first, at once", function()
    local log = play(function(s)
      local n = 0
      s:use(function(request, next)
        n = n + 1
        return next(request)
      end)
      local items = { "ok", "down", { url = "ok" }, function() return { ok = true } end }
      local results, failed = s:gather(items, { timeout = 5 })
      assert.equal(1, failed)
      assert.equal("fine", results[1].body)
      assert.equal("connect", results[2].kind)
      assert.equal(4, results.n)
      for r, i, item in s:as_completed { "ok", "ok" } do
        assert.equal("fine", r.body)
        assert.equal("ok", item)
        assert.truthy(i)
      end
      local r, i, item = s:first { "down", "ok" }
      assert.equal("fine", r.body)
      assert.equal(2, i)
      assert.equal("ok", item)
      assert.equal(7, n)
    end)
    assert.equal(3, log.elapsed)
  end)

  it("must be a function", function()
    play(function(s)
      local ok, err = pcall(s.use, s, {})
      assert.is_false(ok)
      assert.truthy(err:find("a function(request, next) is needed", 1, true), err)
      ok, err = pcall(s.get, s, 1)
      assert.is_false(ok)
      assert.truthy(err:find("wants a URL", 1, true), err)
    end)
  end)
end)
