-- luafetch job JOB …: a job from outside, also while a crawl works on it.
local lf = require "luafetch"
local emit_csv = require "luafetch.emit_csv"

local USAGE = [[
usage: luafetch job FILE status [--watch]             how far it is; every second
       luafetch job FILE items [--format jsonl|csv]   its items, to standard output
       luafetch job FILE failed                       what failed and why, as JSON lines
       luafetch job FILE skipped                      what was not fetched and why, as JSON lines
       luafetch job FILE retry-failed                 let what failed be tried again
       luafetch job FILE reset                        forget everything, items too
       luafetch job copy FILE FILE                    everything of the first into the second, which is empty
FILE: a job's file, or redis://[:PASSWORD@]HOST[:PORT]/NAME[?db=N]
]]

local function stop(code, text)
  io.stderr:write(text, "\n")
  os.exit(code, true)
end

local function check(value, err)
  if value == nil and err then stop(1, "error: " .. tostring(err)) end
  return value
end

local function write(text)
  local ok, why = io.stdout:write(text)
  if not ok then stop(1, "error: cannot write to standard output: " .. why) end
end

local LINE = "%d done, %d failed, %d skipped, %d at work, %d pending, %d hosts, %d items\n"

local function show(job)
  local c = check(job:counts())
  write(LINE:format(c.done, c.failed, c.skipped, c.active, c.pending, c.hosts, c.items))
  io.stdout:flush()
  return c.active + c.pending > 0
end

local commands = {}

function commands.status(job, opts)
  while show(job) and opts.watch do lf.sleep(1) end
end

local formats = {}

function formats.jsonl(job)
  for item in job:items { raw = true } do write(item .. "\n") end
end

function formats.csv(job)
  local csv = emit_csv("the output")
  for item in job:items() do write(csv.add(item)) end
  local text, complaint = csv.rest()
  write(text)
  if complaint then stop(1, "error: " .. complaint) end
end

function commands.items(job, opts)
  formats[opts.format or "jsonl"](job)
end

local function write_all(iterator)
  for page in iterator do write(lf.json.encode(page, { sort_keys = true }) .. "\n") end
end

function commands.failed(job)
  write_all(job:failed())
end

function commands.skipped(job)
  write_all(job:skipped())
end

commands["retry-failed"] = function(job)
  write(("%d to be tried again\n"):format(check(job:retry_failed())))
end

function commands.reset(job)
  check(job:reset())
end

local writes = { ["retry-failed"] = true, reset = true }

-- What stands behind the command; nil for what it does not know.
local function options(name, words)
  local opts, i = {}, 1
  while i <= #words do
    local format = words[i]:match "^%-%-format=(.*)$"
    if words[i] == "--format" then
      i = i + 1
      format = words[i] or ""
    end
    if name == "items" and format and formats[format] then
      opts.format = format
    elseif name == "status" and words[i] == "--watch" then
      opts.watch = true
    else
      return nil
    end
    i = i + 1
  end
  return opts
end

if arg[1] == "--help" then return write(USAGE) end
local function copy(from, to)
  local job <close> = check(lf.job.open(from, { create = false }))
  local other <close> = check(lf.job.open(to))
  local ok, result = pcall(require "luafetch.job_copy", job, other)
  if not ok then stop(1, "error: " .. tostring(result)) end
  write(("%d URLs and %d items copied\n"):format(result.pages, result.items))
end

if arg[1] == "copy" and #arg == 3 then return copy(arg[2], arg[3]) end

local file, name = arg[1], arg[2]
local opts = name and commands[name] and options(name, table.pack(table.unpack(arg, 3)))
if not opts then stop(2, USAGE) end

local job <close> = check(lf.job.open(file, { create = false, readonly = not writes[name] }))
local ok, err = pcall(commands[name], job, opts)
if not ok then stop(1, "error: " .. tostring(err)) end
