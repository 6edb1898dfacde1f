-- job:emit(): the items of a job on their way to the file of -o, over kills and restarts.
local lf = require "luafetch"
local command = require "tests.support.command"
local process = require "tests.support.process"

-- Pages that take no network: the item of page N is N. Arguments: job, pages, seconds a page.
local CRAWL = [[
local lf = require "luafetch"
local job <close> = assert(lf.job.open(arg[1] ~= "" and arg[1] or nil, { per_host = false, deliveries = 1000 }))
local output <close> = job:emit()
local all, pause = tonumber(arg[2]), tonumber(arg[3])
local list = {}
for i = 1, all do list[i] = "http://a.test/" .. i end
assert(job:add(list))
local function work()
  repeat
    local pages, wait = assert(job:claim(4))
    for _, page in ipairs(pages) do
      local n = tonumber(page.url:match "%d+$")
      lf.sleep(pause * math.random())
      assert(job:complete { page = page, items = { { n = n, text = ("x"):rep(n % 50) } } })
    end
    if #pages == 0 then lf.sleep(0.01) end
  until #pages == 0 and not wait
end
lf.each({ 1, 2, 3, 4 }, work)
]]

local KILLS = (os.getenv "LF_SANITIZED" or os.getenv "LF_GCSTRESS") and 4 or 12

describe("the output of a job", function()
  local dir, file, script

  before_each(function()
    dir = io.popen("mktemp -d"):read "l"
    file, script = dir .. "/crawl.db", dir .. "/crawl.lua"
    local f = assert(io.open(script, "w"))
    f:write(CRAWL)
    f:close()
  end)
  after_each(function() os.execute("rm -r '" .. dir .. "'") end)

  local function slurp(name)
    local f = io.open(name, "rb")
    local text = f and f:read "a" or ""
    if f then f:close() end
    return text
  end

  local function spit(name, text)
    local f = assert(io.open(name, "wb"))
    f:write(text)
    f:close()
  end

  local function crawl(out, pages, pause)
    return { "--no-progress", "-o", out, script, file, tostring(pages), tostring(pause or 0) }
  end

  -- Every page once, in whole lines.
  local function check_jsonl(text, pages)
    local seen, n = {}, 0
    for line in text:gmatch "([^\n]*)\n" do
      local item = assert(lf.json.decode(line), line)
      assert.is_nil(seen[item.n], "twice: " .. line)
      seen[item.n], n = true, n + 1
    end
    assert.equal("", text:match "[^\n]*$")
    assert.equal(pages, n)
  end

  local function check_csv(text, pages)
    local seen, n = {}, 0
    for row in lf.csv.rows(text, { header = true }) do
      assert.is_nil(seen[row.n], "twice: " .. row.n)
      seen[row.n], n = true, n + 1
    end
    assert.equal(pages, n)
    assert.equal("n,text\r\n", text:sub(1, 8))
  end

  for ending, check in pairs { jsonl = check_jsonl, csv = check_csv } do
    it(("has each record once when it is killed anywhere: %s"):format(ending), function()
      local out, pages = dir .. "/out." .. ending, 600
      local kills, longest = 0, 0.2
      repeat
        local p = process(crawl(out, pages, 0.02), dir .. "/log")
        lf.sleep(0.05 + (longest - 0.05) * math.random())
        p:signal "KILL"
        p:wait()
        kills = kills + 1
        if #slurp(out) == 0 then longest = longest + 0.1 end -- it takes its time to start here
      until kills >= KILLS and #slurp(out) > 0 or kills == 100
      assert.is_true(#slurp(out) > 0)
      local r = command(crawl(out, pages))
      assert.equal(0, r.code, r.err)
      check(slurp(out), pages)
    end)
  end

  it("cuts off what stands behind the last mark, and says so", function()
    local out = dir .. "/out.jsonl"
    command(crawl(out, 10))
    spit(out, slurp(out) .. '{"n":3,"te')
    local r = command(crawl(out, 20))
    assert.matches("warning: .*out.jsonl: 10 bytes at its end", r.err)
    check_jsonl(slurp(out), 20)
    assert.is_nil(command(crawl(out, 20)).err:find "out.jsonl")
  end)

  it("is written anew when the file is another one, or half of it, or gone", function()
    local out = dir .. "/out.jsonl"
    command(crawl(out, 10))
    for _, text in ipairs { ("something else\n"):rep(99), slurp(out):sub(1, 40) } do
      spit(out, text)
      local r = command(crawl(out, 10))
      assert.matches("warning: .*out.jsonl is not what the job has written there; it is written anew", r.err)
      check_jsonl(slurp(out), 10)
    end
    os.remove(out)
    command(crawl(out, 10))
    check_jsonl(slurp(out), 10)
    command(crawl(dir .. "/other.jsonl", 10)) -- a second file gets all of it, too
    check_jsonl(slurp(dir .. "/other.jsonl"), 10)
    spit(out, "")
    assert(assert(lf.job.open(file)):reset())
    command(crawl(out, 5))
    check_jsonl(slurp(out), 5)
  end)

  it("is one process's at a time, and all of it when both have ended", function()
    for _, ending in ipairs { "jsonl", "csv" } do
      local out, list = dir .. "/out." .. ending, {}
      for i = 1, 3 do list[i] = process(crawl(out, 300, 0.02), dir .. "/log" .. i) end
      for _, p in ipairs(list) do
        p:wait()
        assert.equal("", p:output())
      end
      local check = ending == "csv" and check_csv or check_jsonl
      check(slurp(out), 300)
      os.execute(("rm '%s'*"):format(file))
    end
  end)

  it("goes on when the process that wrote it was stopped, without its bytes in between", function()
    local out = dir .. "/out.jsonl"
    local first = process(crawl(out, 400, 0.03), dir .. "/log")
    for _ = 1, 300 do
      if #slurp(out) > 0 then break end
      lf.sleep(0.01)
    end
    lf.sleep(0.3) -- so that there is a mark, too
    local opened
    for _ = 1, 20 do
      first:signal "STOP"
      opened = lf.job.open(file)
      if opened then break end
      first:signal "CONT" -- it was stopped amid a commit, and nobody gets past that
      lf.sleep(0.01)
    end
    local job <close> = assert(opened)
    assert.is_false(job:output(out).mine)
    for _ = 1, 120 do
      if job:output(out).mine then break end
      lf.sleep(0.1)
    end
    assert.is_true(job:output(out).mine)
    first:signal "CONT"
    lf.sleep(0.3)
    local mark = assert(job:output(out).state)
    assert.is_true(job:output(out, { state = mark, over = job:output(out).last }).last > 0)
    job:close()
    first:wait()
    assert.not_matches("error", first:output())
    command(crawl(out, 400))
    check_jsonl(slurp(out), 400)
  end)

  it("goes to standard output where the last run stopped", function()
    local words = { "--no-progress", script, file, "5", "0" }
    check_jsonl(command(words).out, 5)
    words[4] = "7"
    local second = command(words).out
    assert.equal(2, select(2, second:gsub("\n", "\n")))
    assert.equal("", command(words).out)
  end)

  it("of a job without a name is like any other", function()
    local out = dir .. "/out.jsonl"
    local words = { "--no-progress", "-o", out, script, "", "50", "0" }
    for _ = 1, 2 do
      assert.equal(0, command(words).code)
      check_jsonl(slurp(out), 50)
    end
  end)

  it("is no target of other records, and only of one job", function()
    local out = dir .. "/out.jsonl"
    local r = command({ "-o", out, "-e", [[
      local lf = require "luafetch"
      local one <close> = assert(lf.job.open(arg[1]))
      local two <close> = assert(lf.job.open(arg[1] .. "2"))
      local output <close> = one:emit()
      print(pcall(lf.emit, { a = 1 }))
      print(pcall(two.emit, two))
    ]], file })
    assert.matches("emit: .*out.jsonl is written from a job", r.out)
    assert.matches("job:emit: .*out.jsonl is written from another job already", r.out)
    r = command({ "-o", out, "-e", [[
      local lf = require "luafetch"
      lf.emit { a = 1 }
      local one <close> = assert(lf.job.open(arg[1]))
      print(pcall(one.emit, one))
    ]], file })
    assert.matches("has got other records already", r.out)
    assert.equal('{"a":1}\n', slurp(out))
  end)

  it("stays as it is when the script ends before any record", function()
    local out = dir .. "/out.jsonl"
    command(crawl(out, 10))
    assert.equal(1, command({ "-o", out, "-e", "error 'x'" }).code)
    check_jsonl(slurp(out), 10)
    assert.equal(0, command({ "-o", out, "-e", "" }).code)
    assert.equal("", slurp(out))
  end)

  it("that has no room ends the run, and is whole when there is some again", function()
    local out = dir .. "/small/out.jsonl"
    os.execute(("mkdir '%s/small'"):format(dir))
    local under = command.unshared("-rm", ([[mount -t tmpfs -o size=8k tmpfs '%s/small' &&
      { "$@"; echo $? >'%s/code'; cp '%s' '%s/kept'; exit 0; }]]):format(dir, dir, out, dir))
    if not under then return print "skip: no name spaces here" end
    local r = command(crawl(out, 500), { under = under })
    assert.matches("cannot write to .*small/out.jsonl: No space left on device", r.err)
    assert.equal("1\n", slurp(dir .. "/code"))
    local kept = slurp(dir .. "/kept")
    assert.equal("", kept:match "[^\n]*$")
    spit(out, kept)
    assert.equal(0, command(crawl(out, 500)).code)
    check_jsonl(slurp(out), 500)
  end)

  it("that cannot be opened is refused before any work", function()
    local r = command(crawl(dir .. "/no/out.jsonl", 5))
    assert.matches("cannot open .*no/out.jsonl: No such file", r.err)
    assert.equal(2, r.code)
  end)
end)
