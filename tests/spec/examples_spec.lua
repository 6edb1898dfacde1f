-- Every bundled example runs, is short, and does what its first comment says.
local run = require "tests.support.command"
local servers = require "tests.support.servers"
local lf = require "luafetch"
local json = lf.json

local function write(name, text)
  local file = assert(io.open(name, "w"))
  assert(file:write(text))
  assert(file:close())
end

local function quote_page(n)
  local parts = {}
  for i = 1, 10 do
    parts[i] = ([[<div class="quote"><span class="text">“Quote %d&amp;%d”</span>
      <span>by <small class="author">Author %d</small></span>
      <div class="tags"><a class="tag" href="/t">one</a> <a class="tag" href="/t">n%d</a></div></div>]])
      :format(n, i, i, n)
  end
  return "<!DOCTYPE html><html><meta charset=utf-8><body>" .. table.concat(parts) .. "</body></html>"
end

-- A site to sign in to: the form's token, a cookie with it and the user are needed. And a
-- stream of events: %s, a place where it breaks, unless asked for what follows event 1.
local SITE_MAPS = [[
  map $cookie_form:$request_body $user {
    "~^f1:(?=.*token=t%2B1)(?=.*user=ann)(?=.*pass=se%26cret)" "user=ann; Path=/";
  }
]]

local SITE = [[
  location = /login {
    if ($request_method = POST) { rewrite ^ /sign-in last; }
    default_type text/html;
    add_header Set-Cookie "form=f1; HttpOnly";
    return 200 '<form action="/login" method="post"><input type="hidden" name="token" value="t+1">
      <input type="text" name="user"><input type="password" name="pass"></form>';
  }
  location = /sign-in {
    add_header Set-Cookie $user;
    proxy_pass http://127.0.0.1:@PORT@/signed-in;
  }
  location = /signed-in { absolute_redirect off; return 303 /home; }
  location = /home {
    default_type text/html;
    if ($cookie_user != ann) { return 303 /login; }
    return 200 '<title>Hello</title>';
  }
  location = /two {
    default_type text/event-stream;
    if ($http_last_event_id = 7) { return 204; }
    return 200 'retry: 10\nid: 7\ndata: {"n": 1}\n\nevent: bye\ndata: two\ndata: lines\n\n';
  }
  location = /events {
    default_type text/event-stream;
    if ($http_last_event_id = 1) { return 200 'id: 2\ndata: 2\n\n'; }
    if ($http_last_event_id = 2) { return 204; }
    return 302 %s;
  }
]]

local function broken_stream(fault)
  local answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\n"
    .. "retry: 10\nid: 1\ndata: 1\n\n"
  return fault.url .. "/raw?end=close&data=" .. lf.url.encode(answer)
end

describe("example", function()
  local web, fault, dir
  setup(function()
    fault = servers.fault()
    dir = os.tmpname()
    os.remove(dir)
    assert(os.execute("mkdir -p " .. dir .. "/page"))
    for n = 1, 10 do
      assert(os.execute(("mkdir %s/page/%d"):format(dir, n)))
      write(("%s/page/%d/index.html"):format(dir, n), quote_page(n))
    end
    write(dir .. "/links.html", [[<html><body>
      <a href="page/1/">one</a> <a href="/page/2/#top">two</a> <a href="page/2/">again</a>
      <a href="gone.html">gone</a> <a href="mailto:a@b">mail</a> <a>none</a></body></html>]])
    write(dir .. "/index.html", "<title>Start</title>")
    write(dir .. "/one.rss", [[<rss version="2.0"><channel><title>One</title>
      <item><title>old</title><link>/old</link><pubDate>Thu, 01 Jan 2015 10:00:00 GMT</pubDate></item>
      <item><title>new</title><link>/new</link>
        <pubDate>Fri, 02 Jan 2015 10:00:00 GMT</pubDate></item></channel></rss>]])
    write(dir .. "/two.json", [[{"version": "https://jsonfeed.org/version/1.1", "title": "Two",
      "items": [{"id": 1, "title": "between", "date_published": "2015-01-01T11:00:00Z"}]}]])
    write(dir .. "/news.html", [[<link rel=alternate type=application/rss+xml href=one.rss>]])
    write(dir .. "/items1.json", '{"items": [{"id": 1}, {"id": 2}], "next": "items2.json"}')
    write(dir .. "/items2.json", '{"items": [{"id": 3}], "next": null}')
    write(dir .. "/list1.json", '[{"id": 1}]')
    write(dir .. "/list2.json", '[{"id": 2}]')
    web = servers.nginx {
      root = dir,
      http_extra = SITE_MAPS,
      conf_extra = [[
        location = /list1.json { add_header Link '</list2.json>; rel="next", </x>; rel="last"'; }
      ]] .. SITE:format(broken_stream(fault)),
    }
  end)
  teardown(function()
    web:stop()
    fault:stop()
    os.execute("rm -rf " .. dir)
  end)

  it("files are under 60 lines, but for the tour, and all listed", function()
    for name in io.popen("ls examples/*.lua"):lines() do
      local n = 0
      for _ in io.lines(name) do n = n + 1 end
      assert.is_true(n < (name:find "tour" and 110 or 60), name)
      local first = io.lines(name)()
      assert.equal("-- " .. name:match "[^/]*$" .. ": ", first:match "^%-%- %S+%.lua: ")
    end
  end)

  it("quotes emits every quote once", function()
    local r = run { "quotes", web.url .. "/" }
    assert.equal("", r.err)
    local lines, seen = run.lines(r.out), {}
    for _, line in ipairs(lines) do
      local q = assert(json.decode(line))
      assert.is_nil(seen[q.text])
      seen[q.text] = q
      assert.equal(2, #q.tags)
    end
    assert.equal(100, #lines)
    assert.same({ text = "“Quote 3&7”", author = "Author 7", tags = { "one", "n3" } }, seen["“Quote 3&7”"])
  end)

  it("quotes warns of a page that fails and goes on", function()
    local r = run { "quotes", web.url .. "/nothing/" }
    assert.equal("", r.out)
    assert.equal(10, #run.lines(r.err))
    assert.matches("404", r.err)
    assert.equal(0, r.code)
  end)

  it("gather takes arguments, failures last", function()
    local r = run { "gather", "http://127.0.0.1:1/", web.url .. "/page/1/" }
    local lines = run.lines(r.out)
    assert.matches("^200 +%d+ bytes +%d+ ms  " .. web.url .. "/page/1/$", lines[1])
    assert.matches("^failed: .*http://127%.0%.0%.1:1/", lines[2])
    assert.equal("1 of 2 fetched", lines[3])
    assert.equal(0, r.code)
  end)

  it("gather reads standard input", function()
    local r = run({ "gather" }, { stdin = web.url .. "/page/1/\n\n  " .. web.url .. "/page/2/ \n" })
    assert.matches("2 of 2 fetched\n$", r.out)
  end)

  it("links checks each link once", function()
    local r = run { "links", web.url .. "/links.html" }
    assert.equal("404  " .. web.url .. "/gone.html\n3 links, 1 broken\n", r.out)
    assert.equal("", r.err)
  end)

  it("links goes by the page's base", function()
    write(dir .. "/based.html", [[<base href="/page/"><a href="1/">one</a>]])
    assert.equal("1 links, 0 broken\n", run({ "links", web.url .. "/based.html" }).out)
  end)

  it("links fails clearly without a page", function()
    local r = run { "links", web.url .. "/none" }
    assert.equal(1, r.code)
    assert.matches("404", r.err)
    assert.matches("usage: luafetch links URL", run({ "links" }).err, 1, true)
  end)

  it("api follows a next field", function()
    local r = run { "api", web.url .. "/items1.json" }
    assert.equal('{"id":1}\n{"id":2}\n{"id":3}\n', r.out)
    assert.equal("", r.err)
  end)

  it("api follows a Link header", function()
    assert.equal('{"id":1}\n{"id":2}\n', run({ "api", web.url .. "/list1.json" }).out)
  end)

  it("upload sends files and a field", function()
    write(dir .. "/one.txt", "one")
    local r = run { "upload", fault.url .. "/upload", "a title", dir .. "/one.txt", dir .. "/links.html" }
    assert.equal("", r.err)
    assert.matches("^2 files in %d", r.out)
    r = run { "upload", fault.url .. "/upload", "a title", dir .. "/no such" }
    assert.equal(1, r.code)
    assert.matches(dir .. "/no such: No such file", r.err, 1, true)
    assert.matches("usage: luafetch upload", run({ "upload", fault.url }).err, 1, true)
  end)

  it("websocket sends its input and prints what comes", function()
    local echo = servers.websocket()
    local r = run({ "websocket", echo.url .. "/echo", "chat.v1" }, { stdin = "hello\nworld\n" })
    assert.equal("hello\nworld\n", r.out)
    assert.equal(0, r.code)
    r = run({ "websocket", echo.url .. "/close?code=4000&reason=enough" }, { stdin = "" })
    assert.matches("closed by the server: 4000 enough", r.err, 1, true)
    assert.matches("HTTP 403", run({ "websocket", echo.url .. "/refused" }).err)
    assert.matches("usage: luafetch websocket", run({ "websocket" }).err)
    echo:stop()
  end)

  it("download saves what it can, under names that stay in the folder", function()
    local folder = dir .. "/downloads"
    assert(os.execute("mkdir " .. folder))
    local r = run { "download", folder, web.url .. "/page/3/index.html", web.url .. "/gone",
      web.url .. "/list1.json?again", web.url .. "/list1.json", web.url .. "/page/1/" }
    assert.equal(0, r.code)
    assert.matches("404.*/gone", r.err)
    local lines = run.lines(r.out)
    assert.equal("4 of 5 files", table.remove(lines))
    table.sort(lines)
    assert.matches("^ +11  " .. folder .. "/list1%.json$", lines[1])
    assert.matches("^ +11  " .. folder .. "/list1%.json%.2$", lines[2])
    assert.equal(quote_page(3), io.open(folder .. "/index.html"):read "a")
    assert.equal("index\nindex.html\nlist1.json\nlist1.json.2\n", io.popen("ls -A " .. folder):read "a")
    assert.matches("usage: luafetch download", run({ "download", folder }).err, 1, true)
  end)

  it("download goes on where it broke off", function()
    local folder, body = dir .. "/resumed", quote_page(5)
    assert(os.execute("mkdir " .. folder))
    local url = web.url .. "/page/5/index.html"
    write(folder .. "/index.html.part", body:sub(1, 1000))
    write(folder .. "/index.html.part.info", fetch.head(url).headers.etag .. "\n")
    assert.equal("", run({ "download", folder, url }).err)
    assert.equal(body, io.open(folder .. "/index.html"):read "a")
    assert.equal("index.html\n", io.popen("ls -A " .. folder):read "a")
  end)

  it("events gives a line for each", function()
    local r = run { "events", web.url .. "/two" }
    assert.equal("", r.err)
    local lines = run.lines(r.out)
    assert.same({ id = "7", event = "message", data = { n = 1 } }, json.decode(lines[1]))
    assert.same({ id = "7", event = "bye", data = "two\nlines" }, json.decode(lines[2]))
    assert.equal(2, #lines)
  end)

  it("events takes a broken stream up again, behind the last event", function()
    local r = run { "events", web.url .. "/events" }
    local lines = run.lines(r.out)
    assert.same({ id = "1", event = "message", data = 1 }, json.decode(lines[1]))
    assert.same({ id = "2", event = "message", data = 2 }, json.decode(lines[2]))
    assert.equal(2, #lines)
    assert.equal("", r.err)
    assert.equal(0, r.code)
    assert.matches("404", run({ "events", web.url .. "/none" }).err)
    assert.matches("usage: luafetch events", run({ "events" }).err, 1, true)
  end)

  it("login sends the token of the form, keeps the cookies and comes back with them", function()
    local jar, env = dir .. "/cookies.txt", { LOGIN_PASSWORD = "se&cret" }
    local home = ("%s/home: Hello\n"):format(web.url)
    local r = run({ "login", web.url .. "/login", "ann", jar, "/home" }, { env = env })
    assert.equal("", r.err)
    assert.equal("signed in: " .. home .. home, r.out)
    r = run { "login", web.url .. "/login", "ann", jar, "/home" }
    assert.equal("", r.err)
    assert.equal(home, r.out)
    os.remove(jar)
    r = run({ "login", web.url .. "/login", "bob", jar }, { env = env })
    assert.equal(1, r.code)
    assert.matches("the site did not let bob in", r.err, 1, true)
    assert.is_nil(io.open(jar))
    assert.matches("LOGIN_PASSWORD is not set", run({ "login", web.url .. "/login", "ann", jar }).err, 1, true)
    assert.matches("usage: LOGIN_PASSWORD", run({ "login", web.url }).err, 1, true)
  end)

  it("login_form sends the token of the form and keeps the cookies", function()
    local env = { LOGIN_PASSWORD = "se&cret" }
    local r = run({ "login_form", web.url .. "/login", "ann", "/home" }, { env = env })
    assert.equal("", r.err)
    assert.equal(("%s/home: Hello\n"):format(web.url):rep(2), r.out)
    r = run({ "login_form", web.url .. "/login", "bob" }, { env = env })
    assert.equal(1, r.code)
    assert.matches("the site did not let bob in", r.err, 1, true)
    assert.matches("no form with a password", run({ "login_form", web.url .. "/links.html", "x" }, { env = env }).err)
    assert.matches("usage: LOGIN_PASSWORD", run({ "login_form", web.url }).err, 1, true)
  end)

  it("feeds emits the newest items of all feeds", function()
    local r = run { "feeds", "-n", "2", web.url .. "/news.html", web.url .. "/two.json", web.url .. "/links.html" }
    assert.matches("no feed: the document is <html>: " .. web.url .. "/links.html", r.err, 1, true)
    local lines = run.lines(r.out)
    assert.equal(2, #lines)
    assert.same({ title = "new", link = web.url .. "/new", published = 1420192800, feed = "One" },
      json.decode(lines[1]))
    assert.same({ title = "between", published = 1420110000, feed = "Two" }, json.decode(lines[2]))
    assert.matches("usage: luafetch feeds", run({ "feeds" }).err, 1, true)
  end)

  it("sitemap emits every URL that the site's robots.txt leads to", function()
    write(dir .. "/robots.txt", "Sitemap: /maps.xml\n")
    write(dir .. "/maps.xml", "<sitemapindex><sitemap><loc>/map.txt</loc></sitemap>" ..
      "<sitemap><loc>/none.xml</loc></sitemap></sitemapindex>")
    write(dir .. "/map.txt", "http://a.example/1\nhttp://a.example/2\n")
    local r = run { "sitemap", web.url .. "/" }
    assert.equal('{"loc":"http://a.example/1"}\n{"loc":"http://a.example/2"}\n', r.out)
    assert.matches("404.*/none.xml", r.err)
    assert.equal(r.out, run({ "sitemap", web.url .. "/map.txt" }).out)
    assert.equal(1, run({ "sitemap", "http://127.0.0.1:1/" }).code)
    assert.matches("usage: luafetch sitemap", run({ "sitemap" }).err, 1, true)
  end)

  it("table_to_csv writes the largest table, or the one that is asked for", function()
    write(dir .. "/tables.html", [[<table id="small"><tr><td>x</table>
      <table><thead><tr><th>Name<th>Price</thead><tr><td>A <b>"B"</b><td>=1+1
      <tr><td><table><tr><td>in</table><td>-5</table>]])
    local r = run { "table_to_csv", web.url .. "/tables.html" }
    assert.equal("", r.err)
    assert.equal('Name,Price\r\n"A ""B""",\'=1+1\r\nin,-5\r\n', r.out)
    assert.equal("x\r\n", run({ "table_to_csv", web.url .. "/tables.html", "#small" }).out)
    r = run { "table_to_csv", web.url .. "/tables.html", "td" }
    assert.matches("no table at td in ", r.err, 1, true)
    r = run { "table_to_csv", web.url .. "/links.html" }
    assert.equal(1, r.code)
    assert.matches("no table", r.err)
    assert.matches("usage: luafetch table_to_csv", run({ "table_to_csv" }).err, 1, true)
  end)

  it("first_mirror keeps the first good answer", function()
    local r = run { "first_mirror", "http://127.0.0.1:1/", web.url .. "/none", web.url .. "/list2.json" }
    assert.equal('[{"id": 2}]', r.out)
    assert.matches("^from " .. web.url .. "/list2.json in %d+ ms\n$", r.err)
  end)

  it("first_mirror says when there is none", function()
    local r = run { "first_mirror", "http://127.0.0.1:1/" }
    assert.equal(1, r.code)
    assert.matches("no mirror answered", r.err)
  end)

  it("rate_limited_api gets every answer of an API that refuses what is too fast", function()
    local r = run { "rate_limited_api", fault.url .. "/quota/20?after=1&n=%d", "1", "60" }
    assert.equal(0, r.code)
    assert.equal(60, select(2, r.err:gsub("ok%s", "")) + select(2, r.err:gsub("invalid JSON", "")))
    assert.matches("60 answers, %d+ attempts repeated, 60 lost", r.err)
    r = run { "rate_limited_api", web.url .. "/items%d.json", "1", "2" }
    assert.same({ items = { { id = 1 }, { id = 2 } }, next = "items2.json" }, json.decode(run.lines(r.out)[1]))
    assert.equal(2, #run.lines(r.out))
    assert.equal("2 answers, 0 attempts repeated, 0 lost\n", r.err)
    assert.matches("usage: luafetch rate_limited_api", run({ "rate_limited_api" }).err, 1, true)
  end)

  it("workers emits a record for each page that is linked", function()
    local r = run { "workers", web.url .. "/links.html", "2" }
    assert.equal(0, r.code)
    local seen = {}
    for _, line in ipairs(run.lines(r.out)) do
      local record = json.decode(line)
      seen[record.url:sub(#web.url + 1)] = record.error and "error" or record.bytes
    end
    assert.same({ ["/page/1/"] = #quote_page(1), ["/page/2/"] = #quote_page(2), ["/gone.html"] = "error" }, seen)
    assert.equal(1, run({ "workers", "http://127.0.0.1:1/" }).code)
    assert.matches("usage: luafetch workers", run({ "workers" }).err, 1, true)
  end)

  -- Lists of books, each with some, and the next one.
  local function write_shop(shop)
    assert(os.execute("mkdir -p " .. shop .. "/book"))
    for n = 1, 3 do
      local links = { n < 3 and ('<a href="list%d.html">next</a>'):format(n + 1) or "" }
      for i = 1, 4 do
        links[#links + 1] = ('<a href="book/%d.html">a book</a>'):format(10 * n + i)
        write(("%s/book/%d.html"):format(shop, 10 * n + i), ([[<article class="product_page">
          <div class="product_main"><h1>Book %d</h1><p class="price_color">£5%d.50</p>
          <p class="instock availability"><i></i> In stock (%d available)</p><p class="star-rating Three"></p></div>
          <table><tr><th>UPC</th><td>u%d</td></tr></table></article><a href="../list1.html">home</a>]])
          :format(i, n, i, n))
      end
      write(("%s/list%d.html"):format(shop, n), table.concat(links))
    end
  end

  it("crawl_books finds every book, and goes on with a job", function()
    write_shop(dir .. "/shop")
    local start, job = web.url .. "/shop/list1.html", dir .. "/books.db"
    local r = run { "crawl_books", start, job }
    assert.equal("15 pages, 12 books, 0 failed\n", r.err)
    local lines, seen = run.lines(r.out), {}
    assert.equal(12, #lines)
    for _, line in ipairs(lines) do
      local book = json.decode(line)
      seen[book.url:sub(#web.url + 1)] = book
    end
    assert.same({ title = "Book 2", price = 52.5, in_stock = 2, rating = 3, upc = "u2",
      url = web.url .. "/shop/book/22.html" }, seen["/shop/book/22.html"])
    r = run { "crawl_books", start, job }
    assert.equal("0 pages, 0 books, 0 failed\n", r.err)
    assert.equal("", r.out)
  end)

  it("linkcheck lists the broken links of a site, and where they are", function()
    local shop = dir .. "/checked"
    write_shop(shop)
    write(shop .. "/list2.html", '<a href="/none">x</a><a href="http://127.0.0.1:1/">y</a><a href="book/21.html">b</a>')
    local r = run { "linkcheck", web.url .. "/checked/list1.html" }
    assert.equal(0, r.code, r.err)
    local on = "     on " .. web.url .. "/checked/list2.html\n"
    assert.matches("404  " .. web.url .. "/none\n" .. on, r.out, 1, true)
    assert.matches("robots  robots.txt cannot be had, so nothing may be fetched: cannot connect", r.out, 1, true)
    assert.matches("\n9 links, 2 broken\n$", r.out)
    assert.matches("usage: luafetch linkcheck", run({ "linkcheck" }).err, 1, true)
  end)

  it("mirror writes a part of a site to disk, and goes on with it", function()
    local shop, folder = dir .. "/mirrored", dir .. "/it's a copy"
    write_shop(shop)
    write(shop .. "/list2.html", [[<a href="/gather">out</a><img src="x.png"><link href="s.css"><a href=".">me</a>
      <a href="list3.html?q=a/b">3</a>]])
    write(shop .. "/x.png", "a picture")
    write(shop .. "/s.css", "a style")
    write(shop .. "/index.html", "the start")
    local r = run { "mirror", web.url .. "/mirrored/list1.html", folder }
    assert.equal("", r.err)
    assert.matches("^%d+ files, 0 failed\n$", r.out)
    local function content(name)
      local file = assert(io.open(folder .. "/127.0.0.1/mirrored/" .. name, "rb"))
      return file:read "a"
    end
    assert.equal("a picture", content "x.png")
    assert.equal("a style", content "s.css")
    assert.equal("the start", content "index.html")
    assert.matches("book/31", content "list3.html@q=a%2Fb")
    assert.matches("Book 1", content "book/11.html")
    assert.is_nil(io.open(folder .. "/127.0.0.1/gather"))
    assert.equal("0 files, 0 failed\n", run({ "mirror", web.url .. "/mirrored/list1.html", folder }).out)
    assert.matches("usage: luafetch mirror", run({ "mirror", web.url }).err, 1, true)
  end)

  it("tour shows each thing once", function()
    local r = run { "tour", web.url .. "/" }
    assert.equal("", r.err)
    assert.equal(0, r.code)
    assert.equal(11, select(2, r.out:gsub("\n== ", "")))
    assert.matches("hello\tworld\tin 0.2 s, not 0.4", r.out, 1, true)
    assert.matches("first\tsecond\tcannot connect to 127.0.0.1 port 1", r.out, 1, true)
    local text = r.out:match("/page/1/\t%d+ bytes\n(.-)\nhttp")
    assert.equal(1000, utf8.len(text))
    assert.equal(quote_page(1):sub(1, 900), text:sub(1, 900))
    assert.matches("3 of 3, never more than two at once", r.out, 1, true)
    assert.matches("page=2&q=caff%C3%A8+%26+tea", r.out, 1, true)
    for _, kind in ipairs { "dns", "connect", "url", "timeout" } do assert.matches("\n" .. kind .. "\t", r.out) end
    local took = tonumber(r.out:match "at 20 a second take ([%d.]+) s")
    assert.is_true(took >= 0.1)
  end)
end)
