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
