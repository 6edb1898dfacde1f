-- A thousand URLs in one gather, twenty of which fail in twenty ways.
local command = require "tests.support.command"
local servers = require "tests.support.servers"
local json = require "luafetch.json"

describe("a gather of 1,000 URLs with 20 faults", function()
  local server

  setup(function() server = servers.fault() end)
  teardown(function() server.stop() end)

  it("brings 980 bodies and 20 errors of the right kinds, in order, in bounds", function()
    local timeout = 3
    local r = command({ "tests/support/thousand.lua", server.url, tostring(timeout) })
    assert.equal(0, r.code, r.err)
    local got = assert(json.decode(r.out))
    assert.same({}, got.wrong)
    assert.equal(1000, got.n)
    assert.equal(20, got.failed)
    if not os.getenv "LF_SANITIZED" then
      assert.is_true(got.seconds < 5 * timeout, "took " .. got.seconds .. " s")
      assert.is_true(got.peak_kb < 250 * 1024, "peak of " .. got.peak_kb .. " KB")
    end
  end)
end)
