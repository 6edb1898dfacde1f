/* Wrong use: where it is, and what was meant. */
#include "bind/suggest.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 32, LEVELS = 16 };

static const char hidden[] = "luafetch.hidden"; /* registry: set of chunk sources */

/* ---- the nearest name ---- */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein; both no longer than NAME_MAX_LEN. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_LEN + 1];
    size_t na = strlen(a), nb = strlen(b);
    for (size_t j = 0; j <= nb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned swap = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, swap);
        }
    }
    return row[nb];
}

const char *lf_nearest(const char *name, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t len = strlen(name);
    unsigned found = (unsigned)(len + 2) / 3 + 1; /* must be under that */
    if (len > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) > NAME_MAX_LEN)
            continue;
        unsigned d = distance(name, names[i]);
        if (d < found) {
            found = d;
            best = names[i];
        }
    }
    return best;
}

/* ---- where ---- */

int lf_source_hide(lua_State *L)
{
    lua_Debug ar;
    if (!lua_getstack(L, 1, &ar))
        return 0;
    lua_getinfo(L, "S", &ar);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, hidden);
    lua_pushstring(L, ar.source);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    return 0;
}

static bool is_hidden(lua_State *L, const char *source)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, hidden);
    bool yes = lua_getfield(L, -1, source) != LUA_TNIL;
    lua_pop(L, 2);
    return yes;
}

void lf_script_where(lua_State *L, char *where, size_t size)
{
    lua_Debug ar;
    *where = '\0';
    for (int level = 1; level < LEVELS && lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0 || is_hidden(L, ar.source))
            continue;
        snprintf(where, size, "%s:%d", ar.short_src, ar.currentline);
        return;
    }
}

int lf_misuse(lua_State *L, const char *fmt, ...)
{
    char text[512], where[LUA_IDSIZE + 12];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    luaL_checkstack(L, 8, NULL);
    lf_script_where(L, where, sizeof where);
    lua_pushfstring(L, "%s%s%s", where, *where ? ": " : "", text);
    return lua_error(L);
}

int lf_option_unknown(lua_State *L, const char *who, const char *name,
                      const char *const *names, size_t n)
{
    const char *near = lf_nearest(name, names, n);
    if (!near)
        return lf_misuse(L, "%s: unknown option '%s'", who, name);
    return lf_misuse(L, "%s: unknown option '%s' (did you mean '%s'?)", who, name, near);
}

void lf_check_callable(lua_State *L, int arg)
{
    if (lua_type(L, arg) == LUA_TFUNCTION)
        return;
    if (luaL_getmetafield(L, arg, "__call") == LUA_TNIL)
        luaL_typeerror(L, arg, "function");
    lua_pop(L, 1);
}
