-- Downloads to disk: whole or not at all, continued, checked.
local lf = require "luafetch"
local core = require "luafetch.core"
local command = require "tests.support.command"
local servers = require "tests.support.servers"
local test = require "luafetch.test"

local dir

local function slurp(name)
  local file = io.open(name, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function write(name, text)
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
end

local function files()
  local list = {}
  local pipe = io.popen("ls -A '" .. dir .. "'")
  for name in pipe:lines() do list[#list + 1] = name end
  pipe:close()
  return list
end

before_each(function()
  dir = os.tmpname()
  os.remove(dir)
  assert(os.execute("mkdir '" .. dir .. "'"))
end)

after_each(function() os.execute("chmod u+w '" .. dir .. "'; rm -r '" .. dir .. "'") end)

local etag = { ETag = '"v1"' }

describe("save", function()
  local server

  setup(function() server = servers.fault() end)
  teardown(function() server.stop() end)

  it("writes the body to the file and nothing else beside it", function()
    local r = assert(fetch(server.url .. "/bytes/100000", { save = dir .. "/a" }))
    assert.equal(dir .. "/a", r.path)
    assert.equal(100000, r.size)
    assert.equal("", r.body)
    assert.equal(fetch(server.url .. "/bytes/100000").body, slurp(dir .. "/a"))
    assert.same({ "a" }, files())
  end)

  it("undoes an encoding that was not asked for", function()
    assert(fetch(server.url .. "/gzip", { save = dir .. "/a" }))
    assert.equal(24000, #slurp(dir .. "/a"))
  end)

  it("follows redirects first", function()
    local r = assert(fetch(server.url .. "/redirect/2", { save = dir .. "/a" }))
    assert.equal(3, r.size)
  end)

  it("leaves nothing behind when the body breaks", function()
    for _, path in ipairs { "/short", "/reset-body", "/no-last-chunk", "/gzip-truncated", "/cut-chunk" } do
      local r, err = fetch(server.url .. path, { save = dir .. "/a" })
      assert.is_nil(r, path)
      assert.truthy(err.kind, path)
      assert.same({}, files(), path)
    end
  end)

  it("leaves the old file alone when the new one breaks", function()
    write(dir .. "/a", "old")
    assert.is_nil((fetch(server.url .. "/short", { save = dir .. "/a" })))
    assert.equal("old", slurp(dir .. "/a"))
    assert.same({ "a" }, files())
  end)

  it("leaves nothing behind when it is cancelled", function()
    local ok = lf.timeout(0.1, function() fetch(server.url .. "/hang-body", { save = dir .. "/a" }) end)
    assert.is_nil(ok)
    assert.same({}, files())
  end)

  it("is counted once when it is cancelled while its file is being finished", function()
    for i = 1, 40 do
      local task = lf.spawn(fetch, server.url .. "/bytes/4000000", { save = dir .. "/a" })
      lf.sleep(i * 0.001)
      task:cancel()
      assert.equal(0, core.stats().active)
    end
  end)

  it("does not save an answer that is an error", function()
    local r = assert(fetch(server.url .. "/status/404", { save = dir .. "/a" }))
    assert.equal(404, r.status)
    assert.is_nil(r.path)
    assert.same({}, files())
  end)

  it("names the file that cannot be created", function()
    local _, err = fetch(server.url .. "/ok", { save = dir .. "/none/a" })
    assert.equal("io", err.kind)
    assert.truthy(err.message:find("cannot create " .. dir .. "/none/a: No such file", 1, true), err.message)
  end)

  it("says why it cannot write, and leaves no part", function()
    local script = ("print(select(2, fetch('%s/bytes/1000000', {save = '%s/a'})))"):format(server.url, dir)
    local got = command({ "-e", script }, { shell = "ulimit -f 100; @" })
    assert.truthy(got.out:find("cannot write to " .. dir .. "/a: File too large", 1, true), got.out .. got.err)
    assert.same({}, files())
  end)

  -- A disk of one megabyte, in a mount namespace of its own.
  local mounts = command.unshared("-rm", "mount -t tmpfs none /mnt")
  if not mounts then print "skip: this system allows no mounts of one's own (unshare -rm)" end

  local full = mounts and it or function() end
  full("says that the disk is full, names the file, and leaves nothing", function()
    local under = command.unshared("-rm", "mount -t tmpfs -o size=1m none " .. dir)
    local script = ([[
      local base, dir = %q, %q
      local results = gather {
        { url = base .. "/bytes/5000000", save = dir .. "/a" },
        { url = base .. "/bytes/5000000", save = dir .. "/b", resume = true },
      }
      for i = 1, 2 do print(results[i].kind, results[i]) end
      for name in io.popen("ls -A " .. dir):lines() do print(name) end
      os.execute("rm " .. dir .. "/b.part")
      print(fetch(base .. "/bytes/5000", { save = dir .. "/c" }).size)
    ]]):format(server.url, dir)
    local got = command({ "-e", script }, { under = under })
    local lines = command.lines(got.out)
    for i, name in ipairs { "a", "b" } do
      assert.truthy(lines[i]:find("io\tcannot write to " .. dir .. "/" .. name .. ": No space left", 1, true), got.out)
    end
    assert.same({ "b.part", "5000" }, { lines[3], lines[4] })
  end)

  it("heeds max_body only when it is given", function()
    local _, err = fetch(server.url .. "/bytes/1000", { save = dir .. "/a", max_body = 999 })
    assert.equal("too_large", err.kind)
    assert.same({}, files())
  end)

  it("checks a checksum", function()
    local want = "sha256:dc51b8c96c2d745df3bd5590d990230a482fd247123599548e0632fdbf97fc22"
    assert.equal(3, assert(fetch(server.url .. "/ok", { save = dir .. "/a", checksum = want })).size)
    local _, err = fetch(server.url .. "/ok", { save = dir .. "/b", checksum = want:gsub("d", "e") })
    assert.equal("decode", err.kind)
    assert.truthy(err.message:find("the checksum of " .. dir .. "/b is " .. want, 1, true), err.message)
    assert.same({ "a" }, files())
    local _, wrong = fetch(server.url .. "/ok", { save = dir .. "/c", checksum = "sha256:12" })
    assert.equal("request", wrong.kind)
  end)

  it("works for many at once", function()
    local list = {}
    for i = 1, 30 do list[i] = { url = server.url .. "/bytes/" .. i * 1000, save = dir .. "/" .. i } end
    local results, failed = gather(list)
    assert.equal(0, failed)
    for i = 1, 30 do assert.equal(i * 1000, results[i].size) end
    assert.equal(30, #files())
  end)
end)

describe("save with resume", function()
  local function get(pages, opts)
    local result
    opts = opts or {}
    opts.save, opts.resume = dir .. "/a", true
    local log = test.run(pages, function() result = table.pack(fetch("http://a.test/", opts)) end)
    return result[1], result[2], log
  end

  -- What an earlier try left: 5 of 10 bytes of version v1.
  local function interrupted()
    write(dir .. "/a.part", "01234")
    write(dir .. "/a.part.info", '"v1"\n')
  end

  it("keeps what it has when the body breaks", function()
    local _, err = get { ["http://a.test/"] = {
      body = "01234", headers = { ETag = '"v1"', ["Content-Encoding"] = "gzip" },
    } }
    assert.equal("decode", err.kind)
    assert.same({ "a.part", "a.part.info" }, files())
    assert.equal('"v1"\n', slurp(dir .. "/a.part.info"))
  end)

  it("goes on with the same version", function()
    interrupted()
    local r = assert(get { ["http://a.test/"] = {
      status = 206, body = "56789", headers = { ETag = '"v1"', ["Content-Range"] = "bytes 5-9/10" },
    } })
    assert.equal("0123456789", slurp(dir .. "/a"))
    assert.equal(10, r.size)
    assert.same({ "a" }, files())
  end)

  it("starts again when the server's copy has changed", function()
    interrupted()
    assert(get { ["http://a.test/"] = { body = "new", headers = { ETag = '"v2"' } } })
    assert.equal("new", slurp(dir .. "/a"))
    assert.same({ "a" }, files())
  end)

  it("mixes no versions where the server does not know If-Range", function()
    for _, headers in ipairs { { ETag = '"v2"' }, {} } do
      interrupted()
      headers["Content-Range"] = "bytes 5-9/10"
      local r, _, log = get { ["http://a.test/"] = {
        { status = 206, body = "FGHIJ", headers = headers },
        { body = "ABCDEFGHIJ", headers = { ETag = '"v2"' } },
      } }
      assert.equal(200, r.status)
      assert.equal(2, #log.requests)
      assert.equal("ABCDEFGHIJ", slurp(dir .. "/a"))
      assert.same({ "a" }, files())
    end
  end)

  it("takes no part for the whole when it asked for all", function()
    local _, err = get { ["http://a.test/"] = {
      status = 206, body = "01234", headers = { ["Content-Range"] = "bytes 0-4/10" },
    } }
    assert.equal("protocol", err.kind)
    assert.same({}, files())
  end)

  it("is not content with a part as long as another version", function()
    interrupted()
    assert(get { ["http://a.test/"] = {
      { status = 416, headers = { ETag = '"v2"', ["Content-Range"] = "bytes */5" } },
      { body = "ABCDE", headers = { ETag = '"v2"' } },
    } })
    assert.equal("ABCDE", slurp(dir .. "/a"))
  end)

  it("trusts a date of change only when it is older than the answer", function()
    local function breaks(date)
      get { ["http://a.test/"] = { body = "01234", headers = {
        Date = date, ["Last-Modified"] = "Sun, 06 Nov 1994 08:49:37 GMT", ["Content-Encoding"] = "gzip",
      } } }
      return slurp(dir .. "/a.part.info")
    end
    assert.is_nil(breaks "Sun, 06 Nov 1994 08:49:37 GMT")
    assert.equal("Sun, 06 Nov 1994 08:49:37 GMT\n", breaks "Sun, 06 Nov 1994 08:49:38 GMT")
    write(dir .. "/a.part", "01234")
    local r = assert(get { ["http://a.test/"] = {
      { status = 206, body = "no", headers = { ["Content-Range"] = "bytes 5-6/7",
        ["Last-Modified"] = "Mon, 07 Nov 1994 08:49:37 GMT" } },
      { body = "new" },
    } })
    assert.equal(3, r.size)
  end)

  it("refuses another part than it asked for", function()
    interrupted()
    local _, err = get { ["http://a.test/"] = {
      status = 206, body = "6789", headers = { ETag = '"v1"', ["Content-Range"] = "bytes 6-9/10" },
    } }
    assert.equal("protocol", err.kind)
    assert.equal("01234", slurp(dir .. "/a.part"))
  end)

  it("is content when nothing was missing", function()
    interrupted()
    local r = assert(get { ["http://a.test/"] = {
      status = 416, body = "excuse", headers = { ["Content-Range"] = "bytes */5" },
    } })
    assert.equal("01234", slurp(dir .. "/a"))
    assert.equal(5, r.size)
  end)

  it("asks for all when the part is of no use", function()
    interrupted()
    local r, _, log = get { ["http://a.test/"] = {
      { status = 416, headers = { ["Content-Range"] = "bytes */3" } },
      { body = "abc", headers = etag },
    } }
    assert.equal(3, r.size)
    assert.equal(2, #log.requests)
    assert.equal("abc", slurp(dir .. "/a"))
  end)

  it("does not trust a part whose version it does not know", function()
    write(dir .. "/a.part", "01234")
    assert(get { ["http://a.test/"] = { body = "whole" } })
    assert.equal("whole", slurp(dir .. "/a"))
  end)

  it("throws a part away that fails its checksum", function()
    interrupted()
    local _, err = get({ ["http://a.test/"] = {
      status = 206, body = "56789", headers = { ETag = '"v1"', ["Content-Range"] = "bytes 5-9/10" },
    } }, { checksum = "md5:00000000000000000000000000000000" })
    assert.equal("decode", err.kind)
    assert.same({}, files())
  end)

  it("goes on with a real server", function()
    assert(os.execute("mkdir '" .. dir .. "/www'"))
    local text = ("0123456789"):rep(1000)
    write(dir .. "/www/doc", text)
    local nginx = servers.nginx { root = dir .. "/www" }
    local whole = assert(fetch(nginx.url .. "/doc"))
    write(dir .. "/a.part", text:sub(1, 4000))
    write(dir .. "/a.part.info", whole.headers.etag .. "\n")
    local r = assert(fetch(nginx.url .. "/doc", { save = dir .. "/a", resume = true }))
    nginx.stop()
    assert.equal(206, r.status)
    assert.equal(text, slurp(dir .. "/a"))
  end)
end)
