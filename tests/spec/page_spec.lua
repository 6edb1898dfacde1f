-- What a document says about itself, and its tables.
local html = require "luafetch.html"

local function doc(markup) return html.parse(markup, { url = "http://h/a/b.html" }) end

describe("document", function()
  it("has a base, a URL and a canonical link", function()
    assert.equal("http://h/a/b.html", doc(""):base())
    assert.equal("http://h/a/b.html", doc("<base href=/q/>"):url())
    assert.equal("http://h/q/", doc("<base href=/q/>"):base())
    assert.is_nil(html.parse(""):base())
    assert.equal("http://h/a/c", doc("<link rel='x Canonical' href=' c '>"):canonical())
    assert.equal("http://h/q/c", doc("<base href=/q/><link rel=canonical href=c>"):canonical())
    assert.equal("http://o/", html.parse("<link rel=canonical href='http://o'>"):canonical())
    assert.is_nil(doc("<link rel=next href=c>"):canonical())
  end)

  it("has a refresh", function()
    for content, want in pairs {
      ["5"] = { 5, "http://h/a/b.html" }, ["5; url=next"] = { 5, "http://h/a/next" },
      ["3,next"] = { 3, "http://h/a/next" },
      ['0;URL="n x"y'] = { 0, "http://h/a/n%20x" }, ["  2.5 ; url = '/q'"] = { 2, "http://h/q" },
      [".5;a"] = { 0, "http://h/a/a" },
      ["x"] = {}, ["5url=a"] = {}, [""] = {},
    } do
      local meta = "<meta http-equiv=Refresh content='" .. content:gsub("'", "&#39;") .. "'>"
      assert.same(want, { doc(meta):refresh() }, content)
    end
    assert.is_nil(doc("<noscript><meta http-equiv=refresh content=0></noscript>"):refresh())
  end)

  it("has JSON-LD", function()
    local values, errors = doc([==[<script type="application/ld+json">{"a": 1}</script>
      <script type="Application/LD+JSON">[{"b": 2}, {"b": "</p>"}]</script>
      <script type="application/ld+json">{bad</script>
      <script type="application/ld+json"><!-- {"c": 3} --></script><script>{"no": 1}</script>
      <script type="application/ld+json">//<![CDATA[
        {"d": 4}
      //]]></script>]==]):json_ld()
    assert.same({ { a = 1 }, { b = 2 }, { b = "</p>" }, { c = 3 }, { d = 4 } }, values)
    assert.equal(1, #errors)
    assert.equal("parse", errors[1].kind)
    assert.same({}, (doc(""):json_ld()))
  end)
end)

describe("table", function()
  local spans = "<table><tr><th>A<th>B<th>A<th><tr><td rowspan=2>1<td colspan=2>2<td>3<tr><td>4<td>5<tr><td>6</table>"

  it("is rows of texts, spans filled", function()
    assert.same({ { "A", "B", "A", "" }, { "1", "2", "2", "3" }, { "1", "4", "5" }, { "6" } }, doc(spans):table())
    assert.same({ { "z", "1" }, { "z", "2" } }, doc("<table><tr><td rowspan=0>z<td>1<tr><td>2</table>"):table())
    assert.same({ { "a", "b", "c" }, { "x", "", "c" } },
      doc("<table><tr><td>a<td>b<td rowspan=2>c<tr><td>x</table>"):table())
    assert.same({ { "x\ny" } }, doc("<table id=t><tr><td>x<br>y</table>"):table "#t")
  end)

  it("is records by its head", function()
    local list, names = doc(spans):table { header = true }
    assert.same({ "A", "B", "A.1", "column 4" }, names)
    assert.same({ A = "1", B = "2", ["A.1"] = "2", ["column 4"] = "3" }, list[1])
    assert.same({ A = "6" }, list[3])
    list = doc([[<table><tfoot><tr><td>f</tfoot><thead><tr><th colspan=2>G<tr><th>x<th>y</thead>
      <tbody><tr><td>1<td><table><tr><td>in</table></tbody></table>]]):table("table", { header = true })
    assert.same({ { ["G x"] = "1", ["G y"] = "in" }, { ["G x"] = "f" } }, list)
  end)

  if not os.getenv "LF_GCSTRESS" then -- a million cells under a collector that never rests take minutes
    it("may be too large", function()
      local huge = doc("<table>" .. ("<tr>" .. ("<td colspan=1000 rowspan=65534>x"):rep(100)):rep(100) .. "</table>")
      local rows, err = huge:table()
      assert.is_nil(rows)
      assert.equal("too_large", err.kind)
    end)
  end

  it("may be missing, or no table", function()
    assert.is_nil(doc("<p>"):table())
    assert.error_matches(function() doc("<p>"):table "p" end, "must find a <table>")
    assert.error_matches(function() doc("<p>"):table("p", { head = true }) end,
      "unknown option 'head' %(did you mean 'header'%?%)")
  end)
end)
