-- lf.emit and lf.log, seen from outside: what arrives on the streams, and when.
local run = require "tests.support.command"

local function slurp(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function script(text, ...)
  return run { "-e", "local lf = require 'luafetch' " .. text, ... }
end

describe("emit", function()
  it("writes one JSON line an item", function()
    local r = script [[lf.emit{a="é\n", n={1,2}} lf.emit(7) lf.emit("x") lf.emit(false)]]
    assert.equal("", r.err)
    assert.equal('7\n"x"\nfalse\n', r.out:match "\n(.*)$")
    assert.matches('^{.-}\n', r.out)
    assert.equal(0, r.code)
  end)

  it("keeps the order with print", function()
    assert.equal("1\n2\n3\n", script([[print(1) lf.emit(2) lf.sleep(0.15) print(3)]]).out)
  end)

  it("writes within 100 ms, though the script goes on", function()
    local out <close> = run.file("", ".jsonl")
    local r = run { "-o", out.name, "-e", [[
      local lf = require "luafetch"
      local function size() local f = io.open(arg[1]) local n = f:seek "end" f:close() return n end
      lf.emit { a = 1 }
      assert(size() == 0)
      lf.sleep(0.2)
      print(size())]], out.name }
    assert.equal("", r.err)
    assert.equal("8\n", r.out)
  end)

  it("does not keep the run alive", function()
    local r = script [[local t = os.clock() lf.emit(1)]]
    assert.equal("1\n", r.out)
  end)

  it("makes the file of -o anew", function()
    local out <close> = run.file("old\nold\n", ".jsonl")
    local r = run { "-o", out.name, "-e", "require'luafetch'.emit{b=1}" }
    assert.equal(0, r.code)
    assert.equal("", r.out)
    assert.equal('{"b":1}\n', slurp(out.name))
  end)

  it("writes many records whole", function()
    local r = script [[for i = 1, 20000 do lf.emit{i = i, s = ("x"):rep(i % 50)} end]]
    local n = 0
    for line in r.out:gmatch "([^\n]*)\n" do
      n = n + 1
      assert.matches("^{.*}$", line)
    end
    assert.equal(20000, n)
  end)

  it("tells about a full disk once, and the run has failed", function()
    local r = run({ "-e", "local lf = require 'luafetch' for i = 1, 1e5 do lf.emit{i=i} end" },
      { shell = "@ > /dev/full" })
    assert.equal(1, r.code)
    assert.equal(1, select(2, r.err:gsub("No space left on device", "")))
    assert.matches("cannot write to standard output: No space left on device", r.err)
  end)

  it("tells at the end what no emit could raise", function()
    local r = run({ "-e", "require'luafetch'.emit(1)" }, { shell = "@ > /dev/full" })
    assert.equal(1, r.code)
    assert.matches("cannot write to standard output", r.err)
  end)

  it("raises an io Error that goes on being raised", function()
    local r = run({ "-e", [[
      local lf = require "luafetch"
      local n, last = 0
      for i = 1, 20000 do
        local ok, err = pcall(lf.emit, { i = i })
        if not ok then n, last = n + 1, err end
      end
      io.stderr:write(last.kind, " ", tostring(n > 1), "\n")]] }, { shell = "@ > /dev/full" })
    assert.matches("^io true\n", r.err)
    assert.equal(1, r.code)
  end)

  it("tells about a reader who went away", function()
    local r = run({ "-e", "local lf = require 'luafetch' for i = 1, 1e6 do lf.emit{i=i} end" },
      { shell = "{ @ ; echo $? >&2 ; } | head -n 1" })
    assert.equal('{"i":1}\n', r.out)
    assert.matches("cannot write to standard output: Broken pipe", r.err)
    assert.matches("1\n$", r.err)
  end)

  it("leaves no half record of one that cannot be said", function()
    local r = script [[
      lf.emit{a=1}
      print(pcall(lf.emit, {1, 2, {f = print}}))
      lf.emit{b=2}]]
    assert.matches('^{"a":1}\n', (r.out:gsub("^false[^\n]*\n", "")))
    assert.matches('{"b":2}\n$', r.out)
    assert.equal(3, select(2, r.out:gsub("\n", "\n")))
  end)

  it("wants an item", function()
    assert.matches("emit: wants an item, got nothing", script([[lf.emit()]]).err)
  end)
end)

describe("log", function()
  it("goes to stderr by level, values joined by spaces", function()
    local r = script [[lf.log.debug("d") lf.log.info("i") lf.log.warn("w", 1, nil, true) lf.log.error("e\27[2J")]]
    assert.equal("", r.out)
    assert.equal("warning: w 1 nil true\nerror: e\\x1b[2J\n", r.err)
  end)

  it("makes no text of what nobody sees", function()
    local r = script [[
      local t = setmetatable({}, {__tostring = function() print "asked" return "t" end})
      lf.log.debug(t) lf.log.warn(t)]]
    assert.equal("asked\n", r.out)
    assert.equal("warning: t\n", r.err)
  end)
end)
