-- Forms as browsers send them.
local lf = require "luafetch"
local servers = require "tests.support.servers"

local page = [[<form id=f action="/go?old=1#frag"><input name=q value="a b"><input type=hidden name=h value=1>
  <input type=checkbox name=c checked><input type=checkbox name=d value=y><input type=hidden name=rails value=0>
  <input type=checkbox name=rails value=1><input type=radio name=r value=1 checked><input type=radio name=r value=2>
  <select name=s><option>One<option value=2>Two<option disabled>Three</select>
  <select name=m multiple><option selected>a<option selected>b<option>c</select><textarea name=t>
line1
line2</textarea><input name=x disabled value=no><fieldset disabled><input name=y></fieldset>
  <datalist><input name=no></datalist><input name=twice value=1><input name=twice value=2><input value=nameless>
  <input type=submit name=go value=Go><button name=b value=B formaction=/other>Label</button>
  <input type=range name=rg></form>
  <input form=f name=outside value=o><form method=post enctype=multipart/form-data>
  <input type=file name=up><input name=u>
  </form><form method=POST action=plain enctype=text/plain><input name=a value=1></form><input name=orphan>]]

local function forms() return lf.html.parse(page, { url = "http://h/a/b#x" }):forms() end

local function fails(form, values, want)
  assert.error_matches(function() form:fill(values) end, want)
end

describe("forms", function()
  it("have what a browser would send", function()
    local list = forms()
    assert.equal(3, #list)
    local form = list[1]
    assert.same({ "http://h/go?old=1#frag", "GET", "application/x-www-form-urlencoded" },
      { form.action, form.method, form.enctype })
    assert.same({ { "q", "a b" }, { "h", "1" }, { "c", "on" }, { "rails", "0" }, { "r", "1" }, { "s", "One" },
      { "m", "a" },
      { "m", "b" }, { "t", "line1\r\nline2" }, { "twice", "1" }, { "twice", "2" }, { "rg", "50" }, { "outside", "o" } },
      form:entries())
    assert.same({ q = "a b", h = "1", c = "on", rails = "0", r = "1", s = "One", m = { "a", "b" }, t = "line1\nline2",
      twice = { "1", "2" }, rg = "50", outside = "o" }, form.fields)
    assert.same({ "http://h/a/b", "POST", "multipart/form-data" }, { list[2].action, list[2].method, list[2].enctype })
    assert.same({}, lf.html.parse("<p>"):forms())
    local based = lf.html.parse("<base href=/q/><form action=go>", { url = "http://h/" })
    assert.equal("http://h/q/go", based:forms()[1].action)
  end)

  it("settle what is selected and checked", function()
    local function fields(markup) return lf.html.parse("<form>" .. markup .. "</form>"):forms()[1].fields end
    assert.same({ s = "b" }, fields "<select name=s><option disabled>a<option>b<option>c</select>")
    assert.same({ s = "c" }, fields "<select name=s><option selected>b<option selected>c</select>")
    assert.same({}, fields "<select name=s size=2><option>a<option>b</select>")
    local radio = "<input type=radio name=r value=%d checked>"
    assert.same({ r = "2" }, fields(radio:format(1) .. radio:format(2)))
    assert.same({ c = "#000000", _charset_ = "UTF-8" },
      fields "<input type=color name=c><input type=hidden name=_charset_>")
  end)

  it("are filled in", function()
    local form = forms()[1]
    assert.equal(form, form:fill { q = 5, c = false, d = true, rails = true, r = "2", s = "Two", m = { "c" },
      t = "x\ny",
      twice = { "8", "9" } })
    assert.same({ q = "5", h = "1", d = "y", rails = { "0", "1" }, r = "2", s = "2", m = "c", t = "x\ny",
      twice = { "8", "9" },
      rg = "50", outside = "o" }, form.fields)
    form:fill { m = false, twice = "7", r = false }
    assert.same({ nil, { "7", "9" } }, { form.fields.m, form.fields.twice })
    assert.is_nil(form.fields.r)
  end)

  it("raise for what they do not have", function()
    local form = forms()[1]
    fails(form, { qq = 1 }, "fill: the form has no field 'qq' %(did you mean 'q'%?%)")
    local _, message = pcall(form.fill, form, { qq = 1 })
    assert.matches("form_spec.lua:%d+: fill", message)
    fails(form, { x = 1 }, "no field 'x'")
    fails(form, { go = 1 }, "is a button")
    fails(form, { r = "3" }, 'has no "3"; there are "1", "2"')
    fails(form, { s = "Three" }, 'has no "Three"')
    fails(form, { s = { "One", "2" } }, "takes one value")
    fails(form, { q = { 1, 2 } }, "takes one value, not 2")
    fails(form, { q = true }, "wants a string, not a boolean")
    fails(forms()[2], { up = "file.txt" }, "wants {file = path}")
    assert.error_matches(function() form:fill "q" end, "a table {name = value} is needed")
    assert.error_matches(function() form:submit { button = "nope" } end, "no button 'nope'; there are \"go\", \"b\"")
    local relative = lf.html.parse("<form action=x>"):forms()[1]
    assert.error_matches(function() relative:submit() end, "the page's URL is not known")
    local dialog = lf.html.parse("<form method=dialog action=http://h/>"):forms()[1]
    assert.error_matches(function() dialog:submit() end, "closes a dialog")
  end)

  it("choose a button", function()
    local form = forms()[1]
    local function url(options) return form:request(options).url end
    assert.truthy(url():find("&go=Go&rg", 1, true))
    assert.is_nil(url({ button = false }):find "go=")
    assert.truthy(url({ button = "b" }):find("^http://h/other%?.*&b=B&"))
    assert.equal(url { button = "b" }, url { button = "Label" })
    assert.truthy(url():find "^http://h/go%?q=a%+b&h=1&.*#frag$")
    assert.is_nil(url():find "old=1")
    assert.equal("http://h/a/b", form:request().referer)
    local image = lf.html.parse("<form action=http://h/><input type=image name=i>"):forms()[1]
    assert.equal("http://h/?i.x=0&i.y=0", image:request().url)
  end)
end)

describe("form:submit", function()
  local server
  setup(function() server = servers.fault() end)
  teardown(function() server:stop() end)

  local function submit(markup, values, ...)
    local form = lf.html.parse(markup, { url = server.url .. "/page" }):forms()[1]
    local res = assert(form:fill(values or {}):submit(...))
    return res.body
  end

  it("asks with GET", function()
    local echo = submit("<form action='/echo?x=1'><input name=a value='1 2'></form>")
    assert.truthy(echo:find("GET /echo?a=1+2 ", 1, true), echo)
    assert.truthy(echo:find("Referer: " .. server.url .. "/page", 1, true))
  end)

  it("posts, urlencoded, as multipart and as text", function()
    local echo = submit("<form action=/echo method=post><input name=a value='1&2'>"
      .. "<textarea name=b>x\ny</textarea></form>")
    assert.truthy(echo:find("^POST /echo "), echo)
    assert.truthy(echo:find("a=1%262&b=x%0D%0Ay", 1, true), echo)
    local multi = "<form action=/echo method=post enctype=multipart/form-data><input name=a value=1>"
      .. "<input type=file name=f></form>"
    echo = submit(multi, { f = { data = "bytes", filename = "n.txt" } })
    assert.truthy(echo:find('name="f"; filename="n.txt"', 1, true), echo)
    assert.truthy(echo:find("\r\n\r\nbytes\r\n", 1, true), echo)
    assert.truthy(submit(multi):find('name="f"; filename=""', 1, true))
    echo = submit("<form action=/echo method=post enctype=text/plain><input name=a value='1 2'></form>")
    assert.truthy(echo:find("a=1 2\r\n", 1, true), echo)
  end)

  it("goes through a session, with options", function()
    local s <close> = lf.session { headers = { ["X-Session"] = "mine" } }
    local echo = submit("<form action=/echo method=post><input name=a></form>", { a = "z" }, s,
      { headers = { ["X-More"] = "1" } })
    assert.truthy(echo:find("X-Session: mine", 1, true), echo)
    assert.truthy(echo:find("X-More: 1", 1, true), echo)
    assert.truthy(echo:find("a=z", 1, true), echo)
    echo = submit("<form action=/echo><input name=a></form>", {}, { headers = { ["X-More"] = "2" } })
    assert.truthy(echo:find "X%-More: 2")
  end)
end)
