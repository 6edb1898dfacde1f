local lf = require "luafetch"
local xml = lf.xml
local servers = require "tests.support.servers"

local function parse(bytes, options) return assert(xml.parse(bytes, options)) end

local function refused(bytes, options)
  local doc, err = xml.parse(bytes, options)
  assert.is_nil(doc)
  assert.equal("parse", err.kind)
  return err
end

local function message_of(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return tostring(err)
end

local books = [=[<?xml version="1.0"?>
<lib xmlns="http://d/" xmlns:dc="http://dc/" xmlns:x="http://x/">
  <Book id="b1" x:kind="n"><dc:title>One &amp; all</dc:title><![CDATA[<raw>]]></Book>
  <book id="b2" kind="m"><dc:title xml:lang="en">Two</dc:title></book>
</lib>]=]

describe("xml.parse", function()
  it("keeps case, prefixes and CDATA", function()
    local doc = parse(books)
    local book = doc:first "Book"
    assert.equal("lib", doc:name())
    assert.equal("xml document", tostring(doc))
    assert.equal("Book", book:name())
    assert.equal("http://d/", book:namespace())
    assert.equal("dc:title", book:children()[1]:name())
    assert.equal("http://dc/", book:children()[1]:namespace())
    assert.is_nil(parse("<a/>"):namespace())
    assert.equal("One & all<raw>", book:text())
    assert.same({ id = "b1", ["x:kind"] = "n" }, book:attrs())
    assert.equal("n", book:attr "x:kind")
    assert.is_nil(book:attr "kind")
    assert.is_nil(book:attr "ID")
    assert.equal("en", doc:first("dc|title[xml|lang]"):attr "xml:lang")
  end)

  it("says where it is wrong", function()
    local err = refused("<a>\n  <b></a>", { url = "http://x/" })
    assert.equal(2, err.line)
    assert.equal(10, err.column)
    local long = select(2, xml.parse("<" .. ("\u{cc}"):rep(150) .. ">", { charset = "utf-8" }))
    assert.is_truthy(utf8.len(long.message)) -- cut between two characters
    assert.equal("invalid XML at line 2 column 10: Opening and ending tag mismatch: b line 2 and a: http://x/",
      tostring(err))
    for _, bytes in ipairs { "", "text", "<a>", "<a", "<a>&nope;</a>", "<a/><b/>", " <?xml version='1.0'?><a/>",
      "<a b=1/>" } do
      refused(bytes)
    end
    assert.equal("a", parse("<a/>"):name()) -- and works after an error
  end)

  it("reads what is not well-formed with recover", function()
    assert.equal("<a><b/></a>", parse("<a><b></a>", { recover = true }):xml())
    assert.equal("\u{A0}x é", parse("\n <?xml version='1.0'?><a t='&eacute;'>&nbsp;x é</a>", { recover = true }):text())
    assert.equal("é€", parse("<a t='&eacute;&euro;'/>", { recover = true }):attr "t")
    assert.equal("media:x", parse("<a><media:x/></a>", { recover = true }):children()[1]:name())
    refused("nothing", { recover = true })
  end)

  it("reads any charset", function()
    local latin = "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>"
    assert.equal("é", parse(latin):text())
    assert.equal("щ", parse("<a>\xf9</a>", { charset = "windows-1251" }):text())
    assert.equal("é", parse("<?xml version='1.0' encoding='latin1'?><a>é</a>", { charset = "utf-8" }):text())
    assert.equal("é", parse("\xef\xbb\xbf<?xml version='1.0' encoding='latin1'?><a>é</a>"):text())
    assert.equal("é", parse("\xff\xfe<\0a\0>\0\xe9\0<\0/\0a\0>\0"):text())
    assert.equal("é", parse((("<?xml version='1.0'?><a>\xe9</a>"):gsub(".", "%0\0"))):text())
  end)

  it("raises on wrong use", function()
    assert.matches("string expected", message_of(xml.parse, {}))
    assert.matches("xml.parse: unknown option 'base'", message_of(xml.parse, "", { base = "x" }))
    assert.matches("option 'recover' must be a boolean", message_of(xml.parse, "", { recover = 1 }))
    assert.matches("unknown option 'recover'", message_of(lf.html.parse, "", { recover = true }))
  end)
end)

describe("a query of XML", function()
  local doc = parse(books)

  it("knows the prefixes of the document", function()
    assert.equal(2, #doc:css "dc|title")
    assert.equal(2, #doc:xpath "//dc:title")
    assert.same({ "n" }, doc:xpath "//@x:kind")
    assert.same({ "b1" }, doc:css "[x|kind]::attr(id)")
    assert.same({ "b2" }, doc:css "[kind]::attr(id)")
    assert.equal(2, #doc:css "[*|kind]")
    assert.same({ "n" }, doc:css "::attr(x\\:kind)")
    assert.equal(0, #doc:css "|title")
    assert.equal(2, #doc:css "*|title")
  end)

  it("takes prefixes of its own", function()
    local names = { namespaces = { n = "http://d/", dc = "http://other/" } }
    assert.equal(1, #doc:xpath("//n:Book", names))
    assert.equal(1, #doc:css("n|Book", names))
    assert.equal("b1", doc:first("n|Book", names):attr "id")
    assert.equal(0, #doc:css("dc|title", names))
    assert.equal(0, #doc:xpath("//dc:title", names))
    assert.equal(2, #doc:css "dc|title") -- and forgets them
    assert.equal(2, #doc:xpath "//dc:title")
    assert.matches("is not declared", message_of(doc.css, doc, "n|Book"))
    assert.matches("undefined namespace prefix", message_of(doc.xpath, doc, "//n:Book"))
    assert.matches("unknown option 'ns'", message_of(doc.css, doc, "a", { ns = {} }))
    assert.matches("must be a table {prefix = URI}", message_of(doc.css, doc, "a", { namespaces = { 1 } }))
  end)

  it("compares names with case, HTML without", function()
    assert.equal(1, #doc:css "Book")
    assert.equal(1, #doc:css "book")
    assert.equal(0, #doc:css "BOOK")
    assert.equal(1, #lf.html.parse("<Book>"):css "BOOK")
    assert.equal(0, #parse("<a Type='X'/>"):css "[type]")
    assert.equal(0, #parse("<a type='X'/>"):css "[type=x]")
  end)

  it("uses one selector on many documents", function()
    for i = 1, 5 do
      local d = parse(('<a xmlns:p="http://%d/"><p:b i="%d"/></a>'):format(i, i))
      assert.same({ tostring(i) }, d:css "p|b::attr(i)")
    end
  end)
end)

describe("markup of XML", function()
  it("can be parsed again", function()
    local markup = parse(books):first("book"):xml()
    local again = parse(markup)
    assert.equal(markup, again:xml())
    assert.equal("http://dc/", again:first("dc|title"):namespace())
    assert.equal('<a b="&lt;&amp;&quot;&#9;&#10;">&lt;&gt;&amp;<c/><!-- x --><?p q?></a>',
      parse('<a b="&lt;&amp;&quot;&#9;&#10;">&lt;&gt;&amp;<c></c><!-- x --><?p q?></a>'):xml())
  end)

  it("is HTML when it is asked for and in that namespace", function()
    local doc = parse '<d xmlns="http://www.w3.org/1999/xhtml"><p>a<br/>b</p><p>c</p></d>'
    assert.equal("<d><p>a<br>b</p><p>c</p></d>", doc:html())
    assert.equal("a\nb\nc", doc:text())
  end)
end)

describe("hostile XML", function()
  local function bounded(bytes, options)
    local t0 = os.clock()
    local doc, err = xml.parse(bytes, options)
    assert.is_true(os.clock() - t0 < 5)
    return doc, err
  end

  local function laughs()
    local list = { '<!ENTITY e0 "lol">' }
    for i = 1, 30 do list[#list + 1] = ('<!ENTITY e%d "%s">'):format(i, ("&e" .. i - 1 .. ";"):rep(10)) end
    return "<!DOCTYPE a [" .. table.concat(list) .. "]>"
  end

  it("ends at once when entities grow", function()
    local big = '<!DOCTYPE a [<!ENTITY e "' .. ("x"):rep(100000) .. '"><!ENTITY m "' .. ("<b/>"):rep(10000) .. '">]>'
    local default = '<!DOCTYPE a [<!ATTLIST b k CDATA "' .. ("x"):rep(100000) .. '">]>'
    for _, bytes in ipairs {
      laughs() .. "<a>&e30;</a>", laughs() .. "<a b='&e30;'/>",
      '<!DOCTYPE a [<!ENTITY e "&f;"><!ENTITY f "&e;">]><a>&e;</a>',
      big .. "<a>" .. ("&e;"):rep(20000) .. "</a>", big .. "<a b='" .. ("&e;"):rep(20000) .. "'/>",
      big .. "<a>" .. ("<b c='&e;'/>"):rep(20000) .. "</a>", big .. "<a>" .. ("&m;"):rep(20000) .. "</a>",
      default .. "<a>" .. ("<b/>"):rep(20000) .. "</a>",
    } do
      local doc, err = bounded(bytes)
      assert.is_nil(doc)
      assert.equal("parse", err.kind)
      bounded(bytes, { recover = true })
    end
    assert.equal("in", parse('<!DOCTYPE a [<!ENTITY x "in">]><a>&x;</a>'):text())
  end)

  it("reads nothing outside of it", function()
    local name = os.tmpname()
    local f <close> = assert(io.open(name, "w"))
    f:write "secret"
    f:close()
    for _, dtd in ipairs {
      '[<!ENTITY x SYSTEM "file://%s">]', '[<!ENTITY x SYSTEM "%s">]',
      '[<!ENTITY %% p SYSTEM "%s"> %%p; <!ENTITY x "">]',
      'SYSTEM "%s" [<!ENTITY x "">]',
    } do
      for _, recover in ipairs { false, true } do
        local doc = xml.parse("<!DOCTYPE a " .. dtd:format(name) .. "><a>&x;</a>", { recover = recover })
        assert.is_nil(doc and doc:xml():find "secret")
      end
    end
    os.remove(name)
    assert.equal("é", parse('<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/rss.dtd"><a>&eacute;</a>'):text())
  end)

  it("is bounded in every direction", function()
    local attrs, namespaces, declared = {}, {}, {}
    for i = 1, 100000 do
      attrs[i] = (" a%d='v'"):format(i)
      namespaces[i] = (" xmlns:a%d='v%d'"):format(i, i)
      declared[i] = ("<!ATTLIST a b%d CDATA 'v'>"):format(i)
    end
    for want, bytes in pairs {
      ["deeper than 256"] = ("<a>"):rep(100000), ["too many attributes"] = "<a" .. table.concat(attrs) .. "/>",
      ["too many namespaces"] = "<a" .. table.concat(namespaces) .. "/>",
      ["attributes are declared"] = "<!DOCTYPE a [" .. table.concat(declared) .. "]><a/>",
      ["a text of more than 10 MB"] = "<a>" .. ("x"):rep(11000000) .. "</a>",
      ["an attribute of more than 10 MB"] = "<a b='" .. ("x"):rep(11000000) .. "'/>",
    } do
      local doc, err = bounded(bytes)
      assert.is_nil(doc)
      assert.truthy(err.message:find(want, 1, true), err.message)
      bounded(bytes, { recover = true })
    end
    for _, unit in ipairs { "<", "<!", "<?", "</a>", "<![CDATA[", "&", "&#x", "<!--", "]]>", "<!DOCTYPE ", "\0",
      "<a b='" } do
      bounded("<a>" .. unit:rep(100000))
      bounded("<a>" .. unit:rep(100000), { recover = true })
    end
    assert.equal(255, #parse(("<a>"):rep(255) .. ("</a>"):rep(255)):css "a")
  end)
end)

describe("Response:xml", function()
  local server
  setup(function() server = servers.fault() end)
  teardown(function() server:stop() end)

  local function get(body, type)
    return assert(fetch(server.url .. "/respond", { params = { { "body", body }, { "h", "Content-Type:" .. type } } }))
  end

  it("uses the header's charset and the URL, and keeps the document", function()
    local res = get("<a>\xf9</a>", "text/xml; charset=windows-1251")
    local doc = assert(res:xml())
    assert.equal("щ", doc:text())
    assert.equal(doc, res:xml())
    assert.truthy(tostring(doc):find("xml document: http", 1, true))
  end)

  it("gives nil and an Error for what is no XML", function()
    local doc, err = get("<a>", "text/xml"):xml()
    assert.is_nil(doc)
    assert.equal("parse", err.kind)
    assert.truthy(err.url:find(server.url, 1, true))
  end)
end)
