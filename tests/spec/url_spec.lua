local url = require "luafetch.url"

describe("url.parse", function()
  it("gives the parts of a URL", function()
    assert.same({
      scheme = "https", user = "u", password = "p", host = "example.com", port = 8443,
      path = "/a/b", query = "q=1", fragment = "f", origin = "https://example.com:8443",
      href = "https://u:p@example.com:8443/a/b?q=1#f",
    }, url.parse "HTTPS://u:p@EXAMPLE.com:8443/a/./b?q=1#f")
  end)

  it("leaves absent parts nil and gives the effective port", function()
    assert.same({
      scheme = "http", host = "a.test", port = 80, path = "/",
      origin = "http://a.test", href = "http://a.test/",
    }, url.parse "http://a.test:80")
    assert.same({scheme = "mailto", path = "x@y", href = "mailto:x@y"}, url.parse "mailto:x@y")
  end)

  it("tells an empty query from none", function()
    assert.equal("", url.parse("http://a.test/?").query)
    assert.is_nil(url.parse("http://a.test/").query)
  end)

  it("resolves against a base", function()
    assert.equal("http://a.test/b/d", url.parse("d", "http://a.test/b/c").href)
  end)

  it("gives nil and an Error of kind url for what is no URL", function()
    local u, err = url.parse "http://a.test:99999/"
    assert.is_nil(u)
    assert.equal("url", err.kind)
    assert.matches("the port is not a number from 0 to 65535", tostring(err), 1, true)
    u, err = url.parse("x", "nonsense")
    assert.is_nil(u)
    assert.matches("invalid base URL", tostring(err), 1, true)
  end)

  it("raises on wrong types", function()
    assert.error_matches(function() url.parse {} end, "bad argument #1 to 'parse'")
    assert.error_matches(function() url.parse("x", {}) end, "bad argument #2 to 'parse'")
    assert.error_matches(function() url.join "x" end, "bad argument #2 to 'join'")
  end)
end)

describe("url.join", function()
  it("resolves references", function()
    local base = "http://a.test/b/c?q#f"
    assert.equal("http://a.test/b/d", url.join(base, "d"))
    assert.equal("http://a.test/d", url.join(base, "/d"))
    assert.equal("https://x.test/", url.join(base, "https://x.test"))
    assert.equal("http://x.test/y", url.join(base, "//x.test/y"))
    assert.equal("http://a.test/b/c?z", url.join(base, "?z"))
    assert.equal("http://a.test/b/c?q", url.join(base, ""))
  end)

  it("names what is wrong", function()
    local joined, err = url.join("http://a.test", "http://[::1")
    assert.is_nil(joined)
    assert.equal("url", err.kind)
  end)
end)

describe("url.build", function()
  it("undoes parse", function()
    for _, s in ipairs {
      "https://u:p%40@a.test:8443/a%2Fb?q=%20#f", "http://a.test/", "http://[::1]:81/?",
      "file:///etc/x", "mailto:a b@c", "x:/.//y", "data:,x%20y?z#", "ws://:p@a.test/",
    } do
      assert.equal(s, url.build(assert(url.parse(s))))
    end
  end)

  it("escapes what would end a part", function()
    assert.equal("http://a%40b:c%3Ad@e.test/f%3Fg%23h%20?i%23j#k%20l",
      url.build {scheme = "http", user = "a@b", password = "c:d", host = "e.test",
        path = "f?g#h ", query = "i#j", fragment = "k l"})
  end)

  it("takes params, ports and bare IPv6 addresses", function()
    assert.equal("http://[::1]:81/x?a=1&b=2",
      url.build {scheme = "http", host = "::1", port = 81, path = "/x", query = "a=1",
        params = {b = 2}})
    assert.equal("http://a.test/?b=2", url.build {scheme = "http", host = "a.test", params = {{"b", 2}}})
    assert.equal("http://a.test/", url.build {scheme = "http", host = "a.test", params = {}})
  end)

  it("refuses what would mean another URL", function()
    for _, t in ipairs {
      {host = "a.test"},
      {scheme = "http"},
      {scheme = "http", path = "/evil.test/"},
      {scheme = "http://x", host = "a.test"},
      {scheme = "http", host = "a.test/evil"},
      {scheme = "http", host = "u@evil.test"},
      {scheme = "http", host = "a\n.test"},
      {scheme = "http", host = "a.test", port = 65536},
      {scheme = "http", host = "a.test", port = -1},
      {scheme = "http", host = "a.test", port = "1@evil.test"},
      {scheme = "mailto", path = "x", user = "u"},
    } do
      local s, err = url.build(t)
      assert.is_nil(s)
      assert.equal("url", err.kind)
    end
  end)

  it("raises on wrong use", function()
    assert.error_matches(function() url.build {scheme = "http", hots = "x"} end, "unknown field 'hots'")
    assert.error_matches(function() url.build {scheme = {}} end, "'scheme' must be a string, not a table")
    assert.error_matches(function() url.build "x" end, "bad argument #1 to 'build'")
  end)
end)

describe("url.encode and decode", function()
  it("work as encodeURIComponent does", function()
    assert.equal("a%20b%2F%C3%A9%26%2B!'()*~-_.", url.encode "a b/é&+!'()*~-_.")
    assert.equal("a b/é+", url.decode "a%20b%2f%C3%A9+")
    assert.equal("%zz%4", url.decode "%zz%4")
    assert.equal("", url.encode "")
    assert.equal("", url.decode "")
  end)

  it("keep every byte", function()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    local s = table.concat(bytes)
    assert.equal(s, url.decode(url.encode(s)))
    assert.same({[s] = s}, (url.decode_query(url.encode_query {[s] = s})))
  end)
end)

describe("url.encode_query", function()
  it("keeps the order of pairs and sorts tables", function()
    assert.equal("b=2&a=1&b=3", url.encode_query {{"b", 2}, {"a", "1"}, {"b", 3}})
    assert.equal("a=1&b=2&c=3", url.encode_query {c = 3, a = 1, b = 2})
    assert.equal("", url.encode_query {})
  end)

  it("repeats the name for a list", function()
    assert.equal("tag=a&tag=b", url.encode_query {tag = {"a", "b"}})
    assert.equal("x=1&tag=a&tag=b", url.encode_query {{"x", 1}, {"tag", {"a", "b"}}})
    assert.equal("", url.encode_query {tag = {}})
  end)

  it("writes scalars as text", function()
    assert.equal("b=true&c=false&i=9007199254740993&n=1&x=0.5",
      url.encode_query {n = 1.0, b = true, c = false, x = 0.5, i = 9007199254740993})
    assert.equal("q=a+b%26c%3D%C3%A9", url.encode_query {q = "a b&c=é"})
  end)

  it("raises for what has no text, naming the key", function()
    assert.error_matches(function() url.encode_query {a = print} end, "params: the value of 'a'.*not a function")
    assert.error_matches(function() url.encode_query {{"a"}} end, "params: the value of 'a'.*not a nil")
    assert.error_matches(function() url.encode_query {a = {b = 1}} end, "the value of 'a' must be a list")
    assert.error_matches(function() url.encode_query {a = {{1}}} end, "the value of 'a'.*not a table")
    assert.error_matches(function() url.encode_query {"a=1"} end, "params%[1%] must be a pair")
    assert.error_matches(function() url.encode_query {[true] = 1} end, "a name must be a string, not a boolean")
    assert.error_matches(function() url.encode_query {a = 0 / 0} end, "not finite")
    assert.error_matches(function() url.encode_query(1) end, "bad argument #1 to 'encode_query'")
  end)
end)

describe("url.decode_query", function()
  it("gives a table and the pairs in order", function()
    local t, pairs_ = url.decode_query "b=2&a=1+%2B&b=3&&c&=d&b=4"
    assert.same({b = {"2", "3", "4"}, a = "1 +", c = "", [""] = "d"}, t)
    assert.same({{"b", "2"}, {"a", "1 +"}, {"b", "3"}, {"c", ""}, {"", "d"}, {"b", "4"}}, pairs_)
  end)

  it("undoes encode_query", function()
    local list = {{"x", "1"}, {"y z", "ü&="}, {"x", ""}}
    local _, back = url.decode_query(url.encode_query(list))
    assert.same(list, back)
  end)
end)

describe("url.canonical", function()
  it("brings equal URLs to one form", function()
    assert.equal("http://a.test/~x/b?q=%2F", url.canonical "HTTP://A.test:80/c/../%7ex/b?q=%2f#f")
    assert.equal("http://a.test/?", url.canonical "http://a.test?#")
    for _, query in ipairs { "$%&%2e-", "%4%31", "%%34%31", "%.%41", "%&%34%31", "%%78%63" } do -- once more: the same
      for _, sorted in ipairs { true, false } do
        local once = url.canonical("http://a.test/?" .. query, { sort_query = sorted })
        assert.equal(once, url.canonical(once, { sort_query = sorted }))
      end
    end
  end)

  it("sorts the query when asked, stably", function()
    assert.equal("http://a.test/?a=1&b=2&b=1",
      url.canonical("http://a.test/?b=2&a=1&b=1", {sort_query = true}))
    assert.error_matches(function() url.canonical("x:", {sort = true}) end, "unknown option 'sort'")
  end)
end)

describe("url.template", function()
  it("expands level 1 and the query forms of RFC 6570", function()
    local t = {var = "value", hello = "Hello World!", x = 1024, y = 768, empty = "", no = false}
    assert.equal("value", url.template("{var}", t))
    assert.equal("Hello%20World%21", url.template("{hello}", t))
    assert.equal("?x=1024&y=768", url.template("{?x,y}", t))
    assert.equal("?x=1024&empty=", url.template("{?x,empty}", t))
    assert.equal("?fixed=yes&x=1024", url.template("?fixed=yes{&x}", t))
    assert.equal("/false/", url.template("/{no}/", t))
  end)

  it("leaves unknown variables out", function()
    assert.equal("/a//b", url.template("/a/{none}/b", {}))
    assert.equal("/a?y=1", url.template("/a{?x,y}", {y = 1}))
    assert.equal("/a", url.template("/a{?x,y}", {}))
  end)

  it("raises for expressions beyond that", function()
    for _, s in ipairs {"{", "{}", "{+x}", "{x,y}", "{x*}", "{?}", "{?x,}", "{x:3}"} do
      assert.error_matches(function() url.template(s, {x = 1, y = 2}) end, "template: ")
    end
    assert.error_matches(function() url.template("{x}", {x = {}}) end, "'x' must be a string")
  end)
end)

describe("url.registrable_domain", function()
  it("is what stands below the public suffix", function()
    assert.equal("example.co.uk", url.registrable_domain "www.Example.co.uk.")
    assert.equal("example.com", url.registrable_domain "example.com")
    assert.equal("xn--bcher-kva.de", url.registrable_domain "a.bücher.de")
    assert.equal("a.github.io", url.registrable_domain "x.a.github.io")
  end)

  it("is nil where nobody registered one", function()
    for _, host in ipairs { "co.uk", "com", "localhost", "127.0.0.1", "0x7f.1", "[::1]", "github.io" } do
      assert.same({ n = 1 }, table.pack(url.registrable_domain(host)), host)
    end
  end)

  it("returns an Error for what is no host", function()
    for _, host in ipairs { "", "http://a.com/", "a.com:80", "a b.com", "a.com/x", "u@a.com", "a\0.com", "[::",
                            ("a."):rep(200) .. "com" } do
      local domain, err = url.registrable_domain(host)
      assert.is_nil(domain)
      assert.equal("url", err and err.kind, host)
    end
  end)
end)
