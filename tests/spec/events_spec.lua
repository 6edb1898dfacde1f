-- Server-sent events that are taken up again (HTML standard 9.2.3).
local lf = require "luafetch"
local core = require "luafetch.core"
local servers = require "tests.support.servers"
local test = require "luafetch.test"

describe("events with reconnect", function()
  local server
  local keys = 0

  setup(function() server = servers.events() end)
  teardown(function() server.stop() end)
  after_each(function()
    collectgarbage()
    assert.equal(0, core.leftovers().requests)
  end)

  local function path(plan)
    keys = keys + 1
    return "/" .. plan .. "?key=" .. keys
  end

  -- What was asked for under that path: a line each.
  local function asked(where)
    local list = {}
    for line in server:log():gmatch "[^\n]+" do
      if line:sub(1, #where + 1) == where .. " " then list[#list + 1] = line:sub(#where + 2) end
    end
    return list
  end

  -- The data of all events, and the Error that ended them.
  local function follow(where, opts, fetch_opts)
    local got = {}
    local all = { stream = true }
    for name, value in pairs(fetch_opts or {}) do all[name] = value end
    opts = opts or {}
    opts.reconnect = true
    opts.delay = opts.delay or 0.02
    local r <close> = assert(fetch(server.url .. where, all))
    local ok, err = pcall(function()
      for event in r:events(opts) do got[#got + 1] = (event.id or "-") .. " " .. event.data end
    end)
    return got, not ok and err or nil
  end

  it("goes on behind the last event until the server says 204", function()
    local where = path "one/two/over"
    local got, err = follow(where)
    assert.is_nil(err)
    assert.same({ "1 one", "2 two" }, got)
    assert.same({ "", "Last-Event-ID=1", "Last-Event-ID=2" }, asked(where))
  end)

  it("counts only whole events when a stream breaks off", function()
    local where = path "cut/two/over"
    assert.same({ "3 whole", "2 two" }, (follow(where)))
    assert.same({ "", "Last-Event-ID=3", "Last-Event-ID=2" }, asked(where))
  end)

  it("keeps the id over streams without one, and forgets it when an event says so", function()
    local where = path "one/plain/reset/plain/over"
    local got = follow(where, nil, { headers = { ["last-event-id"] = "0" } })
    assert.same({ "1 one", "1 plain", " reset", " plain" }, got)
    assert.same({ "Last-Event-ID=0", "Last-Event-ID=1", "Last-Event-ID=1", "", "" }, asked(where))
  end)

  it("waits as the server says, and tries again when it is not there", function()
    local where = path "one/gone/gone/two/over"
    local began = lf.now()
    assert.same({ "1 one", "2 two" }, (follow(where, { delay = 50 })))
    assert.truthy(lf.now() - began >= 0.02 + 0.04 + 0.08, lf.now() - began)
    assert.truthy(lf.now() - began < 5)
    assert.equal(5, #asked(where))
  end)

  it("fails for another status and for another type, at once or later", function()
    for plan, want in pairs {
      busy = "503", created = "status 201 is no event stream", text = "not text/plain",
      untyped = "no Content-Type was sent", ["one/busy"] = "503", ["one/text"] = "not text/plain",
    } do
      local where = path(plan)
      local got, err = follow(where)
      assert.equal(plan:find "one" and 1 or 0, #got)
      assert.equal(want == "503" and "http" or "protocol", err.kind)
      assert.truthy(tostring(err):find(want, 1, true), tostring(err))
      assert.equal(plan:find "/" and 2 or 1, #asked(where))
    end
    assert.same({}, (follow(path "over")))
  end)

  it("gives up after so many attempts that brought no event", function()
    local where = path "one/empty/empty/two/gone"
    local got, err = follow(where, { attempts = 3 })
    assert.same({ "1 one", "2 two" }, got)
    assert.equal("closed", err.kind)
    assert.equal(7, #asked(where))
    local quiet = path "empty"
    got, err = follow(quiet, { attempts = 2 })
    assert.same({}, got)
    assert.truthy(tostring(err):find("2 times brought nothing new", 1, true), tostring(err))
    assert.equal(3, #asked(quiet))
  end)

  it("says the same again: headers, list or table, credentials, cookies by hand", function()
    local want = "Last-Event-ID=1 Authorization=Bearer t Cookie=a=b X-Own=x"
    for _, headers in ipairs { { ["X-Own"] = "x" }, { { "X-Own", "x" } } } do
      local where = path "one/over"
      follow(where, nil, { headers = headers, auth = { bearer = "t" }, cookies = { a = "b" } })
      assert.equal(want, asked(where)[2])
    end
    local where = path "one/over"
    local opts = { headers = { ["X-Own"] = "x" }, auth = { bearer = "t" }, cookies = { a = "b" } }
    local r <close> = assert(fetch({ url = server.url .. where, stream = true }, opts))
    opts.auth = nil -- what the script does later with its table does not count
    for _ in r:events { reconnect = true } do end
    assert.equal(want, asked(where)[2])
  end)

  it("stays in its session: base, headers, credentials, jar, middleware", function()
    local s <close> = lf.session { base_url = server.url, headers = { ["X-Own"] = "x" }, auth = { bearer = "t" } }
    local where = path "cookie/over"
    do
      local r <close> = assert(s:get(where, { stream = true }))
      for _ in r:events { reconnect = true } do end
    end
    assert.equal("Authorization=Bearer t X-Own=x", asked(where)[1])
    assert.equal("Last-Event-ID=1 Authorization=Bearer t Cookie=seen=yes X-Own=x", asked(where)[2])
    local n = 0
    s:use(function(request, next)
      n = n + 1
      request.headers["X-Token"] = n
      request.url = request.url:gsub("^/", "/one/")
      return next(request)
    end)
    local over = path "over"
    local r <close> = assert(s:get(over, { stream = true }))
    for _ in r:events { reconnect = true } do end
    local lines = asked("/one" .. over)
    assert.matches("X%-Token=1", lines[1])
    assert.matches("X%-Token=2", lines[2])
    assert.equal(2, #lines)
    local named = path "one/over"
    local by_option <close> = assert(fetch { url = server.url .. named, session = s, stream = true })
    for _ in by_option:events { reconnect = true } do end
    assert.matches("Authorization=Bearer t", asked(named)[2])
  end)

  it("ends when the script closes it, also between two streams", function()
    local where = path "one"
    local r = assert(fetch(server.url .. where, { stream = true }))
    local got = 0
    lf.scope(function(s)
      s:spawn(function()
        for _ in r:events { reconnect = true, delay = 5 } do
          got = got + 1
          if got == 3 then r:close() end
        end
      end)
    end)
    assert.equal(3, got)
    local waits = path "empty"
    local t = assert(fetch(server.url .. waits, { stream = true }))
    lf.scope(function(s)
      s:spawn(function() for _ in t:events { reconnect = true } do end end)
      lf.sleep(0.03)
      t:close()
    end)
    assert.truthy(#asked(waits) <= 3)
  end)

  it("is cancelled with its task, wherever it is", function()
    for _, plan in ipairs { "one", "empty", "gone" } do
      assert.is_nil((lf.timeout(0.15, follow, path("one/" .. plan))))
    end
    collectgarbage()
    collectgarbage()
  end)

  it("hears of no failure that another try cannot mend", function()
    test.run({ ["http://a.test/"] = {
      { body = "data: 1\n\n", headers = { ["Content-Type"] = "Text/Event-Stream ; charset=utf-8" } },
      { error = "tls" },
    } }, function()
      local r <close> = assert(fetch("http://a.test/", { stream = true }))
      local next_event = r:events { reconnect = true }
      assert.equal("1", next_event().data)
      local ok, err = pcall(next_event)
      assert.is_false(ok)
      assert.equal("tls", err.kind)
    end)
  end)

  it("waits 3 seconds unless told otherwise, longer each time, up to a minute", function()
    local headers = { ["Content-Type"] = "text/event-stream" }
    local pages = { { body = "data: 1\n\n", headers = headers } }
    for i = 2, 8 do pages[i] = { body = "", headers = headers } end
    pages[9] = { status = 204 }
    local log = test.run({ ["http://a.test/"] = pages }, function()
      local r <close> = assert(fetch("http://a.test/", { stream = true }))
      for _ in r:events { reconnect = true } do end
    end)
    local times = {}
    for i = 2, #log.requests do times[i - 1] = math.floor(log.requests[i].at - log.requests[i - 1].at + 0.5) end
    assert.same({ 3, 6, 12, 24, 48, 60, 60, 60 }, times)
  end)

  it("raises for wrong use", function()
    local r <close> = assert(fetch(server.url .. path "one", { stream = true }))
    for want, opts in pairs {
      ["options must be a table"] = 1, ["option 'reconnect' must be true or false, got 5"] = { reconnect = 5 },
      ["did you mean 'reconnect'"] = { reconect = true },
      ["option 'attempts' must be a whole number from 1 or false, got 0"] = { reconnect = true, attempts = 0 },
      ["option 'delay' must be a positive number of seconds, got x"] = { reconnect = true, delay = "x" },
    } do
      local ok, err = pcall(r.events, r, opts)
      assert.is_false(ok)
      assert.truthy(err:find(want, 1, true), err)
    end
    local plain = assert(fetch(server.url .. path "one"))
    assert.matches("stream = true", select(2, pcall(plain.events, plain, { reconnect = true })), 1, true)
    assert.equal("one", plain:events { reconnect = false }().data)
    local post <close> = assert(fetch.post(server.url .. path "one", { body = "x", stream = true }))
    assert.matches("would repeat a POST", select(2, pcall(post.events, post, { reconnect = true })), 1, true)
  end)
end)
