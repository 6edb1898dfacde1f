/* lf.html: HTML documents. This file is the module's table; the tree is built in
 * html/tree.c, selectors are compiled and matched in html/selector.c and html/match.c,
 * and html/node.c, query.c and links.c hold the methods. */
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <string.h>
#include "bind/lf_module.h"
#include "modules/html/node.h"
#include "modules/html/tree.h"

int luaopen_luafetch_html(lua_State *L);

/* Raises at anything that is not an option. */
static void check_options(lua_State *L, int idx)
{
    if (lua_isnoneornil(L, idx))
        return;
    luaL_checktype(L, idx, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        if (strcmp(key, "url") != 0 && strcmp(key, "charset") != 0)
            luaL_error(L, "html.parse: unknown option '%s' (there are url and charset)",
                       key);
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "html.parse: option '%s' must be a string, not a %s", key,
                       luaL_typename(L, -1));
        lua_pop(L, 1);
    }
}

/* [-0, +1] The option, or nil. */
static const char *option(lua_State *L, int idx, const char *name, size_t *n)
{
    if (lua_istable(L, idx))
        lua_getfield(L, idx, name);
    else
        lua_pushnil(L);
    return lua_tolstring(L, -1, n);
}

/* The collector knows of a document only a few bytes; without the rest it would let
 * thousands of them wait. */
static void account(lua_State *L, size_t bytes)
{
    size_t kb = bytes / 1024 + 1;
    if (lua_gc(L, LUA_GCISRUNNING))
        lua_gc(L, LUA_GCSTEP, kb < INT_MAX / 2048 ? (int)kb : INT_MAX / 2048);
}

static int html_parse(lua_State *L)
{
    size_t n, label_len = 0;
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *bytes = lua_tolstring(L, 1, &n);
    check_options(L, 2);
    lua_settop(L, 2);
    const char *label = option(L, 2, "charset", &label_len);
    const char *url = option(L, 2, "url", NULL);
    if (n > LF_TREE_MAX_BYTES)
        return lf_error_fail(L, LF_ETOOLARGE, url, "HTML of more than %zu MB",
                             LF_TREE_MAX_BYTES >> 20);
    struct lf_document *d = lf_document_new(L, 4);
    d->doc = lf_tree_parse(bytes, n, label, label_len, &d->nodes);
    if (!d->doc)
        return lf_error_fail(L, LF_ERESOURCE, url, "not enough memory to parse HTML");
    d->root = lf_tree_root(d->doc);
    account(L, n + d->nodes * (sizeof(xmlNode) + 16));
    return 1;
}

static const luaL_Reg functions[] = {{"parse", html_parse}, {NULL, NULL}};

int luaopen_luafetch_html(lua_State *L)
{
    lf_tree_init();
    lf_node_register(L);
    luaL_newlib(L, functions);
    return 1;
}
