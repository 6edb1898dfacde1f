/* luafetch.test: a scripted network and a clock that jumps, for specs. */
#ifndef LF_BIND_TEST_H
#define LF_BIND_TEST_H

#include <lua.h>

int luaopen_luafetch_test(lua_State *L);

#endif
