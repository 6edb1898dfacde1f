/* luafetch.robots: robots.txt for scripts, over http/robots.h. */
#ifndef LF_BIND_ROBOTS_H
#define LF_BIND_ROBOTS_H

#include <lua.h>

int luaopen_luafetch_robots(lua_State *L);

#endif
