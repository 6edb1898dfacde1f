-- luafetch.report: what the end of a run says.
local report = require "luafetch.report"

local function stats(changes)
  local t = {
    requests = 100, ok = 100, failed = 0, errors = {}, statuses = { ["2xx"] = 100 },
    transfers = 100, redirects = 0, bytes_down = 1234567, bytes_up = 0, elapsed = 2,
    connections_opened = 8, connections_reused = 92,
    latency = { p50 = 0.0123, p95 = 0.08, p99 = 1.2 },
    limited_host = 0, limited_total = 0, limited_rate = 0, limited_parked = 0, backoff = 0, network = 0, lua = 0,
    limited_memory = 0,
    retries = 0, retries_refused = 0, limit = 100, per_host = 8,
  }
  for name, value in pairs(changes or {}) do t[name] = value end
  return t
end

describe("the summary", function()
  it("gives counts, bytes, latency and connections", function()
    assert.equal([[
100 requests in 2 s (50/s): 100 ok, 0 failed
1.23 MB received; latency 12.3 ms median, 80 ms p95, 1.2 s p99; 8 connections opened, reused 92 times]],
      report.text(stats()))
  end)

  it("counts failures by kind, the frequent first, statuses by class", function()
    local text = report.text(stats {
      ok = 93, failed = 7, errors = { dns = 1, timeout = 3 }, statuses = { ["2xx"] = 93, ["4xx"] = 2, ["5xx"] = 1 },
    })
    assert.matches("93 ok, 7 failed (3 timeout, 2 status 4xx, 1 dns, 1 status 5xx)", text, 1, true)
  end)

  it("names what limited the run, with the knob", function()
    local function last(changes) return report.text(stats(changes)):match "[^\n]*$" end
    assert.matches("^limited by the limit per host: .* 65 %% .*%-%-per%-host %(now 8%)", last { limited_host = 1.3 })
    assert.matches("^limited by the limit of the run: .*%-%-limit %(now 100%)", last { limited_total = 1, lua = 0.5 })
    assert.matches("^limited by Lua: .* 95 %%", last { lua = 1.9, network = 0.1 })
    assert.matches("^limited by memory: .*%-%-max%-memory", last { limited_memory = 1.5 })
    assert.matches("^limited by the network", last { network = 1.5 })
    assert.matches("reused 92 times$", last { network = 0.1 })
  end)

  it("of an empty run is one line", function()
    assert.equal("0 requests in 500 µs (0/s): 0 ok, 0 failed",
      report.text(stats { requests = 0, ok = 0, transfers = 0, elapsed = 0.0005 }))
  end)

  it("chooses units that can be read", function()
    local function first(changes) return report.text(stats(changes)):match "[^\n]*" end
    assert.matches("in 2 min 5 s", first { elapsed = 125 })
    assert.matches("%(40000/s%)", first { requests = 80000 })
    assert.matches("999 B received", report.text(stats { bytes_down = 999 }), 1, true)
    assert.matches("1 MB received", report.text(stats { bytes_down = 999999 }), 1, true)
  end)

  it("as JSON is one object on one line", function()
    local text = report.json(stats { limited_host = 1.3 })
    assert.is_nil(text:find "\n")
    local t = assert(require("luafetch.json").decode(text))
    assert.equal("limited_host", t.limited_by)
    assert.equal(100, t.requests)
  end)
end)
