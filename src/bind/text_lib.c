/* luafetch.text.core: character sets, white space, slugs, lengths, escapes of HTML,
 * dates. What these functions do is in src/http. */
#include "bind/text_lib.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include "bind/lf_module.h"
#include "bind/url.h"
#include "http/charset.h"
#include "http/date.h"
#include "http/url.h"
#include "http/words.h"

static struct lf_span check_span(lua_State *L, int idx)
{
    struct lf_span s;
    s.p = luaL_checklstring(L, idx, &s.len);
    return s;
}

/* Push what the buffer holds and free it. */
static int push_buf(lua_State *L, struct lf_buf *b)
{
    lua_pushlstring(L, b->len ? b->p : "", b->len);
    lf_buf_free(b);
    return 1;
}

/* ---- character sets ---- */

/* Who says nothing gets what most such bytes are. */
static const char *guess(struct lf_span s)
{
    return lf_utf8_valid(s.p, s.len) ? "utf-8" : "windows-1252";
}

static int unknown_charset(lua_State *L, const char *label)
{
    return lf_error_fail(L, LF_EDECODE, NULL, "unknown character set '%s'", label);
}

/* A byte order mark goes before what is said (Encoding §6). */
static int l_to_utf8(lua_State *L)
{
    struct lf_span s = check_span(L, 1);
    size_t mark;
    const char *label = luaL_optstring(L, 2, NULL);
    const char *bom = lf_charset_bom(s.p, s.len, &mark);
    s.p += mark;
    s.len -= mark;
    label = bom ? bom : label ? label : guess(s);
    struct lf_buf *out = lf_buf_box(L, LF_BUF_MAX);
    enum lf_err err = lf_charset_decode(label, strlen(label), s.p, s.len, out);
    if (err == LF_EDECODE)
        return unknown_charset(L, label);
    lf_buf_check(L, err);
    return push_buf(L, out);
}

static int l_from_utf8(lua_State *L)
{
    struct lf_span s = check_span(L, 1), label = check_span(L, 2);
    const char *replacement = luaL_optstring(L, 3, NULL);
    struct lf_buf *out = lf_buf_box(L, LF_BUF_MAX);
    size_t bad;
    enum lf_err err =
        lf_charset_encode(label.p, label.len, s.p, s.len, replacement, out, &bad);
    if (err == LF_EDECODE)
        return unknown_charset(L, label.p);
    if (err == LF_EPARSE)
        return lf_error_fail(L, LF_EPARSE, NULL,
                             "%s cannot say the character at byte %zu", label.p, bad + 1);
    lf_buf_check(L, err);
    return push_buf(L, out);
}

/* ---- words ---- */

static int rewrite(lua_State *L, enum lf_err (*fn)(const char *, size_t, struct lf_buf *))
{
    struct lf_span s = check_span(L, 1);
    struct lf_buf *out = lf_buf_box(L, LF_BUF_MAX);
    lf_buf_check(L, fn(s.p, s.len, out));
    return push_buf(L, out);
}

static int l_squeeze(lua_State *L)
{
    return rewrite(L, lf_words_squeeze);
}

static int letters_gc(lua_State *L)
{
    lf_letters_deinit(lua_touserdata(L, 1));
    return 0;
}

/* [-0, +1, m] */
static void push_letters(lua_State *L)
{
    struct lf_letters *l = lua_newuserdatauv(L, sizeof *l, 0);
    *l = LF_LETTERS_INIT;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, letters_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
}

static int l_slug(lua_State *L)
{
    struct lf_span s = check_span(L, 1);
    struct lf_letters *letters = lua_touserdata(L, lua_upvalueindex(1));
    struct lf_buf *out = lf_buf_box(L, LF_BUF_MAX);
    lf_buf_check(L, lf_words_slug(letters, s.p, s.len, out));
    return push_buf(L, out);
}

static size_t count_chars(struct lf_span s)
{
    size_t n = 0;
    for (bool all = !s.len; !all; n++)
        lf_words_cut(s.p, s.len, n + 1, &all);
    return n;
}

/* cut(s, n [, ellipsis]): the ellipsis counts too, and is left out where it does not fit.
 */
static int l_cut(lua_State *L)
{
    struct lf_span s = check_span(L, 1), dots = {"", 0};
    lua_Integer most = luaL_checkinteger(L, 2);
    bool all;
    luaL_argcheck(L, most >= 0, 2, "a number of characters from 0 is wanted");
    if (!lua_isnoneornil(L, 3))
        dots = check_span(L, 3);
    size_t n = lf_words_cut(s.p, s.len, (size_t)most, &all);
    if (all)
        return lua_settop(L, 1), 1;
    size_t taken = count_chars(dots);
    if (taken > (size_t)most)
        taken = dots.len = 0;
    if (taken)
        n = lf_words_cut(s.p, s.len, (size_t)most - taken, &all);
    lua_pushlstring(L, s.p, n);
    lua_pushlstring(L, dots.p, dots.len);
    lua_concat(L, 2);
    return 1;
}

static enum lf_err escape(const char *s, size_t n, struct lf_buf *out)
{
    static const char *const names[] = {['&'] = "&amp;",
                                        ['<'] = "&lt;",
                                        ['>'] = "&gt;",
                                        ['"'] = "&quot;",
                                        ['\''] = "&#39;"};
    enum lf_err err = LF_OK;
    for (const char *end = s + n; !err && s < end; s++) {
        unsigned char c = (unsigned char)*s;
        const char *name = c < sizeof names / sizeof *names ? names[c] : NULL;
        err = name ? lf_buf_adds(out, name) : lf_buf_addc(out, *s);
    }
    return err;
}

static int l_encode_entities(lua_State *L)
{
    return rewrite(L, escape);
}

/* ---- dates ---- */

static int l_parse_date(lua_State *L)
{
    struct lf_span s = check_span(L, 1);
    int64_t epoch;
    int nanos = 0;
    if (!lf_date_parse_iso(s.p, s.len, &epoch, &nanos) &&
        !lf_date_parse(s.p, s.len, &epoch))
        return lf_error_fail(L, LF_EPARSE, NULL, "no date: '%.80s'", s.p);
    if (nanos)
        lua_pushnumber(L, (lua_Number)epoch + nanos / 1e9);
    else
        lua_pushinteger(L, epoch);
    return 1;
}

/* Seconds since 1970, by default now; *millis of what is behind the point, or -1. */
static int64_t check_time(lua_State *L, int *millis)
{
    *millis = -1;
    if (lua_isnoneornil(L, 1))
        return time(NULL);
    lua_Number t = luaL_checknumber(L, 1), whole = floor(t);
    luaL_argcheck(L, isfinite(t) && fabs(t) < 1e15, 1, "a time in seconds is wanted");
    if (t != whole)
        *millis = (int)((t - whole) * 1000);
    return (int64_t)whole;
}

static int l_http_date(lua_State *L)
{
    char text[LF_DATE_LEN];
    int millis;
    lf_date_format(check_time(L, &millis), text);
    lua_pushstring(L, text);
    return 1;
}

static int l_iso_date(lua_State *L)
{
    char text[LF_DATE_ISO_LEN];
    int millis;
    int64_t t = check_time(L, &millis);
    lf_date_format_iso(t, millis, text);
    lua_pushstring(L, text);
    return 1;
}

int luaopen_luafetch_text_core(lua_State *L)
{
    static const luaL_Reg functions[] = {{"to_utf8", l_to_utf8},
                                         {"from_utf8", l_from_utf8},
                                         {"squeeze", l_squeeze},
                                         {"cut", l_cut},
                                         {"encode_entities", l_encode_entities},
                                         {"parse_date", l_parse_date},
                                         {"http_date", l_http_date},
                                         {"iso_date", l_iso_date},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    push_letters(L);
    lua_pushcclosure(L, l_slug, 1);
    lua_setfield(L, -2, "slug");
    return 1;
}
