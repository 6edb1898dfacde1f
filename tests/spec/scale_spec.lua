-- A million tasks one after the other, a hundred thousand at once.
local lf = require "luafetch"

-- Under a checker, or with a collector that never rests, smaller numbers show the same.
local LESS = (os.getenv "LF_GCSTRESS" or os.getenv "LF_SANITIZED") and 50 or 1

local function resident_kb()
  local file = assert(io.open "/proc/self/status")
  local kb = tonumber(file:read("a"):match "VmRSS:%s+(%d+)")
  file:close()
  return kb
end

describe("tasks at scale", function()
  it("a million go through `each` in the memory of a hundred", function()
    local n, given, done = 1000000 // LESS, 0, 0
    local function next_item()
      given = given + 1
      if given <= n then return given end
    end
    lf.each({ 1 }, function() end)
    collectgarbage()
    local before = resident_kb()
    local failed = lf.each(next_item, function() done = done + 1 end, { limit = 100 })
    assert.equal(0, failed)
    assert.equal(n, done)
    collectgarbage()
    if LESS == 1 then assert.is_true(resident_kb() - before < 4096, resident_kb() - before .. " KB more") end
  end)

  it("a hundred thousand sleep at once, for at most 2 KB each", function()
    local n = 100000 // LESS
    collectgarbage()
    local before, peak, woken = resident_kb(), nil, 0
    lf.scope(function(s)
      for _ = 1, n do
        s:spawn(function()
          lf.sleep(1)
          woken = woken + 1
        end)
      end
      lf.sleep(0.2)
      peak = resident_kb()
    end)
    assert.equal(n, woken)
    if LESS == 1 then assert.is_true((peak - before) * 1024 / n < 2048, (peak - before) * 1024 / n .. " bytes each") end
  end)
end)
