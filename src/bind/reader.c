/* Reading a table of options by a table of rows. */
#include "bind/reader.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/suggest.h"

enum { PREFIX_LEN = 80, MOST_ROWS = 64 };

void lf_reader_wrong(struct lf_reader *r, const char *want)
{
    lua_State *L = r->L;
    const char *got = luaL_typename(L, -1);
    if (lua_type(L, -1) == LUA_TNUMBER || lua_type(L, -1) == LUA_TBOOLEAN)
        got = luaL_tolstring(L, -1, NULL);
    lf_misuse(L, "%s: option '%s' must be %s, got %s", r->who, r->name, want, got);
}

void lf_reader_keep(struct lf_reader *r, enum lf_err err)
{
    if (err == LF_ERESOURCE)
        luaL_error(r->L, "%s: not enough memory", r->who);
    if (err)
        lf_draft_fail(r->d, LF_EREQUEST, "the request is too large");
}

/* ---- scalars ---- */

void lf_read_seconds(struct lf_reader *r, void *out)
{
    static const char want[] = "a positive number of seconds or false";
    double *s = out;
    if (lua_type(r->L, -1) == LUA_TBOOLEAN && !lua_toboolean(r->L, -1)) {
        *s = LF_NEVER;
        return;
    }
    if (lua_type(r->L, -1) != LUA_TNUMBER || !(lua_tonumber(r->L, -1) > 0))
        lf_reader_wrong(r, want);
    *s = fmin(lua_tonumber(r->L, -1), LF_NEVER);
}

void lf_read_bool(struct lf_reader *r, void *out)
{
    if (lua_type(r->L, -1) != LUA_TBOOLEAN)
        lf_reader_wrong(r, "true or false");
    *(bool *)out = lua_toboolean(r->L, -1);
}

lua_Integer lf_reader_whole(struct lf_reader *r, const char *want, lua_Integer least,
                            lua_Integer most, lua_Integer none)
{
    int exact;
    if (lua_type(r->L, -1) == LUA_TBOOLEAN && !lua_toboolean(r->L, -1))
        return none;
    lua_Integer n = lua_tointegerx(r->L, -1, &exact);
    if (lua_type(r->L, -1) != LUA_TNUMBER || !exact || n < least || n > most)
        lf_reader_wrong(r, want);
    return n;
}

const char *lf_reader_string(struct lf_reader *r, const char *want, size_t *n)
{
    if (lua_type(r->L, -1) != LUA_TSTRING)
        lf_reader_wrong(r, want);
    return lua_tolstring(r->L, -1, n);
}

const char *lf_reader_text(struct lf_reader *r, const char *want)
{
    size_t n;
    if (lua_type(r->L, -1) == LUA_TBOOLEAN && !lua_toboolean(r->L, -1))
        return NULL;
    const char *s = lf_reader_string(r, want, &n);
    if (strlen(s) != n)
        lf_misuse(r->L, "%s: option '%s' holds a NUL", r->who, r->name);
    return s;
}

/* ---- tables ---- */

static int by_name(const void *key, const void *row)
{
    return strcmp(key, ((const struct lf_option *)row)->name);
}

/* Raise: nothing here has that name. */
static void unknown(struct lf_reader *r, const char *prefix, const char *key,
                    const struct lf_option *list, size_t n)
{
    const char *names[MOST_ROWS];
    char whose[2 * LF_OPTION_NAME];
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].where & r->where)
            names[known++] = list[i].name;
    if (*prefix)
        snprintf(whose, sizeof whose, "%s: option '%s'", r->who, prefix);
    else
        snprintf(whose, sizeof whose, "%s", r->who);
    lf_option_unknown(r->L, whose, key, names, known);
}

/* The key is below the value on the stack. */
static void read_option(struct lf_reader *r, const char *prefix,
                        const struct lf_option *list, size_t n)
{
    lua_State *L = r->L;
    if (lua_type(L, -2) != LUA_TSTRING)
        lf_misuse(L, "%s: names of options are strings, got a %s", r->who,
                  luaL_typename(L, -2));
    const char *key = lua_tostring(L, -2);
    const struct lf_option *o = bsearch(key, list, n, sizeof *list, by_name);
    snprintf(r->name, sizeof r->name, "%s%s%.40s", prefix, *prefix ? "." : "", key);
    if (o && o->where == LF_LATER)
        lf_misuse(L, "%s: option '%s' is not in this version", r->who, r->name);
    if (!o || !(o->where & r->where))
        unknown(r, prefix, key, list, n);
    else
        o->check(r, (char *)r->d + o->out);
}

void lf_reader_table(struct lf_reader *r, int idx, const struct lf_option *list, size_t n)
{
    char prefix[PREFIX_LEN]; /* "tls": r->name becomes "tls.verify" */
    snprintf(prefix, sizeof prefix, "%.79s", r->name);
    luaL_checkstack(r->L, 8, r->who);
    lua_pushnil(r->L);
    while (lua_next(r->L, idx)) {
        read_option(r, prefix, list, n);
        lua_pop(r->L, 1);
    }
}

void lf_reader_inner(struct lf_reader *r, const struct lf_option *rows, size_t n,
                     const char *want)
{
    if (lua_type(r->L, -1) != LUA_TTABLE)
        lf_reader_wrong(r, want);
    struct lf_reader inner = *r;
    lf_reader_table(&inner, lua_gettop(r->L), rows, n);
}
