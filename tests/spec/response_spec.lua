-- Response and Error: what a script sees of an answer.
local servers = require "tests.support.servers"
local json = require "luafetch.json"

local server

local function get(path, opts)
  return assert(fetch(server.url .. path, opts))
end

-- An answer with this body and these header fields ("Name:value").
local function respond(body, ...)
  local params = { { "body", body } }
  for _, h in ipairs { ... } do params[#params + 1] = { "h", h } end
  return get("/respond", { params = params })
end

describe("Response", function()
  setup(function() server = servers.fault() end)
  teardown(function() server:stop() end)

  it("has its fields", function()
    local res = get "/ok"
    assert.is_true(res.ok)
    assert.is_nil(res.error)
    assert.equal(200, res.status)
    assert.equal(server.url .. "/ok", res.url)
    assert.equal("ok\n", res.body)
    assert.equal("1.1", res.http_version)
    assert.equal("127.0.0.1", res.remote_ip)
    assert.equal(1, res.attempts)
    assert.same({}, res.history)
    assert.same({ method = "GET", url = server.url .. "/ok" }, res.request)
    assert.is_nil(res.no_such_field)
    assert.equal("Response 200 " .. server.url .. "/ok", tostring(res))
  end)

  it("has timings that grow", function()
    local t = get("/delay/30").timings
    for _, name in ipairs { "queue", "dns", "connect", "tls", "first_byte", "total" } do
      assert.is_number(t[name])
      assert.is_true(t[name] >= 0 and t[name] <= t.total + 0.001, name)
    end
    assert.is_true(t.first_byte >= 0.025)
  end)

  it("keeps what it has made", function()
    local res = get "/ok"
    assert.equal(res.headers, res.headers)
    assert.equal(res.timings, res.timings)
    assert.equal(res.history, res.history)
  end)

  it("outlives the collector", function()
    local res = get "/redirect/2"
    collectgarbage()
    assert.equal("ok\n", res.body)
    assert.equal(2, #res.history)
    collectgarbage()
    assert.is_string(res.headers["content-length"])
  end)

  describe("headers", function()
    it("ignore case and join what is repeated", function()
      local res = respond("", "X-A:1", "x-a:2", "Set-Cookie:a=1", "Set-Cookie:b=2")
      assert.equal("1, 2", res.headers["X-a"])
      assert.equal("a=1", res.headers["set-cookie"])
      assert.is_nil(res.headers.missing)
      assert.is_nil(res.headers[1])
      assert.same({ "a=1", "b=2" }, res:header_values "SET-COOKIE")
      assert.same({}, res:header_values "missing")
    end)

    it("go in wire order", function()
      local list = {}
      for name, value in pairs(respond("", "X-B:1", "X-A:2", "X-B:3").headers) do
        if name:find "^X%-" then list[#list + 1] = name .. "=" .. value end
      end
      assert.same({ "X-B=1", "X-A=2", "X-B=3" }, list)
    end)

    it("cannot be changed", function()
      local headers = get("/ok").headers
      assert.has_error(function() headers.x = 1 end)
    end)
  end)

  describe("with a status from 400", function()
    it("is a response that failed", function()
      local res = get "/status/404"
      assert.is_false(res.ok)
      assert.equal(404, res.status)
      local err = res.error
      assert.equal(err, res.error)
      assert.equal("http", err.kind)
      assert.equal(404, err.status)
      assert.equal("HTTP 404: " .. server.url .. "/status/404", tostring(err))
    end)

    it("raises its error", function()
      local res = get "/status/500"
      local ok, err = pcall(res.raise, res)
      assert.is_false(ok)
      assert.equal(res.error, err)
      local fine = get "/ok"
      assert.equal(fine, fine:raise())
    end)
  end)

  describe("refresh", function()
    it("is reported as browsers read it, and not followed", function()
      for said, want in pairs {
        ["5"] = { 5, "SELF" }, ["0; url=/next"] = { 0, "/next" }, ["3;URL = 'a b' rest"] = { 3, "/a%20b" },
        [" 7 , \"//other.test/x\""] = { 7, "http://other.test/x" },
        [".5; /y"] = { 0, "/y" }, ["2.9 urlx"] = { 2, "/urlx" },
        ["1;url=?q"] = { 1, "/respond?q" }, ["1;"] = { 1, "SELF" },
      } do
        local res = respond("x", "Refresh: " .. said)
        assert.equal(0, #res.history)
        local url = want[2] == "SELF" and res.url or want[2]:find "^/" and server.url .. want[2] or want[2]
        assert.same({ seconds = want[1], url = url }, res.refresh, said)
      end
      for _, said in ipairs { "", "url=/x", "-1", "5x", "; url=/x" } do
        assert.is_nil(respond("x", "Refresh: " .. said).refresh, said)
      end
      assert.is_nil(respond("x").refresh)
      assert.same({ seconds = 1 }, respond("x", "Refresh: 1; url=http://[").refresh)
    end)
  end)

  describe("history", function()
    it("names every hop", function()
      local res = get "/redirect/2"
      assert.equal(2, #res.history)
      assert.equal(302, res.history[1].status)
      assert.equal("GET", res.history[1].method)
      assert.equal(server.url .. "/redirect/2", res.history[1].url)
      assert.is_string(res.history[1].headers.location)
      assert.equal(server.url .. "/redirect/2", res.request.url)
      assert.equal(server.url .. "/ok", res.url)
    end)
  end)

  describe("json", function()
    it("is decoded once", function()
      local res = respond '{"a":[1,2]}'
      assert.same({ a = { 1, 2 } }, res:json())
      assert.equal(res:json(), res:json())
      assert.is_false(respond("false"):json())
      assert.equal(json.null, respond("null"):json())
      assert.equal(1, respond("\u{FEFF}1"):json())
    end)

    it("is nil, err on nonsense, again and again", function()
      local res = respond "<html>"
      for _ = 1, 2 do
        local value, err = res:json()
        assert.is_nil(value)
        assert.equal("parse", err.kind)
        assert.equal(res.url, err.url)
      end
    end)
  end)

  describe("text", function()
    it("is UTF-8 as it came", function()
      assert.equal("é", respond("é"):text())
      assert.equal("é", respond("é", "Content-Type:text/plain; charset=UTF-8"):text())
      assert.equal("", respond(""):text())
    end)

    it("follows the header", function()
      assert.equal("é€", respond("\xE9\x80", "Content-Type:text/plain; charset=iso-8859-1"):text())
      assert.equal("é", respond("\xE9", 'Content-Type:text/plain; a="b;charset=x"; charset="latin1"'):text())
      assert.equal("яб", respond("\xD1\xC2", "Content-Type:text/html;charset=koi8-r"):text())
      assert.equal("日", respond("\x93\xFA", "Content-Type:text/html;charset=Shift_JIS"):text())
    end)

    it("believes a byte order mark more", function()
      assert.equal("é", respond("\u{FEFF}é", "Content-Type:text/plain; charset=iso-8859-1"):text())
      assert.equal("aé", respond("\xFF\xFEa\0\xE9\0"):text())
      assert.equal("aé", respond("\xFE\xFF\0a\0\xE9"):text())
    end)

    it("replaces what is no text", function()
      assert.equal("a\u{FFFD}", respond("a\x80", "Content-Type:text/plain; charset=gbk"):text():sub(1, 4))
      assert.equal("a\u{FFFD}", respond("\xFF\xFEa\0\0\xD8"):text())
    end)

    it("replaces what is no UTF-8, whoever said that it is", function()
      assert.equal("a\u{FFFD}b", respond("a\xFFb"):text())
      assert.equal("a\u{FFFD}", respond("a\xE2\x82", "Content-Type:text/plain; charset=utf-8"):text())
      assert.equal("\u{FFFD}", respond("\u{FEFF}\x80"):text())
    end)

    it("believes a document's own meta element when the header says nothing", function()
      local html = "Content-Type:text/html"
      assert.equal('<meta charset="koi8-r">\u{44F}', respond('<meta charset="koi8-r">\xD1', html):text())
      local old = "<!-- <meta charset=utf-8> --><meta http-equiv=Content-Type content='text/html; charset=latin1'>"
      assert.equal(old .. "é", respond(old .. "\xE9", "Content-Type: TEXT/HTML ;x=y"):text())
      assert.equal("<meta charset=utf-16>é", respond("<meta charset=utf-16>é", html):text())
      assert.equal("<meta charset=x-user-defined>€", respond("<meta charset=x-user-defined>\x80", html):text())
    end)

    it("believes an XML declaration of a document, after its meta", function()
      local xml = '<?xml version="1.0" encoding = "iso-8859-1"?><p>'
      assert.equal(xml .. "é", respond(xml .. "\xE9", "Content-Type:application/xhtml+xml"):text())
      local both = '<?xml encoding="koi8-r"?><meta charset="latin1">'
      assert.equal(both .. "é", respond(both .. "\xE9", "Content-Type:text/html"):text())
    end)

    it("reads no meta where the header speaks, or where the body is no document", function()
      local text = "<meta charset=koi8-r>\xE9"
      assert.equal("<meta charset=koi8-r>é", respond(text, "Content-Type:text/html; charset=latin1"):text())
      for _, type in ipairs { "text/plain", "text/htmlx", "application/json" } do
        assert.equal("<meta charset=koi8-r>\u{FFFD}", respond(text, "Content-Type:" .. type):text(), type)
      end
      assert.equal("<meta charset=koi8-r>é",
        respond("\u{FEFF}<meta charset=koi8-r>é", "Content-Type:text/html"):text())
    end)

    it("is nil, err for a charset that nobody knows", function()
      local text, err = respond("x", "Content-Type:text/plain; charset=klingon//x"):text()
      assert.is_nil(text)
      assert.equal("parse", err.kind)
      assert.matches("klingon", tostring(err))
    end)
  end)

  describe("wrong use", function()
    it("raises", function()
      local res = get "/ok"
      assert.has_error(function() res.json() end)
      assert.has_error(function() res.json {} end)
      assert.has_error(function() res.header_values(res) end)
      assert.has_error(function() debug.getmetatable(res).__index({}, "status") end)
      assert.has_error(function() debug.getmetatable(res).__index(io.stdout, "status") end)
    end)
  end)
end)

describe("Error", function()
  local function failed()
    local _, err = fetch "http://127.0.0.1:1/x"
    return err
  end

  it("has its fields", function()
    local err = failed()
    assert.is_false(err.ok)
    assert.equal(err, err.error)
    assert.equal("connect", err.kind)
    assert.equal("connect", err.phase)
    assert.equal("http://127.0.0.1:1/x", err.url)
    assert.is_false(err.sent)
    assert.equal(1, err.attempts)
    assert.is_number(err.timings.total)
    assert.is_nil(err.no_such_field)
  end)

  it("reads as a sentence", function()
    local err = failed()
    assert.equal(err.message .. ": http://127.0.0.1:1/x", tostring(err))
    local ok, raised = pcall(function() return assert(fetch "http://127.0.0.1:1/x") end)
    assert.is_false(ok)
    assert.equal(tostring(err), tostring(raised))
  end)

  it("can be written as JSON", function()
    local back = json.decode(json.encode(failed()))
    assert.equal("connect", back.kind)
    assert.equal("http://127.0.0.1:1/x", back.url)
    assert.is_nil(back.ok)
  end)
end)
