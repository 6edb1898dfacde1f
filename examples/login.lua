-- login.lua: sign in once and keep the cookies in a file, then come back as that user
--
--   LOGIN_PASSWORD=… luafetch login https://quotes.toscrape.com/login USER COOKIES.txt [PAGE…]
--
-- Step by step, where login_form.lua lets the form do it: the hidden token is found with a
-- selector and sent back. The password comes from the environment: arguments can be read by
-- everyone on the machine. It is needed only when the cookies of last time are no good.
local lf = require "luafetch"
local url, user, file = arg[1], arg[2], arg[3]
if not file then error("usage: LOGIN_PASSWORD=… luafetch login URL USER COOKIES.txt [PAGE…]", 0) end

local site <close> = lf.session { base_url = url }
site.cookies:load(file) -- nil, err the first time: there is no file yet

local function sign_in(page)
  local password = os.getenv "LOGIN_PASSWORD" or error("LOGIN_PASSWORD is not set, and nobody is signed in", 0)
  local form = page:html():first "form:has(input[type=password])" or error("no form with a password at " .. url, 0)
  local fields = {}
  for _, hidden in ipairs(form:css "input[type=hidden][name]") do
    fields[hidden:attr "name"] = hidden:attr "value" or "" -- the token against forged requests is one
  end
  local name = form:first "input[type=text]::attr(name)" or form:first "input[type=email]::attr(name)" or "username"
  fields[name] = user
  fields[form:first "input[type=password]::attr(name)"] = password
  local target = assert(lf.url.join(page.url, form:attr "action" or ""))
  return assert(site:post(target, { form = fields, referer = page.url })):raise()
end

local first = assert(site:get(arg[4] or url)):raise()
if first:html():first "input[type=password]" then
  local res = sign_in(first)
  if res:html():first "input[type=password]" then error("the site did not let " .. user .. " in", 0) end
  assert(site.cookies:save(file))
  print(("signed in: %s: %s"):format(res.url, res:html():title() or "no title"))
end
for i = 4, #arg do
  local page = assert(site:get(arg[i])):raise()
  print(("%s: %s"):format(page.url, page:html():title() or "no title"))
end
