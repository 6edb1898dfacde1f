-- Large documents are parsed in a thread, and nothing but time tells.
local lf = require "luafetch"
local servers = require "tests.support.servers"

local UNIT = "<div class=a><p>some text &amp; more</p><a href=/x>l</a></div>\n"
local small, large = UNIT:rep(100), UNIT:rep(20000)

local function resident_kb()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "VmRSS:%s+(%d+)"
    if kb then return tonumber(kb) end
  end
end

-- How often another task runs while `fn` does.
local function ticks_during(fn)
  local ticks, over = 0, false
  local clock = lf.spawn(function()
    while not over do
      ticks = ticks + 1
      lf.sleep(0)
    end
  end)
  local before = ticks
  local value = fn()
  local n = ticks - before
  over = true
  clock:join()
  return n, value
end

describe("a large document", function()
  it("lets other tasks go on", function()
    local n, doc = ticks_during(function() return assert(lf.html.parse(large)) end)
    assert.is_true(n > 3, n .. " ticks")
    assert.equal(20000, #doc:css "a::attr(href)")
    n, doc = ticks_during(function() return assert(lf.xml.parse("<r>" .. ("<i>x</i>"):rep(300000) .. "</r>")) end)
    assert.is_true(n > 3, n .. " ticks")
    assert.equal(300000, #doc:children())
    assert.equal(0, (ticks_during(function() return lf.html.parse(small) end)))
  end)

  it("tells what is wrong", function()
    local doc, err = lf.xml.parse("<r>" .. ("<i>x</i>\n"):rep(100000) .. "</x>", { url = "http://x/" })
    assert.is_nil(doc)
    assert.equal(100001, err.line)
    assert.equal("http://x/", err.url)
  end)

  it("is parsed at once where nothing can wait", function()
    local doc
    local n = ticks_during(function()
      ("x"):gsub("x", function() doc = lf.html.parse(large) end)
    end)
    assert.equal(0, n)
    assert.equal(20000, #doc:css "a")
    local name = os.tmpname()
    local f <close> = assert(io.open(name, "w"))
    f:write('return #require("luafetch").html.parse(("<p>x"):rep(100000)):css "p"')
    f:close()
    package.searchers[#package.searchers + 1] = function(module)
      return module == "large_page_module" and loadfile(name) or nil
    end
    assert.equal(100000, (require "large_page_module"))
    package.searchers[#package.searchers] = nil
    os.remove(name)
    local co = coroutine.wrap(function() return lf.html.parse(large) end)
    assert.equal(20000, #co():css "a")
  end)

  it("may be given up half-way, before and behind its thread", function()
    for round = 1, 15 do
      local tasks = {}
      for i = 1, 6 do tasks[i] = lf.spawn(function() lf.html.parse(large) end) end
      lf.sleep(round * 0.001)
      for i = 1, 6 do tasks[i]:cancel() end
      if round % 5 == 0 then assert.equal(20000, #assert(lf.html.parse(large)):css "a") end
    end
    local value, err = lf.timeout(0.005, lf.html.parse, large)
    assert.is_nil(value)
    assert.equal("timeout", err.kind)
    assert.equal(20000, #assert(lf.html.parse(large)):css "a") -- and the threads are free again
  end)

  it("does not hinder the program's end", function()
    local program = os.getenv "LUAFETCH" or "build/luafetch"
    local code = [[local lf = require "luafetch"
      for i = 1, 3 do lf.spawn(function() lf.html.parse(("<p>x"):rep(1000000)) end) end
      lf.sleep(%g) %s]]
    for round = 0, 4 do
      for ending, want in pairs { ["error 'end'"] = 1, ["os.exit(true, true)"] = 0, ["os.exit(true)"] = 0 } do
        local _, _, exit = os.execute(("ASAN_OPTIONS=detect_leaks=0 %s -q -e '%s' 2>/dev/null"):format(program,
          code:format(round * 0.003, ending):gsub("'", [['\'']])))
        assert.equal(want, exit)
      end
    end
  end)

  it("leaves memory flat", function()
    local early
    for i = 1, 40 do
      assert.equal(20000, #assert(lf.html.parse(large)):css "a")
      collectgarbage()
      if i == 15 then early = resident_kb() end
    end
    if not os.getenv "LF_SANITIZED" then
      assert.is_true(resident_kb() < early * 1.2 + 8192, "memory grew")
    end
  end)

  it("is one document for all tasks that ask a Response", function()
    local dir = os.tmpname()
    os.remove(dir)
    assert(os.execute("mkdir " .. dir))
    local f <close> = assert(io.open(dir .. "/big.html", "w"))
    f:write(("<p>x</p>"):rep(30000))
    f:close()
    local server = servers.nginx { root = dir }
    local res = assert(fetch(server.url .. "/big.html"))
    local docs = {}
    lf.scope(function(s)
      for i = 1, 4 do s:spawn(function() docs[i] = res:html() end) end
    end)
    assert.equal(30000, #docs[1]:css "p")
    assert.equal(docs[1], docs[4])
    assert.equal(docs[1], res:html())
    server:stop()
    os.execute("rm -r " .. dir)
  end)
end)
