-- Memory's end, at every allocation one after the other: an error that says so, nothing left
-- behind, and the next try works. A sanitizer has an allocator of its own.
local run = require "tests.support.command"
local servers = require "tests.support.servers"

local sanitized = (os.getenv "LUAFETCH" or ""):find("asan", 1, true)
if sanitized then print "skip: no allocation fails under a sanitizer, the cases run as they are" end

describe("the end of memory", function()
  local library, fault, events, websocket

  setup(function()
    library = os.tmpname()
    assert(os.execute(("cc -shared -fPIC -x c -o %s tests/support/nomem.c"):format(library)))
    fault, events, websocket = servers.fault(), servers.events(), servers.websocket()
  end)
  teardown(function()
    os.remove(library)
    fault.stop()
    events.stop()
    websocket.stop()
  end)

  local function check(name, url)
    local r = run({ "-q", "tests/support/nomem.lua", name, url }, {
      env = { LD_PRELOAD = not sanitized and library or "" }, under = { "timeout", "60" },
    })
    local said = { code = r.code, out = r.out, err = r.err:match "aborting" and r.err or nil }
    assert.same({ code = 0, out = (sanitized and "3" or "went through") .. "\t0\t0\n" }, said)
  end

  for _, name in ipairs { "websocket", "progress", "save", "stream", "events", "text" } do
    it("is survived: " .. name, function()
      local urls = { websocket = websocket.url, events = "http://127.0.0.1:" .. events.port }
      check(name, urls[name] or fault.url)
    end)
  end

  it("is survived: redis", function()
    local redis = servers.redis()
    if not redis then return print "skip: no redis-server" end
    check("redis", redis.url)
    redis.stop()
  end)

  -- libev ends the process when it gets no memory. Its arrays grow when chance will have it:
  -- without a reserve one of eight runs met that.
  it("is survived by the event loop, whenever that grows", function()
    for _ = 1, sanitized and 1 or 25 do check("text", fault.url) end
  end)

  -- Two in a row: Lua collects and tries again, and only then it raises an error. NOMEM_STEP=1: each.
  it("is an error of Lua's, wherever the program is", function()
    local ended, step = 0, tonumber(os.getenv "NOMEM_STEP") or 19
    for n = 1, sanitized and 1 or 1500, step do
      local r = run({ "-q", "-e", "print(1)" }, { under = { "timeout", "20" },
        env = { LD_PRELOAD = not sanitized and library or "", NOMEM_AT = tostring(n), NOMEM_TIMES = "2" } })
      -- libev's second try is from a reserve let go of before it: only here does that fail
      local loop = r.err:find("(libev) cannot allocate", 1, true)
      assert.is_true(r.code >= 0 and r.code <= 2 or loop ~= nil, ("%d: exit code %d %s"):format(n, r.code, r.err))
      assert.is_true(r.code == 0 and r.out == "1\n" or r.err ~= "", n .. ": said nothing")
      if r.code == 1 then ended = ended + 1 end
    end
    assert.is_true(sanitized ~= nil or ended > 10, ended .. " ended")
  end)
end)
