-- probe.lua PLAN: makes the requests of the plan (JSON) all at once and prints what became of
-- each as JSON. A request with `before` is made after that one has ended.
require "beside"
local lf = require "luafetch"
local plan = lf.json.decode(assert(io.open(arg[1])):read "a")

local function describe(res, err)
  if not res then
    return { kind = err.kind, text = tostring(err), retryable = err.retryable, sent = err.sent, phase = err.phase,
      attempts = err.attempts }
  end
  local out = { status = res.status, len = #res.body, url = res.url, attempts = res.attempts, hops = #res.history }
  if #res.body <= 2000 and utf8.len(res.body) then out.body = res.body end
  if not res.ok then out.kind, out.text = res.error.kind, tostring(res.error) end
  return out
end

local results = lf.map(plan, function(request)
  if request.before then fetch(request.before) end
  request.before = nil
  local began = lf.now()
  local out = describe(fetch(request))
  out.took = lf.now() - began
  return out
end, { limit = 200 })
results.n = nil
print(lf.json.encode(results))
