-- luafetch: the module that scripts require. What is written in C comes from
-- luafetch.core; what a script may never use is loaded when it is first asked for.
local core = require "luafetch.core"
core.hide()

require "luafetch.session" -- which adds to core.session

local M = {}

-- core also holds what only our own Lua files use; these are for scripts.
local public = {
  "version", "fetch", "session", "emit", "log", "spawn", "background", "scope", "timeout", "sleep", "now",
  "limits", "semaphore", "queue", "event", "limiter",
}
for _, name in ipairs(public) do M[name] = core[name] end
for name, value in pairs(require "luafetch.tasks") do M[name] = value end

local lazy = {}
local modules = {
  "cookies", "crawl", "csv", "feed", "html", "job", "json", "robots", "sitemap", "text", "url", "websocket", "xml",
}
for _, name in ipairs(modules) do
  lazy[name] = "luafetch." .. name
end

return setmetatable(M, {
  __index = function(self, name)
    local module = lazy[name]
    if not module then return nil end
    local value = require(module)
    rawset(self, name, value)
    return value
  end,
})
