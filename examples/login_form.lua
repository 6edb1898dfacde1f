-- login_form.lua: sign in through a form with a hidden token, then fetch pages as that user
--
--   LOGIN_PASSWORD=… luafetch login_form https://quotes.toscrape.com/login USER [PAGE…]
--
-- The password comes from the environment: arguments can be read by everyone on the machine.
local lf = require "luafetch"
local url, user, password = arg[1], arg[2], os.getenv "LOGIN_PASSWORD"
if not user or not password then error("usage: LOGIN_PASSWORD=… luafetch login_form URL USER [PAGE…]", 0) end

-- The session keeps the cookies: that of the form, and the one that says who we are.
local site <close> = lf.session { base_url = url }

-- Hidden fields go back as they came; the token against forged requests is one of them.
local function sign_in(page)
  for _, form in ipairs(page:forms()) do
    local names = {} -- by the type of the field
    for _, control in ipairs(form.controls) do names[control.type] = names[control.type] or control.name end
    if names.password then
      local name = names.text or names.email or error("the form asks for a password, but for no name", 0)
      return form:fill { [name] = user, [names.password] = password }:submit(site)
    end
  end
  error("no form with a password at " .. url, 0)
end

local page = assert(site:get(url)):raise():html()
local res = assert(sign_in(page)):raise()
if res:html():first "input[type=password]" then error("the site did not let " .. user .. " in", 0) end

print(("%s: %s"):format(res.url, res:html():title() or "no title"))
for i = 3, #arg do
  local next_res = assert(site:get(arg[i])):raise()
  print(("%s: %s"):format(next_res.url, next_res:html():title() or "no title"))
end
