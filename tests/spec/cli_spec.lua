-- The command: where scripts come from, options, exit codes, what is printed where.
local run = require "tests.support.command"
local servers = require "tests.support.servers"

describe("a script", function()
  it("is a file with arguments", function()
    local script <close> = run.file("print(arg[0], #arg, arg[1], ...)", ".lua")
    local r = run { script.name, "a", "--limit", "-x" }
    assert.equal("", r.err)
    assert.equal(script.name .. "\t3\ta\ta\t--limit\t-x\n", r.out)
    assert.equal(0, r.code)
  end)

  it("is the code after -e, with arguments", function()
    assert.equal("-e\ta b\n", run({ "-e", "print(arg[0], ...)", "a b" }).out)
    assert.equal("1\n", run({ "--execute=print(1)" }).out)
    assert.equal("1\n", run({ "-eprint(1)" }).out)
  end)

  it("comes from standard input as -", function()
    assert.equal("-\tx\n", run({ "-", "x" }, { stdin = "print(arg[0], ...)" }).out)
  end)

  it("may begin with a shebang line", function()
    local script <close> = run.file("#!/usr/bin/env luafetch\nprint 'here'", ".lua")
    assert.equal("here\n", run({ script.name }).out)
  end)

  it("finds its neighbours with require, from any directory", function()
    local module <close> = run.file("return 'neighbour'", ".lua")
    local name = module.name:match "([^/]*)%.lua$"
    local script <close> = run.file(("print((require %q))"):format(name), ".lua")
    assert.equal("neighbour\n", run({ script.name }, { shell = "cd / && @", env = {} }).out)
  end)

  it("has its program and options at negative places of arg", function()
    assert.equal("--quiet\n", run({ "--quiet", "-e", "print(arg[-2])" }).out)
  end)

  it("is source text, never precompiled", function()
    local script <close> = run.file(string.dump(load "return 1"), ".lua")
    local r = run { script.name }
    assert.equal(1, r.code)
    assert.matches("binary chunk", r.err)
  end)

  it("has fetch and gather as globals", function()
    assert.equal("table\tfunction\n", (run({ "-e", "print(type(require 'luafetch'), type(gather))" }).out))
    assert.equal("true\n", run({ "-e", "print(fetch ~= nil)" }).out)
  end)

  it("may be empty", function()
    assert.same({ code = 0, out = "", err = "" }, run { "-e", "" })
  end)
end)

describe("wrong use", function()
  local function refused(words, message)
    local r = run(words)
    assert.equal("", r.out)
    assert.matches(message, r.err, 1, true)
    assert.equal(2, r.code)
  end

  it("names the option that was meant", function()
    refused({ "--limt", "5", "x.lua" }, "unknown option --limt; did you mean --limit?")
    refused({ "--per_host=5" }, "did you mean --per-host?")
    refused({ "--qwertz" }, "unknown option --qwertz; see luafetch --help")
    refused({ "-z" }, "unknown option -z")
  end)

  it("says which value is wrong", function()
    refused({ "--limit", "0", "x" }, "--limit wants a number from 1 to 1000000, not '0'")
    refused({ "--limit=5x", "x" }, "not '5x'")
    refused({ "--timeout", "-1", "x" }, "--timeout wants seconds above 0, or none, not '-1'")
    refused({ "--timeout", "nan", "x" }, "--timeout wants seconds")
    refused({ "--header", "a: b", "--header", "no colon", "x" }, "--header wants 'Name: value': number 2 is without")
    refused({ "--header", "a b: c", "x" }, "--header wants")
    refused({ "--header", "a: b\r\nc: d", "x" }, "a line break cannot be part of a value")
    refused({ "--user-agent", "a\nb", "x" }, "a line break cannot be part of a value")
    refused({ "--stats=xml", "x" }, "--stats or --stats=json, not --stats=xml")
    refused({ "--quiet=1", "x" }, "--quiet takes no value")
    refused({ "--limit" }, "--limit wants N")
  end)

  it("refuses formats that this version does not write", function()
    refused({ "-o", "x.db", "-e", "" }, "this version writes .jsonl and .csv only")
    refused({ "-ox.json", "-e", "" }, "ends in .jsonl or .csv")
    refused({ "-o", "/nonexistent/x.jsonl", "-e", "" }, "/nonexistent/x.jsonl")
  end)

  it("is a script that is not there", function()
    refused({}, "no script given")
    refused({ "nosuchthing" }, "no script and no bundled example is named nosuchthing")
    refused({ "no/such.lua" }, "cannot open no/such.lua: No such file or directory")
    refused({ "/" }, "/ is a directory")
  end)
end)

describe("information", function()
  it("is --help, --version and --list on standard output", function()
    local help = run { "--help" }
    assert.matches("usage: luafetch", help.out, 1, true)
    for _, line in ipairs(run.lines(help.out)) do assert.is_true(#line <= 100, line) end
    assert.matches("^luafetch %d+%.%d+%.%d+, Lua 5%.4", run({ "--version" }).out)
    local list = run { "--list" }
    for _, name in ipairs { "quotes", "gather", "links", "api", "first_mirror" } do
      assert.matches("\n" .. name .. " +%S", "\n" .. list.out)
    end
    assert.equal(0, help.code + list.code)
  end)
end)

describe("errors", function()
  it("of syntax name file and line", function()
    local script <close> = run.file("local x = \n= 1", ".lua")
    local r = run { script.name }
    assert.equal(1, r.code)
    assert.matches(script.name .. ":2: unexpected symbol", r.err, 1, true)
  end)

  it("show message, line and traceback", function()
    local script <close> = run.file("local function f() error 'broken' end\nf()", ".lua")
    local r = run { script.name }
    assert.equal(1, r.code)
    assert.matches(script.name .. ":1: broken", r.err, 1, true)
    assert.matches("stack traceback:", r.err, 1, true)
    assert.matches(script.name .. ":2: in ", r.err, 1, true)
  end)

  it("in a task show where it was spawned", function()
    local script <close> = run.file([[
      local lf = require "luafetch"
      local function child() local t = nil; return t.x end
      lf.spawn(child)
    ]], ".lua")
    local r = run { script.name }
    assert.equal(1, r.code)
    assert.matches(script.name .. ":2: attempt to index a nil value", r.err, 1, true)
    assert.matches("spawned at " .. script.name .. ":3", r.err, 1, true)
  end)

  it("that are no strings are shown all the same", function()
    local r = run { "-e", "error(setmetatable({}, {__tostring = function() return 'speaks' end}))" }
    assert.equal(1, r.code)
    assert.matches("speaks", r.err, 1, true)
    assert.equal(1, run({ "-e", "error()" }).code)
    assert.equal(1, run({ "-e", "error({})" }).code)
  end)

  it("do not lose what was emitted before", function()
    local r = run { "-e", "local lf = require 'luafetch' lf.emit{a=1} error 'x'" }
    assert.equal('{"a":1}\n', r.out)
    assert.equal(1, r.code)
  end)

  it("of the script's own choice come through os.exit, with the records written", function()
    local r = run { "-e", "local lf = require 'luafetch' lf.emit{a=1} os.exit(7)" }
    assert.equal('{"a":1}\n', r.out)
    assert.equal(7, r.code)
  end)
end)

describe("signals", function()
  -- Starts the command, sends the signals after a while each, gives its exit code.
  local function stop(code, signals)
    local kills = {}
    for i, name in ipairs(signals) do kills[i] = ("sleep 0.3; kill -%s $!"):format(name) end
    return run({ "-e", code }, { shell = "@ & " .. table.concat(kills, "; ") .. "; wait $!" })
  end

  it("end a waiting run in order, once", function()
    local code = [[
      local lf = require "luafetch"
      local x <close> = setmetatable({}, { __close = function() print "closed" end })
      lf.emit { a = 1 }
      lf.sleep(60)
      print "not reached"
    ]]
    local r = stop(code, { "TERM" })
    assert.equal(143, r.code)
    assert.equal('{"a":1}\nclosed\n', r.out)
    assert.equal(130, stop(code, { "INT" }).code)
  end)

  it("end a script that spins", function()
    local r = stop("local x <close> = setmetatable({}, {__close = function() print 'closed' end}) while true do end",
      { "TERM" })
    assert.equal(143, r.code)
    assert.equal("closed\n", r.out)
  end)

  it("end a coroutine that spins", function()
    assert.equal(143, stop("coroutine.wrap(function() while true do end end)()", { "TERM" }).code)
  end)

  it("end at once the second time", function()
    local code = [[
      local lf = require "luafetch"
      local x <close> = setmetatable({}, { __close = function() os.execute "sleep 5" end })
      lf.sleep(60)
    ]]
    local began = os.time()
    assert.equal(143, stop(code, { "TERM", "TERM" }).code)
    assert.is_true(os.time() - began < 4)
  end)

  it("are not needed when a reader goes away", function()
    local r = run({ "-e", "local lf = require 'luafetch' for i = 1, 1e5 do lf.emit{i=i} end" },
      { shell = "@ | head -n 1" })
    assert.equal('{"i":1}\n', r.out)
  end)
end)

describe("with a server", function()
  local web
  setup(function()
    web = servers.nginx {
      conf_extra = [[
        location /ok { return 200 "fine"; }
        location /missing { return 404 "no"; }
        location /echo { return 200 "$http_x_one|$http_x_two|$http_user_agent"; }
      ]],
    }
  end)
  teardown(function() web:stop() end)

  it("--strict makes failures the exit code", function()
    local code = "fetch(arg[1])"
    assert.equal(0, run({ "--strict", "-e", code, web.url .. "/ok" }).code)
    assert.equal(3, run({ "--strict", "-e", code, web.url .. "/missing" }).code)
    assert.equal(0, run({ "-e", code, web.url .. "/missing" }).code)
    assert.equal(3, run({ "--strict", "-e", code, "http://127.0.0.1:1/" }).code)
  end)

  it("--header and --user-agent go with every request", function()
    local r = run { "--header", "X-One:  1 ", "--header=X-Two: 2", "--user-agent", "me/1", "-e",
      "print(fetch(arg[1]).body)", web.url .. "/echo" }
    assert.equal("1|2|me/1\n", r.out)
    assert.equal("", r.err)
  end)

  it("--stats ends with a summary", function()
    local code = "gather{arg[1] .. '/ok', arg[1] .. '/ok', arg[1] .. '/missing'}"
    local r = run { "--stats", "-e", code, web.url }
    assert.equal("", r.out)
    assert.matches("3 requests in .*: 2 ok, 1 failed %(1 status 4xx%)\n", r.err)
    assert.matches("latency .* median", r.err)
    assert.equal("", run({ "-e", code, web.url }).err)
  end)

  it("--stats=json ends with an object", function()
    local json = require("luafetch").json
    local r = run { "--stats=json", "-e", "gather{arg[1] .. '/ok', arg[1] .. '/missing'}", web.url }
    local stats = assert(json.decode(r.err))
    assert.equal(2, stats.requests)
    assert.equal(1, stats.ok)
    assert.equal(1, stats.failed)
    assert.equal(1, stats.statuses["4xx"])
    assert.is_true(stats.latency.p50 > 0 and stats.elapsed > 0)
  end)

  it("-o takes the records away from standard output", function()
    local out <close> = run.file("old", ".jsonl")
    local r = run { "-o", out.name, "-e", "require'luafetch'.emit{status = fetch(arg[1]).status}", web.url .. "/ok" }
    assert.same({ code = 0, out = "", err = "" }, r)
    assert.equal('{"status":200}\n', io.open(out.name):read "a")
  end)

  it("--timeout is the default of every request", function()
    local fault = servers.fault()
    local r = run { "--timeout", "0.2", "-e", "print(select(2, fetch(arg[1])).kind)", fault.url .. "/hang" }
    fault:stop()
    assert.equal("timeout\n", r.out)
  end)

  it("--insecure is loud", function()
    assert.matches("certificates are NOT checked", run({ "--insecure", "-q", "-e", "" }).err)
  end)
end)

describe("the progress line", function()
  local code = [[
    local lf = require "luafetch"
    for i = 1, 3 do
      fetch(arg[1])
      lf.sleep(0.25)
      print("line " .. i)
      lf.log.warn("warning " .. i)
    end
  ]]
  local web
  setup(function() web = servers.nginx { conf_extra = 'location / { return 200 "x"; }' } end)
  teardown(function() web:stop() end)

  it("is not there without a terminal", function()
    local r = run { "-e", code, web.url }
    assert.is_nil(r.err:find("\r", 1, true))
  end)

  it("never stands before a record, a log line or the summary", function()
    local r = run({ "--progress", "--stats", "-e", code, web.url }, { shell = "@ 2>&1" })
    assert.matches("in flight", r.out, 1, true)
    -- What a terminal shows in the end: \r\27[K empties the line.
    local shown = (r.out:gsub("\r[^\r\n]*\27%[K", "\r"):gsub("\r+", "\r"))
    for _, line in ipairs(run.lines(shown)) do
      local text = line:match "([^\r]*)$"
      assert.is_nil(text:find("in flight", 1, true), text)
    end
    assert.matches("line 3", shown, 1, true)
    local writes = select(2, r.out:gsub("in flight", ""))
    assert.is_true(writes >= 1 and writes <= 6, tostring(writes))
  end)

  it("is cut to the width of the terminal", function()
    local command = ("stty cols 30; %s --progress -e '%s' %s"):format(os.getenv "LUAFETCH" or "build/luafetch",
      "fetch(arg[1]) require \"luafetch\".sleep(0.5)", web.url)
    local pipe = io.popen(("script -qec %q /dev/null"):format(command))
    local text = pipe:read "a"
    pipe:close()
    local seen = 0
    for line in text:gmatch "\r([^\r\n\27]+)\27%[K" do
      seen = seen + 1
      assert.is_true(#line < 30, line)
    end
    assert.is_true(seen > 0)
  end)
end)
