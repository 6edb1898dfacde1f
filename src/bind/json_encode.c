/* Lua values into JSON text. Reads tables raw: no metamethod runs, so no Lua does and a
 * table cannot change under the walk.
 *
 * Errors are raised from any depth; what they leave behind is on the Lua stack or in a
 * userdata. The output is cut back to where it was before. */
#include "bind/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lauxlib.h>

#define BUF_META  "luafetch.json.buffer"
#define KEYS_META "luafetch.json.keys"

enum {
    PATH_MAX_LEN = 160, /* of the place that an error names */
    NAME_MAX_LEN = 40,  /* of a key in it */
    NUMBER_MAX_LEN = 32,
    SLOTS_A_LEVEL = 6, /* of the Lua stack */
};

/* A key to be sorted; its slot holds it in place. */
struct key {
    const char *s; /* borrowed; NULL: an integer */
    size_t len;
    lua_Integer i;
    int slot;
};

/* A stack of keys: those of the objects that are being written. */
struct keys {
    struct key *v; /* owned */
    size_t n, cap;
};

/* Where we are: a row of C frames up to the value that was asked for. */
struct frame {
    const struct frame *up;
    const void *table;
    int slot;      /* of the current key; 0: an array */
    lua_Integer i; /* index in an array */
    int depth;
};

struct encoder {
    lua_State *L;
    struct lf_buf *out;                /* borrowed */
    size_t start;                      /* length of `out` before us */
    int meta;                          /* stack slot of the arrays' metatable */
    const struct lf_json_style *style; /* borrowed */
    struct keys *keys;                 /* a userdata on the stack; NULL: no sorting */
};

/* ---- errors ---- */

static bool is_name(const char *s, size_t n)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return n > 0 && n < NAME_MAX_LEN && strspn(s, letters) == n && (*s < '0' || *s > '9');
}

/* One step of the path, ".name", "[3]" or "["odd key"]". */
static int step_text(lua_State *L, const struct frame *f, char *out, size_t cap)
{
    if (f->slot == 0)
        return snprintf(out, cap, "[" LUA_INTEGER_FMT "]", f->i);
    if (lua_type(L, f->slot) != LUA_TSTRING)
        return lua_isinteger(L, f->slot)
                   ? snprintf(out, cap, "[" LUA_INTEGER_FMT "]",
                              lua_tointeger(L, f->slot))
                   : snprintf(out, cap, "[%s]", luaL_typename(L, f->slot));
    size_t n;
    const char *s = lua_tolstring(L, f->slot, &n);
    if (is_name(s, n))
        return snprintf(out, cap, ".%s", s);
    return snprintf(out, cap, "[\"%.*s%s\"]", NAME_MAX_LEN, s,
                    n > NAME_MAX_LEN ? "…" : "");
}

/* The path to a frame's current place; a long one is cut at its end. */
static size_t path_text(lua_State *L, const struct frame *f, char *out, size_t at)
{
    if (!f)
        return at;
    at = path_text(L, f->up, out, at);
    if (at >= PATH_MAX_LEN)
        return at;
    char step[NAME_MAX_LEN + 16];
    int n = step_text(L, f, step, sizeof step);
    size_t len = n < (int)sizeof step ? (size_t)n : sizeof step - 1;
    if (at + len > PATH_MAX_LEN - sizeof "…") {
        memcpy(out + at, "…", sizeof "…");
        return PATH_MAX_LEN;
    }
    memcpy(out + at, step, len + 1);
    return at + len;
}

__attribute__((format(printf, 3, 4), noreturn)) static void
refuse(struct encoder *e, const struct frame *f, const char *fmt, ...)
{
    char what[128], path[PATH_MAX_LEN + 8] = "";
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    path_text(e->L, f, path, 0);
    e->out->len = e->start;
    if (e->out->p)
        e->out->p[e->start] = '\0';
    luaL_error(e->L, "cannot encode %s%s%s", what, f ? " at " : "", path);
    abort(); /* not reached; luaL_error is not declared so */
}

/* ---- output ---- */

/* Room for n bytes; the caller adds to len what it writes. */
static char *room(struct encoder *e, size_t n)
{
    struct lf_buf *b = e->out;
    if (!b->p || b->cap - b->len < n) {
        enum lf_err err = lf_buf_reserve(b, n);
        if (err == LF_ETOOLARGE)
            refuse(e, NULL, "this: the text is over %zu bytes", b->max);
        if (err)
            refuse(e, NULL, "this: not enough memory");
    }
    return b->p + b->len;
}

static void add(struct encoder *e, const char *s, size_t n)
{
    memcpy(room(e, n), s, n);
    e->out->len += n;
}

static void add_char(struct encoder *e, char c)
{
    *room(e, 1) = c;
    e->out->len++;
}

static void new_line(struct encoder *e, int depth)
{
    if (e->style->indent == 0)
        return;
    size_t n = (size_t)depth * (size_t)e->style->indent;
    char *p = room(e, n + 1);
    *p = '\n';
    memset(p + 1, ' ', n);
    e->out->len += n + 1;
}

/* ---- strings ---- */

static void add_escaped(struct encoder *e, unsigned char c)
{
    static const char shorts[0x80] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
    char *p = room(e, 6);
    if (shorts[c]) {
        p[0] = '\\';
        p[1] = shorts[c];
        e->out->len += 2;
        return;
    }
    memcpy(p, "\\u00", 4);
    p[4] = "0123456789abcdef"[c >> 4];
    p[5] = "0123456789abcdef"[c & 15];
    e->out->len += 6;
}

static void add_string(struct encoder *e, const struct frame *f, const char *s, size_t n)
{
    const char *p = s, *end = s + n;
    add_char(e, '"');
    for (;;) {
        const char *stop = lf_json_skip_plain(p, end);
        add(e, p, (size_t)(stop - p));
        if (stop == end)
            break;
        p = stop + 1;
        if ((unsigned char)*stop < 0x80)
            add_escaped(e, (unsigned char)*stop);
        else if (e->style->lossy)
            add(e, "\xef\xbf\xbd", 3);
        else
            refuse(e, f, "a string that is not UTF-8 (byte %zu)", (size_t)(p - s));
    }
    add_char(e, '"');
}

/* ---- numbers ---- */

static void add_integer(struct encoder *e, lua_Integer i)
{
    char text[NUMBER_MAX_LEN], *p = text + sizeof text;
    uint64_t v = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    do {
        *--p = (char)('0' + v % 10);
    } while (v /= 10);
    if (i < 0)
        *--p = '-';
    add(e, p, (size_t)(text + sizeof text - p));
}

static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* m / 10^places, with at least one place. */
static void add_decimal(struct encoder *e, uint64_t m, int places, bool minus)
{
    char text[NUMBER_MAX_LEN], *p = text + sizeof text;
    for (int i = 0; i < places; i++, m /= 10)
        *--p = (char)('0' + m % 10);
    *--p = '.';
    do {
        *--p = (char)('0' + m % 10);
    } while (m /= 10);
    if (minus)
        *--p = '-';
    add(e, p, (size_t)(text + sizeof text - p));
}

/* Most floats that are met have few places. m and 10^places are exact, so that their
 * quotient is what any reader makes of the text (Clinger 1990); the first that is d is
 * the shortest. False: it takes more than 15 digits. */
static bool add_short_decimal(struct encoder *e, double d)
{
    double size = fabs(d);
    for (int places = 1; places <= 15; places++) {
        double m = rint(size * powers[places]);
        if (m >= 1e15)
            return false;
        if (m / powers[places] == size) {
            add_decimal(e, (uint64_t)m, places, signbit(d));
            return true;
        }
    }
    return false;
}

/* The shortest text that reads back as the same float, and reads back as a float. */
static void add_float(struct encoder *e, const struct frame *f, double d)
{
    char text[NUMBER_MAX_LEN];
    if (!isfinite(d))
        refuse(e, f, isnan(d) ? "nan" : d > 0 ? "inf" : "-inf");
    if (add_short_decimal(e, d))
        return;
    /* in this range 15 digits have just been tried */
    int digits = fabs(d) >= 0.1 && fabs(d) < 1e14 ? 16 : 15;
    for (; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (digits == 17 || strtod(text, NULL) == d)
            break;
    }
    add(e, text, strlen(text));
    if (!strpbrk(text, ".e"))
        add(e, ".0", 2);
}

static void add_number(struct encoder *e, const struct frame *f, int idx)
{
    if (lua_isinteger(e->L, idx))
        add_integer(e, lua_tointeger(e->L, idx));
    else
        add_float(e, f, lua_tonumber(e->L, idx));
}

/* ---- tables ---- */

static void add_value(struct encoder *e, const struct frame *f);

/* Whether the keys are exactly 1 … n. */
static bool is_sequence(lua_State *L, int t, lua_Integer n)
{
    lua_Integer found = 0;
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
        lua_Integer k = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
        if (k < 1 || k > n) {
            lua_pop(L, 2);
            return false;
        }
        found++;
    }
    return found == n;
}

static bool is_marked(struct encoder *e, int t)
{
    if (!lua_getmetatable(e->L, t))
        return false;
    bool same = lua_rawequal(e->L, -1, e->meta);
    lua_pop(e->L, 1);
    return same;
}

static void add_array(struct encoder *e, struct frame *f, int t, lua_Integer n)
{
    add_char(e, '[');
    for (f->i = 1; f->i <= n; f->i++) {
        if (f->i > 1)
            add_char(e, ',');
        new_line(e, f->depth);
        lua_rawgeti(e->L, t, f->i);
        add_value(e, f);
        lua_pop(e->L, 1);
    }
    if (n > 0)
        new_line(e, f->depth - 1);
    add_char(e, ']');
}

/* The key at f->slot, the value on top. */
static void add_pair(struct encoder *e, const struct frame *f, bool first)
{
    lua_State *L = e->L;
    if (!first)
        add_char(e, ',');
    new_line(e, f->depth);
    if (lua_type(L, f->slot) == LUA_TSTRING) {
        size_t n;
        const char *s = lua_tolstring(L, f->slot, &n);
        add_string(e, f, s, n);
    } else if (lua_isinteger(L, f->slot)) {
        add_char(e, '"');
        add_integer(e, lua_tointeger(L, f->slot));
        add_char(e, '"');
    } else {
        refuse(e, f, "a key that is a %s", luaL_typename(L, f->slot));
    }
    add_char(e, ':');
    if (e->style->indent)
        add_char(e, ' ');
    add_value(e, f);
}

static bool add_pairs(struct encoder *e, struct frame *f, int t)
{
    bool first = true;
    lua_State *L = e->L;
    f->slot = lua_gettop(L) + 1;
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
        add_pair(e, f, first);
        first = false;
    }
    return first;
}

static int compare_keys(const void *pa, const void *pb)
{
    const struct key *a = pa, *b = pb;
    if (!a->s || !b->s)
        return a->s ? 1 : b->s ? -1 : (a->i > b->i) - (a->i < b->i);
    int order = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* Remember the key at `slot`. */
static void push_key(struct encoder *e, const struct frame *f, int slot)
{
    struct keys *keys = e->keys;
    if (keys->n == keys->cap) {
        size_t cap = keys->cap ? keys->cap * 2 : 16;
        struct key *v = realloc(keys->v, cap * sizeof *v);
        if (!v)
            refuse(e, f, "this: not enough memory");
        keys->v = v;
        keys->cap = cap;
    }
    struct key *k = &keys->v[keys->n++];
    *k = (struct key){.slot = slot};
    if (lua_type(e->L, slot) == LUA_TSTRING)
        k->s = lua_tolstring(e->L, slot, &k->len);
    else if (lua_isinteger(e->L, slot))
        k->i = lua_tointeger(e->L, slot);
    else
        refuse(e, f, "a key that is a %s", luaL_typename(e->L, slot));
}

/* Put all keys of the table on the Lua stack, and into `keys`. */
static void collect_keys(struct encoder *e, struct frame *f, int t)
{
    lua_State *L = e->L;
    for (lua_pushnil(L); lua_next(L, t);) {
        lua_pop(L, 1);
        f->slot = lua_gettop(L);
        push_key(e, f, f->slot);
        if (!lua_checkstack(L, SLOTS_A_LEVEL))
            refuse(e, f->up, "a table with so many keys in order");
        lua_pushvalue(L, -1);
    }
}

static bool add_sorted_pairs(struct encoder *e, struct frame *f, int t)
{
    lua_State *L = e->L;
    int top = lua_gettop(L);
    size_t base = e->keys->n;
    collect_keys(e, f, t);
    size_t end = e->keys->n;
    if (end > base)
        qsort(e->keys->v + base, end - base, sizeof *e->keys->v, compare_keys);
    for (size_t i = base; i < end; i++) {
        f->slot = e->keys->v[i].slot;
        lua_pushvalue(L, f->slot);
        lua_rawget(L, t);
        add_pair(e, f, i == base);
        lua_pop(L, 1);
    }
    e->keys->n = base;
    lua_settop(L, top);
    return end == base;
}

static void add_object(struct encoder *e, struct frame *f, int t)
{
    add_char(e, '{');
    bool empty = e->keys ? add_sorted_pairs(e, f, t) : add_pairs(e, f, t);
    if (!empty)
        new_line(e, f->depth - 1);
    add_char(e, '}');
}

static bool is_inside(const struct frame *f, const void *table)
{
    while (f && f->table != table)
        f = f->up;
    return f != NULL;
}

static void add_table(struct encoder *e, const struct frame *up)
{
    lua_State *L = e->L;
    int t = lua_gettop(L);
    struct frame f = {.up = up, .table = lua_topointer(L, t)};
    f.depth = up ? up->depth + 1 : 1;
    if (f.depth > LF_JSON_MAX_DEPTH)
        refuse(e, up,
               is_inside(up, f.table) ? "a table that contains itself"
                                      : "more than %d levels",
               LF_JSON_MAX_DEPTH);
    if (!lua_checkstack(L, SLOTS_A_LEVEL))
        refuse(e, up, "this: not enough memory");
    lua_Integer n = (lua_Integer)lua_rawlen(L, t);
    bool marked = is_marked(e, t);
    bool sequence = (n > 0 || marked) && is_sequence(L, t, n);
    if (marked && !sequence)
        refuse(e, up, "an array with holes or other keys");
    if (sequence)
        add_array(e, &f, t, n);
    else
        add_object(e, &f, t);
}

/* The value on top of the stack, which it leaves there. */
static void add_value(struct encoder *e, const struct frame *f)
{
    lua_State *L = e->L;
    int type = lua_type(L, -1);
    size_t n;
    switch (type) {
    case LUA_TNIL:
        add(e, "null", 4);
        return;
    case LUA_TBOOLEAN:
        lua_toboolean(L, -1) ? add(e, "true", 4) : add(e, "false", 5);
        return;
    case LUA_TNUMBER:
        add_number(e, f, -1);
        return;
    case LUA_TSTRING: {
        const char *s = lua_tolstring(L, -1, &n);
        add_string(e, f, s, n);
        return;
    }
    case LUA_TTABLE:
        add_table(e, f);
        return;
    default:
        if (!lf_json_is_null(L, -1))
            refuse(e, f, "a %s", lua_typename(L, type));
        add(e, "null", 4);
    }
}

/* ---- from the top ---- */

static int buf_gc(lua_State *L)
{
    lf_buf_free(lua_touserdata(L, 1));
    return 0;
}

static int keys_gc(lua_State *L)
{
    struct keys *keys = lua_touserdata(L, 1);
    free(keys->v);
    *keys = (struct keys){.n = 0};
    return 0;
}

static void set_gc(lua_State *L, const char *meta, lua_CFunction gc)
{
    if (luaL_newmetatable(L, meta)) {
        lua_pushcfunction(L, gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
}

struct lf_buf *lf_json_push_buf(lua_State *L)
{
    struct lf_buf *b = lua_newuserdatauv(L, sizeof *b, 0);
    lf_buf_init(b, LF_BUF_MAX);
    set_gc(L, BUF_META, buf_gc);
    return b;
}

static struct keys *push_keys(lua_State *L)
{
    struct keys *keys = lua_newuserdatauv(L, sizeof *keys, 0);
    *keys = (struct keys){.n = 0};
    set_gc(L, KEYS_META, keys_gc);
    return keys;
}

void lf_json_encode(lua_State *L, int idx, struct lf_buf *out,
                    const struct lf_json_style *style)
{
    static const struct lf_json_style plain;
    struct encoder e = {.L = L, .out = out, .start = out->len};
    luaL_checkstack(L, SLOTS_A_LEVEL, "encoding JSON");
    int top = lua_gettop(L);
    idx = lua_absindex(L, idx);
    lf_json_push_array_meta(L);
    e.meta = top + 1;
    e.style = style ? style : &plain;
    if (e.style->sort_keys)
        e.keys = push_keys(L);
    lua_pushvalue(L, idx);
    add_value(&e, NULL);
    *room(&e, 0) = '\0';
    if (e.keys) {
        free(e.keys->v);
        *e.keys = (struct keys){.n = 0};
    }
    lua_settop(L, top);
}
