-- Passwords, tokens and cookies show in nothing that luafetch says: errors and their fields, the log with
-- --verbose, the progress line, the summary, tracebacks, refusals of what is wrong.
local command = require "tests.support.command"
local servers = require "tests.support.servers"

local SECRET = "S3CR3T"
-- As it stands in headers, too: "u:S3CR3T" in base64, wherever it begins.
local SHAPES = { SECRET, "dTpTM0NSM1", "UzNDUjNU", "MzQ1IzVA" }

-- arg: the server, a port where nobody listens, a server that redirects to URLs with a secret in them.
-- Says all that it gets to know; counts the requests that really carried the secret.
local TALK = [==[
local lf = require "luafetch"
local home, closed, signpost = arg[1], arg[2], arg[3]
local port = home:match ":(%d+)"
local resolve = { ["home.test"] = "127.0.0.1", ["other.test"] = "127.0.0.1" }
local base = "http://home.test:" .. port

local function say(value, depth, seen)
  depth, seen = depth or 0, seen or {}
  print(tostring(value))
  if type(value) ~= "table" and type(value) ~= "userdata" or seen[value] or depth > 4 then return end
  seen[value] = true
  local ok = pcall(function()
    for k, v in pairs(value) do
      say(k, depth + 1, seen)
      say(v, depth + 1, seen)
    end
  end)
  return ok
end

-- All but what the server itself repeats.
local function say_answer(res)
  print(tostring(res), res.url, res.status, tostring(res.error))
  for _, hop in ipairs(res.history) do print(hop.url, hop.status) end
  say(res.timings)
end

local ways = {
  basic = { auth = { user = "u", pass = "S3CR3T" } },
  bearer = { auth = { bearer = "S3CR3T" } },
  digest = { auth = { user = "u", pass = "S3CR3T", scheme = "digest" } },
  header = { headers = { Authorization = "Token S3CR3T" } },
  key = { headers = { ["X-Api-Key"] = "S3CR3T" } },
  cookie_header = { headers = { Cookie = "a=S3CR3T" } },
  cookies = { cookies = { a = "S3CR3T" } },
  url = { at = ("http://u:S3CR3T@home.test:%s"):format(port) },
  proxy = { proxy = ("http://u:S3CR3T@127.0.0.1:%s"):format(port) },
  dead_proxy = { proxy = ("http://u:S3CR3T@127.0.0.1:%s"):format(closed) },
  socks = { proxy = ("socks5h://u:S3CR3T@127.0.0.1:%s"):format(closed) },
  form = { method = "POST", form = { password = "S3CR3T" } },
}
local paths = { "/echo", "/status/404", "/status/503", "/short", "/reset", "/empty", "/garbage", "/hang", "/hang-body",
  "/redirect-loop", "/redirect/2", "/endless", "/gzip-crc", "/redirect-file",
  "/redirect-to?url=" .. lf.url.encode(("http://other.test:%s/short"):format(port)) }

local list = {}
for name, way in pairs(ways) do
  for _, path in ipairs(paths) do list[#list + 1] = { name, way, (way.at or base) .. path } end
  list[#list + 1] = { name, way, ((way.at or base):gsub(":" .. port, ":" .. closed)) .. "/refused" }
  list[#list + 1] = { name, way, ((way.at or base):gsub("^http:", "https:")) .. "/no-tls" }
  list[#list + 1] = { name, way, ((way.at or base):gsub("home%.test", "no-such.invalid")) .. "/no-name" }
end

for _, path in ipairs { "/loop", "/ftp", "/bad", "/away" } do
  list[#list + 1] = { "redirect", {}, "http://" .. signpost .. path }
end

local carried = 0
lf.each(list, function(row)
  local name, way, url = table.unpack(row)
  local opts = { resolve = resolve, timeout = 0.3, retry = { times = 1, backoff = 0.001 }, max_body = 100000,
    cookies = way.cookies }
  for key, value in pairs(way) do if key ~= "at" then opts[key] = value end end
  local session <close> = lf.session()
  local res, err = session:fetch(url, opts)
  if res then
    if res.body and (res.body:find "S3CR3T" or res.body:find "dTpTM0NSM1Q=") then carried = carried + 1 end
    say_answer(res)
    if res.error then say(res.error) end
  else
    say(err)
  end
  lf.log.info(name, res and res.error or err or res)
  lf.log.warn(res and res.error or err)
  say(tostring(session))
  say(session:stats())
  say(select(2, pcall(error, err)))
end, { limit = 50 })
print("carried", carried)
]==]

-- What is refused before anything is sent: each an expression.
local REFUSED = {
  [[fetch("http://u:S3CR3T@[bad/")]],
  [[fetch("http://u:S3CR3T@a.test:99999/")]],
  [[fetch("http://u:S3CR3T@a b.test/")]],
  [[fetch("ftp://u:S3CR3T@a.test/")]],
  [[fetch("http://u:S3CR3T@a.test/\n")]],
  [[fetch("http://a.test/", { proxy = "http://u:S3CR3T@[bad" })]],
  [[fetch("http://a.test/", { proxy = "gopher://u:S3CR3T@a.test" })]],
  [[fetch("http://a.test/", { auth = { user = "u", pass = "S3CR3T\n" } })]],
  [[fetch("http://a.test/", { auth = { bearer = "S3CR3T\r\nX: y" } })]],
  [[fetch("http://a.test/", { auth = { user = "u", pass = "S3CR3T", scheme = "ntlm" } })]],
  [[fetch("http://a.test/", { auth = "u:S3CR3T" })]],
  [[fetch("http://a.test/", { auth = { user = "u", password = "S3CR3T" } })]],
  [[fetch("http://a.test/", { headers = { Authorization = "S3CR3T\0" } })]],
  [[fetch("http://a.test/", { headers = { ["Bad Name"] = "S3CR3T" } })]],
  [[fetch("http://a.test/", { cookies = { a = "S3CR3T;\n" } })]],
  [[fetch("http://u:S3CR3T@a.test/", { no_such_option = true })]],
  [[lf.session { base_url = "http://u:S3CR3T@[bad/" }]],
  [[lf.session { base_url = "http://u:S3CR3T@a.test/" }:get(7)]],
  [[lf.session { base_url = "http://u:S3CR3T@a.test/" }:get("http://[")]],
  [[lf.websocket("ws://u:S3CR3T@127.0.0.1:1/")]],
  [[lf.websocket("ws://u:S3CR3T@[bad/")]],
  [[lf.job.open("redis://u:S3CR3T@127.0.0.1:1/x")]],
  [[lf.job.open("redis://u:S3CR3T@127.0.0.1:x/x")]],
  [[lf.job.open("redis://u:S3CR3T@127.0.0.1/x?no=1")]],
  [[lf.crawl { start = "http://u:S3CR3T@127.0.0.1:1/", page = print, robots = false, retry = 0 }]],
  [[lf.crawl { start = "http://u:S3CR3T@[bad/", page = print }]],
  [[lf.sitemap.urls("http://u:S3CR3T@127.0.0.1:1/sitemap.xml")()]],
  [[gather { "http://u:S3CR3T@[bad/", "http://u:S3CR3T@127.0.0.1:1/" }[1]:raise()]],
}

-- Of the command itself.
local LINES = {
  { "--proxy", "http://u:S3CR3T@[bad", "-e", "" },
  { "--proxy", "gopher://u:S3CR3T@a.test", "-e", "" },
  { "--header", "Authorization S3CR3T", "-e", "" },
  { "--header", "Authorization: S3CR3T\n", "-e", "" },
  { "-v", "--proxy", "http://u:S3CR3T@127.0.0.1:1", "-e", "print(fetch('http://a.test/'))" },
  { "-v", "--header", "Authorization: Bearer S3CR3T", "-e", "print(fetch('http://127.0.0.1:1/'))" },
  { "job", "redis://u:S3CR3T@127.0.0.1:1/x", "status" },
  { "job", "redis://u:S3CR3T@127.0.0.1:x/x", "status" },
  { "job", "copy", "redis://u:S3CR3T@127.0.0.1:1/x", "/no/such.db" },
}

describe("a secret", function()
  local function assert_kept(text, what)
    for _, shape in ipairs(SHAPES) do
      local at = text:find(shape, 1, true)
      assert.is_nil(at, at and ("%s shows it: %s"):format(what, text:sub(math.max(1, at - 150), at + 60)))
    end
  end

  for _, opts in ipairs {
    { "--verbose", "--stats", "--progress" },
    { "--verbose", "--stats=json", "--no-progress" },
  } do
    it("shows in nothing that is said of requests, with " .. table.concat(opts, " "), function()
      local home = servers.fault()
      local signpost = servers.nginx { conf_extra = [[
        location /loop { return 302 http://v:S3CR3T@127.0.0.1:@PORT@/loop; }
        location /ftp { return 302 ftp://v:S3CR3T@127.0.0.1/; }
        location /bad { return 302 http://v:S3CR3T@[bad/; }
        location /away { return 302 http://v:S3CR3T@127.0.0.1:1/; }
      ]] }
      local script <close> = command.file(TALK, ".lua")
      local words = table.move(opts, 1, #opts, 1, {})
      table.move({ script.name, home.url, "1", "127.0.0.1:" .. signpost.port }, 1, 4, #words + 1, words)
      local r = command(words)
      home.stop()
      signpost.stop()
      assert.equal(0, r.code, r.err)
      assert_kept(r.out, "what the script gets")
      assert_kept(r.err, "stderr")
      assert.is_true(tonumber(r.out:match "carried\t(%d+)") >= 7, r.out:match "carried\t%d+")
      assert.is_true(#r.err > 2000)
    end)
  end

  it("shows in no refusal of what is wrong", function()
    for _, code in ipairs(REFUSED) do
      local text = "lf = require 'luafetch' lf.log.warn(select(2, " .. code .. "))"
      local script <close> = command.file(text, ".lua")
      local r = command { "-v", script.name }
      assert_kept(r.out .. r.err, code)
      assert.is_true(#r.err > 10, code .. " is not refused")
      assert.is_nil(r.err:find("syntax error", 1, true), code)
    end
  end)

  it("shows in nothing that the command says of its words", function()
    for _, words in ipairs(LINES) do
      local r = command(words)
      assert_kept(r.out .. r.err, table.concat(words, " "))
      assert.is_true(#r.out + #r.err > 10)
    end
  end)
end)
