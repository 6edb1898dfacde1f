/* Telling values by their metatables. */
#include "bind/meta.h"

bool lf_meta_is(lua_State *L, int idx, const void *key)
{
    if (!lua_getmetatable(L, idx))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}
