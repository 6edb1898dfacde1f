-- The example oauth.lua: one token for all requests that wait for it.
local run = require "tests.support.command"
local servers = require "tests.support.servers"
local json = require("luafetch").json

describe("example oauth.lua", function()
  it("gets one token for all its requests", function()
    local web = servers.nginx {
      root = "/tmp", access_log = true,
      conf_extra = [[
        location = /token { if ($request_method != POST) { return 405; } return 200 '{"access_token": "t1"}'; }
        location /items/ { if ($http_authorization != "Bearer t1") { return 401; } return 200 "ok"; }
      ]],
    }
    local got = run { "examples/oauth.lua", web.url .. "/", "20" }
    local log = io.open(web.dir .. "/access.log"):read "a"
    web.stop()
    assert.equal("", got.err)
    local n = 0
    for line in got.out:gmatch "[^\n]+" do
      n = n + 1
      assert.equal(200, json.decode(line).status)
    end
    assert.equal(20, n)
    local _, tokens = log:gsub("POST /token", "")
    assert.equal(1, tokens)
  end)
end)
