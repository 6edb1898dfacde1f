/* The option `namespaces` of queries. */
#include "modules/html/prefixes.h"

#include <lauxlib.h>
#include <string.h>
#include "bind/lf_module.h"

static void check_option(lua_State *L)
{
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    if (strcmp(name, "namespaces") != 0)
        lf_misuse(L, "unknown option '%s' of a query (there is namespaces)", name);
    if (!lua_istable(L, -1))
        lf_misuse(L, "option 'namespaces' must be a table {prefix = URI}, not a %s",
                  luaL_typename(L, -1));
}

static void check_namespaces(lua_State *L, int table)
{
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            lf_misuse(L, "option 'namespaces' must be a table {prefix = URI} of strings");
}

struct lf_prefixes lf_prefixes_read(lua_State *L, int idx, struct lf_document *d)
{
    struct lf_prefixes p = {.L = L, .names = &d->names};
    if (d->xml && !lf_nsmap_find(&d->names, d->root))
        luaL_error(L, "not enough memory");
    if (lua_isnoneornil(L, idx)) {
        lua_pushnil(L);
        return p;
    }
    luaL_checktype(L, idx, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
        check_option(L);
    if (lua_getfield(L, idx, "namespaces") == LUA_TTABLE) {
        p.table = lua_gettop(L);
        check_namespaces(L, p.table);
    }
    return p;
}

const char *lf_prefixes_uri(void *arg, const char *prefix)
{
    const struct lf_prefixes *p = arg;
    const char *uri = NULL;
    if (p->table) {
        lua_pushstring(p->L, prefix);
        lua_rawget(p->L, p->table);
        uri = lua_tostring(p->L, -1); /* the table keeps it */
        lua_pop(p->L, 1);
    }
    return uri ? uri : lf_nsmap_uri(p->names, prefix);
}
