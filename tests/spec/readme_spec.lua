-- README.md: its snippets run, on the scripted network or against a server, and print what they
-- say; what it shows of the command is what the command says.
local run = require "tests.support.command"
local servers = require "tests.support.servers"

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local readme = read "README.md"

-- Runs on the standard input of a command, in a folder of its own.
local RUNNER = [==[
local readme, echo = ...
local lf = require "luafetch"
local test = require "luafetch.test"
local html = { ["Content-Type"] = "text/html" }
local page = { headers = html, body = [[<title>T</title><link rel=canonical href=c>
  <table><tr><th>A<tr><td>1</table><form action=s><input name=q></form>
  <script type=application/ld+json>{"@type": "Thing"}</script>]] }
local events = { headers = { ["Content-Type"] = "text/event-stream" }, body = "id: 7\ndata: one\n\n" }
local routes = {
  ["http://a.test/"] = page,
  ["http://a.test/s?q=lua"] = page,
  ["http://feed.test/"] = { body = "<rss><channel><item><title>New</title><link>/n</link>"
    .. "<pubDate>Thu, 01 Jan 1970 00:00:00 GMT</pubDate></item></channel></rss>" },
  ["http://events.test/"] = { events, { status = 204 } },
  ["http://a.test/users/1"] = { body = '{"name": "Ann", "photo": "http://a.test/photo"}' },
  ["http://a.test/photo"] = { body = "12345" },
  ["https://example.com/"] = page,
  ["https://example.com/robots.txt"] =
    { body = "User-agent: *\nDisallow: /private\nCrawl-delay: 2\nSitemap: https://example.com/sitemap.xml" },
  ["https://example.com/sitemap.xml"] =
    { body = "<urlset><url><loc>https://example.com/1</loc><lastmod>2024-01-01</lastmod></url></urlset>" },
  ["https://api.example.com/v1/me"] = { body = "{}" },
  ["https://shop.example/"] = page,
  ["https://shop.example/basket"] = { headers = { ["Set-Cookie"] = "basket=3; Max-Age=60" } },
}
for n = 1, 10 do
  routes[("https://quotes.toscrape.com/page/%d/"):format(n)] =
    { headers = html, body = "<div class=quote><span class=text>Q" .. n .. "</span></div>" }
end

local function url_for(block)
  local kind = block:match ":(events)" or block:match ":(feed)%("
  return ("http://%s.test/"):format(kind or "a")
end

for at, block in readme:gmatch "()```lua\n(.-)```" do
  local where = "README.md:" .. select(2, readme:sub(1, at):gsub("\n", "")) + 1
  local env = setmetatable({
    lf = lf, url = url_for(block), base = "http://a.test", ids = { 1 }, token = "t", arg = {},
  }, { __index = _G })
  block = block:gsub('"wss://[^"]*"', ("%q"):format(echo))
  local snippet = assert(load(block, "=" .. where, "t", env))
  print(where)
  if block:find("lf.websocket", 1, true) or block:find("luafetch.test", 1, true) then
    snippet()
  else
    test.run(routes, function() snippet() end)
  end
end
]==]

describe("README", function()
  it("shows snippets that run", function()
    local echo = servers.websocket()
    local dir = os.tmpname()
    os.remove(dir)
    local r = run({ "-", readme, echo.url .. "/echo" }, {
      stdin = RUNNER,
      shell = ("mkdir %s && cd %s && echo http://a.test/ >urls.txt && @; code=$?; rm -r %s; exit $code"):format(
        dir, dir, dir),
    })
    echo:stop()
    assert.equal("", r.err)
    assert.equal(0, r.code)
    assert.equal(select(2, readme:gsub("```lua\n", "")), select(2, r.out:gsub("README.md:%d+\n", "")))
    for _, said in ipairs {
      '"text":"Q1"', '"bytes":5', "\nT\thttp://a.test/\thttp://a.test/c\tnil\nThing\n200\n", '{"A":"1"}',
      "\nNew\thttp://feed.test/n\t1970-01-01T00:00:00Z\nAnn\nAnn\n",
      "\nTea, green\t2.50\tname\n2\t1\nname,tags\r\n", "forbidden by line 2: Disallow: /private\n2.0\t",
      "\nhttps://example.com/1\t2024-01-01\n", "\na b\tstrasse-ol\ta long …\ncafé\té€\t&lt;b&gt;\n1709200800\t",
      "\nhttps://a.example/x?q=tea\n", "\n7\tone\n", "\ntext\t5\n", "\nfine\n1\t3600.0\n",
    } do
      assert.matches(said, r.out, 1, true)
    end
  end)

  it("shows the options and examples that there are", function()
    assert.matches(run { "--help" }.out, readme, 1, true)
    assert.equal(readme:match "%$ luafetch %-%-list\n(.-)```", run { "--list" }.out)
  end)
end)
