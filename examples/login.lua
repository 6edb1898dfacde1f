-- login.lua: sign in through a form with a hidden token, then fetch pages as that user
--
--   LOGIN_PASSWORD=… luafetch login https://quotes.toscrape.com/login USER [PAGE…]
--
-- The password comes from the environment: arguments can be read by everyone on the machine.
local lf = require "luafetch"
local url, user, password = arg[1], arg[2], os.getenv "LOGIN_PASSWORD"
if not user or not password then error("usage: LOGIN_PASSWORD=… luafetch login URL USER [PAGE…]", 0) end

-- The session keeps the cookies: that of the form, and the one that says who we are.
local site <close> = lf.session { base_url = url }

local page = assert(site:get(url)):raise()
local form = page:html():first "form:has(input[type=password])" or error("no form with a password at " .. url, 0)

-- The hidden fields go back as they came; the token against forged requests is one of them.
local fields = {}
for _, input in ipairs(form:css "input[type=hidden][name]") do
  fields[input:attr "name"] = input:attr "value" or ""
end
local name = form:first "input[type=text]::attr(name)" or form:first "input[type=email]::attr(name)" or "username"
fields[name] = user
fields[form:first "input[type=password]::attr(name)"] = password

local target = assert(lf.url.join(page.url, form:attr "action" or ""))
local res = assert(site:post(target, { form = fields, referer = page.url })):raise()
if res:html():first "input[type=password]" then error("the site did not let " .. user .. " in", 0) end

print(("%s: %s"):format(res.url, res:html():title() or "no title"))
for i = 3, #arg do
  local next_res = assert(site:get(arg[i])):raise()
  print(("%s: %s"):format(next_res.url, next_res:html():title() or "no title"))
end
