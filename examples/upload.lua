-- upload.lua: send files in one form, as a browser would, with a field beside them
--
--   luafetch upload https://httpbin.org/post "holiday photos" beach.jpg town.jpg
--
-- The files are read from disk while they are sent, however large they are.
local url, title = arg[1], arg[2]
if not arg[3] then error("usage: luafetch upload URL TITLE FILE…", 0) end

local form = { { name = "title", value = title } }
for i = 3, #arg do
  form[#form + 1] = { name = "file", file = arg[i] } -- its name and content type go with it
end

-- Without a limit for the whole: a large file takes its time. A stall still ends it.
local res = assert(fetch.post(url, { multipart = form, timeout = { total = false } })):raise()
print(("%d %s in %.1f s"):format(#form - 1, #form == 2 and "file" or "files", res.timings.total))
