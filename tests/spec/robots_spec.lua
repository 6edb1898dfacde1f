-- lf.robots: what a script sees of robots.txt; the matching itself is tested in test_robots.c.
local lf = require "luafetch"

local text = [[
User-agent: *
Disallow: /private/
Crawl-delay: 3
Sitemap: /sitemap.xml

User-agent: foobot
Disallow: /
Allow: /open
Sitemap: https://other.example/s.xml
Sitemap: http://[
]]

describe("lf.robots", function()
  it("answers and names the rule that decided", function()
    local robots = lf.robots.parse(text)
    local allowed, rule = robots:allowed("luafetch/0.1.0", "https://a.example/private/x")
    assert.is_false(allowed)
    assert.same({ allow = false, path = "/private/", line = 2 }, rule)
    allowed, rule = robots:allowed("FooBot", "https://a.example/open/x?y")
    assert.is_true(allowed)
    assert.same({ allow = true, path = "/open", line = 8 }, rule)
    assert.same({ true, n = 1 }, table.pack(robots:allowed("luafetch", "/public")))
  end)

  it("gives the delay of the agent's group", function()
    local robots = lf.robots.parse(text)
    assert.equal(3.0, robots:crawl_delay "luafetch")
    assert.is_nil(robots:crawl_delay "foobot")
    assert.is_nil(lf.robots.parse(""):crawl_delay "x")
  end)

  it("gives sitemaps as they stand, or absolute", function()
    assert.same({ "/sitemap.xml", "https://other.example/s.xml", "http://[" }, lf.robots.parse(text):sitemaps())
    assert.same({ "https://a.example/sitemap.xml", "https://other.example/s.xml" },
      lf.robots.parse(text, { url = "https://a.example/robots.txt" }):sitemaps())
  end)

  it("allows all where nothing is said", function()
    for _, nothing in ipairs { "", "\0\0\0", "<html></html>", ("\255"):rep(1000), "Disallow: /" } do
      assert.is_true(lf.robots.parse(nothing):allowed("x", "https://a.example/"))
    end
  end)

  it("returns an Error for what is no URL", function()
    local allowed, err = lf.robots.parse(text):allowed("x", "http://[")
    assert.is_nil(allowed)
    assert.equal("url", err.kind)
  end)

  it("raises for wrong use", function()
    assert.has_error(function() lf.robots.parse() end)
    assert.has_error(function() lf.robots.parse("", { base = "" }) end,
      "robots.parse: unknown option 'base' (there is url)")
    assert.has_error(function() lf.robots.parse("", { url = 1 }) end,
      "robots.parse: option 'url' must be a string, not a number")
    assert.has_error(function() lf.robots.parse(""):allowed("x") end)
    assert.has_error(function() lf.robots.parse("").allowed("x", "y") end)
  end)

  it("frees what it parsed", function()
    local big = ("User-agent: x\nDisallow: /%62*\n"):rep(10000)
    local function rounds(n)
      for _ = 1, n do lf.robots.parse(big) end
      collectgarbage()
      local kb = 0
      for line in io.lines "/proc/self/status" do kb = tonumber(line:match "^VmRSS:%s*(%d+)") or kb end
      return kb
    end
    local before = rounds(10)
    local after = rounds(100)
    if not os.getenv "LF_SANITIZED" then assert.is_true(after - before < 40000, after - before) end
  end)
end)
