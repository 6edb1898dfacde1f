-- What was measured, as JSON and as a chart: in the build directory, or with KEEP=1 beside the
-- project's files, where the README shows it. What a run did not measure stays as it was there.
local bench = require "scripts.bench.bench"
local chart = require "scripts.bench.chart"
local json = require "luafetch.json"

local M = {}

local function line_of(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local line = pipe:read "l"
  pipe:close()
  return line
end

local function machine()
  return {
    processors = tonumber(line_of "nproc --all"),
    model = line_of "sed -n 's/^model name.*: //p' /proc/cpuinfo",
    kernel = line_of "uname -r",
    nginx = line_of "nginx -v 2>&1",
    libcurl = line_of "curl-config --version",
  }
end

local function write(name, text)
  local file = assert(io.open(name, "w"))
  assert(file:write(text))
  assert(file:close())
end

-- A floating-point number of the medians with what it is worth.
local function rounded(value)
  if math.type(value) == "float" then return tonumber(("%.4g"):format(value)) end
  if type(value) ~= "table" then return value end
  local out = {}
  for key, inner in pairs(value) do out[key] = rounded(inner) end
  return out
end

local function read(name)
  local file = io.open(name)
  if not file then return {} end
  local text = file:read "a"
  file:close()
  return json.decode(text) or {}
end

-- The entries of old with those of new in their place, by name, new ones at the end; in the order
-- of the list of names, if there is one.
local function merged(old, new, order)
  local at, out = {}, {}
  for _, list in ipairs { old or {}, new } do
    for _, entry in ipairs(list) do
      at[entry.name] = at[entry.name] or #out + 1
      out[at[entry.name]] = entry
    end
  end
  if order then
    local rank = {}
    for i, name in ipairs(order) do rank[name] = i end
    table.sort(out, function(a, b) return (rank[a.name] or 0) < (rank[b.name] or 0) end)
  end
  return json.array(out)
end

-- rows: those of bench.rows
local function held_of(rows, date)
  local held = {}
  for i, row in ipairs(rows) do
    held[i] = { name = row[1], measured = row[2], most = row[3], verdict = row[4], detail = row[5], date = date }
  end
  return held
end

function M.save(side, rows)
  local dir = os.getenv "KEEP" == "1" and "scripts/bench/results" or bench.build .. "/bench"
  local date = os.date "!%Y-%m-%d"
  local all = read(dir .. "/results.json")
  for _, result in ipairs(side.results) do result.date = date end
  all.versions = all.versions or {}
  for _, peer in ipairs(side.present) do all.versions[peer.name] = peer.version end
  all.machine = machine()
  all.workloads = merged(all.workloads, rounded(side.results), side.order)
  all.held = merged(all.held, held_of(rows, date))
  bench.sh(("mkdir -p '%s'"):format(dir))
  write(dir .. "/results.json", json.encode(all, { indent = 2, sort_keys = true }) .. "\n")
  write(dir .. "/chart.svg", chart.draw(all))
  io.stderr:write("written: ", dir, "/results.json, chart.svg\n")
end

return M
