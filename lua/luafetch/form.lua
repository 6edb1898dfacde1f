-- luafetch.form: the forms of a page, as browsers send them (HTML §4.10.21 and .22).
-- A form keeps its controls in document order; `fill` changes their state, and what is sent
-- is made from it. `doc:forms()` comes here.
local core = require "luafetch.core"
local url = require "luafetch.url"
core.hide()

local M = {}

local buttons = { submit = true, image = true, reset = true, button = true }
local checkable = { checkbox = true, radio = true }
local enctypes = {
  ["multipart/form-data"] = "multipart/form-data", ["text/plain"] = "text/plain",
}
local methods = { post = "POST", dialog = "DIALOG" }

-- ---- what a page says ----

local function text_of(s)
  return (s:gsub("\r\n?", "\n"):gsub("^\n", "", 1))
end

local function number(s)
  return tonumber(s or "")
end

-- What an input has without a value (HTML §4.10.5.1).
local defaults = {
  checkbox = function() return "on" end,
  radio = function() return "on" end,
  color = function() return "#000000" end,
  range = function(node)
    local low, high = number(node:attr "min") or 0, number(node:attr "max") or 100
    local middle = high < low and low or (low + high) / 2
    return ("%.15g"):format(middle)
  end,
}

local kinds = {} -- element → what makes a control of it

function kinds.input(node, control)
  local kind = (node:attr "type" or "text"):lower()
  local value = node:attr "value"
  local default = defaults[kind]
  control.type = kind
  control.value = value or default and default(node) or ""
  if checkable[kind] then control.checked = node:attr "checked" ~= nil end
  if not (checkable[kind] or kind == "hidden" or buttons[kind]) then
    control.value = control.value:gsub("[\r\n]", "")
  end
  if kind == "file" then control.value = nil end
end

function kinds.button(node, control)
  local kind = (node:attr "type" or "submit"):lower()
  control.type = buttons[kind] and kind ~= "image" and kind or "submit"
  control.value = node:attr "value" or ""
end

function kinds.textarea(node, control)
  control.type = "textarea"
  control.value = text_of(node:text { raw = true })
end

function kinds.select(node, control)
  local options, chosen = {}, nil
  control.type, control.options = "select", options
  control.multiple = node:attr "multiple" ~= nil
  local disabled = node:css "option:disabled"
  local next_disabled = 1
  for i, option in ipairs(node:css "option") do
    local text = option:text():gsub("%s+", " ")
    options[i] = { value = option:attr "value" or text, text = text, selected = option:attr "selected" ~= nil }
    if disabled[next_disabled] == option then
      options[i].disabled = true
      next_disabled = next_disabled + 1
    end
    if options[i].selected then chosen = options[i] end
  end
  if control.multiple then return end
  local shown = number(node:attr "size") or 1
  for _, option in ipairs(options) do
    if not chosen and shown <= 1 and not option.disabled then chosen = option end
    option.selected = option == chosen
  end
end

-- Of the radio buttons of one name the last one that is checked stays so.
local function settle_radios(controls)
  local seen = {}
  for i = #controls, 1, -1 do
    local control = controls[i]
    if control.type == "radio" and control.checked then
      control.checked = not seen[control.name]
      seen[control.name] = true
    end
  end
end

local Form = {}

local function new_control(node)
  local control = { node = node, name = node:attr "name" or "" }
  local name = node:name()
  kinds[name](node, control)
  control.direction = node:attr "dirname"
  return control
end

local function new_form(doc, node)
  local action = node:attr "action" or ""
  return setmetatable({
    node = node, doc = doc, name = node:attr "name", id = node:attr "id", written_action = action,
    method = methods[(node:attr "method" or ""):lower()] or "GET",
    enctype = enctypes[(node:attr "enctype" or ""):lower()] or "application/x-www-form-urlencoded",
    controls = {},
  }, Form)
end

-- A document's address, which an action may be relative to.
local function resolve(doc, ref)
  ref = ref:match "^%s*(.-)%s*$"
  local base = doc:base()
  if ref == "" and doc:url() then return (doc:url():gsub("#.*", "")) end
  if base then return (url.join(base, ref)) end
  local parts = url.parse(ref)
  return parts and parts.href
end

-- The form around a node, among `forms`.
local function form_around(node, forms)
  repeat node = node:parent() until node == nil or node:name() == "form"
  for _, form in ipairs(node and forms or {}) do
    if form.node == node then return form end
  end
end

local CONTROLS = "input:enabled, select:enabled, textarea:enabled, button:enabled"

function M.forms(doc)
  local forms, by_id = {}, {}
  for i, node in ipairs(doc:css "form") do
    local form = new_form(doc, node)
    forms[i] = form
    if form.id and not by_id[form.id] then by_id[form.id] = form end
    form.action = resolve(doc, form.written_action)
  end
  if #forms == 0 then return forms end
  for _, node in ipairs(doc:css(CONTROLS)) do
    local id = node:attr "form"
    local form
    if id then form = by_id[id] else form = form_around(node, forms) end
    if form and not node:xpath "boolean(ancestor::datalist)" then
      form.controls[#form.controls + 1] = new_control(node)
    end
  end
  for _, form in ipairs(forms) do settle_radios(form.controls) end
  return forms
end

-- ---- what would be sent (HTML §4.10.22.4) ----

local function is_button(control)
  return buttons[control.type] or false
end

local adders = {} -- type → what it adds; others add their value

function adders.select(control, add)
  for _, option in ipairs(control.options) do
    if option.selected and not option.disabled then add(control.name, option.value) end
  end
end

function adders.checkbox(control, add)
  if control.checked then add(control.name, control.value) end
end

adders.radio = adders.checkbox

function adders.file(control, add)
  for _, file in ipairs(control.files or { {} }) do add(control.name, file.filename or "", file) end
end

function adders.hidden(control, add)
  add(control.name, control.name == "_charset_" and "UTF-8" or control.value)
end

local function add_default(control, add)
  add(control.name, control.value)
end

local function add_image(control, add)
  local prefix = control.name == "" and "" or control.name .. "."
  add(prefix .. "x", "0")
  add(prefix .. "y", "0")
end

local function add_button(control, add)
  if control.type == "image" then return add_image(control, add) end
  if control.name ~= "" then add(control.name, control.value) end
end

-- Line breaks are CRLF on the way.
local function on_the_wire(s)
  return (s:gsub("\r\n?", "\n"):gsub("\n", "\r\n"))
end

local function entries(form, button)
  local list = {}
  local function add(name, value, file)
    list[#list + 1] = { on_the_wire(name), on_the_wire(value), file = file }
  end
  for _, control in ipairs(form.controls) do
    if is_button(control) then
      if control == button then add_button(control, add) end
    elseif control.name ~= "" then
      local adder = adders[control.type] or add_default
      adder(control, add)
      if control.direction and control.direction ~= "" then add(control.direction, "ltr") end
    end
  end
  return list
end

-- What `fields` shows: name → value, or a list where a name comes more than once.
local function fields_of(form)
  local fields = {}
  for _, entry in ipairs(entries(form)) do
    local name, value = entry[1], entry[2]:gsub("\r\n", "\n")
    local before = fields[name]
    if before == nil then
      fields[name] = value
    elseif type(before) == "table" then
      before[#before + 1] = value
    else
      fields[name] = { before, value }
    end
  end
  return fields
end

function Form.__index(form, name)
  if name == "fields" then return fields_of(form) end
  return Form[name]
end

function Form.__tostring(form)
  return ("form: %s %s"):format(form.method, form.action or form.written_action)
end

-- Names and values alone: a file is its name where it cannot be sent.
local function pairs_of(list)
  local pairs_ = {}
  for i, entry in ipairs(list) do pairs_[i] = { entry[1], entry[2] } end
  return pairs_
end

---What is sent, in order: a list of pairs of name and value.
function Form:entries(button)
  return pairs_of(entries(self, button and self:button(button)))
end

-- ---- filling in ----

local function quote_all(values)
  local quoted = {}
  for i, value in ipairs(values) do
    if i > 10 then
      quoted[i] = "…"
      break
    end
    quoted[i] = '"' .. value .. '"'
  end
  return #quoted == 0 and "none" or table.concat(quoted, ", ")
end

local function misuse(name, what, ...)
  core.misuse(("fill: field '%s' "):format(name) .. what:format(...))
end

local function scalar(name, value)
  local kind = math.type(value) or type(value)
  if kind ~= "string" and kind ~= "integer" and kind ~= "float" then
    misuse(name, "wants a string, not a %s", type(value))
  end
  return tostring(value)
end

-- A list of strings, from one value or a list of them.
local function list_of(name, value)
  local list = {}
  for i, one in ipairs(type(value) == "table" and value or { value }) do list[i] = scalar(name, one) end
  return list
end

-- Marks in `choices` those whose value is wanted, or else whose text; `set` does it.
local function choose(name, choices, wanted, set)
  local marks, values = {}, {}
  for i, choice in ipairs(choices) do values[i] = choice.value end
  for _, want in ipairs(wanted) do
    local found
    for _, key in ipairs { "value", "text" } do
      for _, choice in ipairs(choices) do
        if not found and choice[key] == want and not choice.disabled and not marks[choice] then found = choice end
      end
    end
    if not found then misuse(name, 'has no "%s"; there are %s', want, quote_all(values)) end
    marks[found] = true
  end
  for _, choice in ipairs(choices) do set(choice, marks[choice] or false) end
end

local function set_checked(control, on) control.checked = on end
local function set_selected(option, on) option.selected = on end

local function fill_checkables(name, controls, value)
  local radio = controls[1].type == "radio"
  if value == true and #controls > 1 then
    misuse(name, "has %d boxes: say which by their values", #controls)
  elseif type(value) == "boolean" then
    for _, control in ipairs(controls) do control.checked = value end
    return
  end
  local wanted = list_of(name, value)
  if radio and #wanted > 1 then misuse(name, "takes one value, not %d", #wanted) end
  choose(name, controls, wanted, set_checked)
end

local function fill_select(name, controls, value)
  local wanted = value == false and {} or list_of(name, value)
  local control = controls[1]
  if #controls > 1 then -- one value for each
    for i, want in ipairs(wanted) do
      if not controls[i] then misuse(name, "takes %d values, not %d", #controls, #wanted) end
      choose(name, controls[i].options, { want }, set_selected)
    end
    return
  end
  if not control.multiple and #wanted > 1 then misuse(name, "takes one value, not %d", #wanted) end
  choose(name, control.options, wanted, set_selected)
end

local function check_file(name, file)
  if type(file) ~= "table" or (file.file == nil) == (file.data == nil) then
    misuse(name, "wants {file = path} or {data = bytes, filename = …}")
  end
  return {
    file = file.file, data = file.data, type = file.type,
    filename = file.filename or file.file and file.file:match "[^/]*$" or "blob",
  }
end

local function fill_files(name, controls, value)
  local single = type(value) ~= "table" or value.file ~= nil or value.data ~= nil
  local files = {}
  for i, file in ipairs(single and { value } or value) do files[i] = check_file(name, file) end
  controls[1].files = #files > 0 and files or nil
end

local function fill_texts(name, controls, value)
  local list = list_of(name, value)
  if #list > #controls then
    misuse(name, "takes %s, not %d", #controls == 1 and "one value" or #controls .. " values", #list)
  end
  for i, text in ipairs(list) do controls[i].value = text end
end

-- Which of the controls of one name a value is for, and how: the first row that has some.
-- (A hidden field behind a checkbox says what is sent when that is off: it stays.)
local fillers = {
  { { checkbox = true, radio = true }, fill_checkables },
  { { select = true }, fill_select },
  { { file = true }, fill_files },
  { nil, fill_texts },
}

local function fill_one(form, name, value)
  local named, names = {}, {}
  for _, control in ipairs(form.controls) do
    if not is_button(control) and control.name ~= "" then
      names[#names + 1] = control.name
      if control.name == name then named[#named + 1] = control end
    elseif is_button(control) and control.name == name then
      misuse(name, "is a button: choose it with submit {button = '%s'}", name)
    end
  end
  if #named == 0 then
    local near = core.nearest(name, names)
    core.misuse(("fill: the form has no field '%s'%s"):format(name,
      near and (" (did you mean '%s'?)"):format(near) or "; it has " .. quote_all(names)))
  end
  for _, row in ipairs(fillers) do
    local fitting = {}
    for _, control in ipairs(named) do
      if not row[1] or row[1][control.type] then fitting[#fitting + 1] = control end
    end
    if #fitting > 0 then return row[2](name, fitting, value) end
  end
end

function Form:fill(values)
  if type(values) ~= "table" then core.misuse("fill: a table {name = value} is needed, got a " .. type(values)) end
  for name, value in pairs(values) do
    if type(name) ~= "string" then core.misuse "fill: a table {name = value} is needed" end
    fill_one(self, name, value)
  end
  return self
end

-- ---- submitting ----

---The button that is meant by its name, value or text; nil: the first one that submits.
function Form:button(which)
  local found, known = {}, {}
  for _, control in ipairs(self.controls) do
    if control.type == "submit" or control.type == "image" then
      local text = control.node:text()
      if which == nil then return control end
      for i, label in ipairs { control.name, control.value, text } do
        if label == which and not found[i] then found[i] = control end
      end
      known[#known + 1] = control.name ~= "" and control.name or control.value
    end
  end
  if which == nil then return nil end
  return found[1] or found[2] or found[3]
    or core.misuse(("submit: the form has no button '%s'; there are %s"):format(tostring(which), quote_all(known)))
end

local senders = {} -- enctype → options of fetch

senders["application/x-www-form-urlencoded"] = function(list)
  return { form = pairs_of(list) }
end

senders["multipart/form-data"] = function(list)
  local parts = {}
  for i, entry in ipairs(list) do
    local file = entry.file
    local part = { name = entry[1] }
    if not file then
      part.value = entry[2]
    else
      part.file, part.data, part.filename, part.type = file.file, file.data, entry[2], file.type
      if not part.file and not part.data then part.data, part.type = "", "application/octet-stream" end
    end
    parts[i] = part
  end
  return { multipart = parts }
end

senders["text/plain"] = function(list)
  local lines = {}
  for i, entry in ipairs(list) do lines[i] = entry[1] .. "=" .. entry[2] .. "\r\n" end
  return { body = table.concat(lines), headers = { ["Content-Type"] = "text/plain" } }
end

-- What the button may say in the form's place.
local function plan(form, button)
  local action, method, enctype = form.action, form.method, form.enctype
  if button then
    local node = button.node
    local own = node:attr "formaction"
    if own then action = resolve(form.doc, own) end
    if node:attr "formmethod" then method = methods[node:attr("formmethod"):lower()] or "GET" end
    if node:attr "formenctype" then
      enctype = enctypes[node:attr("formenctype"):lower()] or "application/x-www-form-urlencoded"
    end
  end
  if not action then
    core.misuse "submit: the form's action is relative, and the page's URL is not known (html.parse has url=)"
  end
  if method == "DIALOG" then core.misuse "submit: this form closes a dialog and sends nothing" end
  return action, method, enctype
end

---The form as a request for fetch: a table with url and what belongs to it.
function Form:request(options)
  local which = options and options.button
  local button = nil
  if which ~= false then button = self:button(which) end
  local action, method, enctype = plan(self, button)
  local list = entries(self, button)
  local request
  if method == "GET" then
    local front, fragment = action:match "^([^#]*)(#?.*)$"
    request = { url = front:gsub("%?.*", "") .. "?" .. url.encode_query(pairs_of(list)) .. fragment }
  else
    request = senders[enctype](list)
    request.url = action
    request.method = "POST"
  end
  local page = self.doc:url()
  request.referer = page and page:gsub("#.*", "") or nil
  for name, value in pairs(options or {}) do
    if name ~= "button" then request[name] = value end
  end
  return request
end

function Form:submit(session, options)
  if type(session) == "table" and options == nil then
    session, options = nil, session
  end
  local request = self:request(options)
  if session then return session:fetch(request) end
  return core.fetch(request)
end

return M
