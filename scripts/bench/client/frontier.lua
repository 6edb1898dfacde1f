-- frontier.lua JOB KNOWN PAGES: a job with KNOWN URLs that take turns on 100 hosts;
-- then PAGES pages, each one claim, done, 20 links of which one is new, and one item.
-- Prints how long they took and how large the file became.
local lf = require "luafetch"

local name, known, pages = arg[1], tonumber(arg[2]), tonumber(arg[3])
local HOSTS, TASKS, BATCH = 100, 128, 64

local function url(n)
  return ("https://host%d.example/section/%d/page-%d.html"):format(n % HOSTS, n % 1000, n)
end

local job = assert(lf.job.open(name, { per_host = false }))
local texts = 0
for from = 1, known, 10000 do
  local list = {}
  for n = from, math.min(from + 9999, known) do
    list[#list + 1] = url(n)
    texts = texts + #list[#list]
  end
  assert(job:add(list))
end

-- Links as they are met: most point to what is known, anywhere.
local last, seed = known, 12345
local function links()
  local list = {}
  for i = 1, 19 do
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    list[i] = url(seed % known + 1)
  end
  last = last + 1
  list[20] = url(last)
  return list
end

local item = { title = "A Light in the Attic", price = 51.77, stock = 22, rating = "Three" }
local ready, new = lf.queue(2 * BATCH), 0

-- One task claims ahead of those that work.
local function claim_all()
  local left = pages
  while left > 0 do
    local list = assert(job:claim(math.min(BATCH, left)))
    left = left - #list
    for _, page in ipairs(list) do ready:put(page) end
  end
  ready:close()
end

local function work()
  for page in ready:iter() do
    local n = assert(job:complete { page = page, links = links(), items = { item } })
    new = new + n
  end
end

local cpu, wall = os.clock(), lf.now()
lf.scope(function(s)
  s:spawn(claim_all)
  for _ = 1, TASKS do s:spawn(work) end
end)
cpu, wall = os.clock() - cpu, lf.now() - wall

local counts = assert(job:counts())
assert(new == pages and counts.done == pages and counts.items == pages)
job:close()
local file = io.open(name) -- not of a job in Redis
local size = file and file:seek "end"
print(lf.json.encode {
  ok = pages, seconds = wall, cpu_s = cpu, urls = known + pages, texts = texts, file = size,
})
