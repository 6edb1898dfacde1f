-- What a request costs, counted and not timed, so that it is the same on a busy machine: user
-- instructions, of those of the C loop, and system calls. A count is the difference between a long
-- run and a short one: start and end of the programs fall out.
local bench = require "scripts.bench.bench"
local origin = require "scripts.bench.origin"
local servers = require "tests.support.servers"

local M = {}

local SHORT, LONG, FLYING = 2000, 6000, 64
local AWAY = 0.05 -- what a figure may be away from the stored one

-- Instructions a request of those of the C loop (Debian 12: libcurl 7.88.1, Lua 5.4.4). Who makes
-- it better stores the new figure here, in the same commit.
local STORED = { tasks = 0.973, as_completed = 1.024, gather = 1.009 }

-- Calls that all tasks together make for one request, one after the other in flight. The rest, such
-- as brk of a growing heap, is not a request's.
local CALLS = { "sendto", "recvfrom", "poll", "epoll_wait", "epoll_ctl", "read", "write" }
local STORED_CALLS = "sendto 1, recvfrom 1, poll 2, epoll_wait 1, epoll_ctl 0, read 0, write 0"

-- Runs a command in front of which `tool` stands, which writes to the file that %s becomes; gives
-- that file's text.
local function observed(tool, words, n)
  local log = os.tmpname()
  local line = {}
  for word in tool:gmatch "%S+" do line[#line + 1] = (word:gsub("LOG", log)) end
  bench.check(bench.run(table.move(words, 1, #words, #line + 1, line)), n, n * #origin.BODY)
  local file = assert(io.open(log))
  local text = file:read "a"
  file:close()
  os.remove(log)
  return text
end

local function instructions(words, n)
  local text = observed("valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null --log-file=LOG",
    words, n)
  local count = text:match "I +refs: +([%d,]+)" or error("valgrind counted nothing: " .. text, 0)
  return tonumber((count:gsub(",", "")))
end

-- words_of(n): the command for n requests
local function each(words_of)
  return (instructions(words_of(LONG), LONG) - instructions(words_of(SHORT), SHORT)) / (LONG - SHORT)
end

local function check_instructions(url, headers)
  local base = each(function(n) return { bench.build .. "/bench/baseline", url, FLYING, n, table.unpack(headers) } end)
  for _, form in ipairs { "tasks", "as_completed", "gather" } do
    local ours = each(function(n) return bench.client_words(form, url, FLYING, n) end)
    local ratio, name = ours / base, "guard: instructions, " .. form
    bench.row(name, ratio, STORED[form] * (1 + AWAY), ("%.0f / %.0f a request"):format(ours, base))
    if ratio < STORED[form] * (1 - AWAY) then
      bench.fail(name, ("better than the stored %.3f by more than 5 %%: store it"):format(STORED[form]))
    end
  end
end

local function calls_of(url, n)
  local text, found = observed("strace -f -c -o LOG", bench.client_words("tasks", url, 1, n), n), {}
  for line in text:gmatch "[^\n]+" do
    local count = line:match "^%s*%S+%s+%S+%s+%S+%s+(%d+)"
    if count then found[line:match "(%S+)$"] = tonumber(count) end
  end
  return found
end

local function check_calls(url)
  local short, long, parts = calls_of(url, SHORT // 2), calls_of(url, SHORT), {}
  for i, name in ipairs(CALLS) do
    local per = ((long[name] or 0) - (short[name] or 0)) / (SHORT - SHORT // 2)
    parts[i] = ("%s %.0f"):format(name, per)
  end
  local seen = table.concat(parts, ", ")
  bench.row("guard: system calls at 1 in flight", seen == STORED_CALLS and 0 or 1, 0, seen)
end

function M.run()
  local nginx, fault = origin.serve_small(), servers.fault()
  local url = nginx.url .. "/small"
  check_instructions(url, origin.own_headers(fault))
  check_calls(url)
end

return M
