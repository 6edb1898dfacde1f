-- A job's items on their way to where the run emits: `job:emit()`. Of a job with a name they are
-- read from the job and written by one process at a time, which keeps in the job how far it is;
-- so an output goes on after any end of a run where it stood. What was written behind the last
-- mark is cut off first: nothing is there twice, and no line is torn.
local core = require "luafetch.core"
local emit_csv = require "luafetch.emit_csv"
core.hide()

local BATCH = 500 -- items between two marks
local BUSY, IDLE = 0.05, 1 -- seconds between two looks at the job
local KEEP = 2 -- seconds after which a hold is renewed; it lasts 5
local PATIENCE = 15 -- seconds for which the end waits for another process

local Output = {}
Output.__index = Output

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- ---- targets: begin(state) → whether it is ours; put(items) → state ----

local Stdout = { raw = true }
Stdout.__index = Stdout

function Stdout:begin(state)
  self.item = state and state.item or 0
  return true
end

function Stdout:put(items, last)
  if #items > 0 then core.emit_text(table.concat(items, "\n") .. "\n") end
  self.item = last
  return { item = last }
end

function Stdout.rest() end

function Stdout.leave() end

local File = {}
File.__index = File

-- The file as the state has it; when it is something else by now, all of it anew.
function File:restore(state)
  local size = self.file:size()
  if not size or not state or not state.size then
    assert(self.file:cut(0))
    return nil
  end
  if size < state.size or hex(self.file:tail(state.size)) ~= state.tail then
    core.log.warn(("%s is not what the job has written there; it is written anew"):format(self.path))
    assert(self.file:cut(0))
    return nil
  end
  if size > state.size then
    core.log.warn(("%s: %d bytes at its end that no mark was set behind are written again"):format(
      self.path, size - state.size))
  end
  assert(self.file:cut(state.size))
  return state
end

function File:begin(state)
  self.file = assert(core.open_output(self.path))
  if not self.file:lock() then
    self.file:close()
    return false
  end
  state = self:restore(state)
  self.item = state and state.item or 0
  self.mark = self.item
  if not self.raw then self.csv = emit_csv(self.path, self.columns, state and state.columns) end
  return true
end

-- Records that are held by CSV are read again, should this be the last that is heard of us.
function File:state(last)
  if not self.csv or self.csv.columns() then self.mark = last end
  self.item = last
  local size = self.file:size()
  return {
    item = self.mark, size = size, tail = size and hex(self.file:tail(size)),
    columns = self.csv and self.csv.columns(),
  }
end

function File:put(items, last)
  local texts = items
  if self.csv then
    texts = {}
    for i, item in ipairs(items) do texts[i] = self.csv.add(item) end
  elseif #items > 0 then
    texts[#texts + 1] = ""
  end
  local text = table.concat(texts, self.raw and "\n" or "")
  if text ~= "" then assert(self.file:write(text)) end
  return self:state(last)
end

-- The end of the output: what CSV has held. Returns the state, when it has changed.
function File:rest()
  if not self.csv then return end
  local text, complaint = self.csv.rest()
  self.complaint = complaint
  if text == "" then return end
  assert(self.file:write(text))
  return self:state(self.item)
end

function File:leave()
  self.file:close()
end

-- ---- one step after the other ----

-- Whether it is ours, which it may become now.
function Output:hold()
  if self.held and core.now() - self.held < KEEP then return true end
  local pos = assert(self.job:output(self.name))
  self.pos = pos
  if not pos.mine then
    self:lose()
    return false
  end
  if not self.held and not self.target:begin(pos.state) then return false end
  self.held = core.now()
  return true
end

function Output:lose()
  if self.held then self.target:leave() end
  self.held, self.state = nil, nil
end

-- Set the mark. When somebody else has it by now, it goes on from the last mark there is.
function Output:mark(state, over)
  local pos = assert(self.job:output(self.name, { state = state, over = over }))
  self.pos = pos
  if pos.mine then
    self.held = core.now()
  else
    self:lose()
  end
  return pos.mine
end

local function read(job, after, raw)
  local items, last = {}, after
  for item, _, id in job:items { after = after, raw = raw } do
    items[#items + 1], last = item, id
    if #items == BATCH then break end
  end
  return items, last
end

-- How many items were written; nil when another process writes them.
function Output:step()
  if not self:hold() then return nil end
  local items, last = read(self.job, self.target.item, self.target.raw)
  if #items == 0 then return 0 end
  self.state = self.target:put(items, last) -- set by finish, should this be cancelled
  self:mark(self.state)
  return #items
end

-- Until nothing is left, and nobody else can think that we would write it.
function Output:finish()
  local ends = core.now() + PATIENCE
  repeat
    local n = self:step()
    if n == 0 then
      self.state = self.target:rest() or self.state
      if not self:mark(self.state, self.target.item) then return end
    elseif not n then
      local state = self.pos.state
      if state and state.item >= self.pos.last then return end
      if core.now() > ends then
        core.log.warn(("%s is left to another process; what it does not write is in the job"):format(self.name))
        return
      end
      core.sleep(BUSY)
    end
  until false
end

-- ---- jobs without a name: records as others ----

local Plain = {}
Plain.__index = Plain

function Plain:step()
  local items, last = read(self.job, self.item, false)
  for _, item in ipairs(items) do core.emit(item) end
  self.item = last
  return #items
end

function Plain:finish()
  while self:step() > 0 do end -- luacheck: ignore 542
end

-- ---- the face ----

-- In the background: soon after items come, seldom while none do.
local function follow(output)
  local wait = BUSY
  while not output.over do
    core.sleep(wait)
    local n = not output.over and output:step() or 0
    wait = n > 0 and BUSY or math.min(wait * 1.5, IDLE)
  end
end

local function stop(output)
  output.over = true
  if output.task then output.task:cancel() end
end

-- An output that fails ends the run: what is committed stays in the job, and can be had again.
local function guarded(output)
  local ok, err = pcall(follow, output)
  if ok or output.over or tostring(output.job) == "job (closed)" then return end
  error(type(err) == "string" and err or tostring(err), 0)
end

local function close(output)
  if output.closed then return true end
  output.closed = true
  stop(output)
  local ok, err = pcall(output.finish, output)
  if output.lose then output:lose() end
  if not ok then error(err, 0) end
  local complaint = output.target and output.target.complaint
  if complaint then error(complaint, 0) end
  return true
end

for _, class in ipairs { Output, Plain } do
  class.close = close
  class.__name = "luafetch.JobOutput"
  function class:__close(err)
    if err == nil and core.may_wait() then
      close(self)
    else
      stop(self)
      if self.lose then self:lose() end
    end
  end
end

local function target_of(job)
  local path, columns = core.emit_take(tostring(job))
  if not path then return setmetatable({}, Stdout), "-" end
  local file, name = core.open_output(path)
  if not file then error(tostring(name), 0) end
  file:close()
  local raw = not path:lower():find "%.csv$"
  return setmetatable({ path = path, columns = columns, raw = raw }, File), name
end

return function(job)
  local output
  if tostring(job) == "job (temporary)" then
    output = setmetatable({ job = job, item = 0 }, Plain)
  else
    local target, name = target_of(job)
    output = setmetatable({ job = job, target = target, name = name }, Output)
  end
  output.task = core.background(guarded, output)
  return output
end
