/* lf.html and lf.xml: documents as trees with one kind of node. This file holds the
 * tables of the modules; trees are built in html/tree.c and html/xml.c, selectors are
 * compiled and matched in html/selector.c and html/match.c, and html/node.c, query.c,
 * xpath.c and links.c hold the methods. */
#include <lauxlib.h>
#include <lua.h>
#include "modules/html/input.h"
#include "modules/html/node.h"
#include "modules/html/parse.h"

int luaopen_luafetch_html(lua_State *L);
int luaopen_luafetch_xml(lua_State *L); /* loaded by luafetch/xml.lua */

static int open_with(lua_State *L, lua_CFunction parse)
{
    lf_input_init();
    lf_node_register(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, parse);
    lua_setfield(L, -2, "parse");
    return 1;
}

int luaopen_luafetch_html(lua_State *L)
{
    return open_with(L, lf_parse_html);
}

int luaopen_luafetch_xml(lua_State *L)
{
    return open_with(L, lf_parse_xml);
}
