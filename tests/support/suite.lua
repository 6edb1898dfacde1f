-- suite.lua: what the programs of tests/conformance share: reading a suite's file, counting
-- its rows, and saying of each that differs why.
local json = require "luafetch.json"

local M = { data = os.getenv "LF_DATA" or "../shared/data" }

-- The text of a suite's file. A suite that is not there is skipped, visibly.
function M.read(name)
  local f = io.open(M.data .. "/" .. name, "rb")
  if not f then
    print(("%s: skipped, it is not in %s (LF_DATA names the folder)"):format(name, M.data))
    return nil
  end
  local text = f:read "a"
  f:close()
  return text
end

-- The rows of a suite written in JSON; none when it is not there.
function M.rows(name)
  local text = M.read(name)
  return text and assert(json.decode(text)) or {}
end

local Score = {}
Score.__index = Score

-- reasons: name of a row → why it differs, and may
function M.score(name, reasons)
  return setmetatable({ name = name, passed = 0, total = 0, wrong = 0, lines = {}, reasons = reasons or {} }, Score)
end

-- One row: `flaw` says how it differs, nil when it does not.
function Score:count(row, flaw)
  self.total = self.total + 1
  if not flaw then
    self.passed = self.passed + 1
    return
  end
  local reason = self.reasons[row]
  if not reason then self.wrong = self.wrong + 1 end
  self.lines[#self.lines + 1] = ("  %s: %s: %s"):format(reason and "differs" or "WRONG", row, flaw)
    .. (reason and "\n    because " .. reason or "")
end

-- Print all scores; ends the program with 1 when a row differs without a reason.
function M.finish(...)
  local wrong = 0
  for _, s in ipairs { ... } do
    if s.total > 0 then
      print(("%s: %d / %d"):format(s.name, s.passed, s.total))
      for _, line in ipairs(s.lines) do print(line) end
      wrong = wrong + s.wrong
    end
  end
  if wrong > 0 then os.exit(1) end
end

return M
