-- HTML: any bytes give a document; what it says of itself is UTF-8; its markup, parsed
-- again, has the same text and the same links.
--
-- seeds: pages-readability/0*/source.html.gz
-- seeds: pages-readability/rtl-*/source.html.gz
-- seeds: css-w3c-selectors/level1-content.html
-- seeds: scrapy-samples/link_extractor/*.html
-- seed: <base href=/x/><a href=y>1<br>2</a><table><tr><td>3<td>4</table><pre> 5\n</pre>
-- seed: <meta charset=shift_jis><p>\x83\x65\x83\x58<svg><a xlink:href=z></svg>
-- size: 4096
local html = require "luafetch.html"

local charsets = { nil, "utf-8", "windows-1252", "shift_jis", "utf-16le", "nonsense" }

local function check(doc)
  assert(utf8.len(doc:text()), "text")
  assert(utf8.len(doc:text { raw = true }), "raw text")
  assert(utf8.len(doc:title() or ""), "title")
  for _, link in ipairs(doc:links()) do
    assert(link:find "^%a[%w+.-]*:", link)
  end
  local n = 0
  for _, node in ipairs(doc:css "p, a[href], :nth-last-child(2n of b, i), li ~ li") do
    n = n + 1
    if n > 8 then break end
    node:attrs()
    node:parent()
    assert(utf8.len(node:text()) and utf8.len(node:html()), "node")
    assert(#node:children() >= 0)
  end
  doc:first "a::attr(href)"
  doc:xpath "//a/@href | //p[2]"
end

return function(bytes, choice)
  local doc = html.parse(bytes, { url = "https://example.com/a/b", charset = charsets[choice % 8] })
  check(doc)
  local markup = doc:html()
  assert(utf8.len(markup), "markup")
  local again = html.parse(markup, { url = "https://example.com/a/b", charset = "utf-8" })
  check(again)
end
