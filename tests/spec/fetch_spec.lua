-- fetch: what goes out on the wire for each option, and how wrong use reads.
local lf = require "luafetch"
local servers = require "tests.support.servers"
local core = require "luafetch.core"
local json = require "luafetch.json"

local server

-- The request as the server saw it: first line, header fields in order, body.
local function seen(res, err)
  assert(res, err)
  local head, body = res.body:match "^(.-)\r\n\r\n(.*)$"
  local line, rest = head:match "^(.-)\r\n(.*)$"
  local fields, names = {}, {}
  for name, value in (rest .. "\r\n"):gmatch "([^\r\n:]+): ([^\r\n]*)\r\n" do
    names[#names + 1] = name
    local key = name:lower()
    fields[key] = fields[key] and fields[key] .. " | " .. value or value
  end
  return { line = line, fields = fields, names = names, body = body, head = head }
end

local function echo(opts)
  return seen(fetch(server.url .. "/echo", opts))
end

-- The message of a call that must raise, without the place.
local function misuse(...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  assert.is_string(message)
  return message
end

local function refused(kind, ...)
  local res, err = fetch(...)
  assert.is_nil(res)
  assert.equal(kind, err.kind)
  return err
end

describe("fetch", function()
  setup(function() server = servers.fault() end)
  teardown(function() server:stop() end)

  after_each(function()
    assert.equal(0, core.leftovers().requests)
  end)

  describe("the request line", function()
    it("is GET without options", function()
      assert.equal("GET /echo HTTP/1.1", echo().line)
    end)

    it("is that of this request, whatever the ones before on the same connection were", function()
      local plain = server.url .. "/echo"
      local function line(url, opts) return seen(fetch(url, opts)).line end
      for _ = 1, 2 do
        assert.equal("GET /echo HTTP/1.1", line(plain))
        assert.equal("GET /echo?a=1 HTTP/1.1", line(plain, { params = { a = 1 } }))
        assert.equal("GET /echo HTTP/1.1", line(plain))
        assert.equal("GET /echo?q HTTP/1.1", line(plain .. "?q"))
        assert.equal("ok\n", assert(fetch(server.url .. "/ok")).body)
        assert.equal("GET /echo?%6a HTTP/1.1", line(plain .. "?%6a"))
        assert.equal("GET /echo?%6A HTTP/1.1", line(plain .. "?%6A"))
        assert.equal("GET /echo HTTP/1.1", line("echo", { session = lf.session { base_url = server.url } }))
        assert.equal("ok\n", assert(fetch(server.url .. "/ok")).body)
        refused("url", "echo")
        assert.equal("GET /echo HTTP/1.1", line(plain))
        assert.equal("POST /echo HTTP/1.1", line(plain, { body = "x" }))
        assert.equal("GET /echo HTTP/1.1", line(plain))
        assert.equal("", assert(fetch.head(plain)).body)
        assert.equal("DELETE /echo HTTP/1.1", line(plain, { method = "DELETE" }))
        assert.equal("POST /echo HTTP/1.1", line(plain, { method = "POST" }))
        assert.equal("GET /echo HTTP/1.1", line(plain))
      end
    end)

    it("takes a request table", function()
      local r = seen(fetch { url = server.url .. "/echo", method = "PUT", body = "x" })
      assert.equal("PUT /echo HTTP/1.1", r.line)
      assert.equal("x", r.body)
    end)

    it("lets a request table win over options", function()
      local r = seen(fetch({ url = server.url .. "/echo", headers = { A = "table" } },
        { headers = { A = "options", B = "options" } }))
      assert.equal("table", r.fields.a)
      assert.equal("options", r.fields.b)
    end)

    it("has the verb of the function", function()
      for _, verb in ipairs { "get", "post", "put", "patch", "delete", "options" } do
        assert.equal(verb:upper() .. " /echo HTTP/1.1", seen(fetch[verb](server.url .. "/echo")).line)
      end
      local head = assert(fetch.head(server.url .. "/echo"))
      assert.equal(200, head.status)
      assert.equal("", head.body)
    end)

    it("is POST when there is a body and nobody says otherwise", function()
      assert.equal("POST /echo HTTP/1.1", echo({ body = "x" }).line)
      assert.equal("GET /echo HTTP/1.1", echo({ body = "x", method = "GET" }).line)
      assert.equal("PROPFIND /echo HTTP/1.1", echo({ method = "PROPFIND" }).line)
    end)
  end)

  describe("headers", function()
    it("are luafetch's own, in order", function()
      local r = echo()
      assert.same({ "Host", "User-Agent", "Accept", "Accept-Encoding" }, r.names)
      assert.equal("luafetch/" .. require "luafetch".version, r.fields["user-agent"])
      assert.equal("*/*", r.fields.accept)
      assert.equal("gzip, deflate, br, zstd", r.fields["accept-encoding"])
    end)

    it("take the place of a default one, others follow in the given order", function()
      local r = echo { headers = { { "X-B", "1" }, { "accept", "text/html" }, { "X-A", "2" } } }
      assert.same({ "Host", "User-Agent", "accept", "Accept-Encoding", "X-B", "X-A" }, r.names)
      assert.equal("text/html", r.fields.accept)
    end)

    it("are those of this request, one of each, whatever the ones before had", function()
      for _ = 1, 2 do
        local r = echo { headers = { { "Accept-Language", "de" }, { "Accept", "" }, { "X", "1" } } }
        assert.same({ "Host", "User-Agent", "Accept-Encoding", "Accept-Language", "X" }, r.names)
        assert.matches("\r\nAccept:\r\n", r.head)
        r = echo { headers = { { "Accept-Language", "de" } } }
        assert.same({ "Host", "User-Agent", "Accept", "Accept-Encoding", "Accept-Language" }, r.names)
        assert.equal("*/*", r.fields.accept)
        assert.equal("de", r.fields["accept-language"])
        r = echo { headers = { ["User-Agent"] = false, ["Accept-Encoding"] = false, accept = "text/html" } }
        assert.same({ "Host", "accept" }, r.names)
        assert.equal("text/html", r.fields.accept)
        r = echo()
        assert.same({ "Host", "User-Agent", "Accept", "Accept-Encoding" }, r.names)
      end
    end)

    it("repeat in order", function()
      assert.equal("1 | 2 | 3", echo({ headers = { ["X-A"] = { "1", 2, "3" } } }).fields["x-a"])
      assert.same({ "Host", "User-Agent", "Accept", "Accept-Encoding", "A", "B", "A" },
        echo({ headers = { { "A", "1" }, { "B", "2" }, { "A", "3" } } }).names)
    end)

    it("of a table go in the order of their names", function()
      local r = echo { headers = { c = "3", a = "1", b = "2" } }
      assert.same({ "Host", "User-Agent", "Accept", "Accept-Encoding", "a", "b", "c" }, r.names)
    end)

    it("false leaves a default one away", function()
      local r = echo { headers = { ["user-agent"] = false, ["Accept-Encoding"] = false } }
      assert.same({ "Host", "Accept" }, r.names)
    end)

    it("may be numbers and booleans", function()
      local r = echo { headers = { A = 1, B = true, C = 2.5 } }
      assert.equal("1", r.fields.a)
      assert.equal("true", r.fields.b)
      assert.equal("2.5", r.fields.c)
    end)

    it("user_agent sets or removes one", function()
      assert.equal("me/1", echo({ user_agent = "me/1" }).fields["user-agent"])
      assert.is_nil(echo({ user_agent = false }).fields["user-agent"])
    end)

    it("ask for no encoding without decode", function()
      assert.is_nil(echo({ decode = false }).fields["accept-encoding"])
      assert.equal("br", echo({ decode = false, headers = { ["Accept-Encoding"] = "br" } }).fields["accept-encoding"])
    end)

    it("with a line break or NUL are refused and nothing is sent", function()
      for _, bad in ipairs { "a\r\nX: y", "a\nb", "a\rb", "a\0b" } do
        local err = refused("request", server.url .. "/echo", { headers = { A = bad } })
        assert.equal("the value of header 'A' holds a line break or a NUL: " .. server.url .. "/echo", tostring(err))
        refused("request", server.url .. "/echo", { headers = { [bad] = "a" } })
        refused("request", server.url .. "/echo", { user_agent = bad })
        refused("request", server.url .. "/echo", { method = bad })
        refused("request", server.url .. "/echo", { auth = { bearer = bad } })
        refused("request", server.url .. "/echo", { auth = { user = bad, pass = "" } })
      end
      refused("request", server.url .. "/echo", { headers = { [""] = "a" } })
      refused("request", server.url .. "/echo", { headers = { ["a b"] = "a" } })
      refused("request", server.url .. "/echo", { method = "" })
    end)
  end)

  describe("params", function()
    local function target(url, params)
      return seen(fetch(server.url .. url, { params = params })).line:match "^GET (%S+) "
    end

    it("make the query", function()
      assert.equal("/echo?a=1&b=x+y%26", target("/echo", { a = 1, b = "x y&" }))
      assert.equal("/echo?b=1&a=2&b=3", target("/echo", { { "b", 1 }, { "a", 2 }, { "b", 3 } }))
      assert.equal("/echo?a=1&a=2", target("/echo", { a = { 1, 2 } }))
      assert.equal("/echo?a=%C3%A9", target("/echo", { a = "é" }))
    end)

    it("follow the URL's own query and stand before the fragment", function()
      assert.equal("/echo?z=0&a=1", target("/echo?z=0#part", { a = 1 }))
      assert.equal("/echo?a=1", target("/echo?", { a = 1 }))
      assert.equal("/echo", target("/echo", {}))
    end)
  end)

  describe("bodies", function()
    it("are sent as they are", function()
      local body = ("\0\r\n\255"):rep(5000)
      local r = echo { body = body }
      assert.equal(body, r.body)
      assert.equal(tostring(#body), r.fields["content-length"])
      assert.is_nil(r.fields["content-type"])
    end)

    it("json", function()
      local r = echo { json = { a = { 1, 2 } } }
      assert.equal("POST /echo HTTP/1.1", r.line)
      assert.same({ a = { 1, 2 } }, json.decode(r.body))
      assert.equal("application/json", r.fields["content-type"])
      assert.equal("application/json", r.fields.accept)
      assert.equal("text/x", echo({ json = 1, headers = { accept = "text/x" } }).fields.accept)
      assert.equal("a/b", echo({ json = 1, headers = { ["content-type"] = "a/b" } }).fields["content-type"])
    end)

    it("form", function()
      local r = echo { form = { { "a", "x y" }, { "b", "ü" } } }
      assert.equal("a=x+y&b=%C3%BC", r.body)
      assert.equal("application/x-www-form-urlencoded", r.fields["content-type"])
    end)

    it("are only one", function()
      assert.matches("only one of body, json, form and multipart", misuse(fetch, server.url, { body = "x", json = 1 }))
    end)
  end)

  describe("auth", function()
    it("is basic or bearer", function()
      assert.equal("Basic dXNlcjpww6Rzcw==", echo({ auth = { user = "user", pass = "päss" } }).fields.authorization)
      assert.equal("Basic dTo=", echo({ auth = { user = "u" } }).fields.authorization)
      assert.equal("Bearer t0k.en", echo({ auth = { bearer = "t0k.en" } }).fields.authorization)
    end)

    -- The buffer of the URL is used again: it must not grow each time, until it is too long.
    it("comes from the URL every time, as do hosts that are longer than they are written", function()
      local url = server.url:gsub("//", "//user:p%%40ss@")
      for _ = 1, 50 do assert(fetch(url .. "/ok")) end
      local there = { resolve = { ["xn--mnchen-3ya.test"] = "127.0.0.1" } }
      for _ = 1, 50 do assert(fetch(("http://münchen.test:%d/ok"):format(server.port), there)) end
    end)

    it("comes from the URL and is not seen again", function()
      local url = server.url:gsub("//", "//us%%3Aer:p%%40ss@")
      local err = refused("request", url .. "/echo")
      assert.is_nil(tostring(err):find("p%40ss", 1, true))
      url = server.url:gsub("//", "//user:p%%40ss@")
      local res = assert(fetch(url .. "/echo"))
      assert.equal("Basic dXNlcjpwQHNz", seen(res).fields.authorization)
      assert.equal(server.url .. "/echo", res.url)
      assert.is_nil(tostring(res):find("p@ss", 1, true))
    end)

    it("gives way to a header of that name", function()
      local r = echo { auth = { bearer = "x" }, headers = { Authorization = "mine" } }
      assert.equal("mine", r.fields.authorization)
    end)

    it("does not follow to another origin", function()
      local other = servers.fault()
      local res = assert(fetch(server.url .. "/redirect-to", {
        params = { url = other.url .. "/echo" },
        auth = { bearer = "secret" },
      }))
      assert.is_nil(seen(res).fields.authorization)
      other:stop()
    end)

    it("wants one way of saying it", function()
      assert.matches("wants either user and pass or bearer", misuse(fetch, server.url, { auth = {} }))
      assert.matches("wants either", misuse(fetch, server.url, { auth = { user = "u", bearer = "b" } }))
      assert.matches('must be "basic" or "digest", got \'x\'',
        misuse(fetch, server.url, { auth = { user = "u", scheme = "x" } }))
    end)
  end)

  describe("limits", function()
    it("timeout is the total", function()
      local err = refused("timeout", server.url .. "/hang", { timeout = 0.1 })
      assert.is_true(err.retryable)
      assert.is_true(err.timings.total < 5)
      assert.matches("^timeout after 0%.1 s.*: " .. server.url:gsub("%W", "%%%0"), tostring(err))
    end)

    it("timeout may be a table", function()
      refused("timeout", server.url .. "/hang", { timeout = { headers = 0.1 } })
      refused("timeout", server.url .. "/hang-body", { timeout = { stall = 0.1, total = false } })
    end)

    it("deadline", function()
      refused("timeout", server.url .. "/hang", { deadline = 0.1, timeout = false })
    end)

    it("max_body", function()
      refused("too_large", server.url .. "/bytes/1000", { max_body = 999 })
      assert.equal(1000, #assert(fetch(server.url .. "/bytes/1000", { max_body = 1000 })).body)
      assert.equal(1000, #assert(fetch(server.url .. "/bytes/1000", { max_body = false })).body)
    end)

    it("types", function()
      local url = server.url .. "/respond?h=Content-Type:image/png&body=x"
      local err = refused("blocked", url, { types = "text/html" })
      assert.equal(200, err.status)
      assert.equal("the answer is image/png, which is not wanted", err.message)
      assert.equal("x", assert(fetch(url, { types = "text/html, image/*" })).body)
      local hangs = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\nx"
      refused("blocked", server.url .. "/raw?end=hang&data=" .. lf.url.encode(hangs), { types = "text/html" })
      assert.equal(404, assert(fetch(server.url .. "/status/404", { types = "x/y" })).status)
      local s <close> = lf.session { types = "text/html" }
      local _, why = s:get(url)
      assert.equal("blocked", why.kind)
      assert.equal("x", assert(s:get(url, { types = false })).body)
      assert.matches("option 'types' must be types such as", misuse(fetch, url, { types = 3 }))
    end)

    it("redirects", function()
      local res = assert(fetch(server.url .. "/redirect/3", { redirects = false }))
      assert.equal(302, res.status)
      assert.is_true(res.ok)
      refused("redirect", server.url .. "/redirect/3", { redirects = 2 })
      assert.equal(200, assert(fetch(server.url .. "/redirect/3", { redirects = 3 })).status)
    end)
  end)

  describe("URLs that cannot be fetched", function()
    it("are told without credentials", function()
      local bad = { "", "nonsense", "ftp://host/", "file:///etc/passwd", "http://", "http://a b/", "http://h:99999/" }
      for _, url in ipairs(bad) do refused("url", url) end
      local err = refused("url", "http://user:secret@host:99999/x")
      assert.is_nil(tostring(err):find("secret", 1, true))
      assert.matches(": http://host:99999/x$", tostring(err))
    end)
  end)

  describe("wrong use", function()
    local url = "http://127.0.0.1:1/"

    it("raises at the caller's line", function()
      local line = debug.getinfo(1, "l").currentline + 1
      local message = misuse(function() local _ = fetch(url, { timeout = "3" }) end)
      assert.equal("tests/spec/fetch_spec.lua:" .. line
        .. ": fetch: option 'timeout' must be a positive number of seconds, false or a table, got string",
        message:match "tests/spec/.*$")
    end)

    local cases = {
      { { timout = 1 }, "fetch: unknown option 'timout' %(did you mean 'timeout'%?%)" },
      { { tls = { verfy = true } }, "option 'tls': unknown option 'verfy' %(did you mean 'verify'%?%)" },
      { { base_url = "x" }, "unknown option 'base_url'" },
      { { 1 }, "names of options are strings, got a number" },
      { { timeout = 0 }, "option 'timeout' must be .* got 0" },
      { { timeout = 0 / 0 }, "option 'timeout' must be" },
      { { timeout = { total = -1 } }, "option 'timeout.total' must be a positive number of seconds or false, got %-1" },
      { { deadline = "x" }, "option 'deadline' must be" },
      { { redirects = -1 }, "option 'redirects' must be a whole number up to 1000 or false, got %-1" },
      { { redirects = 1.5 }, "option 'redirects' must be" },
      { { redirects = true }, "option 'redirects' must be" },
      { { max_body = -1 }, "option 'max_body' must be" },
      { { decode = 1 }, "option 'decode' must be true or false, got 1" },
      { { http_version = "3" }, "option 'http_version' must be \"1.1\" or \"2\", got '3'" },
      { { headers = "x" }, "option 'headers' must be a table or a list of pairs, got string" },
      { { headers = { { "a" } } }, "option 'headers': item 1 must be a pair" },
      { { headers = { a = {} , b = print } }, "option 'headers': 'b' must be" },
      { { headers = { a = { x = 1 } } }, "'a' must be a value or a list of values" },
      { { params = 1 }, "params" },
      { { body = {} }, "option 'body' must be a string or a function, got table" },
      { { body = print, stream = true }, "'stream' and a function as 'body' do not go together" },
      { { method = 1 }, "option 'method' must be a string, got 1" },
      { { session = {} }, "option 'session' must be a session, got table" },
      { { stream = 1 }, "option 'stream' must be true or false, got 1" },
      { { save = "" }, "option 'save' must be the name of a file" },
      { { cache = true }, "option 'cache' is not in this version" },
      { { tls = { pin = "x" } }, "option 'tls.pin': tls.pin is not \"sha256//\" and the 44 characters" },
      { { auth = { user = "a", origins = {} } }, "unknown option 'origins'" },
      { 1, "options must be a table, got number" },
    }
    for i, case in ipairs(cases) do
      it("case " .. i .. ": " .. case[2], function()
        assert.matches(case[2], misuse(fetch, url, case[1]))
      end)
    end

    it("without a URL", function()
      assert.matches("fetch: wants a URL or a request table, got nil", misuse(fetch))
      assert.matches("fetch.get: wants a URL or a request table, got number", misuse(fetch.get, 1))
      assert.matches("the request table has no 'url'", misuse(fetch, {}))
      assert.matches("option 'url' must be a string", misuse(fetch, { url = 1 }))
    end)

    it("leaves nothing behind and the next call is sound", function()
      misuse(fetch, url, { headers = { A = "left" }, params = { p = "over" }, timeout = "x" })
      local r = echo()
      assert.is_nil(r.fields.a)
      assert.equal("GET /echo HTTP/1.1", r.line)
    end)
  end)

  it("leaves no request when its task is cancelled", function()
    local task = lf.spawn(function() fetch(server.url .. "/hang") end)
    lf.sleep(0.05)
    assert.equal(1, core.leftovers().requests)
    task:cancel()
    task:join()
    assert.equal(0, core.leftovers().requests)
  end)
end)
