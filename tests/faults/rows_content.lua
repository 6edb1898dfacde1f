-- Rows 30 to 37: what documents say, redirects, credentials, cookies, injection.
return {
  { 30, "wrong, unknown or broken character sets", run = function(c)
    local got = c:ask([=[
      local function text(header, body)
        local q = header and "h=" .. lf.url.encode("Content-Type: " .. header) .. "&" or ""
        local res = assert(fetch(arg[1] .. "/respond?" .. q .. "body=" .. lf.url.encode(body)))
        assert(res.body == body)
        local decoded, err = res:text()
        return decoded or tostring(err)
      end
      local meta = "<meta charset=koi8-r>"
      print(lf.json.encode {
        text("text/plain; charset=iso-8859-1", "caf\xE9"),            -- the header, as windows-1252
        text("text/html", meta .. "\xD1"),                            -- the document
        text("text/html; charset=utf-8", meta .. "\u{e9}"),           -- the header before the document
        text("text/plain; charset=koi8-r", "\u{FEFF}caf\u{e9}"),      -- the mark before the header
        text("text/plain; charset=utf-16le", "a\0\xE9\0"),
        text("text/plain; charset=utf-8", "a\xFFb\xC3"),
        text("text/plain; charset=no-such-thing", "caf\u{e9}"),
        text(nil, "plain"),
      })
    ]=], { c.servers.web.url })
    c:must(tostring(got[7]):find("the charset 'no-such-thing' is not known", 1, true), tostring(got[7]))
    got[7] = nil
    local want = { "caf\u{e9}", "<meta charset=koi8-r>\u{44f}", "<meta charset=koi8-r>\u{e9}", "caf\u{e9}", "a\u{e9}",
      "a\u{fffd}b\u{fffd}", nil, "plain" }
    for i, text in pairs(want) do c:must(got[i] == text, ("text %d is %q"):format(i, tostring(got[i]))) end
    c:say "text as the WHATWG orders it; bad bytes become U+FFFD"
  end },
  { 31, "hostile HTML", run = function(c)
    local got = c:ask([=[
      local pages = {
        ("<div>"):rep(100000) .. "deep",
        "<p title='" .. ("x"):rep(10 << 20) .. "'>wide</p>",
        "<p>a\0b\0c</p>" .. ("\0"):rep(1000),
        ("<p><b><i>"):rep(30000),
        ("<table>"):rep(20000),
        ("<a "):rep(200000),
        ("<!--"):rep(100000),
        ("&#x41;&amp;&bogus;"):rep(50000),
      }
      local out = {}
      for i, page in ipairs(pages) do
        local began = lf.now()
        local doc, err = lf.html.parse(page, { url = "http://a.test/" })
        if doc then
          doc:css "p a, div > div"
          doc:first("*")
        end
        out[i] = { doc ~= nil or err.kind == "parse", lf.now() - began }
      end
      print(lf.json.encode(out))
    ]=])
    for i, page in ipairs(got) do
      c:must(page[1], "page " .. i)
      c:must(page[2] < 5, ("page %d took %.1f s"):format(i, page[2]))
    end
    c:must(#got == 8, "not all were parsed")
    c:say "parsed, or a parse Error, in bounded time"
  end },
  { 32, "hostile CSS, XPath, JSON, XML, robots, sitemaps", run = function(c)
    local got = c:ask([=[
      local doc = lf.html.parse(("<p class=x><a>"):rep(2000))
      local function lol()
        local t = { '<!DOCTYPE l [<!ENTITY a "lol">' }
        for i = 1, 20 do t[#t + 1] = ('<!ENTITY a%d "%s">'):format(i, ("&a" .. (i > 1 and i - 1 or "")
          .. ";"):rep(10)) end
        return table.concat(t) .. "]><l>&a20;</l>"
      end
      local things = {
        function() return pcall(doc.css, doc, ("div "):rep(20000) .. "p") end,
        function() return pcall(doc.css, doc, ("*:not("):rep(5000)) end,
        function() return pcall(doc.css, doc, ("p ~ "):rep(200) .. "p") end,
        function() return pcall(doc.xpath, doc, ("("):rep(100000)) end,
        function() return lf.json.decode(("["):rep(1000000)) end,
        function() return lf.json.decode('{"a":' .. ("[1,"):rep(100000)) end,
        function() return lf.xml.parse(lol()) end,
        function() return lf.xml.parse(("<a>"):rep(200000)) end,
        function() return lf.robots.parse(("Disallow: /" .. ("*a"):rep(500) .. "\n"):rep(200)):allowed("x",
          "http://a.test/" .. ("a"):rep(2000)) end,
        function() for _ in lf.sitemap.parse("<urlset>" .. ("<url><loc>"):rep(100000)) do end end,
        function() return lf.text.squeeze and lf.text.squeeze((" "):rep(4 << 20)) end,
      }
      local out = {}
      for i, thing in ipairs(things) do
        local began = lf.now()
        pcall(thing)
        out[i] = lf.now() - began
      end
      print(lf.json.encode(out))
    ]=])
    c:must(#got == 11, "not all came to an end")
    for i, took in ipairs(got) do c:must(took < 3, ("thing %d took %.1f s"):format(i, took)) end
    c:say "an Error, or an answer in bounded time"
  end },
  { 33, "redirects without end", cases = {
    { "/redirect-loop", kind = "redirect", says = "/redirect-loop", retryable = false },
    { "/redirect/100", kind = "redirect", says = "10 redirects", retryable = false },
  } },
  { 34, "redirects to where nobody should go", cases = {
    { "/redirect-file", kind = "redirect", says = "file:", retryable = false },
    { "/redirect-ftp", kind = "redirect", says = "ftp:" },
    { "/redirect-gopher", kind = "redirect", says = "gopher:" },
    { "/redirect-javascript", kind = "redirect", says = "javascript:" },
    { "/redirect-data", kind = "redirect", says = "data:" },
    { "/redirect-bad", kind = "redirect" },
    { "/redirect-two", kind = "protocol", says = "Location" },
    { "/redirect-nowhere", ok = true, status = 302 },
    { "/redirect-empty", ok = true, status = 302 },
  } },
  { 35, "redirects to another origin", class = "leak", run = function(c)
    local got = c:ask([=[
      local home, other = arg[1], arg[2]
      local resolve = { ["home.test"] = "127.0.0.1", ["other.test"] = "127.0.0.1", ["sub.home.test"] = "127.0.0.1" }
      local function at(host, url, path) return "http://" .. host .. url:match ":%d+$" .. path end
      local ways = {
        { headers = { Authorization = "s3cret", Cookie = "a=s3cret", ["Proxy-Authorization"] = "s3cret",
          ["X-Key"] = "s3cret" } },
        { auth = { user = "u", pass = "s3cret" } }, { auth = { bearer = "s3cret" } }, { cookies = { a = "s3cret" } },
        { userinfo = "u:s3cret@" },
      }
      local leaks, sent, methods = {}, 0, {}
      local function secret(text) return text:find("s3cret", 1, true) or text:find("dTpzM2NyZXQ=", 1, true) end
      for _, way in ipairs(ways) do
        for _, to in ipairs { at("other.test", home, "/echo"), at("sub.home.test", home, "/echo"), at("home.test",
          other, "/echo") } do
          for _, status in ipairs { 301, 302, 303, 307, 308 } do
            local opts = { resolve = resolve, method = "POST", body = "x" }
            for name, value in pairs(way) do if name ~= "userinfo" then opts[name] = value end end
            local res = assert(fetch(at((way.userinfo or "") .. "home.test", home, "/redirect-to?status=" .. status
              .. "&url=" .. lf.url.encode(to)), opts))
            if secret(res.body) or secret(res.url) then leaks[#leaks + 1] = status .. " " .. to end
            methods[tostring(status)] = res.body:match "^(%a+)"
          end
        end
        local opts = { resolve = resolve }
        for name, value in pairs(way) do if name ~= "userinfo" then opts[name] = value end end
        if secret(assert(fetch(at((way.userinfo or "") .. "home.test", home, "/echo"),
          opts)).body) then sent = sent + 1 end
      end
      print(lf.json.encode { leaks = lf.json.array(leaks), sent = sent, methods = methods })
    ]=], { c.servers.web.url, c.servers.other.url })
    c:must(got.sent == 5, "the credentials were not sent at all: " .. tostring(got.sent))
    c:must(got.leaks and #got.leaks == 0, "a credential leaked: " .. tostring(got.leaks and got.leaks[1]))
    local m = got.methods or {}
    c:must(m["301"] == "GET" and m["302"] == "GET" and m["303"] == "GET" and m["307"] == "POST" and m["308"] == "POST",
      "methods after redirects")
    c:say "no credential reached another host or port; 75 redirects"
  end },
  { 36, "cookies that must not be kept or sent", class = "leak", run = function(c)
    local got = c:ask([=[
      local port = arg[1]:match ":%d+$"
      local resolve = {}
      for _, h in ipairs { "a.test", "b.test", "x.a.test", "a.co.uk", "b.co.uk" } do resolve[h] = "127.0.0.1" end
      local s <close> = lf.session { resolve = resolve }
      local function at(host, path) return "http://" .. host .. port .. path end
      local function set(host, cookie)
        assert(s:get(at(host, "/respond?h=" .. lf.url.encode("Set-Cookie: " .. cookie))))
      end
      set("a.test", "k=1; Domain=b.test")
      set("a.co.uk", "k=2; Domain=co.uk")
      set("a.test", "k=3; Secure")
      set("a.test", "__Host-k=4; Path=/; Secure")
      set("a.test", "__Secure-k=5; Secure")
      set("a.test", "host=6")
      set("a.test", "wide=7; Domain=a.test")
      local sent = {}
      for _, host in ipairs { "a.test", "b.test", "x.a.test", "a.co.uk", "b.co.uk" } do
        sent[host] = s:get(at(host, "/cookies")).body
      end
      print(lf.json.encode(sent))
    ]=], { c.servers.web.url })
    local function is(host, want)
      local have = (got[host] or "?"):gsub("%s+$", "")
      c:must(have == want, ("%s got %q"):format(host, have))
    end
    is("a.test", "host=6; wide=7")
    is("x.a.test", "wide=7")
    is("b.test", "")
    is("a.co.uk", "")
    is("b.co.uk", "")
    c:say "kept and sent by RFC 6265bis alone"
  end },
  { 37, "CR, LF or NUL from a script", run = function(c)
    local got = c:ask([=[
      local url = arg[1]
      local function seen() return fetch(url .. "/stats"):json().requests end
      local before, out = seen(), {}
      local bad = { "\r\n", "\n", "\r", "\0" }
      for _, b in ipairs(bad) do
        for _, request in ipairs {
          { headers = { A = "x" .. b .. "Evil: 1" } }, { headers = { ["A" .. b .. "Evil"] = "1" } },
            { method = "GET / HTTP/1.1" .. b },
          { cookies = { a = "x" .. b .. "Evil: 1" } }, { user_agent = "x" .. b .. "Evil: 1" }, { referer = "http://x/"
            .. b .. "Evil: 1" },
          { auth = { bearer = "x" .. b .. "Evil: 1" } },
        } do
          request.url = url .. "/echo"
          local ok, res, err = pcall(fetch, request)
          if ok and res then out[#out + 1] = "sent: " .. res.body end
          if ok and err and err.kind ~= "request" then out[#out + 1] = tostring(err) end
        end
        local res, err = fetch(url .. "/echo?" .. b .. "x")
        if res and res.body:find "Evil" then out[#out + 1] = res.body end
        if err and err.kind ~= "url" then out[#out + 1] = tostring(err) end
      end
      local _, err = fetch(url, { headers = { A = "x\r\nEvil: 1" } })
      print(lf.json.encode { out = lf.json.array(out), said = tostring(err) })
    ]=], { c.servers.web.url })
    c:must(got.out and #got.out == 0, tostring(got.out and got.out[1]))
    c:say(got.said)
  end },
}
