-- lf.text: character sets, entities, white space, slugs, lengths, dates. All but the names of
-- entities is in C; these are libxml2's, which is loaded when there is an "&".
local text = require "luafetch.text.core"
require("luafetch.core").hide()

function text.decode_entities(s)
  if type(s) == "string" and not s:find("&", 1, true) then return s end
  return require("luafetch.entities").decode(s)
end

return text
