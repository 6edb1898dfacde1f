/* Methods of a Response that give its body piece by piece, and what luafetch/stream.lua
 * needs to go on with another answer where an event stream broke. */
#ifndef LF_BIND_PIECES_H
#define LF_BIND_PIECES_H

#include <lauxlib.h>
#include <lua.h>

extern const luaL_Reg lf_pieces_methods[];
int lf_pieces_close(lua_State *L); /* the method `close` */
/* [-0, +0, m] Add the functions for stream.lua and session.lua to the table on top. */
void lf_pieces_register(lua_State *L);

#endif
