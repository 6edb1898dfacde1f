/* luafetch.csv.core, over http/csv.h:
 *
 *     local r = reader(delimiter, strict, max_record)
 *     r:feed(bytes)  r:finish()
 *     r:next([names]) → record, line     or nil: it wants more bytes, or is at the end
 *                       nil, err
 *     row(cells, n, delimiter, eol, quote, guard) → text
 *
 * With names a record is a table by name; a field whose name is false has its number. */
#include "bind/csv.h"

#include <lauxlib.h>
#include "bind/json.h"
#include "bind/lf_module.h"
#include "bind/url.h"
#include "http/csv.h"

#define READER_MT "luafetch.csv.reader"

enum { TEXT_SLOT = 1 }; /* user value: the string that is being read */

/* ---- reading ---- */

static struct lf_csv_reader *check(lua_State *L)
{
    return luaL_checkudata(L, 1, READER_MT);
}

static int reader_gc(lua_State *L)
{
    lf_csv_reader_deinit(check(L));
    return 0;
}

static int l_reader(lua_State *L)
{
    lua_Integer max = luaL_checkinteger(L, 3);
    luaL_argcheck(L, max > 0 && (size_t)max < LF_BUF_MAX, 3, "no size of a record");
    struct lf_csv_conf conf = {.delimiter = *luaL_checkstring(L, 1),
                               .strict = lua_toboolean(L, 2),
                               .max_record = (size_t)max};
    struct lf_csv_reader *r = lua_newuserdatauv(L, sizeof *r, 1);
    lf_csv_reader_init(r, &conf);
    luaL_setmetatable(L, READER_MT);
    return 1;
}

static int l_feed(lua_State *L)
{
    struct lf_csv_reader *r = check(L);
    size_t n;
    const char *p = luaL_checklstring(L, 2, &n);
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, TEXT_SLOT);
    lf_csv_feed(r, p, n);
    return 0;
}

static int l_finish(lua_State *L)
{
    lf_csv_finish(check(L));
    return 0;
}

static void push_field(lua_State *L, const struct lf_csv_reader *r, size_t i)
{
    struct lf_span s = lf_csv_field(r, i);
    lua_pushlstring(L, s.p, s.len);
}

static void push_list(lua_State *L, const struct lf_csv_reader *r, size_t n)
{
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        push_field(L, r, i);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* By the names at index 2. */
static void push_record(lua_State *L, const struct lf_csv_reader *r, size_t n)
{
    lua_createtable(L, 0, (int)n);
    for (size_t i = 0; i < n; i++) {
        if (lua_rawgeti(L, 2, (lua_Integer)i + 1) != LUA_TSTRING) {
            lua_pop(L, 1);
            lua_pushinteger(L, (lua_Integer)i + 1);
        }
        push_field(L, r, i);
        lua_rawset(L, -3);
    }
}

/* A field without a name would be lost; one too few is wrong only when strict. */
static int wrong_count(lua_State *L, const struct lf_csv_reader *r, size_t n,
                       size_t wanted)
{
    return lf_error_fail(L, LF_EPARSE, NULL,
                         "line %zu: %zu fields, where there are %zu columns", r->began, n,
                         wanted);
}

static int l_next(lua_State *L)
{
    struct lf_csv_reader *r = check(L);
    bool named = lua_istable(L, 2);
    size_t n, wanted = named ? lua_rawlen(L, 2) : 0;
    enum lf_err err = lf_csv_next(r, &n);
    if (err == LF_ERESOURCE)
        lf_buf_check(L, err);
    if (err)
        return lf_error_fail(L, err, NULL, "%s", r->why);
    if (!n)
        return 0;
    if (named && (n > wanted || (r->conf.strict && n < wanted)))
        return wrong_count(L, r, n, wanted);
    if (named)
        push_record(L, r, n);
    else
        push_list(L, r, n);
    lua_pushinteger(L, (lua_Integer)r->began);
    return 2;
}

/* ---- writing ---- */

struct style {
    char delimiter;
    const char *eol; /* borrowed from the stack */
    size_t eol_len;
    bool quote; /* every cell */
    bool guard; /* an apostrophe before what looks like a formula */
};

/* The text of the cell at the top, which scratch may hold. */
static struct lf_span cell_text(lua_State *L, struct lf_buf *scratch,
                                const struct style *style)
{
    struct lf_span s = {"", 0};
    lf_buf_reset(scratch);
    if (lua_isnil(L, -1) || lf_json_is_null(L, -1))
        return s;
    if (lua_type(L, -1) != LUA_TSTRING) {
        lf_json_encode(L, -1, scratch, NULL);
        return (struct lf_span){scratch->p, scratch->len};
    }
    s.p = lua_tolstring(L, -1, &s.len);
    if (!style->guard || !lf_csv_is_formula(s.p, s.len))
        return s;
    lf_buf_check(L, lf_buf_addc(scratch, '\''));
    lf_buf_check(L, lf_buf_add(scratch, s.p, s.len));
    return (struct lf_span){scratch->p, scratch->len};
}

static struct style check_style(lua_State *L)
{
    struct style style = {.delimiter = *luaL_checkstring(L, 3)};
    style.eol = luaL_checklstring(L, 4, &style.eol_len);
    style.quote = lua_toboolean(L, 5);
    style.guard = lua_toboolean(L, 6);
    return style;
}

/* The buffers are upvalues, kept from row to row unless they became large. */
static struct lf_buf *empty_upvalue(lua_State *L, int i)
{
    enum { KEPT = 1 << 20 };
    struct lf_buf *b = lua_touserdata(L, lua_upvalueindex(i));
    if (b->cap > KEPT)
        lf_buf_free(b);
    lf_buf_reset(b);
    return b;
}

/* A record of one empty cell would be an empty line, which is none: in quotes. */
static int l_row(lua_State *L)
{
    struct style style = check_style(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    struct lf_buf *out = empty_upvalue(L, 1), *scratch = empty_upvalue(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1)
            lf_buf_check(L, lf_buf_addc(out, style.delimiter));
        lua_rawgeti(L, 1, i);
        struct lf_span s = cell_text(L, scratch, &style);
        bool quote = style.quote && !lua_isnil(L, -1);
        lf_buf_check(L, quote ? lf_csv_add_quoted(out, s.p, s.len)
                              : lf_csv_add(out, s.p, s.len, style.delimiter));
        lua_pop(L, 1);
    }
    if (!out->len)
        lf_buf_check(L, lf_buf_adds(out, "\"\""));
    lf_buf_check(L, lf_buf_add(out, style.eol, style.eol_len));
    lua_pushlstring(L, out->p, out->len);
    return 1;
}

int luaopen_luafetch_csv_core(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"feed", l_feed}, {"finish", l_finish}, {"next", l_next}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"reader", l_reader}, {NULL, NULL}};
    if (luaL_newmetatable(L, READER_MT)) {
        lua_pushcfunction(L, reader_gc);
        lua_setfield(L, -2, "__gc");
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    lf_buf_box(L, LF_BUF_MAX);
    lf_buf_box(L, LF_BUF_MAX);
    lua_pushcclosure(L, l_row, 2);
    lua_setfield(L, -2, "row");
    return 1;
}
