-- first_mirror.lua: ask all mirrors, keep the first good answer, stop the others
--
--   luafetch first_mirror https://a.example/file https://b.example/file …
--
-- The file goes to standard output; which mirror it was, to standard error.
local lf = require "luafetch"
if #arg == 0 then error("usage: luafetch first_mirror URL…", 0) end

-- The losers are cancelled on the wire the moment one answer is accepted. `i` is the place
-- of the winner in the list, or the Error when there was none.
local res, i = lf.first(arg, function(r) return r.ok end)
if not res then error(("no mirror answered: %s"):format(i), 0) end

io.stderr:write(("from %s in %.0f ms\n"):format(arg[i], res.timings.total * 1000))
io.write(res.body)
