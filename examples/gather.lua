-- gather.lua: fetch many URLs at once; status, size and time of each, failures last
--
--   luafetch gather https://example.com https://example.org
--   luafetch gather < urls.txt              one URL a line

local urls = table.move(arg, 1, #arg, 1, {})
if #urls == 0 then
  for line in io.lines() do
    local url = line:match "^%s*(%S+)"
    if url then urls[#urls + 1] = url end
  end
end

-- Results are in the order of the URLs. What failed is an Error in its place, and never
-- stops the others.
local results, failed = gather(urls)

for i, res in ipairs(results) do
  if res.ok then
    print(("%3d %9d bytes %6.0f ms  %s"):format(res.status, #res.body, res.timings.total * 1000, urls[i]))
  end
end
for _, res in ipairs(results) do
  if not res.ok then print("failed: " .. tostring(res.error)) end
end
print(("%d of %d fetched"):format(#urls - failed, #urls))
