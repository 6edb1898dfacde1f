-- lf.sitemap: what a script gets; the scanner itself is tested in test_sitemap.c.
local lf = require "luafetch"
local servers = require "tests.support.servers"

local function urlset(...)
  local parts = { "<?xml version='1.0'?><urlset>" }
  for _, loc in ipairs { ... } do parts[#parts + 1] = ("<url><loc>%s</loc></url>"):format(loc) end
  return table.concat(parts) .. "</urlset>"
end

local function index(...)
  return (urlset(...):gsub("urlset", "sitemapindex"):gsub("url>", "sitemap>"))
end

local function locs(next_entry)
  local list = {}
  for loc in next_entry do list[#list + 1] = type(loc) == "table" and loc.loc or loc end
  return list
end

describe("sitemap.parse", function()
  it("gives entries and the kind", function()
    local entries = lf.sitemap.parse [[<urlset><url><loc>http://a/</loc><lastmod>2024-01-01</lastmod>
      <changefreq>daily</changefreq><priority>0.8</priority>
      <xhtml:link rel="alternate" hreflang="de" href="http://a/de"/></url>
      <url><loc>http://b/</loc><priority>high</priority></url></urlset>]]
    assert.same({
      kind = "urlset",
      { loc = "http://a/", lastmod = "2024-01-01", changefreq = "daily", priority = 0.8,
        alternates = { { hreflang = "de", href = "http://a/de" } } },
      { loc = "http://b/" },
    }, entries)
    assert.equal("index", lf.sitemap.parse(index "http://a/x.xml").kind)
    assert.same({ kind = "urlset", { loc = "http://a/" } }, lf.sitemap.parse "http://a/\n")
  end)

  it("resolves against the file's URL", function()
    local entries = lf.sitemap.parse([[<urlset><url><loc>/x</loc><link href="y"/></url></urlset>]],
      { url = "http://a/d/sitemap.xml" })
    assert.equal("http://a/x", entries[1].loc)
    assert.equal("http://a/d/y", entries[1].alternates[1].href)
  end)

  it("says when a file is none, and when it broke off", function()
    local entries, err = lf.sitemap.parse("<html>Not found", { url = "http://a/" })
    assert.is_nil(entries)
    assert.equal("parse", err.kind)
    assert.equal("this is HTML and no sitemap: http://a/", tostring(err))
    entries, err = lf.sitemap.parse "<urlset><url><loc>a</loc></url><url>"
    assert.equal("a", entries[1].loc)
    assert.equal("the sitemap ends too early", err.message)
    assert.equal("too_large", select(2, lf.sitemap.parse(urlset "http://a/", { max_body = 10 })).kind)
    assert.equal("decode", select(2, lf.sitemap.parse "\x1f\x8bnonsense").kind)
  end)

  it("raises for wrong use", function()
    assert.error_matches(function() lf.sitemap.parse(1) end, "sitemap.parse: a string is wanted, got a number")
    assert.error_matches(function() lf.sitemap.parse("", { max_bodi = 1 }) end, "max_bodi.*did you mean 'max_body'")
    assert.error_matches(function() lf.sitemap.parse("", { url = 1 }) end, "option 'url' must be a string")
    assert.error_matches(function() lf.sitemap.entries(1) end, "a string, a Response, a file or a function is wanted")
    assert.error_matches(function() lf.sitemap.urls("", { rest = 1 }) end, "sitemap.urls.*rest")
    assert.error_matches(function() lf.sitemap.urls {} end, "sitemap.urls: a string is wanted, got a table")
  end)
end)

describe("sitemap.entries", function()
  it("reads what a function gives, and raises what is wrong with it", function()
    local pieces = { "<urlset><url><loc>http", "://a/</loc></url>" }
    local next_entry = lf.sitemap.entries(function() return table.remove(pieces, 1) end, { url = "http://x/" })
    assert.same({ loc = "http://a/" }, (next_entry()))
    local ok, err = pcall(next_entry)
    assert.is_false(ok)
    assert.equal("the sitemap ends too early: http://x/", tostring(err))
  end)

  it("streams 50,000 URLs without keeping them", function()
    local n, most = os.getenv "LF_GCSTRESS" and 500 or 50000, 0
    local i = -1
    local function read()
      i = i + 1
      if i == 0 then return "<urlset>" end
      if i > n then return i == n + 1 and "</urlset>" or nil end
      return ("<url><loc>http://a.example/a/long/path/to/page?n=%d&amp;x</loc><lastmod>2024-01-01</lastmod></url>\n")
        :format(i)
    end
    collectgarbage()
    local before, count = collectgarbage "count", 0
    for entry, kind in lf.sitemap.entries(read) do
      count = count + 1
      assert(kind == "urlset" and entry.loc == "http://a.example/a/long/path/to/page?n=" .. count .. "&x")
      if count % (n // 5) == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage "count" - before)
      end
    end
    assert.equal(n, count)
    assert.is_true(most < 256, most)
  end)
end)

describe("sitemap.urls", function()
  local web, root
  setup(function()
    root = os.tmpname()
    os.remove(root)
    assert(os.execute("mkdir " .. root))
    web = servers.nginx { root = root, access_log = true }
    local function write(name, text)
      local file = assert(io.open(root .. "/" .. name, "wb"))
      assert(file:write(text))
      assert(file:close())
    end
    write("index.xml", index("/a.xml", "/b.xml.gz", "/a.xml", "c.txt"))
    write("a.xml", urlset("http://a/1", "/2"))
    write("b.xml", urlset "http://b/1")
    assert(os.execute("gzip " .. root .. "/b.xml"))
    write("c.txt", "http://c/1\n")
    write("holes.xml", index("a.xml", "none.xml", "broken.xml", "c.txt"))
    write("broken.xml", "<urlset><url><loc>http://x/</loc></url>")
    write("loop.xml", index("loop.xml", "loop2.xml"))
    write("loop2.xml", index("loop.xml", "c.txt"))
    for i = 1, 9 do write(("deep%d.xml"):format(i), index(("deep%d.xml"):format(i + 1))) end
  end)
  teardown(function()
    web:stop()
    os.execute("rm -r " .. root)
  end)

  it("follows an index, gzip and text, each file once", function()
    assert.same({ "http://a/1", web.url .. "/2", "http://b/1", "http://c/1" },
      locs(lf.sitemap.urls(web.url .. "/index.xml")))
    assert.same({ "http://c/1" }, locs(lf.sitemap.urls(web.url .. "/loop.xml")))
  end)

  it("fetches a file when its first URL is asked for", function()
    local url, entry = lf.sitemap.urls(web.url .. "/a.xml")()
    assert.equal("http://a/1", url)
    assert.same({ loc = "http://a/1" }, entry)
    do
      local urls <close> = lf.sitemap.urls(web.url .. "/index.xml")
      urls()
    end
    local log = io.open(web.dir .. "/access.log"):read "a"
    local _, b = log:gsub("/b.xml.gz", "")
    local _, i = log:gsub("/index.xml", "")
    assert.equal(i - 1, b)
  end)

  it("raises what fails, or hands it over and goes on", function()
    local ok, err = pcall(locs, lf.sitemap.urls(web.url .. "/holes.xml"))
    assert.is_false(ok)
    assert.equal("http", err.kind)
    local failed = {}
    local urls = lf.sitemap.urls(web.url .. "/holes.xml", {
      failed = function(url, why) failed[#failed + 1] = { url:match "[^/]*$", why.kind } end,
    })
    assert.same({ "http://a/1", web.url .. "/2", "http://x/", "http://c/1" }, locs(urls))
    assert.same({ { "none.xml", "http" }, { "broken.xml", "parse" } }, failed)
  end)

  it("is bounded in depth and files", function()
    local ok, err = pcall(locs, lf.sitemap.urls(web.url .. "/deep1.xml"))
    assert.is_false(ok)
    assert.equal("sitemap indexes are nested deeper than 3: " .. web.url .. "/deep5.xml", tostring(err))
    ok, err = pcall(locs, lf.sitemap.urls(web.url .. "/index.xml", { max_files = 2 }))
    assert.is_false(ok)
    assert.equal("too_large", err.kind)
  end)

  it("takes options of fetch, and reads a Response", function()
    local s <close> = lf.session { base_url = web.url }
    assert.same({ "http://a/1", web.url .. "/2" }, locs(lf.sitemap.urls("/a.xml", { session = s, timeout = 5 })))
    assert.same({ "http://b/1" }, locs(lf.sitemap.entries(assert(s:get "/b.xml.gz"))))
    local res <close> = assert(s:get("/a.xml", { stream = true }))
    assert.same({ "http://a/1", web.url .. "/2" }, locs(lf.sitemap.entries(res)))
    local ok, err = pcall(lf.sitemap.entries, assert(s:get "/none.xml"))
    assert.is_false(ok)
    assert.equal("http", err.kind)
  end)
end)
