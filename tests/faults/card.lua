-- The score card: what a row is judged by.
--
-- A row: { number, what goes wrong, class = "silent" or "leak", cases or run }.
-- cases: a list of requests, { path or URL, kind = the Error's kind (several: "a|b"), or ok = true,
-- says =, body =, opts = of fetch, before = a request made first, at = another server than "web" }; all are
-- made by one process of the program beside 20 good URLs. run(c): a row that does more than that, through c.
-- 2 points: the right outcome, and a sentence that says what is wrong where. 1: it stops safely.
local lf = require "luafetch"
local json = lf.json

local M = {}

local PROGRAM = os.getenv "LUAFETCH" or "build/luafetch"
if PROGRAM:sub(1, 1) ~= "/" then PROGRAM = io.popen("pwd"):read "l" .. "/" .. PROGRAM end
local HERE = io.popen("pwd"):read "l" .. "/tests/faults"
local LIMIT = 25 -- seconds for a process; then it hangs

local function slurp(name)
  local file = io.open(name, "rb")
  if not file then return "" end
  local text = file:read "a"
  file:close()
  return text or "" -- of a process that has just gone
end

local function spit(name, text)
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
end

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

M.slurp, M.spit, M.quote, M.program = slurp, spit, quote, PROGRAM

-- ---- one row being run ----

local Row = {}
Row.__index = Row

-- What must hold: else the row has no points, or one.
function Row:must(holds, what, points)
  if holds then return holds end
  self.points = math.min(self.points, points or 0)
  self.notes[#self.notes + 1] = what
  return holds
end

function Row:say(text)
  self.sentence = self.sentence or text
end

-- A row that cannot be run here.
function Row:skip(why) -- luacheck: ignore self
  error({ skip = why }, 0)
end

-- A file of this row's own.
function Row:path(name)
  return self.dir .. "/" .. name
end

local function memory(pid)
  return tonumber(slurp("/proc/" .. pid .. "/status"):match "VmHWM:%s*(%d+)")
end

-- Starts a shell text in the background: a handle with wait() → code, out, err, took; kill(signal).
function Row:start(text, opts)
  opts = opts or {}
  self.started = self.started + 1
  local base = self:path("run" .. self.started)
  spit(base .. ".in", opts.stdin or "")
  local line = {}
  for name, value in pairs(opts.env or {}) do line[#line + 1] = ("export %s=%s; "):format(name, quote(value)) end
  spit(base .. ".sh", table.concat(line) .. text .. "\n")
  local began = lf.now()
  local pipe = assert(io.popen(("{ bash %s.sh <%s.in >%s.out 2>%s.err & echo $!; wait $!;"
    .. " echo $? >%s.rc; } 2>/dev/null &")
    :format(base, base, base, base, base)))
  local pid = tonumber(pipe:read "l")
  pipe:close()
  local handle = { pid = pid, base = base }
  function handle.kill(signal) os.execute(("kill -%s %d 2>/dev/null"):format(signal, pid)) end
  function handle.out() return slurp(base .. ".out") end
  local row = self
  function handle.wait()
    local peak
    while slurp(base .. ".rc") == "" do
      peak = memory(pid) or peak
      if lf.now() - began > (opts.limit or LIMIT) then
        handle.kill "KILL"
        row:must(false, "it hung")
        lf.sleep(0.1)
        break
      end
      lf.sleep(0.01)
    end
    if peak then row.peak = math.max(row.peak, peak / 1024) end
    return { code = tonumber(slurp(base .. ".rc")) or -1, out = slurp(base .. ".out"), err = slurp(base .. ".err"),
      took = lf.now() - began, peak = (peak or 0) / 1024 }
  end
  return handle
end

-- The program with these words. opts: env, stdin, limit, shell (a text in which the word @ stands for the command).
function Row:launch(words, opts)
  opts = opts or {}
  local line = { quote(PROGRAM) }
  for _, word in ipairs(words) do line[#line + 1] = quote(word) end
  local command = table.concat(line, " ")
  local env = { LF_GOOD = self.servers.good.url, LF_GOOD_OUT = self:path "good" }
  for name, value in pairs(opts.env or {}) do env[name] = value end
  return self:start(opts.shell and opts.shell:gsub("%f[^%s\0]@%f[%s\0]", (command:gsub("%%", "%%%%"))) or "exec "
    .. command,
    { env = env, stdin = opts.stdin, limit = opts.limit })
end

function Row:command(words, opts)
  local r = self:launch(words, opts).wait()
  -- 128 + a signal that nobody sent
  self:must(r.code < 132 or r.code == 143, "it crashed: exit code " .. r.code .. "\n" .. r.err:sub(1, 400))
  return r
end

function Row:all_good()
  local good = slurp(self:path "good")
  self:must(good == "20", ("only %s of 20 good URLs came"):format(good == "" and "?" or good))
  self.peak = math.max(self.peak, (tonumber(slurp(self:path "good.peak")) or 0) / 1024)
  os.remove(self:path "good")
end

-- A script of the program beside 20 good URLs: words are options before it, more its arguments.
function Row:script(code, more, opts)
  opts = opts or {}
  self.scripts = self.scripts + 1
  local name = self:path("script" .. self.scripts .. ".lua")
  local beside = opts.beside == false and "" or "require 'beside' "
  spit(name, ("package.path = %q .. package.path %slocal lf = require 'luafetch'; %s"):format(HERE .. "/?.lua;",
    beside, code))
  local list = { "-q", "--per-host", "200" }
  table.move(opts.words or {}, 1, #(opts.words or {}), #list + 1, list)
  list[#list + 1] = name
  table.move(more or {}, 1, #(more or {}), #list + 1, list)
  local r = self:command(list, opts)
  if opts.beside ~= false then self:all_good() end
  return r
end

-- The same; what it prints as JSON.
function Row:ask(code, more, opts)
  local r = self:script(code, more, opts)
  local value = json.decode(r.out)
  self:must(value ~= nil, "no answer: exit code " .. r.code .. " " .. r.err:sub(1, 300))
  return value or {}, r
end

-- ---- cases ----

local function among(kind, list)
  return ("|" .. list .. "|"):find("|" .. tostring(kind) .. "|", 1, true)
end

local function judge_error(row, case, got)
  row:say(got.text)
  if not row:must(got.kind, ("%s was taken as good: status %s, %s bytes"):format(case.url, got.status,
    got.len)) then return end
  row:must(among(got.kind, case.kind), ("%s: kind %s, not %s (%s)"):format(case.url, got.kind, case.kind, got.text), 1)
  row:must(got.text:find("://", 1, true), "no URL in: " .. got.text, 1)
  row:must(not case.says or got.text:find(case.says, 1, true), ("no %q in: %s"):format(case.says, got.text), 1)
  row:must(case.retryable == nil or case.retryable == got.retryable, "retryable: " .. tostring(got.retryable) .. " of "
    .. got.text, 1)
  row:must(not case.phase or got.phase == case.phase, "phase: " .. tostring(got.phase), 1)
end

local function judge_ok(row, case, got)
  row:say(got.text or ("%d, %d bytes"):format(got.status, got.len))
  if not row:must(not got.kind or case.status == got.status, ("%s: %s"):format(case.url,
    tostring(got.text))) then return end
  row:must(not case.status or got.status == case.status, "status " .. tostring(got.status))
  row:must(not case.body or got.body == case.body, ("%s: body %q"):format(case.url, tostring(got.body)))
  row:must(not case.len or got.len == case.len, ("%s: %d bytes"):format(case.url, got.len or -1))
end

-- row: what has `must` and `say`, as a row of the card.
function M.judge(row, case, got)
  if case.either and not got.kind then
    row:say(("%d, %d bytes"):format(got.status, got.len))
  elseif case.kind then
    judge_error(row, case, got)
  else
    judge_ok(row, case, got)
  end
  local most = case.within or 3
  row:must(got.took <= most, ("%s took %.1f s"):format(case.url, got.took))
  row:must(got.took >= (case.least or 0), ("%s took only %.1f s"):format(case.url, got.took), 1)
end

-- The request of a case; its case.url is set, too.
function M.request(case, base)
  local request = { timeout = 1.5, max_body = 1000000 }
  case.url = case[1]:sub(1, 1) == "/" and base .. case[1] or case[1]
  request.url = case.url
  for name, value in pairs(case.opts or {}) do request[name] = value end
  if case.before then request.before = { url = base .. case.before } end
  return request
end

-- Makes the requests of the cases and judges what comes.
function Row:probe(cases, words)
  local plan = {}
  for i, case in ipairs(cases) do plan[i] = M.request(case, self.servers[case.at or "web"].url) end
  spit(self:path "plan", json.encode(plan))
  local list = { "-q", "--per-host", "200" }
  table.move(words or {}, 1, #(words or {}), #list + 1, list)
  table.move({ HERE .. "/probe.lua", self:path "plan" }, 1, 2, #list + 1, list)
  local r = self:command(list)
  local results = json.decode(r.out)
  if not self:must(results and #results == #cases, "no answer: exit code " .. r.code .. " " .. r.err:sub(1,
    300)) then return end
  self:all_good()
  for i, case in ipairs(cases) do M.judge(self, case, results[i]) end
  self:must(r.peak < 100, ("it took %.0f MiB"):format(r.peak))
  return results
end

-- Runs a row: a table with points (nil: skipped, see note), sentence, notes, took, peak. With a peer, that
-- is judged instead: peer(c, row, cases).
function M.run(row, servers, peer)
  local pipe = assert(io.popen "mktemp -d /tmp/luafetch-card-XXXXXX")
  local c = setmetatable({ points = 2, notes = {}, peak = 0, started = 0, scripts = 0, servers = servers,
    dir = pipe:read "l" }, Row)
  pipe:close()
  local began = lf.now()
  local ok, err = pcall(function()
    local cases = type(row.cases) == "function" and row.cases(c) or row.cases
    if peer then return peer(c, row, cases) end
    if cases then c:probe(cases, row.words and row.words(c)) end
    if row.run then row.run(c) end
  end)
  if not ok and type(err) == "table" and err.skip then
    c.points, c.skipped = nil, err.skip
  elseif not ok then
    c:must(false, tostring(err))
  end
  c.took = lf.now() - began
  os.execute("rm -rf " .. quote(c.dir))
  return c
end

return M
