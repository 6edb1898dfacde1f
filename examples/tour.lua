-- tour.lua: what asyncio, aiohttp, HTTPX and Requests do, section by section
--
--   luafetch tour https://quotes.toscrape.com/
--
-- Each section is short and stands for itself: copy what you need.
local lf = require "luafetch"
local base = arg[1] or "https://quotes.toscrape.com/"

local function section(title) print("\n== " .. title) end

section "two tasks that sleep: asyncio.create_task, asyncio.sleep"
-- A task runs beside the others; join waits for what it returns.
local start = lf.now()
local function say_after(delay, what)
  lf.sleep(delay)
  return what
end
local hello, world = lf.spawn(say_after, 0.2, "hello"), lf.spawn(say_after, 0.2, "world")
print(hello:join(), world:join(), ("in %.1f s, not 0.4"):format(lf.now() - start))

section "gather: asyncio.gather"
-- Functions, tasks, URLs: results come in order, and a failure is a value in its place.
local results, failed = gather {
  function() return say_after(0.1, "first") end,
  function() return say_after(0.0, "second") end,
  "http://127.0.0.1:1/",
}
print(results[1], results[2], results[3], failed .. " failed")

section "a plain request: requests.get"
local res = assert(fetch(base)):raise() -- raise: a status from 400 is an error, too
print(res.status, res.headers["content-type"], #res.body .. " bytes")

section "many URLs, the first 1,000 characters of each: a client and gather"
-- Whole characters: a text is cut between two of them, never inside.
local pages = {}
for n = 1, 3 do pages[n] = lf.url.join(base, "page/" .. n .. "/") end
for i, page in ipairs((gather(pages))) do
  if page.ok then
    print(pages[i], #page.body .. " bytes")
    print(lf.text.cut(page:text(), 1000))
  else
    print(page.error)
  end
end

section "a session: aiohttp.ClientSession, httpx.AsyncClient, requests.Session"
-- Headers, cookies, limits and connections are kept; `<close>` ends it with its scope.
do
  local s <close> = lf.session { base_url = base, headers = { ["Accept-Language"] = "en" }, timeout = 10 }
  print(assert(s:get "page/1/").status, s:stats().requests .. " request")
end

section "a limit of connections and TLS settings: TCPConnector(limit=, ssl=)"
do
  local s <close> = lf.session { limit = 10, per_host = 2, tls = { min = "1.2", verify = true } }
  local _, lost = s:gather(pages)
  print(#pages - lost .. " of " .. #pages .. ", never more than two at once")
end

section "a worker pool: ThreadPoolExecutor.map"
-- No threads are needed: `map` has so many calls under way, and keeps their order.
local sizes = lf.map(pages, function(url) return #assert(fetch(url)).body end, { limit = 2 })
print(table.concat(sizes, ", ") .. " bytes")

section "URL parameters and joining: urlencode, urljoin, urlparse"
print(lf.url.encode_query { q = "caffè & tea", page = 2 })
print(lf.url.join("https://a.example/docs/intro.html", "../img/logo.png"))
print(lf.url.parse("https://a.example:8080/x?y=1").port)
print(fetch(base, { params = { page = 2, tag = { "a", "b" } } }).url)

section "errors, one by one: except aiohttp.ClientError"
for _, url in ipairs { base, "http://no-such-name.invalid/", "http://127.0.0.1:1/", "not a URL" } do
  local answer, err = fetch(url)
  print(answer and answer.status or err.kind, answer and "" or err)
end

section "time: asyncio.wait_for, aiohttp.ClientTimeout"
local _, late = lf.timeout(0.1, lf.sleep, 60)
print(late.kind, late)
print(fetch(base, { timeout = { total = 10, connect = 3, stall = 5 } }).status)

section "not too fast: asyncio.Semaphore, a rate, further attempts"
do
  local s <close> = lf.session { per_host = 2, rate = 20, retry = 2 }
  local began = lf.now()
  s:gather(pages)
  print(("three requests at 20 a second take %.2f s"):format(lf.now() - began))
end
