-- Ranges: what is asked for, and what comes back.
local lf = require "luafetch"
local servers = require "tests.support.servers"

local text = ("0123456789"):rep(1000)

describe("range", function()
  local echo, nginx

  setup(function()
    echo = servers.fault()
    nginx = servers.nginx()
    local file = assert(io.open(nginx.dir .. "/doc", "wb"))
    file:write(text)
    file:close()
  end)

  teardown(function()
    echo.stop()
    nginx.stop()
  end)

  local function sent(opts)
    local asked = assert(fetch(echo.url .. "/echo", opts)).body
    return asked:match "\nRange: ([^\r\n]*)", asked:match "\n[Aa]ccept%-[Ee]ncoding: ([^\r\n]*)"
  end

  it("may be a list or a text, and asks for no encoding", function()
    for want, range in pairs {
      ["bytes=0-99"] = { 0, 99 }, ["bytes=100-"] = { 100 }, ["bytes=-500"] = { -500 }, ["bytes=5-5"] = "5-5",
      ["bytes=0-9,20-29, 90-"] = "bytes=0-9,20-29, 90-", ["bytes=-1"] = "-1",
    } do
      local got, coding = sent { range = range }
      assert.equal(want, got)
      assert.equal("identity", coding)
    end
    assert.is_nil((sent { range = false }))
  end)

  it("leaves an encoding alone that the script asks for, and none where it wants none", function()
    assert.equal("gzip", select(2, sent { range = { 0, 9 }, headers = { ["accept-encoding"] = "gzip" } }))
    assert.is_nil(select(2, sent { range = { 0, 9 }, decode = false }))
    assert.equal("identity", select(2, sent { headers = { Range = "bytes=0-9" } }))
  end)

  it("brings that part as 206", function()
    local r = assert(fetch(nginx.url .. "/doc", { range = { 5, 14 } }))
    assert.equal(206, r.status)
    assert.equal("5678901234", r.body)
    assert.equal("bytes 5-14/10000", r.headers["content-range"])
    assert.equal("89", assert(fetch(nginx.url .. "/doc", { range = { -2 } })).body)
    assert.equal(9000, #assert(fetch(nginx.url .. "/doc", { range = "1000-" })).body)
  end)

  it("may bring everything where the server knows no ranges, and 416 behind the end", function()
    local all = assert(fetch(echo.url .. "/bytes/1000", { range = { 0, 9 } }))
    assert.equal(200, all.status)
    assert.equal(1000, #all.body)
    local none = assert(fetch(nginx.url .. "/doc", { range = { 10000 } }))
    assert.equal(416, none.status)
    assert.is_false(none.ok)
  end)

  it("survives a redirect to another origin", function()
    local r = assert(fetch(echo.url .. "/redirect-to?url=" .. lf.url.encode(nginx.url .. "/doc"), { range = { 3, 4 } }))
    assert.equal(1, #r.history)
    assert.equal("34", r.body)
  end)

  it("can be saved, streamed, and asked for many times at once", function()
    local path = os.tmpname()
    local r = assert(fetch(nginx.url .. "/doc", { range = { 0, 9 }, save = path }))
    assert.equal(10, r.size)
    os.remove(path)
    local s <close> = assert(fetch(nginx.url .. "/doc", { range = { 0, 9 }, stream = true }))
    assert.equal("0123456789", s:read())
    local list = {}
    for i = 1, 10 do list[i] = { url = nginx.url .. "/doc", range = { (i - 1) * 1000, i * 1000 - 1 } } end
    local parts = {}
    for i, part in ipairs((gather(list))) do parts[i] = part.body end
    assert.equal(text, table.concat(parts))
  end)

  it("raises for what is no range", function()
    for _, wrong in ipairs {
      {}, { 9, 0 }, { -5, 10 }, { 1.5 }, { "0", "9" }, { 0, 1, 2 }, { nil, 5 }, 5, true,
      "", "9-0", "-", "-0", "a-b", "0-9;", "bytes=", "items=0-9", "0-9,", "0-9\0", "99999999999999999999-",
    } do
      local ok, err = pcall(fetch, echo.url, { range = wrong })
      assert.is_false(ok)
      assert.truthy(err:find("fetch: option 'range' must be {first, last}", 1, true), err)
    end
    local ok, err = pcall(fetch, echo.url, { range = { 0, 9 }, save = "x", resume = true })
    assert.is_false(ok)
    assert.truthy(err:find("'resume' asks for a range itself", 1, true), err)
  end)
end)
