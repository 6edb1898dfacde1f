/* Walking a table of names and values in a fixed order. */
#include "bind/pairs.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "bind/suggest.h"

struct walk {
    const char *what;
    lf_pair_fn *fn;
    void *arg;
};

struct name {
    const char *p; /* borrowed from the key in the table */
    size_t len;
};

/* One value for `pair->name`: at the top of the stack, stays there. */
static enum lf_err scalar(lua_State *L, const struct walk *w, struct lf_pair *pair)
{
    int type = lua_type(L, -1);
    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
        lf_misuse(L,
                  "%s: '%s' must be a string, a number, a boolean or a list of these,"
                  " got %s",
                  w->what, pair->name, luaL_typename(L, -1));
    pair->is_false = type == LUA_TBOOLEAN && !lua_toboolean(L, -1);
    pair->value = luaL_tolstring(L, -1, &pair->value_len);
    enum lf_err err = w->fn(w->arg, pair);
    lua_pop(L, 1);
    return err;
}

/* The value at the top: one, or a list. */
static enum lf_err value(lua_State *L, const struct walk *w, struct lf_pair *pair)
{
    if (lua_type(L, -1) != LUA_TTABLE)
        return scalar(L, w, pair);
    enum lf_err err = LF_OK;
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    if (n == 0 && (lua_pushnil(L), lua_next(L, -2)))
        lf_misuse(L, "%s: '%s' must be a value or a list of values, got a table of names",
                  w->what, pair->name);
    for (lua_Integer i = 1; i <= n && !err; i++) {
        lua_rawgeti(L, -1, i);
        err = scalar(L, w, pair);
        lua_pop(L, 1);
    }
    return err;
}

static enum lf_err each_of_list(lua_State *L, int idx, const struct walk *w)
{
    enum lf_err err = LF_OK;
    lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
    for (lua_Integer i = 1; i <= n && !err; i++) {
        struct lf_pair pair;
        bool ok =
            lua_rawgeti(L, idx, i) == LUA_TTABLE && lua_rawgeti(L, -1, 1) == LUA_TSTRING;
        if (!ok || lua_rawgeti(L, -2, 2) == LUA_TNIL)
            lf_misuse(L, "%s: item %lld must be a pair {name, value}", w->what,
                      (long long)i);
        pair.name = lua_tolstring(L, -2, &pair.name_len);
        err = value(L, w, &pair);
        lua_pop(L, 3);
    }
    return err;
}

static int by_bytes(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int c = memcmp(x->p, y->p, n);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

/* The names lie in `sort`; the table keeps the strings alive. */
static enum lf_err names_of(lua_State *L, int idx, const struct walk *w,
                            struct lf_buf *sort)
{
    lf_buf_reset(sort);
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            lf_misuse(L, "%s must be a table of names or a list of pairs, not both",
                      w->what);
        struct name n;
        n.p = lua_tolstring(L, -1, &n.len);
        enum lf_err err = lf_buf_add(sort, &n, sizeof n);
        if (err) {
            lua_pop(L, 1);
            return err;
        }
    }
    if (sort->len > sizeof(struct name))
        qsort(sort->p, sort->len / sizeof(struct name), sizeof(struct name), by_bytes);
    return LF_OK;
}

static enum lf_err each_of_map(lua_State *L, int idx, const struct walk *w,
                               struct lf_buf *sort)
{
    enum lf_err err = names_of(L, idx, w, sort);
    size_t n = sort->len / sizeof(struct name);
    for (size_t i = 0; i < n && !err; i++) {
        struct name name;
        memcpy(&name, sort->p + i * sizeof name, sizeof name);
        struct lf_pair pair = {.name = name.p, .name_len = name.len};
        lua_pushlstring(L, name.p, name.len);
        lua_rawget(L, idx);
        err = value(L, w, &pair);
        lua_pop(L, 1);
    }
    return err;
}

enum lf_err lf_pairs_each(lua_State *L, int idx, const char *what, struct lf_buf *sort,
                          lf_pair_fn *fn, void *arg)
{
    struct walk w = {what, fn, arg};
    idx = lua_absindex(L, idx);
    if (lua_type(L, idx) != LUA_TTABLE)
        lf_misuse(L, "%s must be a table or a list of pairs, got %s", what,
                  luaL_typename(L, idx));
    luaL_checkstack(L, 8, what);
    if (lua_rawlen(L, idx) > 0)
        return each_of_list(L, idx, &w);
    return each_of_map(L, idx, &w, sort);
}
