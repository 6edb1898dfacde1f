/* For clang-tidy alone: Lua declares its errors as functions that return, so that
 * "return luaL_error(…)" can be written; its analyzer would follow them. */
#include <lauxlib.h>

extern int luaL_error(lua_State *L, const char *fmt, ...) __attribute__((noreturn));
extern int luaL_argerror(lua_State *L, int arg, const char *msg)
    __attribute__((noreturn));
extern int lf_misuse(lua_State *L, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
