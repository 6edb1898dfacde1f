-- oauth.lua: a middleware that gets a token once for all requests that wait for it
-- Usage: luafetch oauth BASE [N]. When the token is missing or has expired it is renewed by
-- one request, and what was refused is repeated with the new one. BASE serves POST /token
-- ({"access_token": …}) and /items/1 … /items/N.
local lf = require "luafetch"
local base = arg[1] or "http://127.0.0.1:8080/"
local n = tonumber(arg[2]) or 20

local token

-- However many call it at the same time, one request goes out and all get its answer.
local renew = lf.single_flight(function()
  local res = assert(fetch.post(lf.url.join(base, "token"), { form = { grant_type = "client_credentials" } }))
  token = assert(res:raise():json()).access_token
  return token
end)

local api <close> = lf.session { base_url = base }

api:use(function(request, next)
  local used = token or renew "token"
  request.headers.Authorization = "Bearer " .. used
  local res, err = next(request)
  if res and res.status == 401 then
    if token == used then renew "token" end -- nobody else has done it meanwhile
    request.headers.Authorization = "Bearer " .. token
    res, err = next(request)
  end
  return res, err
end)

local paths = {}
for i = 1, n do paths[i] = "items/" .. i end
local results, failed = api:gather(paths)
for i, res in ipairs(results) do
  lf.emit { path = paths[i], status = res.status, error = res.error and tostring(res.error) }
end
if failed > 0 then lf.log.warn(failed .. " failed") end
