/* JSON text into Lua values: yajl reads, its callbacks build on the Lua stack.
 *
 * The callbacks raise Lua errors right through yajl's frames. That is sound because yajl
 * holds nothing but memory, and all of its memory hangs on a list in a userdata that Lua
 * collects. A scan before yajl decides what yajl 2.1 gets wrong: it takes form feeds and
 * vertical tabs for blanks, knows UTF-8 only roughly, and turns half of a surrogate pair
 * into '?', eating the next character. */
#include "bind/json.h"

#include <float.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lauxlib.h>
#include <yajl/yajl_parse.h>
#include "base/list.h"
#include "bind/lf_module.h"

#define BOX_META "luafetch.json.parser"

enum { MESSAGE_MAX = 256 };

/* ---- memory that dies with a userdata ---- */

struct block {
    alignas(max_align_t) struct lf_list link;
    char bytes[];
};

struct box {
    lua_State *L;          /* borrowed: who is decoding */
    struct lf_list blocks; /* owned */
};

static void box_clear(struct box *box)
{
    LF_LIST_EACH_SAFE (&box->blocks, it, tmp)
        free(lf_container(it, struct block, link));
    lf_list_init(&box->blocks);
}

static int box_gc(lua_State *L)
{
    box_clear(lua_touserdata(L, 1));
    return 0;
}

/* Never NULL, which yajl would not check: raises. */
static void *box_realloc(void *ctx, void *p, size_t n)
{
    struct box *box = ctx;
    struct block *b = p ? lf_container((char *)p, struct block, bytes) : NULL;
    if (b)
        lf_list_remove(&b->link);
    struct block *grown = n < SIZE_MAX - sizeof *b ? realloc(b, sizeof *b + n) : NULL;
    if (grown)
        b = grown;
    if (b)
        lf_list_append(&box->blocks, &b->link);
    if (!grown)
        luaL_error(box->L, "not enough memory");
    return b->bytes;
}

static void *box_malloc(void *ctx, size_t n)
{
    return box_realloc(ctx, NULL, n);
}

static void box_free(void *ctx, void *p)
{
    (void)ctx;
    if (!p)
        return;
    struct block *b = lf_container((char *)p, struct block, bytes);
    lf_list_remove(&b->link);
    free(b);
}

static struct box *box_push(lua_State *L)
{
    struct box *box = lua_newuserdatauv(L, sizeof *box, 0);
    box->L = L;
    lf_list_init(&box->blocks);
    if (luaL_newmetatable(L, BOX_META)) {
        lua_pushcfunction(L, box_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return box;
}

/* ---- the scan ---- */

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Eight bytes that need no look: 0x20 to 0x7f without the backslash. */
static bool is_plain(uint64_t w)
{
    uint64_t slash = w ^ EACH_BYTE('\\');
    uint64_t hit = w | ((w - EACH_BYTE(0x20)) & ~w) | ((slash - EACH_BYTE(1)) & ~slash);
    return (hit & EACH_BYTE(0x80)) == 0;
}

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

/* How many bytes to step over at a backslash; *lone when half of a surrogate pair. */
static size_t step_escape(const char *p, const char *end, bool *lone)
{
    int unit = escaped_unit(p, end);
    if (unit < 0)
        return end - p > 1 && (p[1] == '\\' || p[1] == '"') ? 2 : 1;
    if (unit < 0xd800 || unit > 0xdfff)
        return 6;
    int low = unit < 0xdc00 ? escaped_unit(p + 6, end) : -1;
    *lone = low < 0xdc00 || low > 0xdfff;
    return *lone ? 6 : 12;
}

struct scan {
    size_t sound;    /* bytes before the first that no JSON text can hold */
    const char *why; /* what is wrong with it; NULL: all is sound */
    bool lone;       /* there are halves of surrogate pairs */
};

static size_t step_over(const char *p, const char *end, struct scan *scan, char *patch)
{
    unsigned char c = (unsigned char)*p;
    if (c == '\\') {
        bool lone = false;
        size_t n = step_escape(p, end, &lone);
        scan->lone = scan->lone || lone;
        if (lone && patch)
            memcpy(patch + 2, "fffd", 4);
        return n;
    }
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
        scan->why = "control character";
        return 0;
    }
    size_t n = lf_json_utf8_len(p, end);
    if (n == 0)
        scan->why = "the text is not UTF-8";
    return n;
}

/* With `patch`, a copy of the text, lone halves become U+FFFD there: an escape for an
 * escape of the same length, so that positions stay. */
static struct scan scan_text(const char *text, size_t n, char *patch)
{
    struct scan scan = {.why = NULL};
    const char *p = text, *end = text + n;
    while (p < end) {
        uint64_t w;
        while (end - p >= 8 && (memcpy(&w, p, 8), is_plain(w)))
            p += 8;
        if (p == end)
            break;
        size_t step = step_over(p, end, &scan, patch ? patch + (p - text) : NULL);
        if (step == 0)
            break;
        p += step;
    }
    scan.sound = (size_t)(p - text);
    return scan;
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

static void push_number(lua_State *L, const char *s, size_t n)
{
    lua_Integer i;
    double d;
    if (to_integer(s, n, &i))
        lua_pushinteger(L, i);
    else if (to_simple_double(s, n, &d))
        lua_pushnumber(L, d);
    else
        lua_pushnumber(L, strtod(s, NULL)); /* yajl saw a byte that ends it */
}

/* ---- what yajl calls ---- */

struct level {
    bool is_object;
    lua_Integer n; /* elements or keys so far */
    /* Sizes of the last array and object closed at this depth: the next is likely alike.
     * A wrong guess wastes no more than that one really held. */
    int hint_items, hint_keys;
};

struct parser {
    lua_State *L;
    int meta; /* where on the stack the arrays' metatable is */
    int depth, deepest;
    bool too_deep;
    struct level levels[LF_JSON_MAX_DEPTH + 1];
};

/* The value on top of the stack goes where it belongs. */
static int put(struct parser *p)
{
    struct level *l = &p->levels[p->depth];
    if (p->depth == 0)
        return 1;
    if (l->is_object)
        lua_rawset(p->L, -3);
    else
        lua_rawseti(p->L, -2, ++l->n);
    return 1;
}

static int on_null(void *ctx)
{
    struct parser *p = ctx;
    lf_json_push_null(p->L);
    return put(p);
}

static int on_boolean(void *ctx, int b)
{
    struct parser *p = ctx;
    lua_pushboolean(p->L, b);
    return put(p);
}

static int on_number(void *ctx, const char *s, size_t n)
{
    struct parser *p = ctx;
    push_number(p->L, s, n);
    return put(p);
}

static int on_string(void *ctx, const unsigned char *s, size_t n)
{
    struct parser *p = ctx;
    lua_pushlstring(p->L, (const char *)s, n);
    return put(p);
}

static int on_key(void *ctx, const unsigned char *s, size_t n)
{
    struct parser *p = ctx;
    p->levels[p->depth].n++;
    lua_pushlstring(p->L, (const char *)s, n);
    return 1;
}

static struct level *enter(struct parser *p, bool is_object)
{
    if (p->depth == LF_JSON_MAX_DEPTH) {
        p->too_deep = true;
        return NULL;
    }
    luaL_checkstack(p->L, 4, "decoding JSON");
    struct level *l = &p->levels[++p->depth];
    if (p->depth > p->deepest) {
        p->deepest = p->depth;
        *l = (struct level){.n = 0};
    }
    l->is_object = is_object;
    l->n = 0;
    return l;
}

static int on_start_object(void *ctx)
{
    struct parser *p = ctx;
    struct level *l = enter(p, true);
    if (!l)
        return 0;
    lua_createtable(p->L, 0, l->hint_keys);
    return 1;
}

static int on_start_array(void *ctx)
{
    struct parser *p = ctx;
    struct level *l = enter(p, false);
    if (!l)
        return 0;
    lua_createtable(p->L, l->hint_items, 0);
    lua_pushvalue(p->L, p->meta);
    lua_setmetatable(p->L, -2);
    return 1;
}

static int on_end(void *ctx)
{
    struct parser *p = ctx;
    struct level *l = &p->levels[p->depth--];
    int n = l->n < INT_MAX ? (int)l->n : INT_MAX;
    if (l->is_object)
        l->hint_keys = n;
    else
        l->hint_items = n;
    return put(p);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end,
};

/* ---- errors ---- */

static const struct {
    const char *yajl, *ours;
} sentences[] = {
    {"premature EOF", "the text ends too early"},
    {"trailing garbage", "more text after the value"},
    {"unallowed token at this point in JSON text", "a value is missing here"},
    {"invalid char in json text", "unexpected character"},
    {"invalid string in json text", "unexpected word"},
    {"probable comment found in input text, comments are not enabled",
     "comments are not JSON"},
    {"after array element, I expect ',' or ']'", "',' or ']' is missing"},
    {"after key and value, inside map, I expect ',' or '}'", "',' or '}' is missing"},
    {"object key and value must be separated by a colon (':')", "':' is missing"},
    {"invalid object key (must be a string)", "a key is missing, which must be a string"},
};

/* yajl says "kind error: sentence\n", some with a full stop. */
static const char *translate(char *says)
{
    size_t n = strcspn(says, "\n");
    if (n > 0 && says[n - 1] == '.')
        n--;
    says[n] = '\0';
    char *colon = strstr(says, ": ");
    const char *what = colon ? colon + 2 : says;
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (strcmp(what, sentences[i].yajl) == 0)
            return sentences[i].ours;
    return what;
}

#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)
static const char too_deep[] = "nested deeper than " NUMBER(LF_JSON_MAX_DEPTH) " levels";

static bool is_tail_byte(char c)
{
    return (c & 0xc0) == 0x80;
}

/* `at` is where the offending character begins. Columns count characters. */
static void describe(char *msg, const char *text, size_t at, const char *what)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column = text[i] == '\n' ? 1 : column + !is_tail_byte(text[i]);
        line += text[i] == '\n';
    }
    snprintf(msg, MESSAGE_MAX, "invalid JSON at line %zu column %zu: %s", line, column,
             what);
}

/* yajl counts what it has read, the offending byte included. */
static size_t last_read(const char *text, size_t consumed)
{
    size_t at = consumed ? consumed - 1 : 0;
    while (at > 0 && is_tail_byte(text[at]))
        at--;
    return at;
}

/* ---- from the top ---- */

/* False: msg tells why. True: the value is on top of the stack. */
static bool parse(struct parser *p, struct box *box, const char *text, size_t n,
                  char *msg)
{
    yajl_alloc_funcs memory = {box_malloc, box_realloc, box_free, box};
    struct scan scan = scan_text(text, n, NULL);
    if (scan.lone) {
        char *copy = memcpy(box_malloc(box, n), text, n);
        scan_text(text, n, copy);
        text = copy;
    }
    const unsigned char *bytes = (const unsigned char *)text;
    yajl_handle h = yajl_alloc(&callbacks, &memory, p);
    yajl_config(h, yajl_dont_validate_strings, 1); /* the scan did, and better */
    yajl_status status = yajl_parse(h, bytes, scan.sound);
    size_t at = last_read(text, yajl_get_bytes_consumed(h));
    if (status == yajl_status_ok && scan.why) {
        describe(msg, text, scan.sound, scan.why);
        return false;
    }
    if (status == yajl_status_ok)
        status = yajl_complete_parse(h);
    if (p->too_deep)
        describe(msg, text, at, too_deep);
    else if (status != yajl_status_ok)
        describe(msg, text, at, translate((char *)yajl_get_error(h, 0, bytes, n)));
    return status == yajl_status_ok;
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
    struct box *box = box_push(L);
    lf_json_push_array_meta(L);
    struct parser p;
    p.L = L;
    p.meta = base + 2;
    p.depth = p.deepest = 0;
    p.too_deep = false;
    size_t bom = bom_len(text, n);
    bool ok = n > bom && parse(&p, box, text + bom, n - bom, msg);
    box_clear(box);
    if (ok)
        lua_replace(L, base + 1);
    lua_settop(L, base + ok);
    return ok ? 1 : lf_error_fail(L, LF_EPARSE, url, "%s", msg);
}
