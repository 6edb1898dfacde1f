/* luafetch.text.core: text and dates for scripts, for luafetch/text.lua. */
#ifndef LF_BIND_TEXT_LIB_H
#define LF_BIND_TEXT_LIB_H

#include <lua.h>

int luaopen_luafetch_text_core(lua_State *L);

#endif
