-- A job in Redis when something is wrong with the server: what each call says, and that nothing is
-- lost or done twice. That it is a job like any other is in job_spec.
local lf = require "luafetch"
local command = require "tests.support.command"
local servers = require "tests.support.servers"

if not os.execute "command -v redis-server >/dev/null" then
  print "skip: no redis-server, so no job in Redis"
  return
end

describe("a job in Redis", function()
  local server, dir

  before_each(function() dir = io.popen("mktemp -d"):read "l" end)
  after_each(function()
    if server then server.stop() end
    server = nil
    os.execute("rm -r '" .. dir .. "'")
  end)

  local function start(...)
    server = servers.redis(...)
    return server.url .. "/books"
  end

  local function cli(...)
    local words = { "redis-cli", "-p", server.port, ... }
    for i, word in ipairs(words) do words[i] = "'" .. tostring(word) .. "'" end
    local pipe = io.popen(table.concat(words, " ") .. " 2>&1")
    local out = pipe:read "a"
    pipe:close()
    return (out:gsub("%s+$", ""))
  end

  -- A server of our own on the port, in a directory that stays: it is killed and started again.
  local function run(port, keeps)
    local line = ("redis-server --port %d --bind 127.0.0.1 --save '' --appendonly %s --dir '%s' >/dev/null 2>&1 "
      .. "& echo $!"):format(port, keeps or "yes", dir)
    local pid = io.popen(line):read "l"
    return function()
      os.execute("kill -9 " .. pid)
      for _ = 1, 200 do
        local stat = io.open("/proc/" .. pid .. "/stat")
        local text = stat and stat:read "a"
        if stat then stat:close() end
        if not text or text:find "%) [ZX]" then return end
        lf.sleep(0.01)
      end
    end
  end

  local function refused(kind, pattern, ...)
    local value, err = ...
    assert.is_nil(value)
    assert.equal(kind, err.kind)
    assert.matches(pattern, err.message)
  end

  local function urls(n)
    local list = {}
    for i = 1, n do list[i] = ("http://h%d.test/%d"):format(i % 7, i) end
    return list
  end

  describe("is opened by a URL", function()
    it("with a name, a database and a password, which nobody is shown", function()
      local url = start("--requirepass", "p:s/1")
      refused("io", "cannot open redis://127.0.0.1:%d+/books: the server wants a password", lf.job.open(url))
      local with = url:gsub("//", "//:p%%3As%%2f1@")
      local job <close> = assert(lf.job.open(with .. "?db=3"))
      assert.equal(1, job:add "http://a.test/")
      assert.equal(("job redis://127.0.0.1:%d/books?db=3"):format(server.port), tostring(job))
      local other <close> = assert(lf.job.open(with))
      assert.equal(0, other:counts().pending)
      local _, err = lf.job.open((url:gsub("//", "//:secret@")))
      assert.matches("cannot open redis://127.0.0.1:%d+/books: the server refuses the password", err.message)
      assert.is_nil(tostring(err):find("secret", 1, true))
      refused("io", "no such database", lf.job.open(with .. "?db=99"))
    end)

    it("that makes sense", function()
      for url, why in pairs {
        ["redis://127.0.0.1"] = "wants a name",
        ["redis://127.0.0.1/"] = "wants a name",
        ["redis:///x"] = "no host",
        ["redis://127.0.0.1/a%7Bb"] = "must not have",
        ["redis://127.0.0.1/a?db=x"] = "number of a database",
        ["redis://127.0.0.1/a?database=1"] = "number of a database",
        ["redis://word@127.0.0.1/a"] = "a user, but no password",
        ["redis://127.0.0.1:99999/a"] = "port",
      } do refused("url", why, lf.job.open(url)) end
    end)

    it("of a server that is there, and says so at once if not", function()
      local began = lf.now()
      refused("io", "cannot reach redis://127.0.0.1:1/books: .*refused", lf.job.open "redis://127.0.0.1:1/books")
      assert.is_true(lf.now() - began < 2)
    end)

    it("only to be looked at", function()
      local url = start()
      refused("io", "there is no such job", lf.job.open(url, { create = false }))
      assert.equal("0", cli "dbsize")
      assert(lf.job.open(url)):close()
      local job <close> = assert(lf.job.open(url, { readonly = true }))
      refused("io", "cannot write to .*opened to be read only", job:add "http://a.test/")
      assert.equal(0, job:counts().pending)
    end)
  end)

  it("is looked after by luafetch job", function()
    local url = start()
    local job <close> = assert(lf.job.open(url))
    job:add(urls(2))
    job:complete { page = job:claim()[1], items = { { n = 1 } } }
    local r = command { "job", url, "status" }
    assert.same({ 0, "" }, { r.code, r.err })
    assert.matches("^1 done, .*1 pending, .*1 items\n$", r.out)
    assert.equal('{"n":1}\n', command({ "job", url, "items" }).out)
    assert.equal(0, command({ "job", url, "reset" }).code)
    assert.equal(0, job:counts().items)
    r = command { "job", "redis://127.0.0.1:1/x", "status" }
    assert.equal(1, r.code)
    assert.matches("^error: cannot reach redis://127.0.0.1:1/x: ", r.err)
  end)

  it("refuses what is no job, or a newer one's, and leaves it alone", function()
    local url = start()
    cli("set", "lf:{books}", "mine")
    refused("state", "books is not a job: something else is kept", lf.job.open(url))
    cli("del", "lf:{books}")
    cli("hset", "lf:{books}", "title", "mine")
    refused("state", "books is not a job: something else is kept", lf.job.open(url))
    cli("hset", "lf:{books}", "v", "9", "id", "x")
    refused("state", "books was written by a newer luafetch .job version 9", lf.job.open(url))
    assert.equal("1", cli "dbsize")
    assert.equal("mine", cli("hget", "lf:{books}", "title"))
  end)

  it("says when another type is under one of its keys", function()
    local job <close> = assert(lf.job.open(start()))
    job:add(urls(10))
    cli("del", "lf:{books}:due")
    cli("set", "lf:{books}:due", "1")
    refused("state", "books is not a job: something else is kept", job:claim())
  end)

  it("says that the server takes no writes", function()
    local job <close> = assert(lf.job.open(start()))
    job:add(urls(3))
    local page = job:claim()[1]
    cli("replicaof", "127.0.0.1", "1")
    refused("io", "cannot write to .*/books: the server is a read%-only replica", job:complete { page = page })
    assert.equal(2, job:counts().pending)
    cli("replicaof", "no", "one")
    assert(job:complete { page = page })
  end)

  it("says that the server's memory is full, and goes on when it is not", function()
    local job <close> = assert(lf.job.open(start()))
    job:add(urls(3))
    local page = job:claim()[1]
    cli("config", "set", "maxmemory", "1mb")
    refused("io", "memory is full", job:complete { page = page, links = urls(9), items = { 1 } })
    assert.equal(0, job:counts().items)
    cli("config", "set", "maxmemory", "0")
    assert.equal(6, job:complete { page = page, links = urls(9), items = { 1 } })
    assert.same({ 8, 1, 1 }, { job:counts().pending, job:counts().done, job:counts().items })
  end)

  it("is not kept where keys are thrown away", function()
    local url = start("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    refused("state", "would forget URLs: .*maxmemory%-policy allkeys%-lru", lf.job.open(url))
  end)

  it("waits for a server that is slow", function()
    local job <close> = assert(lf.job.open(start(), { wait = 20 }))
    local began = lf.now()
    os.execute("kill -STOP " .. server.pid)
    local task = lf.spawn(function() return job:add(urls(5)) end)
    lf.sleep(0.5)
    os.execute("kill -CONT " .. server.pid)
    assert.equal(5, task:join())
    assert.is_true(lf.now() - began < 5)
  end)

  it("gives up one that does not answer, and what it did late is not done twice", function()
    local job <close> = assert(lf.job.open(start(), { wait = 0.6 }))
    job:add(urls(5))
    local page = job:claim()[1]
    os.execute("kill -STOP " .. server.pid)
    refused("io", "does not answer .tried for 0.6 s", job:complete { page = page, items = { "late" } })
    os.execute("kill -CONT " .. server.pid)
    lf.sleep(0.1)
    -- Sent several times meanwhile: carried out once, or not at all.
    local _, err = job:complete { page = page, items = { "again" } }
    if err then assert.matches("the lease has ended", err.message) end
    assert.equal(1, job:counts().items)
    assert.equal(1, job:counts().done)
  end)

  it("loads its script again when the server forgot it", function()
    local job <close> = assert(lf.job.open(start()))
    job:add(urls(2))
    cli("script", "flush")
    assert.equal(2, job:counts().pending)
    assert.equal(2, job:add { "http://x.test/", "http://y.test/" })
  end)

  it("says when the data are gone", function()
    local job <close> = assert(lf.job.open(start(), { wait = 1 }))
    job:add(urls(2))
    local page = job:claim()[1]
    cli "flushall"
    refused("state", "is not the job any more that was opened", job:complete { page = page })
    local other <close> = assert(lf.job.open(server.url .. "/books"))
    assert.equal(0, other:counts().pending)
    refused("state", "is not the job any more that was opened", job:counts())
  end)

  -- A job on a server that can be killed; the function that does it, and its port.
  local function open_mortal(keeps, opts)
    start()
    local port = server.port
    server.stop()
    server = nil
    local kill = run(port, keeps)
    local url = ("redis://127.0.0.1:%d/books"):format(port)
    for _ = 1, 100 do
      local job = lf.job.open(url, opts)
      if job then return job, kill, port end
      lf.sleep(0.02)
    end
  end

  it("says when the server has come back without them", function()
    local opened, kill, port = open_mortal("no", { wait = 10 })
    local job <close> = opened
    job:add(urls(3))
    local page = job:claim()[1]
    kill()
    kill = run(port, "no")
    refused("state", "is not the job any more that was opened", job:complete { page = page, items = { 1 } })
    local other <close> = assert(lf.job.open(("redis://127.0.0.1:%d/books"):format(port)))
    assert.same({ 0, 0 }, { other:counts().pending, other:counts().items })
    kill()
    local began = lf.now() -- closing does not wait as long as work does
    local ok, err = other:close()
    assert.is_nil(ok)
    assert.matches("cannot reach .* .tried for 3 s", err.message)
    job:close()
    assert.is_true(lf.now() - began < 9)
  end)

  it("gives up a server that died and does not come back, and goes on when it does later", function()
    local opened, kill, port = open_mortal("yes", { wait = 0.5 })
    local job <close> = opened
    job:add(urls(3))
    local page = job:claim()[1]
    kill()
    local began = lf.now()
    refused("io", "cannot reach redis://127.0.0.1:%d+/books: .*refused.* .tried for 0.5 s",
      job:complete { page = page, items = { 1 } })
    refused("io", "cannot reach", job:counts())
    assert.is_true(lf.now() - began < 3)
    kill = run(port)
    lf.sleep(0.3)
    assert.equal(1, job:complete { page = page, links = { "http://new.test/" }, items = { 1 } })
    assert.same({ 3, 0, 1 }, { job:counts().pending, job:counts().active, job:counts().items })
    assert.is_true(job:close())
    kill()
  end)

  it("gets every page's links and items once, and their number, when answers are lost", function()
    local PAGES = 500
    start()
    local way = servers.redisd("swallow", server.port)
    local job <close> = assert(lf.job.open(way.url .. "/books", { wait = 30, per_host = false }))
    assert.equal(1, job:add { "http://a.test/0" })
    local new, given = 0, 0
    local failed = lf.each({ 1, 2, 3, 4 }, function()
      while true do
        local list, wait = assert(job:claim(8))
        given = given + #list
        for _, page in ipairs(list) do
          local n, links = tonumber(page.url:match "%d+$"), {}
          for i = 1, 3 do
            if n * 3 + i < PAGES then links[i] = "http://a.test/" .. n * 3 + i end
          end
          assert.equal(1, page.tries)
          local more = assert(job:complete { page = page, links = links, items = { n } })
          new = new + more
        end
        if #list == 0 and not wait then return end
        if #list == 0 then lf.sleep(0.01) end
      end
    end)
    assert.equal(0, failed)
    assert.same({ PAGES - 1, PAGES }, { new, given })
    assert.same({ PAGES, PAGES }, { job:counts().done, job:counts().items })
    local seen = {}
    for item in job:items() do
      assert.is_nil(seen[item])
      seen[item] = true
    end
    job:close()
    way.stop()
  end)

  it("takes nothing from a server that lies", function()
    local path = dir .. "/answer"
    local way = servers.redisd("lie", path)
    local job <close> = assert(lf.job.open(way.url .. "/books", { wait = 0.3 }))
    local calls = {
      function() return job:claim(3) end, function() return job:counts() end, function() return job:host "a.test" end,
      function() return job:add "http://a.test/" end, function() return job:output "x" end,
      function() return job:retry_failed() end, function() return job:items()() end,
    }
    local nonsense, stray = "an answer that is none", "what it says is not Redis"
    for text, why in pairs {
      ["HTTP/1.1 400 Bad Request\r\n\r\n"] = stray,
      ["$-2\r\n"] = ".", ["*-5\r\n"] = ".", ["$99999999999999999999\r\n"] = ".", [("*1\r\n"):rep(20)] = ".",
      ["*2147483647\r\n"] = "its answer is too long", ["*9999999999\r\n"] = ".",
      ["*1\r\n*8388608\r\n"] = "its answer is too long",
      ["$9223372036854775807\r\nabc"] = "does not answer",
      ["*1\r\n*3\r\n:0\r\n"] = "does not answer",
      ["*0\r\n"] = nonsense, ["*-1\r\n"] = nonsense, [":1\r\n"] = nonsense, ["+OK\r\n"] = nonsense,
      ["$3\r\nabc\r\n"] = nonsense, ["*1\r\n*0\r\n"] = nonsense, ["*1\r\n*-1\r\n"] = nonsense,
      ["*1\r\n*1\r\n:0\r\n"] = nonsense, ["*1\r\n*2\r\n+0\r\n:0\r\n"] = nonsense,
      ["*1\r\n*2\r\n:0\r\n*1\r\n:0\r\n"] = nonsense, ["*1\r\n*2\r\n:1\r\n:0\r\n"] = nonsense,
      ["*1\r\n*5\r\n:0\r\n:0\r\n:1\r\n:2\r\n*0\r\n"] = nonsense,
      ["*1\r\n*4\r\n:0\r\n:0\r\n:1\r\n:2\r\n"] = nonsense,
      ["*1\r\n*2\r\n:2\r\n$-1\r\n"] = nonsense,
      ["-\r\n"] = "the server says", ["-ERR %s%n\0x\r\n"] = "the server says: ERR %%s%%n",
      ["*1\r\n*2\r\n:2\r\n$0\r\n\r\n"] = "the server says",
      ["*1\r\n*2\r\n:1\r\n$1\r\nx\r\n"] = "the lease has ended",
    } do
      local f = assert(io.open(path, "w"))
      f:write(text)
      f:close()
      for i, call in ipairs(calls) do
        local ok, value, err = pcall(call)
        if not ok then value, err = nil, value end
        assert.is_nil(value, i .. " took " .. text)
        assert.matches(why, err.message)
        if why == "does not answer" or i > 1 and why ~= nonsense then break end
      end
    end
    job:close()
    way.stop()
  end)

  it("has all its keys in one slot of a cluster", function()
    local url = start("--cluster-enabled", "yes", "--cluster-port", tostring(math.random(20000, 30000)))
    cli("cluster", "addslotsrange", "0", "16383")
    for _ = 1, 200 do
      if cli("cluster", "info"):find "cluster_state:ok" then break end
      lf.sleep(0.05)
    end
    local job <close> = assert(lf.job.open(url))
    assert.equal(300, job:add(urls(300)))
    assert(job:host("h1.test", { rate = 5, park = 9 }))
    local pages = job:claim(20)
    assert(job:complete { page = pages[1], links = urls(320), items = { 1 }, known = { "http://h0.test/x" } })
    assert(job:fail(pages[2], "no"))
    assert(job:skip(pages[3], "no"))
    assert(job:output "file")
    local slots, kinds = {}, {}
    for key in cli("keys", "*"):gmatch "%S+" do
      slots[cli("cluster", "keyslot", key)] = true
      kinds[key:match "^lf:{books}:?(%a*)" or key] = true
    end
    local slot = next(slots)
    assert.is_nil(next(slots, slot))
    for _, kind in ipairs { "", "h", "l", "q", "u", "s", "due", "lease", "until", "items", "outputs", "failed",
      "skipped", "why", "hosts", "w" } do assert.is_true(kinds[kind], kind) end
    assert.is_true(job:reset())
  end)

  it("adds more links than go at once", function()
    local job <close> = assert(lf.job.open(start()))
    assert.equal(4500, job:add(urls(4500)))
    assert.equal(0, job:add(urls(4500)))
    local pages = job:claim(4500, { per_host = false })
    assert.equal(4500, #pages)
    for _, page in ipairs(pages) do page.why = job:fail(page, "no") end
    assert.equal(4500, job:counts().failed)
    assert.equal(4500, job:retry_failed())
    assert.same({ 4500, 0 }, { job:counts().pending, job:counts().failed })
    assert.is_true(job:reset())
    assert.equal("2", cli "dbsize") -- its own, and the worker's
  end)

  it("goes on where it was when the server is killed and comes back with its data", function()
    local opts = { wait = 30, lease = 3, per_host = false }
    local first, kill, port = open_mortal("yes", opts)
    local url = ("redis://127.0.0.1:%d/books"):format(port)
    local PAGES = 600
    local jobs, over = { first }, false
    for i = 2, 3 do jobs[i] = assert(lf.job.open(url, opts)) end
    jobs[1]:add { "http://a.test/0" }
    local killer = lf.spawn(function()
      for _ = 1, 4 do
        lf.sleep(0.15)
        if over then return end
        kill()
        lf.sleep(0.1)
        kill = run(port)
      end
    end)
    local failed = lf.each(jobs, function(job)
      while true do
        local list, wait = assert(job:claim(8))
        for _, page in ipairs(list) do
          local n, links = tonumber(page.url:match "%d+$"), {}
          for i = 1, 3 do
            if n * 3 + i < PAGES then links[i] = "http://a.test/" .. n * 3 + i end
          end
          assert(job:complete { page = page, links = links, items = { n } })
        end
        if #list == 0 and not wait then break end
        if #list == 0 then lf.sleep(0.01) end
      end
    end)
    over = true
    killer:join()
    assert.equal(0, failed)
    local seen, n = {}, 0
    for item in jobs[1]:items() do
      assert.is_nil(seen[item], "twice: " .. item)
      seen[item], n = true, n + 1
    end
    assert.equal(PAGES, n)
    assert.equal(PAGES, jobs[1]:counts().done)
    for _, job in ipairs(jobs) do job:close() end
    kill()
  end)

  -- Each machine is a process with a loopback address of its own, which the web server sees.
  local MACHINE = [[
    local lf = require "luafetch"
    local job <close> = assert(lf.job.open(arg[1], { per_host = 2, lease = 5 }))
    assert(job:add { arg[2] })
    assert(io.open(arg[4] .. "/" .. arg[3], "w")):close()
    for i = 1, 3 do -- all begin together
      while not io.open(arg[4] .. "/127.0.0.1" .. i) do lf.sleep(0.01) end
    end
    lf.each({ 1, 2, 3 }, function()
      while true do
        local pages, wait = assert(job:claim(1))
        for _, page in ipairs(pages) do
          local res = assert(fetch(page.url, { interface = arg[3] }))
          local links = {}
          for _, link in ipairs(res:html():css "a::attr(href)") do links[#links + 1] = lf.url.join(page.url, link) end
          lf.sleep(0.005) -- time for the others to ask for the next
          assert(job:complete { page = page, links = links, items = { page.url } })
          lf.sleep(0.01) -- it is another machine's turn
        end
        if #pages == 0 and not wait then return end
        if #pages == 0 then lf.sleep(math.min(wait, 0.004)) end
      end
    end)
  ]]

  it("is shared by three machines, which fetch each page once and together keep the limit of a host", function()
    local PAGES = 150
    local web = servers.nginx { access_log = true, conf_extra = "location / { limit_conn all 2; }",
      http_extra = "limit_conn_zone $server_name zone=all:1m; limit_conn_status 418;" }
    for n = 0, PAGES - 1 do
      local f = assert(io.open(("%s/%d.html"):format(web.dir, n), "w"))
      for i = 1, 3 do f:write(("<a href='%d.html'>x</a>"):format((n * 3 + i) % PAGES)) end
      f:close()
    end
    local url = start()
    local lines = {}
    for i = 1, 3 do
      lines[i] = ("'%s' --no-progress - '%s' '%s/0.html' 127.0.0.%d '%s' <'%s/machine.lua' >'%s/out%d' 2>&1 &"):format(
        os.getenv "LUAFETCH" or "build/luafetch", url, web.url, 10 + i, dir, dir, dir, i)
    end
    local f = assert(io.open(dir .. "/machine.lua", "w"))
    f:write(MACHINE)
    f:close()
    os.execute(table.concat(lines, " ") .. " wait")
    for i = 1, 3 do assert.equal("", io.open(dir .. "/out" .. i):read "a") end
    local job <close> = assert(lf.job.open(url))
    assert.same({ PAGES, PAGES, 0 }, { job:counts().done, job:counts().items, job:counts().pending })
    local machines, requests = {}, 0
    for line in io.lines(web.dir .. "/access.log") do
      local address, status = line:match '^(%S+) .*" (%d+) '
      assert.equal("200", status) -- 418: more than two at once
      if not line:find("?127", 1, true) then machines[address], requests = true, requests + 1 end
    end
    assert.equal(PAGES, requests)
    assert.is_true(machines["127.0.0.11"] and machines["127.0.0.12"] and machines["127.0.0.13"])
    web.stop()
  end)
end)
