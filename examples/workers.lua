-- workers.lua: one task finds work, several do it, one writes: a pipeline over two queues
--
--   luafetch workers https://example.com/ 4
--
-- Fetches the page and all pages it links to, with so many workers (4), and emits the title
-- and size of each as a JSON line, in the order they are done.
local lf = require "luafetch"
local start, workers = arg[1], tonumber(arg[2] or 4)
if not start or not workers then error("usage: luafetch workers URL [WORKERS]", 0) end

local work = lf.queue(10)    -- the finder waits while ten are waiting
local results = lf.queue(10) -- and the workers wait for the writer

local function find()
  local seen = {}
  local page = assert(fetch(start)):raise()
  for _, url in ipairs(page:html():links()) do
    url = url:gsub("#.*", "")
    if not seen[url] then work:put(url) end
    seen[url] = true
  end
  work:close() -- no more: the workers' loops end when it is empty
end

local function labour()
  for url in work:iter() do
    local res, err = fetch(url)
    if res and res.ok then
      results:put { url = url, title = res:html():title(), bytes = #res.body }
    else
      results:put { url = url, error = tostring(err or res.error) }
    end
  end
end

-- The scope ends when all in it have ended. A bug in one of them stops the others.
lf.scope(function(s)
  s:spawn(find)
  s:spawn(function()
    lf.scope(function(crew)
      for _ = 1, workers do crew:spawn(labour) end
    end)
    results:close()
  end)
  for record in results:iter() do lf.emit(record) end
end)
