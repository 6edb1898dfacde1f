/* luafetch.protocol: dates, content types and public suffixes, for tests. */
#include "bind/protocol.h"

#include <lauxlib.h>
#include "bind/url.h"
#include "http/ctype.h"
#include "http/date.h"
#include "http/psl.h"

static int push_date(lua_State *L, bool (*parse)(const char *, size_t, int64_t *))
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    int64_t t;
    if (parse(s, n, &t))
        lua_pushinteger(L, t);
    else
        lua_pushnil(L);
    return 1;
}

static int l_date(lua_State *L)
{
    return push_date(L, lf_date_parse);
}

static int l_cookie_date(lua_State *L)
{
    return push_date(L, lf_date_parse_cookie);
}

static int l_format_date(lua_State *L)
{
    char text[LF_DATE_LEN];
    lf_date_format(luaL_checkinteger(L, 1), text);
    lua_pushstring(L, text);
    return 1;
}

static int ctype_gc(lua_State *L)
{
    lf_ctype_free(lua_touserdata(L, 1));
    return 0;
}

/* [-0, +1, m] */
static struct lf_ctype *push_ctype(lua_State *L)
{
    struct lf_ctype *t = lua_newuserdatauv(L, sizeof *t, 0);
    lf_ctype_init(t);
    if (luaL_newmetatable(L, "luafetch.protocol.ctype")) {
        lua_pushcfunction(L, ctype_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return t;
}

/* content_type(s) → serialized, character set or nil | nil */
static int l_content_type(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    struct lf_ctype *t = push_ctype(L);
    enum lf_err err = lf_ctype_parse(t, s, n);
    if (err == LF_EPARSE)
        return lua_pushnil(L), 1;
    lf_buf_check(L, err);
    struct lf_buf *out = lf_buf_box(L, LF_BUF_MAX);
    lf_buf_check(L, lf_ctype_serialize(t, out));
    const struct lf_charset *charset = lf_ctype_charset(t);
    lua_pushlstring(L, out->p, out->len);
    if (!charset)
        return 1;
    lua_pushstring(L, charset->name);
    return 2;
}

static int l_registrable(lua_State *L)
{
    lua_pushstring(L, lf_psl_registrable(luaL_checkstring(L, 1)));
    return 1;
}

int luaopen_luafetch_protocol(lua_State *L)
{
    static const luaL_Reg functions[] = {{"date", l_date},
                                         {"cookie_date", l_cookie_date},
                                         {"format_date", l_format_date},
                                         {"content_type", l_content_type},
                                         {"registrable", l_registrable},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
