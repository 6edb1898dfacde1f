/* JSON text into Lua values: a recursive descent that builds on the Lua stack.
 *
 * Lua errors may be raised anywhere in it: nothing is held but a buffer that Lua
 * collects. The text is looked at once; where it is wrong, `fail` notes the place and all
 * return. yajl was here before: with its callbacks, and a scan for what it lets pass,
 * half of the time went there and not into Lua. */
#include "bind/json.h"

#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lauxlib.h>
#include "bind/lf_module.h"
#include "bind/url.h"
#include "http/utf8.h"

enum { MESSAGE_MAX = 256 };

struct parser {
    lua_State *L;
    const char *text, *p, *end; /* borrowed; p: the next byte */
    int meta;                   /* where on the stack the arrays' metatable is */
    struct lf_buf *scratch;     /* owned by a userdata on the stack */
    const char *why, *at;       /* what is wrong, and where */
    int depth, deepest;
    /* Sizes of the last array and object closed at this depth: the next is likely alike.
     * A wrong guess wastes no more than that one really held. */
    struct {
        int items, keys;
    } hints[LF_JSON_MAX_DEPTH + 1];
};

/* ---- errors ---- */

#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)
static const char too_deep[] = "nested deeper than " NUMBER(LF_JSON_MAX_DEPTH) " levels";

static bool fail(struct parser *p, const char *at, const char *why)
{
    p->at = at;
    p->why = why;
    return false;
}

static bool is_tail_byte(char c)
{
    return (c & 0xc0) == 0x80;
}

/* At the last character that is there. */
static bool fail_end(struct parser *p)
{
    const char *at = p->end > p->text ? p->end - 1 : p->end;
    while (at > p->text && is_tail_byte(*at))
        at--;
    return fail(p, at, "the text ends too early");
}

/* A byte that no string may hold as it is. */
static bool fail_byte(struct parser *p, const char *at)
{
    return fail(
        p, at, (unsigned char)*at < 0x20 ? "control character" : "the text is not UTF-8");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* What stands at p->p is not `expected`. */
static bool fail_here(struct parser *p, const char *expected)
{
    if (p->p == p->end)
        return fail_end(p);
    unsigned char c = (unsigned char)*p->p;
    if ((c < 0x20 && !is_blank(*p->p)) || (c >= 0x80 && !lf_json_utf8_len(p->p, p->end)))
        return fail_byte(p, p->p);
    if (c == '/' && p->end - p->p > 1 && (p->p[1] == '*' || p->p[1] == '/'))
        return fail(p, p->p, "comments are not JSON");
    return fail(p, p->p, expected);
}

/* Columns count characters. */
static void describe(char *msg, const struct parser *p)
{
    size_t line = 1, column = 1;
    for (const char *s = p->text; s < p->at; s++) {
        column = *s == '\n' ? 1 : column + !is_tail_byte(*s);
        line += *s == '\n';
    }
    snprintf(msg, MESSAGE_MAX, "invalid JSON at line %zu column %zu: %s", line, column,
             p->why);
}

/* ---- strings ---- */

static int hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int letter = p[i] | 0x20;
        if (p[i] >= '0' && p[i] <= '9')
            v = v * 16 + p[i] - '0';
        else if (letter >= 'a' && letter <= 'f')
            v = v * 16 + letter - 'a' + 10;
        else
            return -1;
    }
    return v;
}

/* The code unit of the escape \uXXXX at p, or -1. */
static int escaped_unit(const char *p, const char *end)
{
    return end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2) : -1;
}

static void add(struct parser *p, const char *s, size_t n)
{
    lf_buf_check(p->L, lf_buf_add(p->scratch, s, n));
}

/* The escape \uXXXX at q, perhaps with the other half of its pair; where it ends. Half a
 * pair is U+FFFD. */
static const char *add_unit(struct parser *p, const char *q, int unit)
{
    char utf8[4];
    uint32_t c = (uint32_t)unit;
    q += 6;
    if (c >= 0xd800 && c <= 0xdfff) {
        int low = c < 0xdc00 ? escaped_unit(q, p->end) : -1;
        bool pair = low >= 0xdc00 && low <= 0xdfff;
        c = pair ? 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)low - 0xdc00) : 0xfffd;
        q += pair ? 6 : 0;
    }
    add(p, utf8, lf_utf8_put(utf8, c));
    return q;
}

/* The escape at q; where it ends, or NULL. */
static const char *add_escape(struct parser *p, const char *q)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (p->end - q < 2)
        return fail_end(p), NULL;
    const char *simple = q[1] ? strchr(from, q[1]) : NULL;
    if (simple) {
        add(p, to + (simple - from), 1);
        return q + 2;
    }
    if (q[1] != 'u')
        return fail(p, q, "there is no such escape"), NULL;
    int unit = escaped_unit(q, p->end);
    if (unit < 0)
        return fail(p, q, "\\u wants four hex digits"), NULL;
    return add_unit(p, q, unit);
}

/* A string that begins at `from` and has its first escape at q, or none and is wrong. */
static bool push_escaped(struct parser *p, const char *from, const char *q)
{
    lf_buf_reset(p->scratch);
    for (;;) {
        add(p, from, (size_t)(q - from));
        if (q == p->end)
            return fail_end(p);
        if (*q == '"')
            break;
        if (*q != '\\')
            return fail_byte(p, q);
        from = add_escape(p, q);
        if (!from)
            return false;
        q = lf_json_skip_plain(from, p->end);
    }
    lua_pushlstring(p->L, p->scratch->p, p->scratch->len);
    p->p = q + 1;
    return true;
}

/* Push the string whose quote is at p->p. */
static bool push_string(struct parser *p)
{
    const char *from = p->p + 1, *q = lf_json_skip_plain(from, p->end);
    if (q == p->end || *q != '"')
        return push_escaped(p, from, q);
    lua_pushlstring(p->L, from, (size_t)(q - from));
    p->p = q + 1;
    return true;
}

/* ---- numbers ---- */

/* False: not an integer, or not one of 64 bits. */
static bool to_integer(const char *s, size_t n, lua_Integer *out)
{
    bool minus = *s == '-';
    uint64_t v = 0, max = (uint64_t)INT64_MAX + minus;
    for (size_t i = minus; i < n; i++) {
        unsigned digit = (unsigned)s[i] - '0';
        if (digit > 9 || v > max / 10 || v * 10 > max - digit)
            return false;
        v = v * 10 + digit;
    }
    *out = (lua_Integer)(minus ? 0 - v : v);
    return true;
}

/* A decimal whose digits and power of ten are both exact doubles needs one operation to
 * be rounded right (Clinger 1990); this is most of what is met, at a tenth of strtod. */
static bool to_simple_double(const char *s, size_t n, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    size_t i = *s == '-', fraction = 0;
    uint64_t digits = 0;
    bool dot = false;
    for (; i < n; i++) {
        unsigned digit = (unsigned)s[i] - '0';
        if (s[i] == '.')
            dot = true;
        else if (digit > 9 || digits >= (UINT64_C(1) << 53) / 10)
            return false;
        else
            digits = digits * 10 + digit, fraction += dot;
    }
    if (fraction >= sizeof powers / sizeof *powers || FLT_EVAL_METHOD != 0)
        return false;
    *out = (double)digits / powers[fraction];
    if (*s == '-')
        *out = -*out;
    return true;
}

/* What is left for strtod needs an end, which the text may not have. */
static double to_double(struct parser *p, const char *s, size_t n)
{
    lf_buf_reset(p->scratch);
    add(p, s, n);
    return strtod(p->scratch->p, NULL);
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* One digit at least from q on; where they end, or NULL. */
static const char *want_digits(struct parser *p, const char *q)
{
    const char *stop = skip_digits(q, p->end);
    if (stop > q)
        return stop;
    if (q == p->end)
        return fail_end(p), NULL;
    return fail(p, q, "a digit is missing"), NULL;
}

/* Where the number at p->p ends, by the grammar of RFC 8259 §6, or NULL. */
static const char *number_end(struct parser *p)
{
    const char *q = p->p + (*p->p == '-');
    if (q < p->end && *q == '0')
        q++;
    else
        q = want_digits(p, q);
    if (q && q < p->end && *q == '.')
        q = want_digits(p, q + 1);
    if (q && q < p->end && (*q == 'e' || *q == 'E')) {
        q++;
        q += q < p->end && (*q == '+' || *q == '-');
        q = want_digits(p, q);
    }
    return q;
}

static bool push_number(struct parser *p)
{
    const char *s = p->p, *stop = number_end(p);
    lua_Integer i;
    double d;
    if (!stop)
        return false;
    size_t n = (size_t)(stop - s);
    p->p = stop;
    if (to_integer(s, n, &i))
        lua_pushinteger(p->L, i);
    else
        lua_pushnumber(p->L, to_simple_double(s, n, &d) ? d : to_double(p, s, n));
    return true;
}

/* ---- values ---- */

static bool push_value(struct parser *p);

static void skip_blanks(struct parser *p)
{
    while (p->p < p->end && is_blank(*p->p))
        p->p++;
}

/* Behind blanks: is it c? Then it is taken. */
static bool take(struct parser *p, char c)
{
    skip_blanks(p);
    if (p->p == p->end || *p->p != c)
        return false;
    p->p++;
    return true;
}

static bool enter(struct parser *p)
{
    if (p->depth == LF_JSON_MAX_DEPTH)
        return fail(p, p->p, too_deep);
    luaL_checkstack(p->L, 4, "decoding JSON");
    p->p++;
    if (++p->depth > p->deepest) {
        p->deepest = p->depth;
        p->hints[p->depth].items = p->hints[p->depth].keys = 0;
    }
    return true;
}

static int size_hint(lua_Integer n)
{
    return n < INT_MAX ? (int)n : INT_MAX;
}

static bool push_items(struct parser *p)
{
    lua_Integer n = 0;
    if (take(p, ']'))
        return true;
    do {
        if (!push_value(p))
            return false;
        lua_rawseti(p->L, -2, ++n);
    } while (take(p, ','));
    p->hints[p->depth].items = size_hint(n);
    return take(p, ']') || fail_here(p, "',' or ']' is missing");
}

static bool push_array(struct parser *p)
{
    if (!enter(p))
        return false;
    lua_createtable(p->L, p->hints[p->depth].items, 0);
    lua_pushvalue(p->L, p->meta);
    lua_setmetatable(p->L, -2);
    bool ok = push_items(p);
    p->depth--;
    return ok;
}

static bool push_key(struct parser *p)
{
    skip_blanks(p);
    if (p->p == p->end || *p->p != '"')
        return fail_here(p, "a key is missing, which must be a string");
    return push_string(p) && (take(p, ':') || fail_here(p, "':' is missing"));
}

static bool push_pairs(struct parser *p)
{
    lua_Integer n = 0;
    if (take(p, '}'))
        return true;
    do {
        if (!push_key(p) || !push_value(p))
            return false;
        lua_rawset(p->L, -3);
        n++;
    } while (take(p, ','));
    p->hints[p->depth].keys = size_hint(n);
    return take(p, '}') || fail_here(p, "',' or '}' is missing");
}

static bool push_object(struct parser *p)
{
    if (!enter(p))
        return false;
    lua_createtable(p->L, 0, p->hints[p->depth].keys);
    bool ok = push_pairs(p);
    p->depth--;
    return ok;
}

static bool take_word(struct parser *p, const char *word)
{
    size_t n = strlen(word), left = (size_t)(p->end - p->p);
    if (left < n && memcmp(p->p, word, left) == 0)
        return fail_end(p);
    if (left < n || memcmp(p->p, word, n) != 0)
        return fail(p, p->p, "unexpected word");
    p->p += n;
    return true;
}

static bool push_word(struct parser *p)
{
    char c = *p->p;
    if (!take_word(p, c == 't' ? "true" : c == 'f' ? "false" : "null"))
        return false;
    if (c == 'n')
        lf_json_push_null(p->L);
    else
        lua_pushboolean(p->L, c == 't');
    return true;
}

static bool push_value(struct parser *p)
{
    skip_blanks(p);
    switch (p->p < p->end ? *p->p : '\0') {
    case '"':
        return push_string(p);
    case '{':
        return push_object(p);
    case '[':
        return push_array(p);
    case 't':
    case 'f':
    case 'n':
        return push_word(p);
    case ']':
    case '}':
    case ',':
    case ':':
        return fail(p, p->p, "a value is missing here");
    default:
        if (p->p < p->end && (*p->p == '-' || (*p->p >= '0' && *p->p <= '9')))
            return push_number(p);
        return fail_here(p, "unexpected character");
    }
}

/* ---- from the top ---- */

/* False: why and where are noted. True: the value is on top of the stack. */
static bool push_text(struct parser *p)
{
    if (!push_value(p))
        return false;
    skip_blanks(p);
    return p->p == p->end || fail_here(p, "more text after the value");
}

static size_t bom_len(const char *text, size_t n)
{
    return n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

int lf_json_decode(lua_State *L, const char *text, size_t n, const char *url)
{
    char msg[MESSAGE_MAX] = "invalid JSON: the text is empty";
    luaL_checkstack(L, 8, "decoding JSON");
    int base = lua_gettop(L);
    struct parser p;
    p.L = L;
    p.text = p.p = text + bom_len(text, n);
    p.end = text + n;
    p.scratch = lf_json_push_buf(L);
    p.meta = base + 2;
    p.depth = p.deepest = 0;
    lf_json_push_array_meta(L);
    bool ok = p.text < p.end && push_text(&p);
    if (!ok && p.text < p.end)
        describe(msg, &p);
    lf_buf_free(p.scratch);
    if (ok)
        lua_replace(L, base + 1);
    lua_settop(L, base + ok);
    return ok ? 1 : lf_error_fail(L, LF_EPARSE, url, "%s", msg);
}
