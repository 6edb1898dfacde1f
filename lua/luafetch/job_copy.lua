-- `luafetch job copy A B`: everything that is known of one job into an empty one, whatever the engines
-- are. It is refused while somebody works on the first: half of what he does would be lost.
local BATCH = 500

local function stop(why)
  error(why, 0)
end

local function ask(value, err)
  if value == nil then error(err, 0) end
  return value
end

-- Rows in batches, so that a million need no more memory than a thousand.
local function in_batches(iterator, fn)
  local list = {}
  for row, url in iterator do
    list[#list + 1] = type(row) == "string" and { item = row, url = url } or row
    if #list == BATCH then
      fn(list)
      list = {}
    end
  end
  if #list > 0 then fn(list) end
end

local function at_work(n)
  stop(("%d pages of the first job are at work: end its workers; what killed ones had comes back within "
    .. "the time of a lease"):format(n))
end

local function copy_pages(from, to)
  local n, active = 0, 0
  in_batches(from:pages(), function(list)
    for _, page in ipairs(list) do
      if page.status == "active" then active = active + 1 end
    end
    n = n + ask(to:import { pages = list })
  end)
  if active > 0 then at_work(active) end
  return n
end

local function copy_paces(from, to)
  for row in from:hosts() do
    local host = ask(from:host(row.host))
    ask(to:host(row.host, { rate = host.rate, per_host = host.per_host, park = host.wait }))
  end
end

-- How far each file of -o is: it goes on there, and so does the copy with it.
local function copy_outputs(from, to)
  for output in from:outputs() do
    ask(to:output(output.name))
    if output.state ~= nil then ask(to:output(output.name, { state = output.state })) end
  end
end

local function same(a, b)
  for name, n in pairs(a) do
    if b[name] ~= n then return false end
  end
  return true
end

local function copy(from, to)
  local before = ask(from:counts())
  ask(to:import {})
  local pages = copy_pages(from, to)
  in_batches(from:items { raw = true }, function(list) ask(to:import { items = list }) end)
  copy_paces(from, to)
  copy_outputs(from, to)
  if not same(before, ask(from:counts())) then stop "somebody worked on the first job meanwhile: copy it again" end
  ask(to:import { done = before.done })
  return { pages = pages, items = before.items }
end

---@return {pages: integer, items: integer}
return function(from, to)
  local counts = ask(to:counts())
  if counts.hosts + counts.items > 0 then stop(("%s is not empty"):format(to)) end
  local ok, result = pcall(copy, from, to)
  if not ok then
    to:reset()
    error(result, 0)
  end
  return result
end
