/* Header fields as a Lua object. */
#include "bind/fields.h"

#include <lauxlib.h>
#include <string.h>
#include <strings.h>
#include "bind/suggest.h"
#include "http/headers.h"

#define FIELDS_NAME "luafetch.headers"

struct fields {
    const char *block; /* borrowed from the user value, or our own `copy` */
    size_t len;
    char copy[];
};

/* [-0, +0, v] Upvalue 1 of every function here is the metatable. */
static const struct fields *self(lua_State *L)
{
    const struct fields *h = lua_touserdata(L, 1);
    if (!h || !lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(1)))
        luaL_typeerror(L, 1, FIELDS_NAME);
    lua_pop(L, 1);
    return h;
}

/* Joining cookies would make one nonsensical cookie of them (RFC 6265 §3). */
static bool is_set_cookie(const char *name, size_t n)
{
    static const char set_cookie[] = "set-cookie";
    return n == sizeof set_cookie - 1 && strncasecmp(name, set_cookie, n) == 0;
}

void lf_fields_push_value(lua_State *L, const char *block, size_t len, const char *name,
                          size_t nlen)
{
    struct lf_header f, more;
    size_t at = 0;
    if (!lf_headers_find(block, len, &at, name, nlen, &f)) {
        lua_pushnil(L);
        return;
    }
    if (is_set_cookie(name, nlen) ||
        !lf_headers_find(block, len, &at, name, nlen, &more)) {
        lua_pushlstring(L, f.value, f.value_len);
        return;
    }
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addlstring(&b, f.value, f.value_len);
    do {
        luaL_addlstring(&b, ", ", 2);
        luaL_addlstring(&b, more.value, more.value_len);
    } while (lf_headers_find(block, len, &at, name, nlen, &more));
    luaL_pushresult(&b);
}

void lf_fields_push_values(lua_State *L, const char *block, size_t len, const char *name,
                           size_t nlen)
{
    struct lf_header f;
    lua_Integer n = 0;
    lua_newtable(L);
    for (size_t at = 0; lf_headers_find(block, len, &at, name, nlen, &f);) {
        lua_pushlstring(L, f.value, f.value_len);
        lua_rawseti(L, -2, ++n);
    }
}

static int l_index(lua_State *L)
{
    const struct fields *h = self(L);
    size_t n;
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &n) : NULL;
    if (!name)
        return 0;
    lf_fields_push_value(L, h->block, h->len, name, n);
    return 1;
}

static int l_newindex(lua_State *L)
{
    return lf_misuse(L, "the headers of a response cannot be changed");
}

/* Upvalues: the object, where the next field begins. */
static int l_next(lua_State *L)
{
    const struct fields *h = lua_touserdata(L, lua_upvalueindex(1));
    size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(2));
    struct lf_header f;
    if (!lf_headers_next(h->block, h->len, &at, &f))
        return 0;
    lua_pushinteger(L, (lua_Integer)at);
    lua_replace(L, lua_upvalueindex(2));
    lua_pushlstring(L, f.name, f.name_len);
    lua_pushlstring(L, f.value, f.value_len);
    return 2;
}

static int l_pairs(lua_State *L)
{
    self(L);
    lua_settop(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, l_next, 2);
    return 1;
}

static int l_tostring(lua_State *L)
{
    const struct fields *h = self(L);
    struct lf_header f;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (size_t at = 0; lf_headers_next(h->block, h->len, &at, &f);) {
        luaL_addlstring(&b, f.name, f.name_len);
        luaL_addlstring(&b, ": ", 2);
        luaL_addlstring(&b, f.value, f.value_len);
        luaL_addchar(&b, '\n');
    }
    luaL_pushresult(&b);
    return 1;
}

static const char meta_key; /* its address: the metatable in the registry */

static void set_meta(lua_State *L)
{
    static const luaL_Reg functions[] = {{"__index", l_index},
                                         {"__newindex", l_newindex},
                                         {"__pairs", l_pairs},
                                         {"__tostring", l_tostring},
                                         {NULL, NULL}};
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        luaL_newlibtable(L, functions);
        lua_pushvalue(L, -1);
        luaL_setfuncs(L, functions, 1);
        lua_pushliteral(L, FIELDS_NAME);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "__name");
        lua_setfield(L, -2, "__metatable");
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
    }
    lua_setmetatable(L, -2);
}

void lf_fields_push(lua_State *L, const char *block, size_t len)
{
    struct fields *h = lua_newuserdatauv(L, sizeof *h + len, 0);
    h->block = h->copy;
    h->len = len;
    if (len)
        memcpy(h->copy, block, len);
    set_meta(L);
}

void lf_fields_push_view(lua_State *L, const char *block, size_t len, int owner)
{
    struct fields *h = lua_newuserdatauv(L, sizeof *h, 1);
    h->block = block;
    h->len = len;
    lua_pushvalue(L, owner);
    lua_setiuservalue(L, -2, 1);
    set_meta(L);
}
