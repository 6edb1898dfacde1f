-- Cookie jars as scripts see them. The rules themselves: tests/unit/test_cookie.c and
-- tests/conformance/cookies.lua.
local lf = require "luafetch"

local NOW = 1700000000

local function temp_name()
  local name = os.tmpname()
  os.remove(name)
  return name
end

local function write(path, text)
  local f <close> = assert(io.open(path, "w"))
  f:write(text)
end

local function read(path)
  local f <close> = assert(io.open(path))
  return f:read "a"
end

describe("a cookie jar", function()
  it("takes what responses set and gives what requests send", function()
    local jar = lf.cookies()
    assert.is_true(jar:receive("https://www.example.org/a/b", "id=1; Path=/; Max-Age=60", NOW))
    assert.is_true(jar:receive("https://www.example.org/a/b", "deep=2", NOW))
    assert.equal("deep=2; id=1", jar:header("https://www.example.org/a/c", NOW + 59))
    assert.equal("deep=2", jar:header("https://www.example.org/a/c", NOW + 60))
    assert.is_nil(jar:header("https://example.org/a/c", NOW))
    assert.equal(1, #jar)
    assert.equal("cookies (1)", tostring(jar))
  end)

  it("says why it ignores a cookie", function()
    local jar = lf.cookies()
    local taken, why = jar:receive("https://example.co.uk/", "a=1; domain=co.uk")
    assert.is_false(taken)
    assert.equal("the Domain is a public suffix", why)
    assert.same({ false, "it is Secure, the connection is not" },
      { jar:receive("http://example.org/", "a=1; secure") })
    assert.equal(0, #jar)
  end)

  it("uses the machine's time by itself", function()
    local jar = lf.cookies()
    jar:receive("https://example.org/", "a=1; max-age=1000")
    local cookie = jar:list()[1]
    assert.is_true(math.abs(cookie.created - os.time()) <= 2)
    assert.equal(cookie.created + 1000, cookie.expires)
  end)

  it("lists copies, oldest first", function()
    local jar = lf.cookies()
    jar:receive("https://example.org/x/", "b=1; secure; httponly; samesite=Lax; max-age=60", NOW)
    jar:receive("https://www.example.org/", "a=2; domain=example.org", NOW + 1)
    jar:header("https://example.org/", NOW + 2)
    local list = jar:list(NOW + 3)
    jar:clear()
    collectgarbage()
    assert.same({
      { name = "b", value = "1", domain = "example.org", path = "/x", expires = NOW + 60, created = NOW, used = NOW,
        host_only = true, secure = true, http_only = true, same_site = "lax" },
      { name = "a", value = "2", domain = "example.org", path = "/", created = NOW + 1, used = NOW + 2,
        host_only = false, secure = false, http_only = false },
    }, list)
    assert.same({}, jar:list())
  end)
end)

describe("cookies by hand", function()
  it("are set for a domain or for a URL's host", function()
    local jar = lf.cookies()
    assert.is_true(jar:set { name = "d", value = "1", domain = ".Bücher.example" })
    assert.is_true(jar:set { name = "u", value = "2", url = "http://bücher.example/any/where", path = "/p" })
    assert.equal("d=1", jar:header "http://www.bücher.example/p")
    assert.equal("u=2; d=1", jar:header "http://bücher.example/p/q")
    assert.is_true(jar:set { name = "d", value = "", domain = "bücher.example", max_age = 0 })
    assert.equal("u=2", jar:header "http://bücher.example/p/q")
    assert.is_true(jar:set { name = "e", value = "", domain = "a.example", expires = os.time() + 9, secure = true,
      http_only = true, host_only = true, same_site = "strict" })
    local e = jar:list()[2]
    assert.is_true(e.secure and e.http_only and e.host_only and e.same_site == "strict")
    assert.is_nil(jar:header "https://x.a.example/")
  end)

  it("are refused when they cannot be sent", function()
    local jar = lf.cookies()
    for _, value in ipairs { "a\nb", "a;b", ("x"):rep(4097), "a\0b" } do
      local ok, err = jar:set { name = "a", value = value, domain = "a.example" }
      assert.is_nil(ok)
      assert.equal("request", err.kind)
      assert.matches("^the cookie 'a' cannot be: ", err.message)
    end
    assert.matches("not a host", select(2, jar:set { name = "a", value = "b", domain = "a b" }).message)
    assert.equal(0, #jar)
  end)

  it("raise for wrong use", function()
    local jar = lf.cookies()
    local function raises(pattern, fn, ...)
      local ok, err = pcall(fn, ...)
      assert.is_false(ok)
      assert.matches(pattern, err)
    end
    raises("unknown option 'nane' %(did you mean 'name'%?%)", jar.set, jar, { nane = "a" })
    raises("'value' must be a string, not a number", jar.set, jar, { name = "a", value = 1, domain = "a.example" })
    raises("'name' and 'value' are wanted", jar.set, jar, { name = "a" })
    raises("'domain' or 'url' is wanted", jar.set, jar, { name = "a", value = "b" })
    raises("'same_site' must be", jar.set, jar, { same_site = "Loose" })
    raises("no number of seconds", jar.set, jar, { max_age = 0 / 0 })
    raises("a table is wanted, got nil", jar.set, jar)
    raises("is no URL", jar.set, jar, { name = "a", value = "b", url = "nowhere" })
    raises("name, domain or path is wanted", jar.delete, jar, {})
    raises("unknown option 'value'", jar.delete, jar, { value = "x" })
    raises("is no URL", jar.header, jar, "//")
    raises("a cookie jar is wanted %(call its methods with ':'%), got no value", jar.list)
    raises("no time in seconds", jar.list, jar, math.huge)
    raises("contains a NUL", jar.load, jar, "a\0b")
  end)

  it("are deleted by what they have in common", function()
    local jar = lf.cookies()
    for _, domain in ipairs { "a.example", "b.example" } do
      for _, name in ipairs { "x", "y" } do jar:set { name = name, value = "1", domain = domain } end
    end
    assert.equal(1, jar:delete { name = "x", domain = ".A.example" })
    assert.equal(1, jar:delete { domain = "a.example" })
    assert.equal(0, jar:delete { path = "/other" })
    assert.equal(0, jar:delete { domain = "not a host" })
    assert.equal(2, jar:delete { path = "/" })
    assert.equal(0, #jar)
  end)
end)

describe("cookie files", function()
  local path

  before_each(function() path = temp_name() end)
  after_each(function() os.remove(path) end)

  it("are read back as they were written", function()
    local jar, other = lf.cookies(), lf.cookies()
    jar:set { name = "a", value = "1 = 2", domain = "a.example", expires = 4000000000 }
    jar:set { name = "b", value = "", url = "https://b.example/", secure = true, http_only = true }
    jar:set { name = "", value = "nameless", url = "https://b.example/" }
    assert.same({ 2, 1 }, { jar:save(path) })
    assert.matches("\n.a.example\tTRUE\t/\tFALSE\t4000000000\ta\t1 = 2\n#HttpOnly_b.example\tFALSE\t/\tTRUE\t0\tb\t\n$",
      read(path))
    assert.equal(2, other:load(path))
    jar:delete { name = "" }
    assert.same({ jar:save(path) }, { other:save(path) })
    assert.equal("b=", other:header "https://b.example/")
  end)

  it("are those of curl, both ways", function()
    local jar = lf.cookies()
    jar:set { name = "a", value = "1", domain = "a.example", expires = 4000000000 }
    jar:set { name = "b", value = "2", url = "http://b.example/x", path = "/x", http_only = true }
    assert.equal(2, jar:save(path))
    local curl <close> = assert(io.popen("curl -s -b '" .. path .. "' -c '" .. path .. "' file:///dev/null; echo $?"))
    if not curl:read "a":find "^0" then return pending "curl is not installed" end
    local again = lf.cookies()
    assert.equal(2, again:load(path))
    assert.equal("a=1", again:header "http://www.a.example/")
    assert.equal("b=2", again:header "http://b.example/x/y")
  end)

  it("tell file and line of what is no cookie, and keep the rest", function()
    local jar = lf.cookies()
    write(path, "# a comment\na.example\tFALSE\t/\tFALSE\t0\ta\t1\n\nwhat is this\nb.example\tFALSE\t/\tno\t0\tb\t1\n")
    local n, err = jar:load(path)
    assert.is_nil(n)
    assert.equal("parse", err.kind)
    assert.equal(path .. " line 4: there are not seven fields between tabs (1 cookie read, 2 lines left out)",
      err.message)
    assert.equal("a=1", jar:header "http://a.example/")
  end)

  it("that cannot be read or written are an io error", function()
    local jar = lf.cookies()
    local n, err = jar:load(path)
    assert.is_nil(n)
    assert.equal("io", err.kind)
    assert.equal("cannot read the cookies of " .. path .. ": No such file or directory", err.message)
    n, err = jar:save(path .. "/x")
    assert.is_nil(n)
    assert.equal("cannot save the cookies of " .. path .. "/x: No such file or directory", err.message)
  end)

  it("are left alone when there is no room for a new one", function()
    local jar = lf.cookies()
    jar:set { name = "a", value = "1", domain = "a.example" }
    local n, err = jar:save "/dev/full"
    assert.is_nil(n)
    assert.matches("/dev/full", err.message)
  end)
end)

describe("luafetch.protocol", function()
  local protocol = require "luafetch.protocol"

  it("reads and writes dates", function()
    assert.equal(784111777, protocol.date "Sunday, 06-Nov-94 08:49:37 GMT")
    assert.is_nil(protocol.date "soon")
    assert.equal(784111777, protocol.cookie_date "6 nov 1994 8:49:37")
    assert.equal("Sun, 06 Nov 1994 08:49:37 GMT", protocol.format_date(784111777))
  end)

  it("reads content types", function()
    assert.same({ "text/html;charset=Latin1", "windows-1252" }, { protocol.content_type "Text/HTML; charset=Latin1" })
    assert.is_nil(protocol.content_type "html")
  end)

  it("knows public suffixes", function()
    assert.equal("b.co.uk", protocol.registrable "a.b.co.uk")
    assert.equal("b.co.uk.", protocol.registrable "a.b.co.uk.")
    assert.is_nil(protocol.registrable "co.uk")
    assert.is_nil(protocol.registrable(("a."):rep(500)))
  end)
end)
