local lf = require "luafetch"
local servers = require "tests.support.servers"

local function parse(bytes, options)
  return assert(lf.feed.parse(bytes, options or { url = "http://h/feed.xml" }))
end

local rss = [==[<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T &amp; U</title><link>/home</link>
  <description>D</description><lastBuildDate>Thu, 01 Jan 2015 10:00:00 GMT</lastBuildDate>
  <item><title>A</title><link>a.html</link><guid isPermaLink="false">g1</guid>
    <pubDate>Thu, 01 Jan 2015 10:00:00 +0100</pubDate><description>&lt;b&gt;x&lt;/b&gt;</description>
    <content:encoded><![CDATA[<p>full</p>]]></content:encoded><dc:creator>Ann</dc:creator>
    <category>c1</category><category>c2</category><enclosure url="/e.mp3" type="audio/mpeg" length="12"/>
    <unknown:thing xmlns:unknown="u"><title>no</title></unknown:thing></item>
  <item><guid>http://h/perma</guid><author>a@b.c (Bob)</author></item></channel></rss>]==]

local atom = [==[<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://b/x/" xml:lang="en">
  <title type="html">&lt;i&gt;T&lt;/i&gt; x</title><link rel="self" href="s"/><link href="home"/>
  <updated>2015-01-01T10:00:00.5+01:00</updated><author><name>N</name></author>
  <entry xml:base="y/"><id>i</id><title>E</title><link href="e" xml:base="z/"/><link rel="enclosure" href="f.mp3"/>
    <published>2015-01-01T10:00:00Z</published><updated>2015-01-02</updated><summary>s</summary>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>a<br/>b</p></div></content>
    <category term="t"/></entry></feed>]==]

local rdf = [==[<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
  xmlns:d="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>R</title><link>http://r/</link></channel>
  <item rdf:about="http://r/1"><title>one</title><d:date>2003-12-13T18:30:02-05:00</d:date></item></rdf:RDF>]==]

local json = [==[{"version": "https://jsonfeed.org/version/1.1", "title": "J", "home_page_url": "/", "items": [
  {"id": 1, "url": "a", "content_html": "<p>", "date_published": "2015-01-01T10:00:00Z", "tags": ["x"],
   "attachments": [{"url": "m.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 5}], "authors": [{"name": "A"}]}]}]==]

describe("feed.parse", function()
  it("reads RSS", function()
    local feed = parse(rss)
    assert.same({ "rss", "2.0", "T & U", "http://h/home", "D", 1420106400 },
      { feed.format, feed.version, feed.title, feed.link, feed.description, feed.updated })
    assert.same({
      id = "g1", title = "A", link = "http://h/a.html", summary = "<b>x</b>", content = "<p>full</p>", author = "Ann",
      published = 1420102800, published_text = "Thu, 01 Jan 2015 10:00:00 +0100", categories = { "c1", "c2" },
      enclosures = { { url = "http://h/e.mp3", type = "audio/mpeg", length = 12 } },
    }, feed.items[1])
    assert.same({ id = "http://h/perma", link = "http://h/perma", author = "Bob", categories = {}, enclosures = {} },
      feed.items[2])
    assert.equal('"categories":[]', lf.json.encode(feed.items[2]):match '"categories":%[%]')
  end)

  it("reads Atom, with xml:base at every level", function()
    local feed = parse(atom)
    assert.same({ "atom", "T x", "http://b/x/home", "N", "en", 1420102800 },
      { feed.format, feed.title, feed.link, feed.author, feed.language, feed.updated })
    assert.same({
      id = "i", title = "E", link = "http://b/x/y/z/e", summary = "s", content = "<p>a<br>b</p>",
      published = 1420106400,
      published_text = "2015-01-01T10:00:00Z", updated = 1420156800, updated_text = "2015-01-02", categories = { "t" },
      enclosures = { { url = "http://b/x/y/f.mp3" } },
    }, feed.items[1])
    assert.equal("http://h/home", parse((atom:gsub(' xml:base="http://b/x/"', ""))).link)
  end)

  it("reads RDF", function()
    local feed = parse(rdf)
    assert.same({ "rdf", "R", "http://r/", 1 }, { feed.format, feed.title, feed.link, #feed.items })
    assert.same({ "http://r/1", "one", 1071358202 },
      { feed.items[1].id, feed.items[1].title, feed.items[1].published })
  end)

  it("reads JSON Feed", function()
    local feed = parse(json)
    assert.same({ "json", "1.1", "J", "http://h/" }, { feed.format, feed.version, feed.title, feed.link })
    assert.same({
      id = "1", link = "http://h/a", content = "<p>", author = "A", published = 1420106400,
      published_text = "2015-01-01T10:00:00Z", categories = { "x" },
      enclosures = { { url = "http://h/m.mp3", type = "audio/mpeg", length = 5 } },
    }, feed.items[1])
    assert.equal("J", parse("\u{FEFF}" .. json).title)
    local odd = '{"version":"https://jsonfeed.org/version/1","items":[1,null,{"tags":{},"author":"x"}]}'
    assert.equal(1, #parse(odd).items)
  end)

  it("reads dates of all kinds", function()
    local function published(text)
      return parse(("<rss><channel><item><pubDate>%s</pubDate></item></channel></rss>"):format(text)).items[1]
    end
    for text, want in pairs {
      ["Thu, 01 Jan 15 10:00 EST"] = 1420124400, ["1 Jan 2015 10:00:00 Z"] = 1420106400, ["2015-01-01"] = 1420070400,
      ["2015-01"] = 1420070400, ["2015"] = 1420070400, ["20150101T100000Z"] = 1420106400,
      ["2015-01-01 10:00"] = 1420106400,
      ["2015-01-01T10:00:00,25-0500"] = 1420124400, ["1969-12-31T23:59:59Z"] = -1, ["2000-02-29T00:00:00Z"] = 951782400,
    } do
      assert.equal(want, published(text).published, text)
      assert.equal(text, published(text).published_text)
    end
    assert.is_nil(published("yesterday").published)
    assert.equal("yesterday", published("yesterday").published_text)
  end)

  it("takes what is not well-formed, and charsets", function()
    local feed = parse("\n<?xml version='1.0'?><rss><channel><title>a&nbsp;b</title>"
      .. "<item><dc:creator>x</dc:creator><title>q")
    assert.same({ "a\u{A0}b", "x", "q" }, { feed.title, feed.items[1].author, feed.items[1].title })
    assert.equal("щ", parse("<rss><channel><title>\xf9</title></channel></rss>",
      { content_type = "text/xml; charset=windows-1251" }).title)
    local latin = "<?xml version='1.0' encoding='latin1'?><rss><channel><title>\xe9</title></channel></rss>"
    assert.equal("é", parse(latin, {}).title)
  end)

  it("refuses what is no feed", function()
    for bytes, want in pairs {
      ["<html><p>x"] = "no feed: the document is <html>", ["{}"] = "JSON without a version", ["{"] = "invalid JSON",
      ["nope"] = "invalid XML", [""] = "invalid XML",
    } do
      local feed, err = lf.feed.parse(bytes, { url = "http://h/" })
      assert.is_nil(feed)
      assert.equal("parse", err.kind)
      assert.truthy(tostring(err):find(want, 1, true), tostring(err))
      assert.equal("http://h/", err.url)
    end
    assert.error_matches(function() lf.feed.parse("", { base = "x" }) end, "unknown option 'base'")
    assert.error_matches(function() lf.feed.parse(1) end, "a string is needed")
  end)

  it("reads the feed of Scrapy's samples", function()
    local f = io.open((os.getenv "LF_DATA" or "../shared/data") .. "/scrapy-samples/feeds/feed-sample2.xml")
    if not f then return print "skip: no feeds of Scrapy" end
    local feed = parse(f:read "a", {})
    f:close()
    assert.equal(13, #feed.items)
    assert.equal("Abadeh 7500.924 - 83cm Wide", feed.items[2].title)
    assert.equal("http://www.example.com/product.asp?P_ID=1602", feed.items[1].link)
  end)

  it("comes from a Response, too", function()
    local server = servers.fault()
    local params = { { "body", rss }, { "h", "Content-Type:text/xml" } }
    local res = assert(fetch(server.url .. "/respond", { params = params }))
    local feed = assert(res:feed())
    assert.equal(server.url .. "/home", feed.link)
    assert.equal(feed, res:feed())
    server:stop()
  end)
end)
