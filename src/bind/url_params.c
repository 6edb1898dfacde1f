/* Lua values as form-urlencoded queries, and the buffer box they are written through. */
#include "bind/url.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "http/percent.h"

#define BUF_MT "luafetch.buf"

/* -- the buffer box -- */

static int buf_gc(lua_State *L)
{
    lf_buf_free(luaL_checkudata(L, 1, BUF_MT));
    return 0;
}

struct lf_buf *lf_buf_box(lua_State *L, size_t max)
{
    struct lf_buf *b = lua_newuserdatauv(L, sizeof *b, 0);
    lf_buf_init(b, max);
    if (luaL_newmetatable(L, BUF_MT)) {
        lua_pushcfunction(L, buf_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return b;
}

void lf_buf_check(lua_State *L, enum lf_err err)
{
    if (err)
        luaL_error(L, err == LF_ETOOLARGE ? "too long" : "not enough memory");
}

/* -- scalars -- */

/* Numbers as a query wants them: a float without fraction as an integer, no "inf". */
static void push_number(lua_State *L, int idx)
{
    lua_Integer i;
    if (lua_isinteger(L, idx)) {
        lua_pushvalue(L, idx);
        return;
    }
    lua_Number n = lua_tonumber(L, idx);
    if (!isfinite(n))
        luaL_error(L, "a number that is not finite has no place in a URL");
    if (floor(n) == n && lua_numbertointeger(n, &i))
        lua_pushinteger(L, i);
    else
        lua_pushnumber(L, n);
}

bool lf_url_add_scalar(lua_State *L, int idx, struct lf_buf *out,
                       enum lf_err (*encode)(struct lf_buf *, const char *, size_t))
{
    size_t n;
    idx = lua_absindex(L, idx);
    switch (lua_type(L, idx)) {
    case LUA_TSTRING:
        lua_pushvalue(L, idx);
        break;
    case LUA_TNUMBER:
        push_number(L, idx);
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, idx) ? "true" : "false");
        break;
    default:
        return false;
    }
    const char *s = lua_tolstring(L, -1, &n);
    lf_buf_check(L, encode(out, s, n));
    lua_pop(L, 1);
    return true;
}

/* -- pairs -- */

struct params {
    struct lf_buf *out; /* borrowed */
    const char *what;   /* borrowed: the option's name for errors */
    bool more;          /* a pair was written before */
};

/* One name=value of scalars; the name stands at `name`. */
static void add_pair(lua_State *L, struct params *p, int name, int value)
{
    if (p->more)
        lf_buf_check(L, lf_buf_addc(p->out, '&'));
    p->more = true;
    if (!lf_url_add_scalar(L, name, p->out, lf_form_encode))
        luaL_error(L, "%s: a name must be a string, not a %s", p->what,
                   luaL_typename(L, name));
    lf_buf_check(L, lf_buf_addc(p->out, '='));
    if (lf_url_add_scalar(L, value, p->out, lf_form_encode))
        return;
    luaL_error(L,
               "%s: the value of '%s' must be a string, number, boolean or a list of "
               "these, not a %s",
               p->what, luaL_tolstring(L, name, NULL), luaL_typename(L, value));
}

/* The name at `name` with the value at `value`, which a list repeats. */
static void add_value(lua_State *L, struct params *p, int name, int value)
{
    if (lua_type(L, value) != LUA_TTABLE) {
        add_pair(L, p, name, value);
        return;
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, value);
    if (n == 0 && (lua_pushnil(L), lua_next(L, value)))
        luaL_error(L, "%s: the value of '%s' must be a list, not a table with names",
                   p->what, luaL_tolstring(L, name, NULL));
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, value, i);
        add_pair(L, p, name, lua_gettop(L));
        lua_pop(L, 1);
    }
}

static void add_list(lua_State *L, struct params *p, int idx, lua_Integer n)
{
    for (lua_Integer i = 1; i <= n; i++) {
        if (lua_rawgeti(L, idx, i) != LUA_TTABLE)
            luaL_error(L, "%s[%I] must be a pair {name, value}, not a %s", p->what,
                       (LUAI_UACINT)i, luaL_typename(L, -1));
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        int top = lua_gettop(L);
        add_value(L, p, top - 1, top);
        lua_pop(L, 3);
    }
}

struct name {
    const char *s; /* borrowed: from the list of names on the stack */
    size_t len;
};

static int by_bytes(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* [-0, +1, v] Push the list of names of the table; how many. */
static lua_Integer push_names(lua_State *L, int idx, const char *what)
{
    lua_Integer n = 0;
    lua_newtable(L);
    int list = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "%s: a name must be a string, not a %s", what,
                       luaL_typename(L, -2));
        lua_pushvalue(L, -2);
        lua_rawseti(L, list, ++n);
    }
    return n;
}

/* A table has no order of its own: sorted, equal tables give equal URLs. */
static void add_sorted(lua_State *L, struct params *p, int idx)
{
    size_t n = (size_t)push_names(L, idx, p->what);
    struct name *names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -2, (lua_Integer)i + 1);
        names[i].s = lua_tolstring(L, -1, &names[i].len);
        lua_pop(L, 1);
    }
    qsort(names, n, sizeof *names, by_bytes);
    for (size_t i = 0; i < n; i++) {
        lua_pushlstring(L, names[i].s, names[i].len);
        lua_pushvalue(L, -1);
        lua_rawget(L, idx);
        int top = lua_gettop(L);
        add_value(L, p, top - 1, top);
        lua_pop(L, 2);
    }
    lua_pop(L, 2);
}

void lf_url_add_params(lua_State *L, int idx, const char *what, struct lf_buf *out)
{
    struct params p = {.out = out, .what = what};
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 10, what);
    if (lua_type(L, idx) != LUA_TTABLE)
        luaL_error(L, "%s must be a table or a list of pairs, not a %s", what,
                   luaL_typename(L, idx));
    lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
    if (n)
        add_list(L, &p, idx, n);
    else
        add_sorted(L, &p, idx);
}
