/* lf.log: diagnostics on stderr by level. */
#include <lauxlib.h>
#include "base/log.h"
#include "bind/log.h"

/* Upvalue 1: the level. Values that nobody will see are not turned into text. */
static int l_log(lua_State *L)
{
    enum lf_log_level level = (enum lf_log_level)lua_tointeger(L, lua_upvalueindex(1));
    int n = lua_gettop(L);
    if (level < lf_log_get_level())
        return 0;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&b, ' ');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    lf_log(level, "%s", lua_tostring(L, -1));
    return 0;
}

void lf_log_push(lua_State *L)
{
    static const struct {
        const char *name;
        enum lf_log_level level;
    } levels[] = {
        {"debug", LF_LOG_DEBUG},
        {"info", LF_LOG_INFO},
        {"warn", LF_LOG_WARN},
        {"error", LF_LOG_ERROR},
    };
    lua_createtable(L, 0, sizeof levels / sizeof *levels);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        lua_pushinteger(L, levels[i].level);
        lua_pushcclosure(L, l_log, 1);
        lua_setfield(L, -2, levels[i].name);
    }
}
