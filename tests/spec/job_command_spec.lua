-- luafetch job FILE …
local lf = require "luafetch"
local command = require "tests.support.command"

describe("luafetch job", function()
  local dir, file

  before_each(function()
    dir = io.popen("mktemp -d"):read "l"
    file = dir .. "/crawl.db"
    local job <close> = assert(lf.job.open(file))
    job:add { "http://a.test/1", "http://a.test/2", "http://b.test/" }
    local pages = job:claim(2)
    assert(job:complete { page = pages[1], items = { { title = "x, y", n = 1 }, { title = "z" } } })
    assert(job:fail(pages[2], "HTTP 500"))
  end)
  after_each(function() os.execute("rm -r '" .. dir .. "'") end)

  local function run(...)
    local r = command { "job", ... }
    return r.code, r.out, r.err
  end

  local function status(line)
    assert.same({ 0, line, "" }, { run(file, "status") })
  end

  it("status says how far it is", function()
    status("1 done, 1 failed, 0 skipped, 0 at work, 1 pending, 2 hosts, 2 items\n")
  end)

  it("status --watch goes on until all is done", function()
    do
      local job <close> = assert(lf.job.open(file))
      assert(job:complete { page = job:claim()[1] })
    end
    local code, out = run(file, "status", "--watch")
    assert.same({ 0, "2 done, 1 failed, 0 skipped, 0 at work, 0 pending, 2 hosts, 2 items\n" }, { code, out })
  end)

  it("items writes JSON lines or CSV", function()
    local code, out = run(file, "items")
    local lines = command.lines(out)
    assert.same({ 0, 2 }, { code, #lines })
    assert.same({ title = "x, y", n = 1 }, lf.json.decode(lines[1]))
    assert.same({ 0, 'n,title\r\n1,"x, y"\r\n,z\r\n', "" }, { run(file, "items", "--format", "csv") })
    assert.same({ 0, out, "" }, { run(file, "items", "--format=jsonl") })
  end)

  it("failed, retry-failed and reset", function()
    local _, out = run(file, "failed")
    local page = lf.json.decode(out)
    assert.same({ "http://b.test/", "HTTP 500" }, { page.url, page.error })
    assert.same({ 0, "1 to be tried again\n", "" }, { run(file, "retry-failed") })
    assert.same({ 0, "", "" }, { run(file, "failed") })
    assert.same({ 0, "", "" }, { run(file, "reset") })
    status("0 done, 0 failed, 0 skipped, 0 at work, 0 pending, 0 hosts, 0 items\n")
  end)

  it("skipped tells the reasons, and status counts them", function()
    do
      local job <close> = assert(lf.job.open(file))
      assert(job:skip(job:claim()[1], "robots.txt"))
    end
    local _, out = run(file, "skipped")
    local page = lf.json.decode(out)
    assert.same({ "http://a.test/2", "robots.txt" }, { page.url, page.reason })
    status("1 done, 1 failed, 1 skipped, 0 at work, 0 pending, 2 hosts, 2 items\n")
  end)

  it("refuses wrong words with 2, and what is no job with 1", function()
    for _, words in ipairs { {}, { file }, { file, "stat" }, { file, "items", "--format", "xml" },
      { file, "items", "--format" }, { file, "status", "more" } } do
      local code, out, err = run(table.unpack(words))
      assert.same({ 2, "" }, { code, out })
      assert.matches("^usage: luafetch job", err)
    end
    local code, _, err = run(dir .. "/none.db", "status")
    assert.equal(1, code)
    assert.matches("^error: cannot open .*none.db: No such file or directory\n$", err)
    assert.is_nil(io.open(dir .. "/none.db"))
    local f = assert(io.open(file, "w"))
    f:write(("no database\n"):rep(99))
    f:close()
    code, _, err = run(file, "reset")
    assert.equal(1, code)
    assert.matches("crawl.db is not a job", err)
  end)

  it("says when standard output is full", function()
    local r = command({ "job", file, "items" }, { shell = "@ >/dev/full" })
    assert.equal(1, r.code)
    assert.matches("standard output", r.err)
  end)
end)
