/* luafetch.protocol: parts of src/http that have no place of their own in Lua, for the
 * specs and the suites of tests/conformance. Not for scripts. */
#ifndef LF_BIND_PROTOCOL_H
#define LF_BIND_PROTOCOL_H

#include <lua.h>

int luaopen_luafetch_protocol(lua_State *L);

#endif
