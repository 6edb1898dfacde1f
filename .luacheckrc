std = "lua54"
max_line_length = 120
globals = { "fetch", "gather" }
files["tests/spec"] = { std = "+busted" }
-- The script that Redis runs.
files["src/modules/job/redis.lua"] = { std = "lua51", read_globals = { "KEYS", "ARGV", "redis", "struct", "cmsgpack" } }
-- Declarations for editors: nothing in them runs.
files["lua/luafetch/types"] = { ignore = { "211", "212", "241" }, max_line_length = false }
exclude_files = { "build" }
