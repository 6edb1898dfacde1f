-- Bars of CPU per request, a panel a workload, as SVG that is readable on light and dark.
local M = {}

local PANELS = {
  { "small64", "small keep-alive, 64 in flight" },
  { "small10000", "10,000 in flight" },
  { "tls", "TLS, 64 in flight" },
  { "tlsnew", "a verified TLS connection each" },
  { "jsongzip", "16 KB of JSON, gzip, parsed" },
  { "scrapeside", "scrape: parse, select, emit" },
}

local WIDTH, BAR, GAP, TOP, NAME, VALUE, COLUMNS = 860, 12, 5, 26, 66, 62, 2
local PANEL = WIDTH // COLUMNS

local STYLE = [[
<style>
text { font: 11px system-ui, sans-serif; fill: #57606a }
.head { font-size: 15px; font-weight: 600 } .title { font-weight: 600 }
.own { fill: #2f6fde } .peer { fill: #9aa4b0 } .yard { fill: #c9a227 }
@media (prefers-color-scheme: dark) { text { fill: #b6c0ca } .own { fill: #6ea0ff } .peer { fill: #66707c } }
</style>
]]

local CLASS = { luafetch = "own", ["C loop"] = "yard", wrk = "yard" }

local function rows_of(all, name)
  for _, result in ipairs(all.workloads) do
    if result.name == name then
      local rows = {}
      for _, row in ipairs(result.rows) do
        if not row.failed then rows[#rows + 1] = row end
      end
      table.sort(rows, function(a, b) return a.cpu_us < b.cpu_us end)
      return rows
    end
  end
end

local function value_text(us)
  return us >= 10000 and ("%.0f ms"):format(us / 1000) or us >= 1000 and ("%.1f ms"):format(us / 1000)
    or ("%.3g µs"):format(us)
end

local function panel(rows, title, x, y)
  local out = { ('<text class="title" x="%d" y="%d">%s</text>'):format(x, y + 12, title) }
  local longest = rows[#rows].cpu_us
  local room = PANEL - NAME - VALUE - 20
  for i, row in ipairs(rows) do
    local top = y + TOP + (i - 1) * (BAR + GAP)
    local width = math.max(room * row.cpu_us / longest, 1.5)
    out[#out + 1] = ('<text x="%d" y="%d" text-anchor="end">%s</text><rect class="%s" x="%d" y="%d" width="%.1f" '
      .. 'height="%d" rx="1.5"/><text x="%.1f" y="%d">%s</text>'):format(x + NAME - 6, top + 10, row.peer,
      CLASS[row.peer] or "peer", x + NAME, top, width, BAR, x + NAME + width + 5, top + 10, value_text(row.cpu_us))
  end
  return table.concat(out, "\n"), TOP + #rows * (BAR + GAP) + 14
end

function M.draw(all)
  local parts, y, lowest, column = {}, 34, 34, 0
  for _, what in ipairs(PANELS) do
    local rows = rows_of(all, what[1])
    if rows and #rows > 0 then
      local text, height = panel(rows, what[2], 10 + column * PANEL, y)
      parts[#parts + 1] = text
      lowest, column = math.max(lowest, y + height), column + 1
      if column == COLUMNS then column, y = 0, lowest end
    end
  end
  local open = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img">\n'
  return open:format(WIDTH, lowest, WIDTH)
    .. "<title>CPU per request, luafetch and others</title>\n" .. STYLE
    .. '<text class="head" x="10" y="20">CPU of the client per request (less is better)</text>\n'
    .. table.concat(parts, "\n") .. "\n</svg>\n"
end

return M
