-- probe.lua PLAN: makes the requests of the plan (JSON) all at once and prints what became of
-- each as JSON. A request with `before` is made after that one has ended.
require "beside"
local lf = require "luafetch"
local outcome = require "outcome"
local plan = lf.json.decode(assert(io.open(arg[1])):read "a")

local results = lf.map(plan, function(request)
  if request.before then fetch(request.before) end
  request.before = nil
  local began = lf.now()
  local out = outcome(fetch(request))
  out.took = lf.now() - began
  return out
end, { limit = 200 })
results.n = nil
print(lf.json.encode(results))
