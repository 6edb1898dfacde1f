/* Ranges of bytes as scripts write them: {first, last}, {first}, {-count}, or the text of
 * a Range field with or without its unit, as curl takes it. */
#include "bind/range.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* Reads digits; false when there are none, or too many. */
static bool number(const char **s, uint64_t *n)
{
    const char *begin = *s;
    *n = 0;
    for (; isdigit((unsigned char)**s); (*s)++) {
        if (*n > (INT64_MAX - 9) / 10)
            return false;
        *n = *n * 10 + (uint64_t)(**s - '0');
    }
    return *s > begin;
}

/* "0-99", "100-" or "-500" */
static bool one(const char **s)
{
    uint64_t first, last;
    if (**s == '-') {
        ++*s;
        return number(s, &last) && last > 0;
    }
    if (!number(s, &first) || *(*s)++ != '-')
        return false;
    return !isdigit((unsigned char)**s) || (number(s, &last) && first <= last);
}

static bool all(const char *s)
{
    for (;;) {
        if (!one(&s))
            return false;
        if (!*s)
            return true;
        if (*s++ != ',')
            return false;
        s += strspn(s, " ");
    }
}

static enum lf_err from_text(lua_State *L, struct lf_buf *out)
{
    static const char unit[] = "bytes=";
    size_t n;
    const char *s = lua_tolstring(L, -1, &n);
    if (strncmp(s, unit, sizeof unit - 1) == 0)
        s += sizeof unit - 1, n -= sizeof unit - 1;
    if (strlen(s) != n || !all(s))
        return LF_EREQUEST;
    return lf_buf_addf(out, "%s%s", unit, s);
}

/* [-0, +0, -] The whole number at t[i]; *has: there is a value. False: another value. */
static bool item(lua_State *L, int i, lua_Integer *n, bool *has)
{
    int exact = 0;
    *has = lua_rawgeti(L, -1, i) != LUA_TNIL;
    *n = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &exact) : 0;
    lua_pop(L, 1);
    return !*has || exact;
}

static enum lf_err from_list(lua_State *L, struct lf_buf *out)
{
    lua_Integer first, last;
    bool begins, ends;
    if (!item(L, 1, &first, &begins) || !item(L, 2, &last, &ends) || !begins ||
        lua_rawlen(L, -1) > 2)
        return LF_EREQUEST;
    if (ends && (first < 0 || last < first))
        return LF_EREQUEST;
    if (ends)
        return lf_buf_addf(out, "bytes=" LUA_INTEGER_FMT "-" LUA_INTEGER_FMT, first,
                           last);
    return lf_buf_addf(
        out, first < 0 ? "bytes=" LUA_INTEGER_FMT : "bytes=" LUA_INTEGER_FMT "-", first);
}

enum lf_err lf_range_read(lua_State *L, struct lf_buf *out)
{
    lf_buf_reset(out);
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        return from_text(L, out);
    case LUA_TTABLE:
        return from_list(L, out);
    default:
        return lua_type(L, -1) == LUA_TBOOLEAN && !lua_toboolean(L, -1) ? LF_OK
                                                                        : LF_EREQUEST;
    }
}
