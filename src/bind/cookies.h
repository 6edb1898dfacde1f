/* The cookie jar as a Lua object, `s.cookies`. Marks in brackets are [-pop, +push,
 * throws]. */
#ifndef LF_BIND_COOKIES_H
#define LF_BIND_COOKIES_H

#include <lua.h>
#include "http/cookie.h"

/* [-0, +1, m] The object of a jar, which it holds. Each call makes another one. */
void lf_cookies_push(lua_State *L, struct lf_jar *jar);

/* [-0, +0, -] The jar of the object at idx, NULL for anything else. */
struct lf_jar *lf_cookies_test(lua_State *L, int idx);
struct lf_jar *lf_cookies_check(lua_State *L, int idx); /* [-0, +0, v] the same, raises */

/* `require "luafetch.cookies"` gives the function that makes an empty jar. */
int luaopen_luafetch_cookies(lua_State *L);

#endif
