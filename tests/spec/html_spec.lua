local html = require "luafetch.html"

local function ids(list)
  local out = {}
  for i, node in ipairs(list) do out[i] = node:attr "id" or "?" end
  return table.concat(out, " ")
end

local function message_of(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return tostring(err)
end

-- Seconds of CPU; generous bounds below: what is quadratic takes minutes.
local function seconds(fn)
  local t0 = os.clock()
  fn()
  return os.clock() - t0
end

local function resident_kb()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "VmRSS:%s+(%d+)"
    if kb then return tonumber(kb) end
  end
end

local page = [[<!DOCTYPE html>
<html lang="en"><head><title>  A
 title </title></head><body>
<div class="quote first" id="q1"><span class="text">To be</span>
  <small class="author">Will</small> <a class="tag" href="/t/be">be</a><a class="tag">not</a></div>
<div class="quote" id="q2"><span class="text">I am</span>
  <small class="author">Rene</small></div>
<ul id="list"><li id="a">1<li id="b" class="x">2<li id="c">3<li id="d" class="x">4<li id="e">5</ul>
</body></html>]]

describe("html.parse", function()
  it("gives a document with a root for any bytes", function()
    for _, bytes in ipairs {"", " ", "\0", "<", "<!", "<!--", "</", "<?", "&", "\xff", "\xef\xbb\xbf",
      "text", "<title>", "<!DOCTYPE html>", "<!-- only -->", "\xff\xfe", "\xfe\xff\0", "<html", "<a href='"} do
      local doc = assert(html.parse(bytes))
      assert.equal("html", doc:name())
      assert.is_table(doc:css "*")
      assert.is_string(doc:text())
    end
  end)

  it("raises on wrong use", function()
    assert.matches("string expected", message_of(html.parse, {}))
    assert.matches("string expected", message_of(html.parse))
    assert.matches("unknown option 'ulr'", message_of(html.parse, "", {ulr = "x"}))
    assert.matches("option 'url' must be a string", message_of(html.parse, "", {url = 1}))
    assert.matches("table expected", message_of(html.parse, "", "http://x/"))
  end)

  it("knows elements that HTML 4 did not", function()
    local doc = html.parse "<section><article><my-thing>x</my-thing><template>t</template></article></section>"
    assert.equal("x", doc:first("section > article > my-thing"):text())
  end)

  it("keeps prefixed names whole", function()
    local doc = html.parse "<fb:like id=a></fb:like><svg><use id=u xlink:href=#x></svg>"
    assert.equal("a", ids(doc:css "fb\\:like"))
    assert.equal("#x", doc:first("#u"):attr "xlink:href")
  end)
end)

describe("charset", function()
  local function text(bytes, charset)
    return html.parse(bytes, {charset = charset}):text()
  end

  it("comes from the option before meta", function()
    assert.equal("é", text("<meta charset=utf-8>\xe9", "ISO-8859-1"))
    assert.equal("привет", text("<p>\xef\xf0\xe8\xe2\xe5\xf2", " Windows-1251 "))
    assert.equal("日本", text("<p>\x93\xfa\x96\x7b", "shift_jis"))
    assert.equal("中文", text("<p>\xd6\xd0\xce\xc4", "gb2312"))
  end)

  it("comes from a byte order mark before all else", function()
    assert.equal("é", text("\xef\xbb\xbf<p>é", "latin1"))
    assert.equal("aé", text("\xff\xfe<\0p\0>\0a\0\xe9\0", "utf-8"))
    assert.equal("aé", text("\xfe\xff\0<\0p\0>\0a\0\xe9"))
  end)

  it("comes from meta in its many forms", function()
    for _, meta in ipairs {
      "<meta charset=windows-1251>", "<META CHARSET = 'windows-1251'>", "<meta charset=\"windows-1251\"/>",
      "<!-- <meta charset=utf-8> --><meta charset=windows-1251>",
      "<meta name=x content='charset=utf-8'><meta charset=windows-1251>",
      "<meta http-equiv=Content-Type content='text/html; charset=windows-1251'>",
      "<meta content='text/html;charset=\"windows-1251\"' http-equiv=content-type>",
    } do
      assert.equal("привет", text(meta .. "<p>\xef\xf0\xe8\xe2\xe5\xf2"), meta)
    end
    assert.equal("é", text "<meta charset=utf-16><p>é") -- UTF-16 in ASCII bytes cannot be
  end)

  it("is UTF-8 if that fits, else windows-1252", function()
    assert.equal("é €", text "<p>é €")
    assert.equal("é €", text "<p>\xe9 \x80")
    assert.equal("é", text("<p>é", "no-such-charset"))
  end)

  it("replaces what cannot be decoded and goes on", function()
    assert.equal("a\u{FFFD}b\u{FFFD}c", text("<p>a\xffb\xe2\x82c", "utf-8"))
    assert.equal("\u{FFFD}\u{FFFD}\u{FFFD}x", text("<p>\xed\xa0\x80x", "utf-8")) -- a surrogate
    assert.equal("日\u{FFFD}a", text("<p>\x93\xfa\xffa", "shift_jis"))
    assert.equal("a\u{FFFD}", text("<p>a\xe2\x82", "utf-8"))
    local doc = html.parse("<p>" .. ("\xff"):rep(50000) .. "<p id=tail>é", {charset = "utf-8"})
    assert.equal("é", doc:first("#tail"):text())
  end)

  it("survives characters cut by a read", function()
    for shift = 0, 7 do
      local s = ("x"):rep(shift) .. ("日本語€é𝄞"):rep(5000)
      assert.equal(s, text("<p>" .. s))
      assert.equal(s, html.parse("<p title='" .. s .. "'>"):first("p"):attr "title")
    end
  end)
end)

describe("css", function()
  local doc = html.parse(page)

  it("selects in document order, each node once", function()
    assert.equal("q1 q2", ids(doc:css ".quote"))
    assert.equal("q1 list a", ids(doc:css "#a, #q1, div.first, ul"))
    assert.equal("html", doc:css("html")[1]:name())
    assert.same({}, doc:css ".none")
  end)

  it("reads the example of the guide", function()
    local out = {}
    for _, q in ipairs(doc:css ".quote") do
      out[#out + 1] = {
        text = q:first "span.text::text",
        author = q:first "small.author::text",
        tags = q:css "a.tag::text",
      }
    end
    assert.same({
      {text = "To be", author = "Will", tags = {"be", "not"}},
      {text = "I am", author = "Rene", tags = {}},
    }, out)
  end)

  it("gives strings for ::text and ::attr()", function()
    assert.same({"/t/be"}, doc:css "a::attr(href)")
    assert.equal("/t/be", doc:first "a::attr( HREF )")
    assert.is_nil(doc:first "a.none::text")
    local d = html.parse "<p>a<b>x</b>c</p><p></p>"
    assert.same({"ac", ""}, d:css "p::text")
    assert.same({"ac", "x", ""}, d:css "p::text, b::text")
    assert.equal("/t/be", doc:first("a"):first "::attr(href)") -- alone: of the node itself
    assert.same({"a", "b"}, html.parse("<i title=a><u title=b>"):first("i"):css "::attr(title)")
  end)

  it("looks below a node only, but sees what is above", function()
    local ul = doc:first "ul"
    assert.equal("a b c d e", ids(ul:css "li"))
    assert.equal("", ids(ul:css "ul"))
    assert.equal("a b c d e", ids(ul:css "body li"))
    assert.equal("a b c d e", ids(ul:css ":scope > li"))
    assert.equal("b", ul:first(".x"):attr "id")
  end)

  it("knows every structural pseudo-class", function()
    local ul = doc:first "ul"
    for selector, want in pairs {
      [":first-child"] = "a", [":last-child"] = "e", [":only-child"] = "",
      [":nth-child(2)"] = "b", [":nth-child(odd)"] = "a c e", [":nth-child( EVEN )"] = "b d",
      [":nth-child(-n+2)"] = "a b", [":nth-child(n + 4)"] = "d e", [":nth-child(3n - 1)"] = "b e",
      [":nth-child(+3)"] = "c", [":nth-child(0n+1)"] = "a", [":nth-child(-3)"] = "",
      [":nth-last-child(2)"] = "d", [":nth-last-child(2n+1)"] = "a c e",
      [":nth-child(2 of .x)"] = "d", [":nth-last-child(2 of .x)"] = "b",
      [":nth-of-type(4)"] = "d", [":nth-last-of-type(4)"] = "b",
      [":first-of-type"] = "a", [":last-of-type"] = "e", [":only-of-type"] = "",
      ["li:not(.x)"] = "a c e", [":not(.x, #a)"] = "c e", [":is(#a, .x)"] = "a b d",
      [":where(.x) + li"] = "c e", ["#b ~ li"] = "c d e", ["#b + li"] = "c",
      [".x ~ .x"] = "d", ["li:has(+ .x)"] = "a c", ["li:has(~ .x)"] = "a b c",
      [":nth-child(99999999999999999999)"] = "",
    } do
      assert.equal(want, ids(ul:css(selector)), selector)
    end
  end)

  it("knows :has() in all directions", function()
    assert.equal("q1", ids(doc:css "div:has(a)"))
    assert.equal("q1", ids(doc:css "div:has(> a[href])"))
    assert.equal("q1 q2", ids(doc:css "div:has(+ div, + ul)"))
    assert.equal("q1", ids(doc:css "div:has(~ div .author)"))
    assert.equal("", ids(doc:css "div:has(> li)"))
    assert.equal("q2", ids(doc:css "div:not(:has(a))"))
  end)

  it("compares attributes as HTML says", function()
    local d = html.parse [[<a id=a lang=en-GB rel="Next last" href="/X.png" title="" data-k="Ab">]]
    for selector, matches in pairs {
      ["[lang]"] = true, ["[LANG]"] = true, ["[lang|=en]"] = true, ["[lang|='en-G']"] = false,
      ["[rel~=next]"] = true, ["[rel~='']"] = false, ["[rel='next last']"] = true,
      ["[href$='.png']"] = true, ["[href$='.PNG']"] = false, ["[href$='.PNG' i]"] = true,
      ["[href^='/x' i]"] = true, ["[href*=X]"] = true, ["[href*='']"] = false, ["[title='']"] = true,
      ["[data-k=Ab]"] = true, ["[data-k=ab]"] = false, ["[data-k='ab'i]"] = true, ["[rel~=next s]"] = false,
      ["[data-k*=b S]"] = true, ["[ data-k = 'Ab' ]"] = true, ["[*|lang]"] = true, ["[|lang]"] = true,
      ["[none]"] = false, [":lang(en)"] = true, [":lang(EN-gb)"] = true, [":lang(fr, 'en')"] = true,
      [":lang(e)"] = false,
    } do
      assert.equal(matches, d:first("a" .. selector) ~= nil, selector)
    end
  end)

  it("knows the state of forms and links", function()
    local d = html.parse [[<form><input id=i1><input id=i2 disabled><input id=i3 type=CheckBox checked>
      <fieldset disabled><legend><input id=i4></legend><input id=i5></fieldset>
      <select id=s><optgroup disabled id=g><option id=o1 selected></optgroup><option id=o2></select></form>
      <a id=l1 href=x></a><a id=l2></a>]]
    assert.equal("i1 i3 i4", ids(d:css "input:enabled"))
    assert.equal("i2 i5", ids(d:css "input:disabled"))
    assert.equal("o1", ids(d:css "option:disabled"))
    assert.equal("i3 o1", ids(d:css ":checked"))
    assert.equal("l1", ids(d:css ":link"))
    assert.equal("", ids(d:css "a:hover, a:visited, a::before"))
    assert.equal("l2", ids(html.parse("<a id=l2>", {url = "http://x/#l2"}):css ":target"))
  end)

  it("reads escapes, strings, comments and case", function()
    local d = html.parse [[<P id="1a" class="a.b É x"><i id="q&quot;'\"></i>]]
    assert.equal("1a", ids(d:css "#\\31 a"))
    assert.equal("1a", ids(d:css "#\\000031a"))
    assert.equal("1a", ids(d:css "P.a\\.b"))
    assert.equal("1a", ids(d:css ".É"))
    assert.equal("1a", ids(d:css ".\\c9"))
    assert.equal("", ids(d:css ".X"))
    assert.equal("1a", ids(d:css "p/**/.x/* end */"))
    assert.equal(1, #d:css [=[[id="q\"'\\"]]=])
    assert.equal(1, #d:css [=[[id='q"\27\5c']]=])
    assert.equal("1a", ids(d:css "*|p"))
    assert.equal("", ids(d:css "|p"))
  end)

  it("says where a selector is wrong", function()
    for selector, want in pairs {
      [""] = "character 1: a selector expected, found the end",
      ["a >"] = "character 4: a selector expected, found the end",
      ["a, , b"] = "character 4: a selector expected, found ','",
      ["é ..b"] = "character 4: a name after '.' expected, found '.'",
      ["a[b"] = "character 4: ']' missing at the end of […]",
      ["a[b='c]"] = "character 5: the string is not closed",
      ["p:nth-child(x)"] = "character 13: an+b, odd or even expected",
      ["p:foo"] = "character 2: unknown pseudo-class \":foo\"",
      ["p:not"] = "character 2: \":not\" wants an argument",
      ["p:root(a)"] = "character 2: \":root\" takes no argument",
      ["p::foo"] = "character 2: unknown pseudo-element \"::foo\"",
      ["p::text b"] = "nothing may follow a pseudo-element",
      [":not(p::text)"] = "character 7: a pseudo-element inside a pseudo-class",
      [":has(:has(a))"] = "character 11: :has() inside :has()",
      ["ns|a"] = "character 1: namespace prefix \"ns\" is not declared",
      ["> a"] = "character 1: a selector expected, found '>'",
      ["a)"] = "character 2: unexpected ')'",
      ["a\0"] = "character 2: unexpected",
      ["a\\"] = "character 2: unexpected '\\'",
    } do
      local err = message_of(doc.css, doc, selector)
      assert.truthy(err:find("invalid selector at character", 1, true), err)
      assert.truthy(err:find(want, 1, true), selector .. " → " .. err)
    end
    assert.matches("string expected", message_of(doc.css, doc, 5))
    assert.matches("string expected", message_of(doc.first, doc))
  end)

  it("compiles more selectors than it keeps", function()
    for round = 1, 2 do
      for i = 1, 600 do assert.equal(0, #doc:css(".c" .. i), round) end
    end
    assert.equal("q1 q2", ids(doc:css ".quote"))
  end)

  it("uses one compiled selector on many documents", function()
    for i = 1, 20 do
      local d = html.parse(("<x%d></x%d><em id=m class=k>"):format(i, i))
      assert.equal("m", ids(d:css "em.k"))
      assert.equal("q1 q2", ids(doc:css "div.quote"))
    end
  end)
end)

describe("xpath", function()
  local doc = html.parse(page)

  it("gives nodes, strings, numbers and booleans", function()
    assert.equal("q1 q2", ids(doc:xpath "//div[@class]"))
    assert.same({"/t/be"}, doc:xpath "//a/@href")
    assert.same({"be", "not"}, doc:xpath "//a/text()")
    assert.equal(5, doc:xpath "count(//li)")
    assert.equal("integer", math.type(doc:xpath "count(//li)"))
    assert.equal(0.5, doc:xpath "1 div 2")
    assert.is_true(doc:xpath "boolean(//li)")
    assert.equal("To be", doc:xpath "string(//span)")
    assert.equal(doc, doc:xpath("/")[1])
  end)

  it("starts at the node, and in document order", function()
    assert.equal("a b c d e", ids(doc:first("ul"):xpath "li"))
    assert.equal("b a", ids {doc:first("#b"), doc:first("#b"):xpath("preceding-sibling::*")[1]})
    assert.equal("a b c", ids(doc:first("#d"):xpath "preceding-sibling::li"))
  end)

  it("raises when it is not valid", function()
    for expr, want in pairs {
      ["//"] = "invalid XPath at character 3: invalid expression", ["//a["] = "invalid XPath",
      ["foo()"] = "unknown function", ["x:a"] = "undefined namespace prefix", ["$v"] = "undefined variable",
      ["count()"] = "wrong number of arguments", ["'a"] = "the string is not closed",
    } do
      assert.truthy(message_of(doc.xpath, doc, expr):find(want, 1, true), expr)
    end
    assert.equal(5, doc:xpath "count(//li)") -- and works after an error
  end)
end)

describe("node", function()
  local doc = html.parse(page)

  it("tells name, attributes and relatives", function()
    local b = doc:first "#b"
    assert.equal("li", b:name())
    assert.equal("x", b:attr "class")
    assert.equal("x", b:attr "CLASS")
    assert.is_nil(b:attr "none")
    assert.same({id = "b", class = "x"}, b:attrs())
    assert.equal("ul", b:parent():name())
    assert.equal("a b c d e", ids(b:parent():children()))
    assert.same({}, b:children())
    assert.is_nil(doc:first("html"):parent())
    assert.equal("", html.parse("<input checked>"):first("input"):attr "checked")
  end)

  it("is equal to itself, however found", function()
    assert.equal(doc:first "#b", doc:xpath("//li")[2])
    assert.is_true(doc:first "#b" == doc:first "li.x")
    assert.is_false(doc:first "#b" == doc:first "#a")
    assert.is_false(doc:first "#b" == html.parse(page):first "#b")
  end)

  it("shows its start tag", function()
    assert.equal('<li id="b" class="x">', tostring(doc:first "#b"))
    local long = tostring(html.parse("<a title='" .. ("é"):rep(200) .. "'>"):first "a")
    assert.truthy(utf8.len(long))
    assert.truthy(long:find('^<a title="é') and long:find '…>$' and #long < 110)
    assert.equal("html document", tostring(doc))
    assert.equal("html document: http://x/", tostring(html.parse("", {url = "http://x/"})))
  end)

  it("outlives every other name of its document", function()
    local nodes = {}
    for i = 1, 50 do nodes[i] = html.parse(("<p id=p%d>text %d"):format(i, i)):first "p" end
    collectgarbage()
    collectgarbage()
    for i, node in ipairs(nodes) do
      assert.equal("text " .. i, node:text())
      assert.equal("body", node:parent():name())
    end
  end)

  it("refuses what is no node", function()
    assert.matches("expected", message_of(doc.css, {}, "a"))
    assert.matches("expected", message_of(doc.text, io.stdout))
    assert.is_nil(doc:first("li").title) -- title and links belong to documents
  end)
end)

describe("text", function()
  local function text(markup) return html.parse(markup):text() end

  it("is what a reader sees", function()
    assert.equal("a b c", text " a \n b\t<b> c </b> ")
    assert.equal("one\ntwo\nthree", text "<p>one</p><p>two<br>three")
    assert.equal("1\t2\n3\t4", text "<table><tr><td>1<td>2<tr><td>3<td>4</table>")
    assert.equal("xy", text "x<script>no()</script><style>no</style><template>no</template><!-- no -->y")
    assert.equal("shown", text "<title>hidden</title><body>shown")
    assert.equal("a\n b\n  c\nd", text "<div>a</div><pre>\n b\n  c\n</pre>d")
    assert.equal("a & <b>", text "a &amp; &lt;b&gt;")
    assert.equal("", text "")
    assert.equal("Title", html.parse("<title> Title </title>"):first("title"):text())
    assert.equal("1 < 2", html.parse("<script>1 < 2</script>"):first("script"):text())
  end)

  it("is plain concatenation when raw", function()
    local doc = html.parse "<p> a <script>s</script>\n<b>b</b></p><p>c"
    assert.equal(" a s\nbc", doc:first("body"):text {raw = true})
    assert.equal("c", doc:css("p")[2]:text {raw = true})
  end)
end)

describe("html", function()
  it("is what a browser would write", function()
    local doc = html.parse('<!DOCTYPE html><p title="a &quot;&amp; <b>" hidden>'
      .. '1 &lt; 2 &amp; 3\u{A0}<br><img src="a b">')
    assert.equal('<p title="a &quot;&amp; <b>" hidden="">1 &lt; 2 &amp; 3&nbsp;<br><img src="a b"></p>',
      doc:first("p"):html())
    assert.matches("^<!DOCTYPE html>\n<html><body><p", doc:html())
    local script = "<script>if (a < b && c) d()</script>"
    assert.equal(script, html.parse(script):first("script"):html())
    assert.equal("<p>x<!-- c --></p>", html.parse("<p>x<!-- c --></p>"):first("p"):html())
  end)
end)

describe("document", function()
  it("has a title, or none", function()
    assert.equal("A title", html.parse(page):title())
    assert.is_nil(html.parse("<p>x"):title())
    assert.equal("", html.parse("<title></title>"):title())
  end)

  describe("links", function()
    local markup = [[<a href="/a">1</a> <a href=" b#f ">2</a><area href="//h/c"><a href="mailto:x@y">3</a>
      <a>4</a><a href="javascript:void(0)">5</a><a href="https://other/">6</a><link href="/css">]]

    it("are absolute http(s) URLs", function()
      assert.same({"http://x/a", "http://x/d/b#f", "http://h/c", "https://other/"},
        html.parse(markup, {url = "http://x/d/e"}):links())
    end)

    it("honour the first base", function()
      local doc = html.parse("<base href='/base/'><base href='/no/'>" .. markup, {url = "http://x/d/e"})
      assert.equal("http://x/base/b#f", doc:links()[2])
      assert.equal("http://y/z/b#f", html.parse("<base href=http://y/z/>" .. markup):links()[2])
    end)

    it("need no URL when they are absolute", function()
      assert.same({"https://other/"}, html.parse(markup):links())
    end)
  end)
end)

describe("hostile input", function()
  local function parses(bytes)
    local doc
    local spent = seconds(function()
      doc = assert(html.parse(bytes))
      doc:text()
      doc:html()
    end)
    assert.is_true(spent < 20, "took " .. spent .. " s")
    return doc
  end

  it("may nest 100,000 deep", function()
    for _, tag in ipairs {"div", "b", "ul><li", "table><tr><td", "x-y"} do
      local doc = parses(("<" .. tag .. ">"):rep(100000) .. "<p class=last>x")
      assert.equal("x", doc:first(".last"):text())
    end
    local doc = parses(("<div>"):rep(600) .. "<i>1</i>2<b>3</b>4" .. ("</div>"):rep(600) .. "<p>5")
    assert.equal("1234\n5", doc:text())
    assert.equal("body", doc:first("p"):parent():name())
  end)

  it("may close what was never opened", function()
    local doc = parses(("<div>"):rep(5000) .. ("</i>"):rep(100000) .. "<p class=last>x")
    assert.equal("x", doc:first(".last"):text())
  end)

  it("may have 10 MB in one place", function()
    local ten = ("x"):rep(10 * 1000 * 1000)
    assert.equal(ten, parses("<a title='" .. ten .. "'>"):first("a"):attr "title")
    assert.equal(#ten, #parses(ten .. "<p>"):first("p"):text())
    assert.equal(#ten, #parses("<script>" .. ten .. "</script>"):first("script"):text())
    assert.equal("x", parses("<!--" .. ten .. "--><p>x"):text())
    assert.equal("x", parses("<" .. ten .. "><p>x"):first("p"):text())
  end)

  it("may have 100,000 attributes in a tag; 512 are kept", function()
    for _, form in ipairs {' a%d', ' a%d="v"', " a%d='>\"'", ' a%d=">"', " a%d=v"} do
      local attrs = {}
      for i = 1, 100000 do attrs[i] = form:format(i) end
      local doc = parses("<p" .. table.concat(attrs) .. "><i id=tail>x")
      assert.equal("x", doc:first("#tail"):text())
      local n = 0
      for _ in pairs(doc:first("p"):attrs()) do n = n + 1 end
      assert.is_true(n >= 500 and n <= 512, n .. " attributes")
    end
  end)

  it("may hold NUL and other control bytes", function()
    local doc = parses("<p>a\0b</p><p title='x\0y'>" .. ("\0"):rep(10000) .. "\1\2\127<i>tail")
    assert.equal("a\u{FFFD}b", doc:first("p"):text())
    assert.equal("x\u{FFFD}y", doc:first "p::attr(title)" or doc:css("p")[2]:attr "title")
    assert.equal("tail", doc:first("i"):text())
  end)

  it("may be nothing but markup characters", function()
    for _, unit in ipairs {"<", ">", "&", "<!", "<?", "</", "<a ", "<!--", "&#x", "]]>", "<![CDATA[", "<!DOCTYPE "} do
      parses(unit:rep(50000) .. "<p>x")
    end
  end)

  it("does not make selectors slow", function()
    local flat = html.parse(("<p>x"):rep(100000))
    local kinds = {}
    for i = 1, 20000 do kinds[i] = ("<x%d></x%d>"):format(i, i) end
    local mixed = html.parse(table.concat(kinds))
    local deep = html.parse(("<div>"):rep(500) .. ("<b></b>"):rep(10000))
    for selector, doc in pairs {
      ["a ~ p"] = flat, ["p ~ p ~ p ~ p"] = flat, ["a ~ p + p"] = flat, ["p:nth-child(2n+1)"] = flat,
      ["p:nth-last-child(7)"] = flat, ["p:nth-last-of-type(3n)"] = flat, ["p:nth-child(2 of .x)"] = flat,
      ["p:not(a ~ p)"] = flat, [":only-of-type"] = mixed, [":last-of-type"] = mixed, [":nth-of-type(2)"] = mixed,
      [("div "):rep(300) .. "b"] = deep, ["a " .. ("div "):rep(100) .. "b"] = deep, ["div:has(div b i)"] = deep,
    } do
      local spent = seconds(function() doc:css(selector) end)
      assert.is_true(spent < 20, selector:sub(1, 30) .. " took " .. spent .. " s")
    end
  end)

  it("refuses selectors that are out of bounds", function()
    local doc = html.parse(("<p>x"):rep(100000))
    assert.matches("nested more than 16 deep", message_of(doc.css, doc, (":not("):rep(20) .. "a" .. (")"):rep(20)))
    assert.matches("longer than 65536 bytes", message_of(doc.css, doc, ("a"):rep(70000)))
    assert.matches("too many steps", message_of(doc.css, doc, "p:has(~ .none)"))
    assert.equal(0, #doc:css(("a,"):rep(1000) .. "a"))
    assert.matches("nested too deep", message_of(doc.xpath, doc, ("not("):rep(5000) .. "1" .. (")"):rep(5000)))
    assert.matches("longer than", message_of(doc.xpath, doc, ("("):rep(100000)))
    assert.matches("too many steps", message_of(doc.xpath, doc, "//p[//p = 'y']"))
  end)

  it("leaves memory flat", function()
    local bytes = ("<div class=a><p>some text &amp; more</p><a href=/x>l</a></div>\n"):rep(1500)
    local early
    for i = 1, 600 do
      assert.equal(1500, #html.parse(bytes):css "a")
      if i == 100 then early = resident_kb() end
    end
    assert.is_true(resident_kb() < early * 1.2 + 4096, "memory grew")
  end)
end)
