/* Metatables that are kept in the registry under the address of a C variable: telling by
 * them what a value is. */
#ifndef LF_BIND_META_H
#define LF_BIND_META_H

#include <lua.h>
#include <stdbool.h>

/* [-0, +0, -] Is the metatable of the value at `idx` the one kept under `key`? */
bool lf_meta_is(lua_State *L, int idx, const void *key);

#endif
