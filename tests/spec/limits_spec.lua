-- The limits of a run: what is over one of them ends with code 4, a sentence, and nothing
-- half written.
local lf = require "luafetch"
local run = require "tests.support.command"
local servers = require "tests.support.servers"

local sanitized = os.getenv "LF_SANITIZED"
local web
setup(function() web = servers.fault() end)
teardown(function() web:stop() end)

-- Runs the code with the server's URL, and expects that the limit `name` ends it.
local function ended(name, words, code, opts)
  local list = table.move(words, 1, #words, 1, {})
  table.move({ "-e", "local lf = require 'luafetch' local url = arg[1] " .. code, web.url }, 1, 3, #list + 1, list)
  local r = run(list, opts)
  assert.equal(4, r.code, r.err)
  assert.truthy(r.err:find("error: the run was ended by " .. name .. ": ", 1, true), r.err)
  assert.equal(1, select(2, r.err:gsub("error: ", "")), r.err)
  return r
end

local function requests()
  return assert(fetch(web.url .. "/stats")):json().requests
end

describe("--max-requests", function()
  it("lets so many be made", function()
    local r = run { "--max-requests", "3", "-e", "for i = 1, 3 do print(fetch(arg[1]).status) end", web.url .. "/ok" }
    assert.same({ code = 0, out = "200\n200\n200\n", err = "" }, r)
  end)

  it("brings those on the wire to their end, and makes no more", function()
    local before = requests()
    local r = ended("max-requests", { "--max-requests", "10", "--limit", "4" }, [[
      local urls = {}
      for i = 1, 50 do urls[i] = url .. "/ok" end
      for res in lf.as_completed(urls) do lf.emit(res.status) end
    ]])
    assert.equal(("200\n"):rep(10), r.out)
    assert.equal(before + 11, requests())
    assert.truthy(r.err:find("10 were made, and more were wanted", 1, true), r.err)
  end)

  it("counts redirects and further attempts", function()
    local r = ended("max-requests", { "--max-requests", "4" }, [[
      print(fetch(url .. "/redirect-to?url=/ok").status)
      print(fetch(url .. "/status/503", { retry = { times = 5, backoff = 0.001 } }))
    ]])
    assert.equal("200\n", r.out)
  end)

  it("counts WebSockets", function()
    local server <close> = setmetatable(servers.websocket(), { __close = function(s) s.stop() end })
    local r = ended("max-requests", { "--max-requests", "1" }, ([[
      local one <close> = lf.websocket(%q)
      print(one ~= nil)
      print(lf.websocket(%q))
    ]]):format(server.url .. "/echo", server.url .. "/echo"))
    assert.equal("true\n", r.out)
  end)

  it("does not wait for a stream whose reader wants more", function()
    local r = ended("max-requests", { "--max-requests", "1" }, [[
      local res <close> = fetch(url .. "/endless", { stream = true })
      for _ in res:chunks() do print "chunk" fetch(url .. "/ok") end
    ]])
    assert.equal("chunk\n", r.out)
  end)
end)

describe("--max-time", function()
  local function within(seconds, words, code)
    local began = lf.now()
    local r = ended("max-time", words, code)
    assert.is_true(lf.now() - began < seconds, "took " .. lf.now() - began)
    return r
  end

  it("ends a run that waits, in order", function()
    local r = within(2, { "--max-time", "0.3" }, [[
      local x <close> = setmetatable({}, { __close = function() print "closed" end })
      lf.emit { a = 1 }
      fetch(url .. "/hang")
    ]])
    assert.equal('{"a":1}\nclosed\n', r.out)
    assert.truthy(r.err:find("0.3 s are over", 1, true), r.err)
  end)

  it("ends a script that spins", function()
    local r = within(2, { "--max-time", "0.3" }, [[
      local x <close> = setmetatable({}, { __close = function() print "closed" end })
      lf.emit(1)
      while true do end
    ]])
    assert.equal("1\nclosed\n", r.out)
  end)

  it("ends a script that will not end, with its records whole", function()
    local text = "lf.emit { a = 1 } io.write 'half' while true do pcall(function() while true do end end) end"
    assert.equal('half{"a":1}\n', within(5, { "--max-time", "0.3" }, text).out)
    text = "for i = 1, 1000 do lf.emit { i = i } end os.execute 'sleep 9'"
    local out = within(5, { "--max-time", "0.3" }, text).out
    assert.equal('{"i":1000}\n', out:sub(-11))
    local file <close> = run.file("", ".jsonl")
    within(5, { "--max-time", "0.3", "-o", file.name }, text)
    assert.equal(1000, #run.lines(io.open(file.name):read "a"))
  end)

  it("leaves no half file", function()
    local name = os.tmpname()
    os.remove(name)
    within(2, { "--max-time", "0.3" }, ("fetch(url .. '/endless', { save = %q })"):format(name))
    assert.is_nil(io.open(name))
    os.execute("rm -f " .. name .. "*")
  end)

  it("is nothing to a run that ends before", function()
    assert.same({ code = 0, out = "1\n", err = "" }, run { "--max-time", "60", "-e", "print(1)" })
  end)
end)

describe("--max-memory", function()
  if sanitized then
    print "skip: memory means nothing under a checker"
    return
  end
  -- The program's own account of the most it has held, in MiB.
  local peak = [[ local file = io.open "/proc/self/status"
    local top = tonumber(file:read("a"):match "VmHWM:%s*(%d+)") / 1024 ]]

  it("is kept by a run that lets go of what it fetched", function()
    local r = run { "--max-memory", "60M", "-e", [[
      local urls, n = {}, 0
      for i = 1, 200 do urls[i] = arg[1] .. "/bytes/2000000" end
      for res in require "luafetch".as_completed(urls) do n = n + #res.body end
    ]] .. peak .. "print(n, top < 66)", web.url }
    assert.equal("400000000\ttrue\n", r.out, r.err)
    assert.equal(0, r.code)
  end)

  it("lets requests start one by one while memory is short, and says so", function()
    local r = run { "--max-memory", "60M", "--stats=json", "-e", [[
      local keep, urls = {}, {}
      for i = 1, 40 do keep[i] = string.rep("x", 1 << 20) end
      for i = 1, 8 do urls[i] = arg[1] .. "/delay/200" end
      local _, failed = gather(urls)
      print(failed, #keep)
    ]], web.url }
    assert.equal("0\t40\n", r.out, r.err)
    local stats = lf.json.decode(r.err)
    assert.equal(1, stats.peak_active)
    assert.equal("limited_memory", stats.limited_by)
  end)

  it("ends one that holds too much", function()
    local r = ended("max-memory", { "--max-memory", "60M" }, [[
      local x <close> = setmetatable({}, { __close = function() ]] .. peak .. [[ print(top < 70) end })
      local kept, urls = {}, {}
      for i = 1, 200 do urls[i] = url .. "/bytes/1000000" end
      for res in lf.as_completed(urls) do
        kept[#kept + 1] = res.body
        if #kept == 20 then lf.emit "twenty" end
      end
    ]])
    local said = run.lines(r.out)
    table.sort(said) -- what is emitted goes out by time, too
    assert.same({ '"twenty"', "true" }, said)
  end)

  it("ends a body that outgrows it", function()
    ended("max-memory", { "--max-memory", "50M" }, "fetch(url .. '/endless', { max_body = false })")
  end)

  it("ends a script whose values outgrow it", function()
    local code = "lf.emit(1) local t = {} for i = 1, 1e9 do t[i] = { i } end"
    local r = ended("max-memory", { "--max-memory", "60M" }, code)
    assert.equal("1\n", r.out)
  end)

  it("refuses a value that a script can do without", function()
    local r = run { "--max-memory", "60M", "-e", "print(pcall(string.rep, 'x', 1e9)) print(#string.rep('x', 1e6))" }
    assert.same({ code = 0, out = "false\tnot enough memory\n1000000\n", err = "" }, r)
  end)

  it("lets endless streams pass", function()
    local r = run { "--max-memory", "60M", "-e", [[
      require "luafetch".each({ 1, 2, 3, 4 }, function()
        local res <close>, n = fetch(arg[1] .. "/endless", { stream = true }), 0
        for chunk in res:chunks() do
          n = n + #chunk
          if n > 5e7 then break end
        end
      end)
    ]], web.url }
    assert.same({ code = 0, out = "", err = "" }, r)
  end)
end)

describe("lf.limits", function()
  it("tightens", function()
    ended("max-requests", {}, "lf.limits { max_requests = 2 } for _ = 1, 3 do fetch(url .. '/ok') end")
    ended("max-time", { "--max-time", "60" }, "lf.limits { max_time = 0.2 } lf.sleep(30)")
    ended("max-time", {}, "lf.limits { max_time = 0.2 } while true do end")
    if not sanitized then
      ended("max-memory", { "--max-memory", "1G" }, [[
        lf.limits { max_memory = 60 << 20 }
        local t = {}
        for i = 1, 1e9 do t[i] = { i } end
      ]])
    end
  end)

  it("never loosens", function()
    local r = ended("max-requests", { "--max-requests", "1" }, [[
      local now = lf.limits { max_requests = 100, max_memory = 1 << 40 }
      print(now.max_requests, now.max_memory, now.max_time)
      for _ = 1, 3 do fetch(url .. "/ok") end
    ]])
    assert.equal("1\t1099511627776\tnil\n", r.out)
  end)

  it("says what was used", function()
    local r = run { "-e", [[
      fetch(arg[1])
      local used = require "luafetch".limits().used
      print(used.requests, used.memory > 1 << 20, used.time > 0 and used.time < 60)
    ]], web.url .. "/ok" }
    assert.equal("1\ttrue\ttrue\n", r.out)
  end)

  it("refuses what is none", function()
    local function refused(text, value)
      local ok, err = pcall(lf.limits, value)
      assert.is_false(ok)
      assert.truthy(err:find(text, 1, true), err)
    end
    refused("unknown option 'max_request' (did you mean 'max_requests'?)", { max_request = 1 })
    refused("'max_requests' must be a whole number above 0, got 1.5", { max_requests = 1.5 })
    refused("'max_time' must be a number above 0, got 0", { max_time = 0 })
    refused("'max_memory' must be a whole number above 0, got 1M", { max_memory = "1M" })
    refused("wants a table, got string", "x")
  end)
end)

describe("wrong limits", function()
  it("are refused", function()
    local function refused(words, message)
      local r = run(words)
      assert.equal(2, r.code)
      assert.matches(message, r.err, 1, true)
    end
    refused({ "--max-requests", "0", "x" }, "--max-requests wants a number from 1 to 10^12, not '0'")
    refused({ "--max-requests", "-1", "x" }, "not '-1'")
    refused({ "--max-memory", "1X", "x" }, "--max-memory wants bytes, or a number with K, M or G, not '1X'")
    refused({ "--max-memory", "0", "x" }, "not '0'")
    refused({ "--max-time", "none", "x" }, "--max-time wants seconds above 0, not 'none'")
  end)
end)
