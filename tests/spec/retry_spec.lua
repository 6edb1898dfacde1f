-- Further attempts: what is tried again, when, how often, and what is not.
local lf = require "luafetch"
local command = require "tests.support.command"
local servers = require "tests.support.servers"
local test = require "luafetch.test"

local U = "http://a.test/"

-- Runs fn(url) over these answers on a clock that jumps; the times of the requests, and the log.
local function play(answers, fn)
  local log = test.run({ [U] = answers, ["http://b.test/"] = { body = "b" } }, function() fn(U) end)
  local times = {}
  for i, sent in ipairs(log.requests) do times[i] = sent.at end
  assert.equal(0, log.leftovers)
  return times, log
end

local function near(want, got)
  assert.equal(#want, #got)
  for i, value in ipairs(want) do assert.near(value, got[i], 0.01) end
end

local plainly = { times = 3, jitter = false }

describe("what is tried again", function()
  it("is an answer with one of the statuses, until one without comes", function()
    for _, status in ipairs { 408, 429, 500, 502, 503, 504 } do
      local times = play({ { status = status }, { status = status }, { body = "fine" } }, function(url)
        local res = assert(lf.fetch(url, { retry = 3 }))
        assert.equal(200, res.status)
        assert.equal("fine", res.body)
        assert.equal(3, res.attempts)
      end)
      assert.equal(3, #times)
    end
  end)

  it("is not any other answer", function()
    for _, status in ipairs { 200, 301, 400, 401, 403, 404, 410, 501 } do
      local times = play({ status = status }, function(url)
        local res = assert(lf.fetch(url, { retry = 3, redirects = false }))
        assert.equal(status, res.status)
        assert.equal(1, res.attempts)
      end)
      assert.equal(1, #times)
    end
  end)

  it("can be said", function()
    local times = play({ { status = 404 }, { status = 503 } }, function(url)
      local res = assert(lf.fetch(url, { retry = { times = 5, on = { 404 } } }))
      assert.equal(503, res.status)
    end)
    assert.equal(2, #times)
    times = play({ status = 503 }, function(url)
      assert(lf.fetch(url, { retry = { times = 5, on = false } }))
    end)
    assert.equal(1, #times)
  end)

  it("is what may pass: connecting, names, time, connections that break", function()
    for _, kind in ipairs { "dns", "connect", "timeout", "closed", "truncated" } do
      play({ { error = kind }, { body = "fine" } }, function(url)
        assert.equal("fine", assert(lf.fetch(url, { retry = 1 })).body)
      end)
    end
    for _, kind in ipairs { "tls", "protocol", "too_large", "redirect", "blocked" } do
      local times = play({ { error = kind }, { body = "fine" } }, function(url)
        local res, err = lf.fetch(url, { retry = 1 })
        assert.is_nil(res)
        assert.equal(kind, err.kind)
        assert.equal(1, err.attempts)
      end)
      assert.equal(1, #times)
    end
  end)

  it("ends after so many times, with the last answer, whole", function()
    play({ status = 503, body = "come back" }, function(url)
      local res = assert(lf.fetch(url, { retry = 2 }))
      assert.equal(503, res.status)
      assert.equal("come back", res.body)
      assert.equal(3, res.attempts)
      assert.equal(3, res.error.attempts)
    end)
    play({ error = "closed" }, function(url)
      local _, err = lf.fetch(url, { retry = 2 })
      assert.equal("closed", err.kind)
      assert.equal(3, err.attempts)
    end)
  end)

  it("is no POST that the server may have acted on, unless that is said", function()
    for _, answers in ipairs { { status = 503 }, { error = "closed" } } do
      for _, method in ipairs { "post", "patch" } do
        local times = play(answers, function(url) lf.fetch[method](url, { body = "x", retry = 3 }) end)
        assert.equal(1, #times)
      end
      for _, method in ipairs { "put", "delete", "options", "head", "get" } do
        local times = play(answers, function(url) lf.fetch[method](url, { retry = 1 }) end)
        assert.equal(2, #times)
      end
      local times = play(answers, function(url)
        lf.fetch.post(url, { body = "x", retry = { times = 1, any_method = true } })
      end)
      assert.equal(2, #times)
    end
  end)
end)

describe("the wait between two attempts", function()
  it("grows, up to a limit", function()
    near({ 0, 0.5, 1.5, 3.5 }, (play({ status = 503 }, function(url) lf.fetch(url, { retry = plainly }) end)))
    near({ 0, 1, 4, 9, 14 }, (play({ status = 503 }, function(url)
      lf.fetch(url, { retry = { times = 4, jitter = false, backoff = 1, factor = 3, max = 5 } })
    end)))
  end)

  it("is spread evenly from nothing to all of it", function()
    local low, high = 0, 0
    for _ = 1, 200 do
      local times = play({ { error = "closed" }, { body = "" } }, function(url) lf.fetch(url, { retry = 1 }) end)
      assert.is_true(times[2] >= 0 and times[2] < 0.5)
      if times[2] < 0.1 then low = low + 1 end
      if times[2] > 0.4 then high = high + 1 end
    end
    assert.is_true(low > 10 and high > 10, low .. " low, " .. high .. " high")
  end)

  it("counts for the deadline: what cannot be in time is not waited for", function()
    local times, log = play({ status = 503 }, function(url)
      local start = lf.now()
      local res = assert(lf.fetch(url, { retry = plainly, deadline = 2 }))
      assert.equal(503, res.status)
      assert.equal(3, res.attempts)
      assert.near(1.5, lf.now() - start, 0.01)
    end)
    near({ 0, 0.5, 1.5 }, times)
    assert.equal(2, log.stats.retries)
  end)

  it("is no part of the time-out, which each attempt has for itself", function()
    play({ { delay = 8, status = 503 }, { delay = 8, body = "fine" } }, function(url)
      local res = assert(lf.fetch(url, { retry = plainly, timeout = 10 }))
      assert.equal("fine", res.body)
      assert.near(8, res.timings.total, 0.01)
    end)
  end)

  it("is the limit, however fast it grows, and nothing when it begins with nothing", function()
    test.run({ [U] = { status = 503 }, ["http://b.test/"] = { body = "b" } }, function()
      local retry = { times = 60, factor = 1e6, max = 5, jitter = false, backoff = 0 }
      local s <close> = lf.session { retry = retry }
      for _ = 1, 300 do s:get "http://b.test/" end
      local start = lf.now()
      assert.equal(61, s:get(U).attempts)
      assert.equal(start, lf.now())
      for _ = 1, 300 do s:get "http://b.test/" end
      retry.backoff = 1
      assert.equal(61, s:get(U, { retry = retry }).attempts)
      assert.near(1 + 59 * 5, lf.now() - start, 0.01)
    end)
  end)

  it("may be for hours, or as good as for ever", function()
    near({ 0, 7200, 21600 }, (play({ status = 503 }, function(url)
      lf.fetch(url, { retry = { times = 2, backoff = 7200, max = 1e6, jitter = false } })
    end)))
    near({ 0, 1e9 }, (play({ status = 503 }, function(url)
      lf.fetch(url, { retry = { times = 1, backoff = math.huge, max = math.huge, jitter = false } })
    end)))
  end)

  it("can be cancelled, and leaves nothing", function()
    local times = play({ status = 503 }, function(url)
      local task = lf.spawn(lf.fetch, url, { retry = { times = 3, backoff = 1000, max = 5000, jitter = false } })
      lf.sleep(10)
      task:cancel()
      local _, err = task:join()
      assert.equal("cancelled", err.kind)
      local res, late = lf.timeout(1, lf.fetch, url, { retry = { times = 3, backoff = 1000, max = 5000 } })
      if not res then assert.equal("timeout", late.kind) end
    end)
    assert.is_true(#times >= 2)
  end)
end)

describe("Retry-After", function()
  local function after(value) return { { status = 503, headers = { ["Retry-After"] = value } }, { body = "fine" } } end

  it("is waited for, in seconds or until a date", function()
    near({ 0, 7 }, (play(after "7", function(url) lf.fetch(url, { retry = 1 }) end)))
    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 60)
    local times = play(after(date), function(url) lf.fetch(url, { retry = 1 }) end)
    assert.is_true(times[2] >= 57 and times[2] <= 60, times[2])
  end)

  it("is waited for so long at most", function()
    near({ 0, 120 }, (play(after "315360000", function(url) lf.fetch(url, { retry = 1 }) end)))
    near({ 0, 3 }, (play(after "100", function(url) lf.fetch(url, { retry = { max_retry_after = 3 } }) end)))
  end)

  it("is passed over when it makes no sense, or when that is said", function()
    for _, value in ipairs { "-5", "soon", "1e9", "" } do
      local times = play(after(value), function(url) lf.fetch(url, { retry = 1 }) end)
      assert.is_true(times[2] <= 0.5, value)
    end
    local times = play(after "100", function(url) lf.fetch(url, { retry = { respect_retry_after = false } }) end)
    assert.is_true(times[2] <= 0.5)
  end)

  it("beyond the deadline gives the answer back at once", function()
    near({ 0 }, (play(after "50", function(url)
      local res = lf.fetch(url, { retry = 5, deadline = 20 })
      assert.equal(503, res.status)
    end)))
  end)
end)

describe("the budget", function()
  it("does not let an outage be multiplied", function()
    local times, log = play({ status = 503 }, function(url)
      local s <close> = lf.session { retry = 3 }
      local urls = {}
      for i = 1, 1000 do urls[i] = url end
      local _, failed = s:gather(urls)
      assert.equal(1000, failed)
      local stats = s:stats()
      assert.equal(#urls, stats.requests)
      assert.is_true(stats.retries >= 150 and stats.retries <= 210, stats.retries)
      assert.is_true(stats.retries_refused > 500)
    end)
    assert.equal(1000 + log.stats.retries, #times)
    assert.equal(log.stats.retries, log.stats.requests + log.stats.retries - 1000)
  end)

  it("has ten at the start, for each session its own", function()
    play({ status = 503 }, function(url)
      for _ = 1, 2 do
        local s <close> = lf.session { retry = { times = 50, backoff = 0 } }
        assert.equal(11, s:get(url).attempts)
      end
    end)
  end)

  it("that is used up is named by the error", function()
    play({ error = "closed" }, function(url)
      local _, err = lf.fetch(url, { retry = { times = 50, backoff = 0 } })
      assert.equal(11, err.attempts)
      assert.matches("not tried again: too many retries", tostring(err), 1, true)
    end)
  end)
end)

describe("retry", function()
  it("holds in sessions, gather and the like, and each request may say its own", function()
    play({ { status = 503 }, { status = 503 }, { status = 503 }, { body = "fine" } }, function(url)
      local s <close> = lf.session { retry = plainly }
      assert.equal(1, s:get(url, { retry = false }).attempts)
      assert.equal(3, s:gather({ url })[1].attempts)
    end)
    play({ { status = 503 }, { body = "fine" } }, function(url)
      for res in lf.as_completed({ url }, { retry = 1 }) do assert.equal("fine", res.body) end
    end)
  end)

  it("of a stream ends when it has been handed over", function()
    play({ { status = 503, body = "no" }, { error = "closed" }, { body = "fine" } }, function(url)
      local res <close> = assert(lf.fetch(url, { stream = true, retry = 3 }))
      assert.equal("fine", res:read())
      assert.equal(3, res.attempts)
    end)
  end)

  it("tells an observer", function()
    local seen = {}
    local function observe(info) seen[#seen + 1] = info end
    play({ { status = 503 }, { error = "closed" }, { body = "fine" } }, function(url)
      local s <close> = lf.session { retry = { times = 3, jitter = false, on_retry = observe } }
      assert.equal(3, s:gather({ url })[1].attempts)
    end)
    assert.equal(2, #seen)
    assert.same({ url = U, attempt = 1, status = 503, wait = 0.5 }, seen[1])
    assert.equal(2, seen[2].attempt)
    assert.equal("closed", seen[2].error.kind)
    assert.near(1, seen[2].wait, 0.001)
    seen = {}
    play({ { status = 429, headers = { ["Retry-After"] = "40" } }, { body = "" } }, function(url)
      lf.fetch(url, { retry = { on_retry = observe } })
    end)
    assert.equal(40, seen[1].wait)
  end)

  it("goes on when the observer has an error, which is told", function()
    local script <close> = command.file([[
      local test = require "luafetch.test"
      test.run({ ["http://a.test/"] = { { status = 503 }, { body = "fine" } } }, function()
        print(fetch("http://a.test/", { retry = { on_retry = function() error "broken" end } }).body)
      end)
    ]], ".lua")
    local r = command { script.name }
    assert.equal("fine\n", r.out)
    assert.matches("error in on_retry: .*broken", r.err)
    assert.equal(0, r.code)
  end)

  it("raises at wrong use, naming the option", function()
    local function wrong(value, message)
      local ok, err = pcall(lf.fetch, U, { retry = value })
      assert.is_false(ok)
      assert.matches(message, err, 1, true)
    end
    wrong(-1, "option 'retry' must be a whole number up to 100, false or a table, got -1")
    wrong("3", "option 'retry' must be")
    wrong({ tims = 3 }, "unknown option 'tims' (did you mean 'times'?)")
    wrong({ times = 1000 }, "option 'retry.times' must be")
    wrong({ on = { 200 } }, "option 'retry.on' must be a list of statuses from 400 to 599")
    wrong({ jitter = "half" }, "option 'retry.jitter' must be \"full\" or false")
    wrong({ factor = 0.5 }, "option 'retry.factor' must be a number from 1")
    wrong({ backoff = -1 }, "option 'retry.backoff' must be a number of seconds, 0 or more")
    wrong({ on_retry = 1 }, "option 'retry.on_retry' must be a function")
  end)
end)

describe("on the wire", function()
  local fault
  setup(function() fault = servers.fault() end)
  teardown(function() fault:stop() end)

  -- Each has a budget of its own.
  local session
  before_each(function() session = lf.session { retry = { times = 3, backoff = 0.01 } } end)
  after_each(function() session:close() end)

  local n = 0
  local function failing(times, query)
    n = n + 1
    return ("%s/fail/%d?key=retry%d&%s"):format(fault.url, times, n, query or "")
  end

  it("an attempt that is wanted no more is the last one, though its answer may be tried again", function()
    local url = fault.url .. "/raw?end=hang&data=" .. lf.url.encode(
      "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\npart")
    local start = lf.now()
    local res, err = session:get(url, { on_progress = function() return false end })
    assert.is_nil(res)
    assert.equal("cancelled", err.kind)
    assert.equal(1, err.attempts)
    assert.is_true(lf.now() - start < 2)
  end)

  it("connections that end without an answer are tried again", function()
    local res = assert(session:get(failing(2, "status=0")))
    assert.equal("ok\n", res.body)
    assert.equal(3, res.attempts)
  end)

  it("a POST is sent once when it may have been seen, and again when it cannot have been", function()
    local url = failing(1, "status=0")
    local res, err = session:post(url, { body = "x" })
    assert.is_nil(res)
    assert.equal(1, err.attempts)
    assert.is_true(err.sent)
    assert.equal("ok\n", session:post(url, { body = "x" }).body)
    fault:stop()
    local closed = fault.url .. "/ok"
    res, err = session:post(closed, { body = "x" })
    fault = servers.fault()
    assert.is_nil(res)
    assert.equal("connect", err.kind)
    assert.equal(4, err.attempts)
    assert.is_false(err.sent)
  end)

  it("bodies are sent again as they were", function()
    local file <close> = command.file(("file content\n"):rep(5000), ".txt")
    local bodies = {
      { body = ("x"):rep(100000) },
      { json = { a = 1 } },
      { form = { a = "b" } },
      { multipart = { { name = "f", file = file.name } } },
    }
    for _, body in ipairs(bodies) do
      local res = assert(session:put(failing(2), body))
      assert.equal(3, res.attempts)
    end
  end)

  it("a body from a function is not sent again, and the error says so", function()
    local function body()
      local left = 3
      return function()
        left = left - 1
        if left > 0 then return "piece" end
      end
    end
    fault:stop()
    fault = servers.fault() -- no connection was kept: there it would break for another reason
    local res, err = session:put(failing(1, "status=0"), { body = body() })
    assert.is_nil(res)
    assert.equal(1, err.attempts)
    assert.matches("not tried again: the body came from a function", tostring(err), 1, true)
    fault:stop()
    local closed = fault.url .. "/ok"
    res, err = session:put(closed, { body = body() })
    assert.is_nil(res)
    assert.equal(4, err.attempts) -- nobody had asked for the first piece
    fault = servers.fault()
    res = assert(session:put(failing(1), { body = body() }))
    assert.equal(503, res.status)
  end)

  it("a file is whole, and what failed attempts wrote is gone", function()
    local dir = os.tmpname()
    os.remove(dir)
    assert(os.execute("mkdir '" .. dir .. "'"))
    local name = dir .. "/f"
    local res = assert(session:get(failing(2, "status=0"), { save = name }))
    assert.equal(3, res.size)
    assert.is_nil(session:get(fault.url .. "/reset-body", { save = name .. "2" }))
    local list = io.popen("ls -A '" .. dir .. "'")
    assert.equal("f\n", list:read "a")
    list:close()
    os.execute("rm -r '" .. dir .. "'")
  end)

  it("a redirect that was followed is not followed again", function()
    local target = failing(2)
    local url = fault.url .. "/redirect-to?url=" .. lf.url.encode(target)
    local res = assert(session:get(url))
    assert.equal("ok\n", res.body)
    assert.equal(3, res.attempts)
    assert.equal(1, #res.history)
  end)

  it("--retry says it for the run", function()
    local r = command { "--retry", "2", "-e", ("print(fetch(%q).attempts)"):format(failing(1)) }
    assert.equal("2\n", r.out)
    r = command { "--retry", "many", "-e", "" }
    assert.equal(2, r.code)
    assert.matches("--retry wants a number from 0 to 100, not 'many'", r.err, 1, true)
  end)
end)
