-- The score card (make faults): what can go wrong in 56 rows, each run through the program itself
-- beside 20 good URLs; 2, 1 or 0 points. Rows given as arguments are run alone.
package.path = "./?.lua;tests/faults/?.lua;" .. package.path
local lf = require "luafetch"
local card = require "card"
local setting = require "setting"

local AT_ONCE = 4

-- The sentence without what differs from run to run.
local function plain(text)
  return (lf.text.cut((text or ""):gsub("\n.*", ""):gsub("127%.0%.0%.1:%d+",
    "127.0.0.1"):gsub("/tmp/luafetch%-card%-%w+/", ""), 110))
end

local function show(row, c)
  local points = c.points and tostring(c.points) or "-"
  print(("%3d  %s  %-58s %5.1f s %5.0f MiB"):format(row[1], points, row[2], c.took, c.peak))
  print("         " .. plain(c.skipped and "not run: " .. c.skipped or c.sentence))
  for i = 1, math.min(#c.notes, 5) do print("         ! " .. c.notes[i]) end
end

local function main(wanted)
  local s <close> = setting.servers()
  local rows = {}
  for _, row in ipairs(setting.rows()) do
    if not next(wanted) or wanted[row[1]] then rows[#rows + 1] = row end
  end
  local results, shown = {}, 0
  lf.each(rows, function(row)
    results[row[1]] = card.run(row, s)
    while rows[shown + 1] and results[rows[shown + 1][1]] do -- in their order, as soon as may be
      shown = shown + 1
      show(rows[shown], results[rows[shown][1]])
      io.stdout:flush()
    end
  end, { limit = AT_ONCE })
  local points, passed, failed, bad = 0, 0, 0, { silent = 0, leak = 0 }
  for _, row in ipairs(rows) do
    local c = results[row[1]]
    if c.points then
      points = points + c.points
      if c.points == 2 then passed = passed + 1 else failed = failed + 1 end
      if row.class and c.points == 0 then bad[row.class] = bad[row.class] + 1 end
    end
  end
  print(("%d of %d points; %d rows not run"):format(points, 2 * #rows, #rows - passed - failed))
  print(("silent wrong data: %d   credential leaks: %d"):format(bad.silent, bad.leak))
  print(("%d passed, %d failed"):format(passed, failed))
  return failed == 0 and passed > 0
end

local wanted = {}
for _, word in ipairs(arg) do wanted[assert(tonumber(word), "rows are numbers")] = true end
if not main(wanted) then os.exit(1) end
