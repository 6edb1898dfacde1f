-- Forms, tables and what a page says of itself: a form can be filled and made a request of
-- whatever the page holds; tables are texts and their records have one shape.
--
-- seeds: scrapy-samples/link_extractor/*.html
-- seed: <form action=/a method=post enctype=multipart/form-data><input name=a value=1><button name=e>
-- seed: <form><input type=checkbox name=b checked><select name=c multiple><option selected>x<option>y</select>
-- seed: <form><textarea name=d>z</textarea><input type=file name=g><fieldset disabled><input name=h></fieldset>
-- seed: <form id=f><input type=radio name=r checked><input type=radio name=r></form><input form=f name=_charset_>
-- seed: <table><thead><tr><th colspan=2>A<th rowspan=0>B<tbody><tr><td rowspan=3>1<td>2<tr><td>3</table>
-- seed: <script type=application/ld+json><!-- {"@type": "A"} --></script><link rel=canonical href=c>
-- seed: <meta http-equiv=refresh content="1;url='b'">
local html = require "luafetch.html"

-- What pcall gives: success, or a complaint about the use; never a nil indexed.
local function is_sound(ok, err)
  return ok or type(err) == "string" and not err:find "attempt to", err
end

local function check_form(form)
  for name, value in pairs(form.fields) do
    assert(type(name) == "string" and (type(value) == "string" or type(value) == "table"), name)
    assert(is_sound(pcall(form.fill, form, { [name] = value })))
  end
  for _, control in ipairs(form.controls) do assert(control.name and control.type and control.node) end
  for _, entry in ipairs(form:entries()) do assert(entry) end
  local ok, request = pcall(form.request, form)
  assert(is_sound(ok, request))
  assert(not ok or type(request.url) == "string", "url")
end

local function check_table(doc)
  local grid, err = doc:table()
  if not grid then return assert(not err or err.kind == "too_large", err) end
  for _, line in ipairs(grid) do
    for _, text in ipairs(line) do assert(utf8.len(text), "cell") end
  end
  local records, names = doc:table { header = true }
  local known = {}
  for _, name in ipairs(names) do
    assert(not known[name], name)
    known[name] = true
  end
  for _, record in ipairs(records) do
    for name in pairs(record) do assert(known[name], name) end
  end
end

return function(bytes, choice)
  local doc = html.parse(bytes, { url = choice % 2 == 0 and "https://example.com/a" or nil })
  for _, form in ipairs(doc:forms()) do check_form(form) end
  check_table(doc)
  for _, err in ipairs(select(2, doc:json_ld())) do assert(err.kind == "parse", err) end
  local seconds, target = doc:refresh()
  assert(seconds == nil or seconds >= 0 and (target == nil or target:find "^%a[%w+.-]*:"), "refresh")
  local canonical = doc:canonical()
  assert(canonical == nil or canonical:find "^%a[%w+.-]*:", "canonical")
end
