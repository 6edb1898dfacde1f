-- download.lua: URLs to files, five at a time; run it again to go on where it broke off
--
--   luafetch download FOLDER https://a.example/one.iso https://b.example/two.zip …
--
-- A file appears under its name only when it is whole. Until then what came is in NAME.part.
local lf = require "luafetch"
if not arg[2] then error("usage: luafetch download FOLDER URL…", 0) end
local folder = arg[1]

-- The last word of the URL's path, without what would lead out of the folder.
local taken = {}
local function file_name(url)
  local parts = assert(lf.url.parse(url))
  local name = lf.url.decode(parts.path:match "[^/]*$"):gsub("[/%c]", "_")
  if name:match "^%.*$" then name = "index" end
  taken[name] = (taken[name] or 0) + 1
  return taken[name] == 1 and name or name .. "." .. taken[name]
end

-- Names first: the same URLs in the same order give the same files next time.
local jobs = {}
for i = 2, #arg do jobs[i - 1] = { url = arg[i], save = folder .. "/" .. file_name(arg[i]), resume = true } end

-- A download has no limit of total time; one that stalls for 20 s has failed.
local failed = 0
for res in lf.as_completed(jobs, { limit = 5 }) do
  if res.ok then
    print(("%12d  %s"):format(res.size, res.path))
  else
    failed = failed + 1
    lf.log.warn(res.error)
  end
end
print(("%d of %d files"):format(#jobs - failed, #jobs))
