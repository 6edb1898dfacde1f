-- Runs the luafetch under test as a command and gives back what it wrote.
--
--   local run = require "tests.support.command"
--   local r = run { "-e", "print(1)" }          -- r.code, r.out, r.err
--   local r = run({ "-" }, { stdin = "print(1)", env = { TERM = "dumb" } })
--
-- opts.under: words in front of the command ({"setsid"}); opts.shell: a shell text in which
-- @ stands for the command.
local M = {}

local program = os.getenv "LUAFETCH" or io.popen("pwd"):read "l" .. "/build/luafetch"

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- Words to go in front of a command (opts.under) so that it runs in namespaces of its own
-- after the shell text `first`; nil where the system allows none.
function M.unshared(kinds, first)
  local words = { "unshare", kinds, "sh", "-c", first .. ' && exec "$@"', "sh" }
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = quote(word) end
  return os.execute(table.concat(quoted, " ") .. " true 2>/dev/null") and words
end

local function slurp(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function run(_, words, opts)
  opts = opts or {}
  local out, err, input = os.tmpname(), os.tmpname(), os.tmpname()
  local file = assert(io.open(input, "wb"))
  file:write(opts.stdin or "")
  file:close()
  local line = {}
  for name, value in pairs(opts.env or {}) do line[#line + 1] = name .. "=" .. quote(value) end
  table.sort(line)
  if #line > 0 then table.insert(line, 1, "env") end
  for _, word in ipairs(opts.under or {}) do line[#line + 1] = quote(word) end
  line[#line + 1] = quote(program)
  for _, word in ipairs(words) do line[#line + 1] = quote(word) end
  local command = table.concat(line, " ")
  if opts.shell then command = opts.shell:gsub("@", (command:gsub("%%", "%%%%"))) end
  local _, how, code = os.execute(("{ %s ; } <%s >%s 2>%s"):format(command, input, out, err))
  local result = { code = how == "signal" and 128 + code or code, out = slurp(out), err = slurp(err) }
  os.remove(out)
  os.remove(err)
  os.remove(input)
  return result
end

-- A file that is removed when the variable goes out of scope: local f <close> = M.file(text, ".lua")
function M.file(text, ending)
  local base = os.tmpname()
  local name = base .. (ending or "")
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
  return setmetatable({ name = name }, {
    __close = function()
      os.remove(name)
      os.remove(base)
    end,
  })
end

-- The lines of a text as a list.
function M.lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

return setmetatable(M, { __call = run })
