-- What a terminal shows after some output: enough of one for the progress lines.
--
--   local rows, seen = require "tests.support.screen"(text)   -- rows: the lines in the end;
--   seen: every line that ever stood there, in order
local utf = utf8.charpattern

return function(text)
  local rows, seen = { "" }, {}
  local row, col = 1, 0
  local function chars(s)
    local list = {}
    for c in s:gmatch(utf) do list[#list + 1] = c end
    return list
  end
  local function write(s)
    local cells = chars(rows[row])
    for _, c in ipairs(chars(s)) do
      while #cells < col do cells[#cells + 1] = " " end
      col = col + 1
      cells[col] = c
    end
    rows[row] = table.concat(cells)
    seen[#seen + 1] = rows[row]
  end
  local function clear_line() rows[row] = table.concat(chars(rows[row]), "", 1, math.min(col, #chars(rows[row]))) end
  local at = 1
  while at <= #text do
    local n, what = text:match("^\27%[(%d*)([AKJ])", at)
    if what then
      at = at + 2 + #n + 1
      if what == "A" then row = math.max(1, row - (tonumber(n) or 1)) end
      if what ~= "A" then clear_line() end
      if what == "J" then for i = #rows, row + 1, -1 do rows[i] = nil end end
    elseif text:sub(at, at) == "\r" then
      col, at = 0, at + 1
    elseif text:sub(at, at) == "\n" then
      row, at = row + 1, at + 1
      rows[row] = rows[row] or ""
    else
      local plain = text:match("^[^\r\n\27]+", at) or text:sub(at, at)
      write(plain)
      at = at + #plain
    end
  end
  return rows, seen
end
