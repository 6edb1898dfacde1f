-- luafetch.xml: XML documents. They lie in the shared object of luafetch.html, since both
-- have the same nodes; this finds them there.
local path = assert(package.searchpath("luafetch.html", package.cpath))
return assert(package.loadlib(path, "luaopen_luafetch_xml"))("luafetch.xml")
