-- luafetch.report: the end-of-run summary. Turns the table of counters that
-- src/bind/stats.c makes into text or JSON; what it says about the limits is policy.
local M = {}

-- Three digits are enough to judge by: 12345.6 → "12346", 1.23456 → "1.23".
local function number(n)
  return (n < 99.95 and "%.3g" or "%.0f"):format(n)
end

-- "1.2 MB"
local function bytes(n)
  for _, unit in ipairs { "B", "kB", "MB", "GB" } do
    if n < 999.5 then return number(n) .. " " .. unit end
    n = n / 1000
  end
  return number(n) .. " TB"
end

-- "850 µs", "12 ms", "3.4 s", "5 min 20 s"
local function duration(s)
  if s < 0.0009995 then return ("%.0f µs"):format(s * 1e6) end
  if s < 0.9995 then return number(s * 1e3) .. " ms" end
  if s < 99.95 then return number(s) .. " s" end
  return ("%d min %.0f s"):format(s // 60, s % 60)
end

local function count(n, noun)
  return ("%d %s%s"):format(n, noun, n == 1 and "" or "s")
end

-- { timeout = 2, dns = 1 } → "2 timeout, 1 dns": the frequent first.
local function list(counts)
  local names = {}
  for name in pairs(counts) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  for i, name in ipairs(names) do names[i] = counts[name] .. " " .. name end
  return table.concat(names, ", ")
end

-- What can limit a run: the counter of seconds, and what to say about it.
local limits = {
  {
    key = "lua",
    say = "Lua: the script computed for %d %% of the time; less work a page, or several processes",
  },
  {
    key = "limited_host",
    say = "the limit per host: requests waited for it %d %% of the time; "
      .. "--per-host (now %d) raises it, if the site can bear more",
    knob = "per_host",
  },
  {
    key = "limited_total",
    say = "the limit of the run: requests waited for it %d %% of the time; --limit (now %d) raises it",
    knob = "limit",
  },
  {
    key = "limited_rate",
    say = "the rate: requests waited %d %% of the time until their host could be asked again; "
      .. "--rate or the session's rate raises it, if the site can bear more",
  },
  {
    key = "limited_parked",
    say = "the sites: %d %% of the time requests waited for hosts that had asked to be left alone "
      .. "(Retry-After, rate limits); a lower rate would not provoke that",
  },
  {
    key = "limited_memory",
    say = "memory: requests waited for %d %% of the time while it was short; --max-memory raises the limit, "
      .. "or let the script hold less at once",
  },
  {
    key = "backoff",
    say = "failures: %d %% of the time was waiting before further attempts; see which hosts fail, and why",
  },
  {
    key = "network",
    say = "the network: %d %% of the time was waiting for servers with nothing queued; "
      .. "more requests at once (gather, as_completed) use that time",
  },
}

-- The share of the time of all its processes in which that was so.
local function share(stats, limit)
  return stats[limit.key] / (stats.elapsed * (stats.workers or 1))
end

--- What limited the run most, as a name: lua, limited_host, limited_total, limited_rate, limited_parked,
--- limited_memory, backoff or network; nil when nothing stands out.
function M.limited_by(stats)
  local most
  for _, limit in ipairs(limits) do
    if share(stats, limit) > 0.2 and (not most or stats[limit.key] > stats[most.key]) then
      most = limit
    end
  end
  return most and most.key, most
end

-- Failures by kind; the statuses behind "http" are named too.
local function failures(stats)
  local parts = {}
  for kind, n in pairs(stats.errors) do
    if kind ~= "http" then parts[kind] = n end
  end
  for class, n in pairs(stats.statuses) do
    if class == "4xx" or class == "5xx" then parts["status " .. class] = n end
  end
  return list(parts)
end

--- The summary, three lines or fewer. Needs the counters, the limits in force as limit and per_host, and of
--- how many processes they are (workers).
function M.text(stats)
  local lines = {
    ("%s in %s (%s/s): %d ok, %d failed"):format(count(stats.requests, "request"), duration(stats.elapsed),
      number(stats.requests / math.max(stats.elapsed, 1e-6)), stats.ok, stats.failed),
  }
  if stats.failed > 0 then lines[1] = lines[1] .. " (" .. failures(stats) .. ")" end
  if stats.retries > 0 then lines[1] = lines[1] .. ", " .. count(stats.retries, "attempt") .. " repeated" end
  if stats.retries_refused > 0 then
    lines[1] = lines[1] .. (", %d not repeated: too many"):format(stats.retries_refused)
  end
  if stats.transfers > 0 then
    local l = stats.latency
    lines[2] = ("%s received; latency %s median, %s p95, %s p99; %s opened, reused %s"):format(
      bytes(stats.bytes_down), duration(l.p50), duration(l.p95), duration(l.p99),
      count(stats.connections_opened, "connection"), count(stats.connections_reused, "time"))
    local _, limit = M.limited_by(stats)
    if limit then
      local percent = math.min(100, math.floor(100 * share(stats, limit) + 0.5))
      lines[3] = "limited by " .. limit.say:format(percent, stats[limit.knob])
    end
  end
  return table.concat(lines, "\n")
end

--- The counters as one JSON object on one line, with limited_by.
function M.json(stats)
  stats.limited_by = M.limited_by(stats)
  return require("luafetch.json").encode(stats, { sort_keys = true })
end

return M
