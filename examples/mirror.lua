-- mirror.lua: a site to disk, with its pictures, styles and scripts; run it again to go on
--
--   luafetch mirror https://example.com/docs/ FOLDER
--
-- What is below the start is kept as FOLDER/host/path, as it came: links are not rewritten.
local lf = require "luafetch"
if not arg[2] then error("usage: luafetch mirror URL FOLDER", 0) end
local start, folder = arg[1], arg[2]

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

-- A path of a URL has no "..", and its odd bytes are escaped: it can be one of a file.
local function file_of(url)
  local parts = assert(lf.url.parse(url))
  local path = parts.path
  if path:match "[^/]*$" :find(".", 1, true) == nil then path = path:gsub("/?$", "/index.html") end
  if parts.query then path = path .. "@" .. parts.query:gsub("/", "%%2F") end
  return ("%s/%s%s"):format(folder, parts.host, path)
end

local made = {}
local function write(name, body)
  local dir = name:match "^(.*)/"
  if not made[dir] then os.execute("mkdir -p -- " .. quote(dir)) end
  made[dir] = true
  local file = assert(io.open(name, "wb"))
  assert(file:write(body))
  assert(file:close())
end

local below = assert(lf.url.canonical(start)):match "^[^?#]*/"
os.execute("mkdir -p -- " .. quote(folder))

local result = assert(lf.crawl {
  start = start,
  allow = function(url) return url:sub(1, #below) == below end,
  types = false,
  job = folder .. "/mirror.db",
  page = function(page)
    write(file_of(page.url), page.body)
    if (page.headers["content-type"] or ""):find("html", 1, true) then
      page:follow(page:html():css "a[href], area[href], link[href], img[src], script[src], source[src]")
    end
  end,
})
print(("%d files, %d failed"):format(result.pages, result.failed))
