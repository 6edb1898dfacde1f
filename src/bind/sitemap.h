/* luafetch.sitemap.reader: sitemaps by pieces, for luafetch/sitemap.lua. */
#ifndef LF_BIND_SITEMAP_H
#define LF_BIND_SITEMAP_H

#include <lua.h>

int luaopen_luafetch_sitemap_reader(lua_State *L);

#endif
