std = "lua54"
max_line_length = 120
globals = { "fetch", "gather" }
files["tests/spec"] = { std = "+busted" }
-- Declarations for editors: nothing in them runs.
files["lua/luafetch/types"] = { ignore = { "211", "212", "241" }, max_line_length = false }
exclude_files = { "build" }
