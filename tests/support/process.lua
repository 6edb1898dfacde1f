-- A luafetch that runs beside the spec, to be killed, stopped and waited for.
local lf = require "luafetch"

local Process = {}
Process.__index = Process

function Process:signal(name) os.execute(("kill -%s %s 2>/dev/null"):format(name, self.pid)) end

-- SIGSTOP at a moment when it holds nothing that others must have: who is stopped amid a commit to a
-- file keeps it from everybody, as SQLite has it.
function Process:stop()
  while true do
    self:signal "STOP"
    local locks = io.open "/proc/locks"
    local holds = locks:read("a"):find(("WRITE %s %%S+ 12[0-2] "):format(self.pid)) -- WAL's locks to write
    locks:close()
    if not holds then return end
    self:signal "CONT"
    lf.sleep(0.003)
  end
end

-- Nobody may be there to reap it: a zombie has ended, too.
function Process:has_ended()
  local stat = io.open("/proc/" .. self.pid .. "/stat")
  local text = stat and stat:read "a"
  if stat then stat:close() end
  return not text or text:find "%) [ZX]" ~= nil
end

function Process:wait(seconds)
  local ends = lf.now() + (seconds or 30)
  while not self:has_ended() do
    if lf.now() > ends then
      self:signal "KILL"
      error("it does not end: " .. self:output())
    end
    lf.sleep(0.01)
  end
end

-- What it has written, to standard output and error.
function Process:output()
  local f = io.open(self.out)
  local text = f and f:read "a" or ""
  if f then f:close() end
  return text
end

-- Until it has written something that matches.
function Process:expect(pattern)
  for _ = 1, 1000 do
    if self:output():find(pattern) then return end
    if self:has_ended() then break end
    lf.sleep(0.01)
  end
  error("nothing of the kind: " .. self:output())
end

-- `words`: arguments of luafetch; `out`: the file for what it writes.
return function(words, out)
  local list = { ("'%s'"):format(os.getenv "LUAFETCH" or "build/luafetch") }
  for _, word in ipairs(words) do list[#list + 1] = ("'%s'"):format(word) end
  local pipe = io.popen(("%s </dev/null >'%s' 2>&1 & echo $!"):format(table.concat(list, " "), out))
  local pid = pipe:read "l"
  pipe:close()
  return setmetatable({ pid = pid, out = out }, Process)
end
