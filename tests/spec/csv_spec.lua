-- lf.csv: rows and records, both ways; the state machine itself is tested in test_csv.c.
local lf = require "luafetch"
local run = require "tests.support.command"
local csv, json = lf.csv, lf.json

local function collect(next_row)
  local list = {}
  for row, line in next_row do list[#list + 1] = { line, row } end
  return list
end

describe("csv.parse", function()
  it("gives lists, or records by the names of the first line", function()
    assert.same({ { "a", "b" }, { "1", "x,\n\"y\"" } }, csv.parse "a,b\r\n1,\"x,\n\"\"y\"\"\"\r\n")
    local rows, columns = csv.parse("\u{feff}a,b\n1,2\n3\n", { header = true })
    assert.same({ { a = "1", b = "2" }, { a = "3" } }, rows)
    assert.same({ "a", "b" }, columns)
    assert.same({ { x = "a", y = "b" } }, csv.parse("a;b", { header = { "x", "y" }, delimiter = ";" }))
    assert.same({}, csv.parse "")
    assert.same({}, csv.parse("", { header = true }))
    assert.same({}, csv.parse("a,b", { header = true }))
  end)

  it("numbers columns without a name", function()
    assert.same({ { a = "1", [2] = "2", [3] = "3" } }, csv.parse("a,,\n1,2,3", { header = true }))
  end)

  it("refuses what would lose something, with its line", function()
    local function refused(text, message, opts)
      local rows, err = csv.parse(text, opts)
      assert.is_nil(rows)
      assert.equal("parse", err.kind)
      assert.equal(message, err.message)
    end
    refused('a\n"b', "line 2: a quote that is never closed")
    refused("a,b\n1,2\n1,2,3", "line 3: 3 fields, where there are 2 columns", { header = true })
    refused("a,a\n", "line 1: two columns are named 'a'", { header = true })
    refused("a,b\n1", "line 2: 1 fields, where there are 2 columns", { header = true, strict = true })
    refused('a"b', "line 1: a quote in a field that does not begin with one", { strict = true })
    refused('"a" ', "line 1: text behind a closing quote", { strict = true })
    assert.equal("too_large", select(2, csv.parse(("x"):rep(100), { max_record = 99 })).kind)
  end)

  it("raises for wrong use", function()
    assert.error_matches(function() csv.parse(1) end, "csv.parse: a string is wanted, got a number")
    assert.error_matches(function() csv.parse("", { delim = ";" }) end, "csv.parse.*delim")
    assert.error_matches(function() csv.parse("", { delimiter = ";;" }) end, "must be one byte")
    assert.error_matches(function() csv.parse("", { delimiter = '"' }) end, "must be one byte")
    assert.error_matches(function() csv.parse("", { delimiter = "\0" }) end, "must be one byte")
    assert.has_error(function() csv.parse("", { max_record = 0 }) end)
    assert.error_matches(function() csv.parse("", { header = { 1 } }) end, "name 1 is a number")
    assert.error_matches(function() csv.parse("", { header = "a" }) end, "must be a boolean or table")
  end)
end)

describe("csv.rows", function()
  it("reads strings, functions and files, and tells the line", function()
    local wanted = { { 1, { "a", "b\nc" } }, { 4, { "d", "" } } }
    local text = 'a,"b\nc"\n\nd,'
    assert.same(wanted, collect(csv.rows(text)))
    local at = 0
    assert.same(wanted, collect(csv.rows(function()
      at = at + 1
      return at <= #text and text:sub(at, at) or nil
    end)))
    local file <close> = run.file(text, ".csv")
    local handle <close> = assert(io.open(file.name))
    assert.same(wanted, collect(csv.rows(handle)))
  end)

  it("raises where the file breaks", function()
    local next_row = csv.rows('a,b\n1,2\n1,2,3\n', { header = true })
    assert.same({ a = "1", b = "2" }, (next_row()))
    local ok, err = pcall(next_row)
    assert.is_false(ok)
    assert.equal("line 3: 3 fields, where there are 2 columns", tostring(err))
    assert.same({ false, err }, { pcall(next_row) })
    next_row = csv.rows("a,a\n1,2\n3,4", { header = true })
    for _ = 1, 2 do assert.is_false((pcall(next_row))) end
    assert.error_matches(function() csv.rows(7) end, "a file or a function is wanted, got a number")
    local closed = assert(io.tmpfile())
    closed:close()
    assert.error_matches(function() csv.rows(closed) end, "got a closed file")
  end)

  it("reads a file of any length in little memory", function()
    local n = os.getenv "LF_GCSTRESS" and 500 or 100000
    local i, count, most = 0, 0, 0
    collectgarbage()
    local before = collectgarbage "count"
    for record in csv.rows(function()
      i = i + 1
      return i == 1 and "id,text\n" or i <= n + 1 and ('%d,"some, text"\n'):format(i - 1) or nil
    end, { header = true }) do
      count = count + 1
      assert(record.id == tostring(count) and record.text == "some, text")
      if count % (n // 5) == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage "count" - before)
      end
    end
    assert.equal(n, count)
    assert.is_true(most < 256, most)
  end)
end)

describe("csv.encode", function()
  it("writes lists and records", function()
    assert.equal('a,"b,c"\r\n1,"x ""y"""\r\n', csv.encode { { "a", "b,c" }, { 1, 'x "y"' } })
    assert.equal("a,b\r\n1,\r\n,2\r\n", csv.encode { { a = 1 }, { b = 2 } })
    assert.equal("b;a\n2;1\n", csv.encode({ { a = 1, b = 2, c = 3 } },
      { columns = { "b", "a" }, delimiter = ";", eol = "\n" }))
    assert.equal("1,2\r\n", csv.encode({ { a = 1, b = 2 } }, { header = false }))
    assert.equal('\u{feff}"a"\r\n"1"\r\n', csv.encode({ { a = 1 } }, { bom = true, quote_all = true }))
    assert.equal("", csv.encode {})
    assert.equal("a,b\r\n", csv.encode({}, { columns = { "a", "b" } }))
  end)

  it("says values as JSON does, and nothing for null", function()
    assert.equal('1,1.5,true,,"[1,2]","{""a"":1}",9007199254740993\r\n',
      csv.encode { { 1, 1.5, true, json.null, { 1, 2 }, { a = 1 }, 9007199254740993 } })
    assert.equal(",,x\r\n", csv.encode { { nil, nil, "x" } })
    assert.error_matches(function() csv.encode { { print } } end, "cannot encode a function")
    assert.error_matches(function() csv.encode { { 0 / 0 } } end, "nan")
  end)

  it("writes what reads back the same", function()
    local rows = { { "" }, { "", "" }, { " a ", "\t", "'" }, { '"', '""', "\r", "\n", "\r\n" }, { "é", "\0", "=1" } }
    for _, delimiter in ipairs { ",", ";", "\t", "|" } do
      local text = csv.encode(rows, { delimiter = delimiter })
      assert.same(rows, csv.parse(text, { delimiter = delimiter, strict = true }))
    end
  end)

  it("guards against formulas when asked to", function()
    local rows = { { "=1+1", "+x", "@a", "-5", -5, "-x", "a=b", "\t=1" } }
    assert.equal("'=1+1,'+x,'@a,-5,-5,'-x,a=b,'\t=1\r\n", csv.encode(rows, { guard = true }))
    assert.equal('=1+1,+x,@a,-5,-5,-x,a=b,"\t=1"\r\n', csv.encode(rows))
  end)

  it("raises for wrong use", function()
    assert.error_matches(function() csv.encode(1) end, "a list of rows is wanted, got a number")
    assert.error_matches(function() csv.encode { 1 } end, "csv.encode: a row must be a table, got a number")
    assert.error_matches(function() csv.encode { { 1, a = 2 } } end, "beside a list")
    assert.error_matches(function() csv.encode { { [10 ^ 9 | 0] = 1 } } end, "more than 100000 fields")
    assert.error_matches(function() csv.encode({}, { eol = "x" }) end, "option 'eol'")
    assert.error_matches(function() csv.encode({}, { colums = {} }) end, "did you mean 'columns'")
  end)
end)

describe("csv.writer", function()
  it("writes row by row to a function or a file", function()
    local parts = {}
    local w = csv.writer(function(text) parts[#parts + 1] = text end, { eol = "\n" })
    w:write({ b = 1, a = "x" }):write { "p", "q" }
    assert.same({ "a,b\nx,1\n", "p,q\n" }, parts)
    assert.error_matches(function() w:write { a = 1, c = 2 } end, "field 'c' has no column")
    local file <close> = run.file ""
    local handle = assert(io.open(file.name, "wb"))
    csv.writer(handle, { columns = { "a" } }):write { a = 1, ignored = 2 }
    handle:close()
    assert.equal("a\r\n1\r\n", io.open(file.name, "rb"):read "a")
    assert.error_matches(function() csv.writer "x" end, "a file or a function is wanted, got a string")
  end)

  it("raises an io Error for a full disk", function()
    local full = assert(io.open("/dev/full", "wb"))
    full:setvbuf "no"
    local ok, err = pcall(function() csv.writer(full):write { "a" } end)
    assert.is_false(ok)
    assert.equal("io", err.kind)
    full:close()
  end)
end)

describe("emit to a file .csv", function()
  local function emitted(code, ...)
    local file <close> = run.file("", ".csv")
    local r = run { "-o", file.name, "-e", "local lf = require 'luafetch' " .. code, ... }
    r.file, r.name = io.open(file.name, "rb"):read "a", file.name
    return r
  end

  it("has the fields of the first records for columns", function()
    local r = emitted [[
      lf.emit { b = 1, t = { "x", "y" } }
      lf.emit { a = 'q"', b = lf.json.null, c = false }]]
    assert.equal("", r.err)
    assert.equal('a,b,c,t\r\n,1,,"[""x"",""y""]"\r\n"q""",,false,\r\n', r.file)
    assert.equal("", emitted("").file)
  end)

  it("keeps a record as it was", function()
    assert.equal("a,b\r\n1,[1]\r\n2,[2]\r\n", emitted([[
      local r = { a = 1, b = { 1 } }
      lf.emit(r) r.a, r.b[1] = 2, 2 lf.emit(r)]]).file)
  end)

  it("says when later records have more fields, and the run has failed", function()
    local r = emitted [[for i = 1, 200 do lf.emit { n = i, late = i > 100 and i or nil } end]]
    assert.equal(1, r.code)
    assert.equal(1, select(2, r.err:gsub("warning: emit: field 'late' has no column", "")))
    assert.matches("lacks fields that records behind the first 100 have: late", r.err)
    assert.equal(201, select(2, r.file:gsub("\r\n", "")))
  end)

  it("has the columns that are chosen, in their order", function()
    local file <close> = run.file("", ".csv")
    local r = run { "-o", file.name, "--columns", 'n,"a,b"', "-e",
      [[require'luafetch'.emit { n = 1, ["a,b"] = 2, other = 3 }]] }
    assert.equal(0, r.code)
    assert.equal('n,"a,b"\r\n1,2\r\n', io.open(file.name, "rb"):read "a")
    r = run { "--columns", "a", "-e", "" }
    assert.equal(2, r.code)
    assert.matches("--columns is for -o FILE.csv", r.err, 1, true)
    for _, wrong in ipairs { 'a,"b', "a\nb", "\n" } do
      r = run { "-o", file.name, "--columns", wrong, "-e", "print 'ran'" }
      assert.equal(2, r.code)
      assert.equal("", r.out)
      assert.matches("^luafetch: %-%-columns: these are no names: ", r.err)
    end
    assert.equal('n,"a,b"\r\n1,2\r\n', io.open(file.name, "rb"):read "a") -- still there
  end)

  it("raises for what is no record", function()
    assert.matches("a record of CSV must be a table, not a string", emitted("lf.emit 'x'").err)
    assert.matches("names for its fields, not 1", emitted("lf.emit { 1 }").err)
    assert.matches("cannot encode a function, field 'f'", emitted("lf.emit { f = print }").err)
    assert.matches(":1: emit: cannot encode nan, field 'f'", emitted("lf.emit { f = 0/0 }").err)
  end)

  it("is whole after os.exit and after an error", function()
    assert.equal("a\r\n1\r\n", emitted("lf.emit { a = 1 } os.exit(0)").file)
    assert.equal("a\r\n1\r\n", emitted("lf.emit { a = 1 } error 'x'").file)
  end)

  it("leaves no part of a record on a full disk", function()
    local dir = os.tmpname()
    os.remove(dir)
    local r = run({ "-o", dir .. "/x.csv", "-e", [[
      local lf = require "luafetch"
      for i = 1, 1e5 do lf.emit { n = i, text = ("line\n"):rep(7) } end]] }, {
      shell = ("mkdir %s; ( ulimit -f 256; @ ); code=$?; cat %s/x.csv; rm -r %s; exit $code"):format(dir, dir, dir),
    })
    assert.equal(1, r.code)
    local rows = assert(csv.parse(r.out, { header = true, strict = true }))
    assert.is_true(#rows > 100)
    for _, row in ipairs(rows) do assert.equal(("line\n"):rep(7), row.text) end
  end)
end)
