/* The table lf.json: encode, decode, null, array; and the marks that the two sides of the
 * codec share: what null is, what tells an array from an object. */
#include "bind/json.h"

#include <stdint.h>
#include <string.h>
#include <lauxlib.h>

static const char null_mark, array_mark; /* their addresses are the registry keys */

void lf_json_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&null_mark);
}

bool lf_json_is_null(lua_State *L, int idx)
{
    return lua_touserdata(L, idx) == &null_mark;
}

void lf_json_push_array_meta(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "json.array");
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_mark);
}

static bool is_tail(const unsigned char *p, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (p[i] >> 6 != 2)
            return false;
    return true;
}

size_t lf_json_utf8_len(const char *text, const char *end)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t left = (size_t)(end - text);
    if (left == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (n == 0 || n > left || !is_tail(p, n))
        return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] >= 0xa0;
    bool beyond = p[0] == 0xf4 && p[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : n;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* The high bit of every byte that ends a run of a string (below 0x20, from 0x80, a quote,
 * a backslash); above the lowest of them there may be wrong ones. */
static uint64_t run_ends(uint64_t w)
{
    uint64_t slash = w ^ EACH_BYTE('\\'), quote = w ^ EACH_BYTE('"');
    uint64_t hit = w | ((w - EACH_BYTE(0x20)) & ~w) | ((slash - EACH_BYTE(1)) & ~slash) |
                   ((quote - EACH_BYTE(1)) & ~quote);
    return hit & EACH_BYTE(0x80);
}

static bool ends_run(char c)
{
    return (unsigned char)c < 0x20 || (unsigned char)c >= 0x80 || c == '"' || c == '\\';
}

static const char *skip_ascii(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (uint64_t w; end - p >= 8; p += 8) {
        memcpy(&w, p, 8);
        uint64_t hit = run_ends(w);
        if (hit)
            return p + (__builtin_ctzll(hit) >> 3);
    }
#endif
    while (p < end && !ends_run(*p))
        p++;
    return p;
}

const char *lf_json_skip_plain(const char *p, const char *end)
{
    for (;;) {
        p = skip_ascii(p, end);
        size_t n = p < end && (unsigned char)*p >= 0x80 ? lf_json_utf8_len(p, end) : 0;
        if (!n)
            return p;
        p += n;
    }
}

static int l_decode(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    return lf_json_decode(L, text, n, NULL);
}

static void option_indent(lua_State *L, struct lf_json_style *style)
{
    int is_int;
    lua_Integer n = lua_tointegerx(L, -1, &is_int);
    if (!is_int || n < 0 || n > LF_JSON_MAX_INDENT)
        luaL_error(L, "option 'indent' must be a number of spaces from 0 to %d",
                   LF_JSON_MAX_INDENT);
    style->indent = (int)n;
}

static void option_sort_keys(lua_State *L, struct lf_json_style *style)
{
    if (!lua_isboolean(L, -1))
        luaL_error(L, "option 'sort_keys' must be true or false, not a %s",
                   luaL_typename(L, -1));
    style->sort_keys = lua_toboolean(L, -1);
}

static const struct {
    const char *name;
    void (*read)(lua_State *L, struct lf_json_style *style);
} options[] = {
    {"indent", option_indent},
    {"sort_keys", option_sort_keys},
};

static void read_option(lua_State *L, struct lf_json_style *style)
{
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (strcmp(name, options[i].name) == 0) {
            options[i].read(L, style);
            return;
        }
    }
    luaL_error(L, "unknown option '%s' of json.encode (there are indent and sort_keys)",
               name);
}

static struct lf_json_style read_style(lua_State *L, int idx)
{
    struct lf_json_style style = {0};
    if (lua_isnoneornil(L, idx))
        return style;
    luaL_checktype(L, idx, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
        read_option(L, &style);
    return style;
}

static int l_encode(lua_State *L)
{
    luaL_checkany(L, 1);
    struct lf_json_style style = read_style(L, 2);
    struct lf_buf *out = lf_json_push_buf(L);
    lf_json_encode(L, 1, out, &style);
    lua_pushlstring(L, out->p, out->len);
    lf_buf_free(out);
    return 1;
}

static int l_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lf_json_push_array_meta(L);
    bool other = lua_getmetatable(L, 1) && !lua_rawequal(L, -1, 2);
    luaL_argcheck(L, !other, 1, "the table has a metatable of its own");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

/* All light userdata share one metatable: others keep what they had. */
static int null_tostring(lua_State *L)
{
    if (lf_json_is_null(L, 1)) {
        lua_pushliteral(L, "null");
        return 1;
    }
    if (lua_isnil(L, lua_upvalueindex(1))) {
        lua_pushfstring(L, "userdata: %p", lua_touserdata(L, 1));
        return 1;
    }
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static void name_null(lua_State *L)
{
    lf_json_push_null(L);
    if (!lua_getmetatable(L, -1))
        lua_newtable(L);
    if (lua_getfield(L, -1, "__tostring") != LUA_TFUNCTION ||
        lua_tocfunction(L, -1) != null_tostring) {
        lua_pushcclosure(L, null_tostring, 1);
        lua_setfield(L, -2, "__tostring");
    } else {
        lua_pop(L, 1);
    }
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

int luaopen_luafetch_json(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"decode", l_decode}, {"encode", l_encode}, {"array", l_array}, {NULL, NULL}};
    name_null(L);
    luaL_newlib(L, functions);
    lf_json_push_null(L);
    lua_setfield(L, -2, "null");
    return 1;
}
