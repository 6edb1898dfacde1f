-- XML: a document or a parse Error that says where; what is written is read again as the
-- same, and nothing is ever larger than what it was made of allows.
--
-- seed: <?xml version="1.0"?><a xmlns="u:1" xmlns:p="u:2"><p:b p:c="1"/>t<![CDATA[<x>]]></a>
-- seed: <!DOCTYPE a [<!ENTITY e "x"><!ATTLIST a b CDATA "c">]><a>&e;&#65;&lt;</a>
-- seed: <!DOCTYPE a SYSTEM "file:///etc/passwd" [<!ENTITY x SYSTEM "http://a/">]><a>&x;</a>
-- seed: <a><b>one</b><!-- c --><?pi x?><b xml:lang="de">two</b></a>
local xml = require "luafetch.xml"

local GROWN = 1 << 20 -- bytes of text, of 4 KB with entities

local function check(doc)
  local text = doc:text { raw = true }
  assert(utf8.len(text) and #text < GROWN, "text")
  for i, node in ipairs(doc:css "*") do
    if i > 20 then break end
    assert(utf8.len(node:name()) and utf8.len(node:text { raw = true }), "node")
    for name, value in pairs(node:attrs()) do
      assert(utf8.len(name) and utf8.len(value), "attribute")
    end
    node:namespace()
    node:parent()
  end
  doc:xpath "//*[@a]/text() | //@*"
  return text
end

return function(bytes, choice)
  local doc, err = xml.parse(bytes, { recover = choice % 2 == 1 })
  if not doc then
    assert(err.kind == "parse" or err.kind == "too_large", err)
    return assert(utf8.len(tostring(err)))
  end
  local text = check(doc)
  if choice % 2 == 1 then return end
  local markup = doc:xml()
  assert(check(assert(xml.parse(markup))) == text, markup)
end
