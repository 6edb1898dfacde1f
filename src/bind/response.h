/* What pieces.c may know of a Response: its stream. */
#ifndef LF_BIND_RESPONSE_H
#define LF_BIND_RESPONSE_H

#include <lua.h>
#include <stdbool.h>

bool lf_response_is(lua_State *L, int idx); /* [-0, +0, -] */
/* [-0, +0, v] Raises unless a Response is at 1. */
void lf_response_check(lua_State *L);
/* [-0, +1, m] The stream of the Response at 1; over its body when that is here already.
 */
void lf_response_push_stream(lua_State *L);
/* [-0, +(0|1), -] The stream of the Response at `idx`; false, with nothing pushed, when
 * it has none so far. */
bool lf_response_has_stream(lua_State *L, int idx);
/* [-1, +0, -] Give the Response at `idx` the stream at the top. */
void lf_response_set_stream(lua_State *L, int idx);
/* [-0, +1, e] The function `name` of a module, which is loaded when need be. */
void lf_response_push_function(lua_State *L, const char *module, const char *name);

#endif
