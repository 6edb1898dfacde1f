-- Bars of big downloads on a terminal, above the line for all requests.
local screen = require "tests.support.screen"
local servers = require "tests.support.servers"

local program = os.getenv "LUAFETCH" or "build/luafetch"

-- What a terminal of that size gets from a run with these words.
local function terminal(columns, rows, ...)
  local words = table.concat({ program, "-q --progress", ... }, " ")
  local pipe = io.popen(("script -qec %q /dev/null </dev/null"):format(
    ("stty cols %d rows %d; %s"):format(columns, rows, words)))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local code = [[
  local lf = require "luafetch"
  local dir, base = arg[1], arg[2]
  local list = {}
  for i = 3, #arg do list[#list + 1] = { url = base .. "/" .. arg[i], save = dir .. "/" .. arg[i] } end
  for r in lf.as_completed(list) do print("saved " .. r.path:match "[^/]+$" .. " " .. r.size) end
]]

describe("bars", function()
  local web, dir, file

  setup(function()
    file, dir = os.tmpname(), os.tmpname()
    local f = assert(io.open(file, "w"))
    f:write(code)
    f:close()
    os.remove(dir)
    assert(os.execute("mkdir " .. dir))
    web = servers.nginx { conf_extra = "limit_rate 4m; chunked_transfer_encoding on;" }
    for name, size in pairs { ["one.iso"] = "4M", ["über.iso"] = "5M", small = "100k", more = "3M" } do
      assert(os.execute(("truncate -s %s '%s/%s'"):format(size, web.dir, name)))
    end
  end)
  teardown(function()
    web.stop()
    os.execute("rm -r " .. dir)
    os.remove(file)
  end)

  it("show big downloads with part, size, rate and time, and a line for all", function()
    local text = terminal(100, 20, file, dir, web.url, "one.iso", "über.iso", "small")
    local rows, seen = screen(text)
    local bars = { one = 0, ["über"] = 0, total = 0 }
    for _, line in ipairs(seen) do
      assert.truthy(utf8.len(line) < 100, line)
      local name, part = line:match "^(%S+)%.iso +%[[=> ]+%] +(%d+) %%  [%d.]+ %a+ of [%d.]+ MB  [%d.]+ %a+/s  [%d:-]+"
      if name then
        bars[name] = bars[name] + 1
        assert.truthy(tonumber(part) <= 100)
      end
      if line:find("in flight", 1, true) then bars.total = bars.total + 1 end
      assert.is_nil(line:find "^small ")
    end
    assert.truthy(bars.one >= 2 and bars["über"] >= 2 and bars.total >= 3, text)
    assert.same({ "saved small 102400", "saved one.iso 4194304", "saved über.iso 5242880", "" }, rows)
  end)

  it("come with the example that downloads many files", function()
    local folder = dir .. "/example"
    assert(os.execute("mkdir " .. folder))
    local text = terminal(100, 20, "download", folder, web.url .. "/one.iso", web.url .. "/more")
    local rows, seen = screen(text)
    local found = 0
    for _, line in ipairs(seen) do
      if line:find("^one.iso +%[=") or line:find "^more +%[=" then found = found + 1 end
    end
    assert.truthy(found >= 2, text)
    assert.equal("2 of 2 files", rows[3])
  end)

  it("fit a narrow terminal, and no more than a low one has rows for", function()
    local text = terminal(40, 3, file, dir, web.url, "one.iso", "über.iso", "more")
    local rows, seen = screen(text)
    for _, line in ipairs(seen) do
      assert.truthy(utf8.len(line) < 40, line)
      assert.is_nil(line:find("[=", 1, true), line)
    end
    assert.is_nil(text:find "\27%[[3-9]A")
    assert.equal(4, #rows)
  end)
end)
