/* `luafetch.url`: the URL parser and percent-encoding for scripts. Everything that owns
 * memory outside Lua is boxed before the work begins, since any push may throw. */
#include "bind/url.h"

#include <lauxlib.h>
#include <string.h>
#include "bind/lf_module.h"
#include "http/percent.h"
#include "http/url.h"

#define URLS_MT "luafetch.urls"

/* -- parsing -- */

struct urls {
    struct lf_url url, base;
    struct lf_buf text;
};

static int urls_free(lua_State *L)
{
    struct urls *x = luaL_checkudata(L, 1, URLS_MT);
    lf_url_free(&x->url);
    lf_url_free(&x->base);
    lf_buf_free(&x->text);
    return 0;
}

static struct urls *push_urls(lua_State *L)
{
    struct urls *x = lua_newuserdatauv(L, sizeof *x, 0);
    x->url = x->base = LF_URL_INIT;
    lf_buf_init(&x->text, LF_BUF_MAX);
    luaL_setmetatable(L, URLS_MT);
    return x;
}

/* Those that are kept from call to call, for who runs nothing of a script between parsing
 * and the one push of the result: what may be called for each link of a page. */
static struct urls *kept_urls(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* [-0, +1, m] The result. Only what is small is kept. */
static int push_kept(lua_State *L, struct urls *x, struct lf_span s)
{
    enum { SMALL = 10000 };
    lua_pushlstring(L, s.len ? s.p : "", s.len);
    if (x->url.href.cap + x->base.href.cap + x->text.cap > SMALL) {
        lf_url_free(&x->url);
        lf_url_free(&x->base);
        lf_buf_free(&x->text);
    }
    return 1;
}

static int fail(lua_State *L, enum lf_err err, const char *what, const char *why,
                const char *url)
{
    if (err != LF_EURL)
        lf_buf_check(L, err);
    return lf_error_bad_url(L, what, why, url);
}

/* Parse the string at index `ref`, relative to the one at `base` unless that is 0 or
 * holds nil. 0, or the count of what fail pushed. */
static int parse(lua_State *L, struct urls *x, int ref, int base)
{
    size_t n;
    const char *why = NULL, *s;
    bool based = base && !lua_isnil(L, base);
    if (based) {
        s = luaL_checklstring(L, base, &n);
        bool is_there = n && n == x->base.href.len && memcmp(s, x->base.href.p, n) == 0;
        enum lf_err err = is_there ? LF_OK : lf_url_parse(&x->base, s, n, NULL, &why);
        if (err)
            return fail(L, err, "base URL", why, s);
    }
    s = luaL_checklstring(L, ref, &n);
    enum lf_err err = lf_url_parse(&x->url, s, n, based ? &x->base : NULL, &why);
    return err ? fail(L, err, "URL", why, s) : 0;
}

static void set_span(lua_State *L, const char *name, struct lf_span s)
{
    if (!s.p)
        return;
    lua_pushlstring(L, s.p, s.len);
    lua_setfield(L, -2, name);
}

static void set_origin(lua_State *L, const struct lf_url *u)
{
    bool opaque;
    struct lf_buf *b = lf_buf_box(L, LF_URL_MAX);
    lf_buf_check(L, lf_url_origin(u, b, &opaque));
    lua_insert(L, -2);
    if (!opaque)
        set_span(L, "origin", (struct lf_span){b->p, b->len});
    lf_buf_free(b);
    lua_remove(L, -2);
}

static int l_parse(lua_State *L)
{
    luaL_checkstring(L, 1);
    luaL_optstring(L, 2, NULL);
    lua_settop(L, 2);
    struct urls *x = push_urls(L);
    int failed = parse(L, x, 1, 2);
    if (failed)
        return failed;
    const struct lf_url *u = &x->url;
    lua_createtable(L, 0, 10);
    set_span(L, "scheme", lf_url_scheme_name(u));
    set_span(L, "user", lf_url_username(u));
    set_span(L, "password", lf_url_password(u));
    set_span(L, "host", lf_url_host(u));
    set_span(L, "path", lf_url_path(u));
    set_span(L, "query", lf_url_query(u));
    set_span(L, "fragment", lf_url_fragment(u));
    set_span(L, "href", (struct lf_span){u->href.p, u->href.len});
    set_origin(L, u);
    if (lf_url_port(u) >= 0) {
        lua_pushinteger(L, lf_url_port(u));
        lua_setfield(L, -2, "port");
    }
    lf_url_free(&x->url);
    lf_url_free(&x->base);
    return 1;
}

static int l_join(lua_State *L)
{
    luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    struct urls *x = kept_urls(L);
    int failed = parse(L, x, 2, 1);
    return failed ? failed
                  : push_kept(L, x, (struct lf_span){x->url.href.p, x->url.href.len});
}

/* Push what the buffer holds and free it. */
static int push_buf(lua_State *L, struct lf_buf *b)
{
    lua_pushlstring(L, b->len ? b->p : "", b->len);
    lf_buf_free(b);
    return 1;
}

/* The boolean options at idx, of which only `name` exists. */
static bool only_option(lua_State *L, int idx, const char *name)
{
    if (lua_isnoneornil(L, idx))
        return false;
    luaL_checktype(L, idx, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
        if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), name) != 0)
            luaL_argerror(L, idx,
                          lua_pushfstring(L, "unknown option '%s'; there is '%s'",
                                          luaL_tolstring(L, -2, NULL), name));
    lua_getfield(L, idx, name);
    bool on = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return on;
}

static int l_canonical(lua_State *L)
{
    luaL_checkstring(L, 1);
    bool sort = only_option(L, 2, "sort_query");
    struct urls *x = kept_urls(L);
    int failed = parse(L, x, 1, 0);
    if (failed)
        return failed;
    lf_buf_reset(&x->text);
    lf_buf_check(L, lf_url_canonical(&x->url, sort, &x->text));
    return push_kept(L, x, (struct lf_span){x->text.p, x->text.len});
}

/* -- building -- */

static const char *const build_fields[] = {"scheme", "user",   "password", "host",
                                           "port",   "path",   "query",    "fragment",
                                           "params", "origin", "href",     NULL};

static void check_fields(lua_State *L, int idx)
{
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        const char *name = luaL_tolstring(L, -2, NULL);
        const char *const *f = build_fields;
        while (*f && strcmp(*f, name) != 0)
            f++;
        if (!*f)
            luaL_argerror(L, idx, lua_pushfstring(L, "unknown field '%s'", name));
        lua_pop(L, 1);
    }
}

/* The field of the table at 1 as text (pushed, so that it stays), or absent. */
static struct lf_span field(lua_State *L, const char *name)
{
    struct lf_span s = {NULL, 0};
    int type = lua_getfield(L, 1, name);
    if (type == LUA_TNIL)
        return s;
    if (type != LUA_TSTRING && (type != LUA_TNUMBER || strcmp(name, "port") != 0))
        luaL_argerror(L, 1,
                      lua_pushfstring(L, "field '%s' must be a string, not a %s", name,
                                      lua_typename(L, type)));
    if (type == LUA_TNUMBER && lua_tointeger(L, -1) == lua_tonumber(L, -1)) {
        lua_pushinteger(L, lua_tointeger(L, -1)); /* 80.0 is 80 */
        lua_replace(L, -2);
    }
    s.p = lua_tolstring(L, -1, &s.len);
    return s;
}

struct build {
    struct lf_span scheme, user, password, host, port, path, query, fragment;
};

static bool holds_any(struct lf_span s, const char *bytes)
{
    for (size_t i = 0; s.p && i < s.len; i++)
        if (s.p[i] == '\0' || strchr(bytes, s.p[i]))
            return true;
    return false;
}

/* What parsing the whole would take for something else. NULL when there is nothing. */
static const char *build_flaw(const struct build *b)
{
    static const char scheme_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789+-."
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!b->scheme.len || strspn(b->scheme.p, scheme_bytes) != b->scheme.len)
        return "the scheme is missing or not a scheme";
    if (!b->host.p && (b->user.p || b->password.p || b->port.p))
        return "user, password and port need a host";
    if (holds_any(b->host, "/\\?#@\t\n\r"))
        return "the host holds a character that hosts must not have";
    if (holds_any(b->port, "/\\?#@\t\n\r:"))
        return "the port is not a number from 0 to 65535";
    return NULL;
}

/* http, ws, ftp: without "//host" the path would be read as one. */
static bool scheme_needs_host(struct lf_span s)
{
    enum lf_url_scheme scheme = lf_url_scheme_of(s.p, s.len);
    return scheme != LF_URL_OTHER && scheme != LF_URL_FILE;
}

static void add(lua_State *L, struct lf_buf *out, const char *before, struct lf_span s)
{
    if (!s.p)
        return;
    lf_buf_check(L, lf_buf_adds(out, before));
    lf_buf_check(L, lf_buf_add(out, s.p, s.len));
}

static void add_encoded(lua_State *L, struct lf_buf *out, const char *before,
                        struct lf_span s, enum lf_percent_set set)
{
    if (!s.p)
        return;
    lf_buf_check(L, lf_buf_adds(out, before));
    lf_buf_check(L, lf_percent_encode(out, s.p, s.len, set));
}

static void add_authority(lua_State *L, struct lf_buf *out, const struct build *b)
{
    bool bare_ipv6 =
        b->host.len && *b->host.p != '[' && memchr(b->host.p, ':', b->host.len);
    lf_buf_check(L, lf_buf_adds(out, "//"));
    add_encoded(L, out, "", b->user, LF_PERCENT_USERINFO);
    add_encoded(L, out, ":", b->password, LF_PERCENT_USERINFO);
    if (b->user.p || b->password.p)
        lf_buf_check(L, lf_buf_addc(out, '@'));
    add(L, out, bare_ipv6 ? "[" : "", b->host);
    if (bare_ipv6)
        lf_buf_check(L, lf_buf_addc(out, ']'));
    add(L, out, ":", b->port);
}

static void add_path(lua_State *L, struct lf_buf *out, const struct build *b)
{
    bool rooted = b->path.len && b->path.p[0] == '/';
    if (b->host.p && b->path.len && !rooted)
        lf_buf_check(L, lf_buf_addc(out, '/'));
    if (b->host.p || rooted) {
        bool guard = !b->host.p && b->path.len > 1 && b->path.p[1] == '/';
        add_encoded(L, out, guard ? "/." : "", b->path, LF_PERCENT_PATH);
        return;
    }
    for (size_t i = 0; i < b->path.len; i++) { /* opaque: nearly all may stand */
        unsigned char c = (unsigned char)b->path.p[i];
        bool raw = c >= ' ' && c != '?' && c != '#';
        lf_buf_check(L, raw ? lf_buf_addc(out, (char)c) : lf_buf_addf(out, "%%%02X", c));
    }
}

static void add_query(lua_State *L, struct lf_buf *out, const struct build *b)
{
    add_encoded(L, out, "?", b->query, LF_PERCENT_QUERY);
    if (lua_getfield(L, 1, "params") != LUA_TNIL) {
        struct lf_buf *params = lf_buf_box(L, LF_BUF_MAX);
        lf_url_add_params(L, -2, "params", params);
        if (params->len)
            add(L, out,
                !b->query.p    ? "?"
                : b->query.len ? "&"
                               : "",
                (struct lf_span){params->p, params->len});
        lf_buf_free(params);
    }
}

static int l_build(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_checkstack(L, 24, NULL);
    check_fields(L, 1);
    struct urls *x = push_urls(L);
    struct lf_buf *out = lf_buf_box(L, LF_BUF_MAX);
    struct build b = {
        .scheme = field(L, "scheme"),
        .user = field(L, "user"),
        .password = field(L, "password"),
        .host = field(L, "host"),
        .port = field(L, "port"),
        .path = field(L, "path"),
        .query = field(L, "query"),
        .fragment = field(L, "fragment"),
    };
    const char *why = build_flaw(&b);
    if (!why && !b.host.len && scheme_needs_host(b.scheme))
        why = "the host is missing";
    if (why)
        return fail(L, LF_EURL, "URL", why, NULL);
    add(L, out, "", b.scheme);
    lf_buf_check(L, lf_buf_addc(out, ':'));
    if (b.host.p)
        add_authority(L, out, &b);
    add_path(L, out, &b);
    add_query(L, out, &b);
    add_encoded(L, out, "#", b.fragment, LF_PERCENT_FRAGMENT);
    enum lf_err err = lf_url_parse(&x->url, out->p, out->len, NULL, &why);
    if (err)
        return fail(L, err, "URL", why, out->p);
    lf_buf_free(out);
    lua_pushlstring(L, x->url.href.p, x->url.href.len);
    lf_url_free(&x->url);
    lf_url_free(&x->base);
    return 1;
}

/* -- components and queries -- */

static int l_encode(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    struct lf_buf *b = lf_buf_box(L, LF_BUF_MAX);
    lf_buf_check(L, lf_percent_encode(b, s, n, LF_PERCENT_COMPONENT));
    return push_buf(L, b);
}

static int l_decode(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    struct lf_buf *b = lf_buf_box(L, LF_BUF_MAX);
    lf_buf_check(L, lf_percent_decode(b, s, n));
    return push_buf(L, b);
}

static int l_encode_query(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    struct lf_buf *b = lf_buf_box(L, LF_BUF_MAX);
    lf_url_add_params(L, 1, "params", b);
    return push_buf(L, b);
}

static void push_decoded(lua_State *L, struct lf_buf *b, const char *s, size_t n)
{
    lf_buf_reset(b);
    lf_buf_check(L, lf_form_decode(b, s, n));
    lua_pushlstring(L, b->p, b->len);
}

/* Set map[name] = value, or a list of values when the name came before. Takes the two
 * strings on the top; the map is at `map`. */
static void add_to_map(lua_State *L, int map)
{
    lua_pushvalue(L, -2);
    switch (lua_rawget(L, map)) {
    case LUA_TNIL:
        lua_pop(L, 1);
        lua_rawset(L, map);
        return;
    case LUA_TTABLE:
        lua_insert(L, -2);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        lua_pop(L, 2);
        return;
    default: /* name, second value, first value */
        lua_createtable(L, 2, 0);
        lua_insert(L, -3);
        lua_rawseti(L, -3, 1);
        lua_rawseti(L, -2, 2);
        lua_rawset(L, map);
    }
}

static int l_decode_query(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n), *end = s + n;
    lua_settop(L, 1);
    struct lf_buf *b = lf_buf_box(L, LF_BUF_MAX);
    lua_newtable(L); /* 3: the map */
    lua_newtable(L); /* 4: the pairs */
    struct lf_form_pair pair;
    for (lua_Integer i = 1; lf_form_next(&s, end, &pair); i++) {
        lua_createtable(L, 2, 0);
        push_decoded(L, b, pair.name, pair.name_len);
        push_decoded(L, b, pair.value, pair.value_len);
        lua_pushvalue(L, -2);
        lua_rawseti(L, -4, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -4, 2);
        add_to_map(L, 3);
        lua_rawseti(L, 4, i);
    }
    lf_buf_free(b);
    return 2;
}

/* -- templates -- */

static enum lf_err encode_reserved(struct lf_buf *out, const char *s, size_t n)
{
    return lf_percent_encode(out, s, n, LF_PERCENT_RESERVED);
}

/* A variable of the expression, name at s; `sep` is what {?} and {&} put before the next
 * one, 0 for a plain expression. */
static void add_variable(lua_State *L, struct lf_buf *out, const char *s, size_t n,
                         char *sep)
{
    lua_pushlstring(L, s, n);
    lua_pushvalue(L, -1);
    if (lua_gettable(L, 2) != LUA_TNIL) {
        if (*sep) {
            lf_buf_check(L, lf_buf_addc(out, *sep));
            lf_buf_check(L, lf_buf_add(out, s, n));
            lf_buf_check(L, lf_buf_addc(out, '='));
            *sep = '&';
        }
        if (!lf_url_add_scalar(L, -1, out, encode_reserved))
            luaL_error(L, "template: '%s' must be a string, number or boolean, not a %s",
                       lua_tostring(L, -2), luaL_typename(L, -1));
    }
    lua_pop(L, 2);
}

static bool is_varchar(char c)
{
    static const char more[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.%";
    return c && strchr(more, c);
}

/* The expression between s and end, its braces taken off. */
static void add_expression(lua_State *L, struct lf_buf *out, const char *s,
                           const char *end)
{
    const char *from = s;
    char sep = s < end && (*s == '?' || *s == '&') ? *s++ : 0;
    for (;;) {
        const char *name = s;
        while (s < end && is_varchar(*s))
            s++;
        if (s == name || (s < end && (*s != ',' || !sep))) {
            lua_pushlstring(L, from, (size_t)(end - from));
            luaL_error(L, "template: '{%s}' is not one of {name}, {?a,b}, {&a,b}",
                       lua_tostring(L, -1));
        }
        add_variable(L, out, name, (size_t)(s - name), &sep);
        if (s++ == end)
            return;
    }
}

static int l_template(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n), *end = s + n;
    luaL_checktype(L, 2, LUA_TTABLE);
    struct lf_buf *b = lf_buf_box(L, LF_BUF_MAX);
    while (s < end) {
        const char *open = memchr(s, '{', (size_t)(end - s));
        lf_buf_check(L, lf_buf_add(b, s, (size_t)((open ? open : end) - s)));
        if (!open)
            break;
        const char *close = memchr(open, '}', (size_t)(end - open));
        if (!close)
            return luaL_error(L, "template: '{' without '}'");
        add_expression(L, b, open + 1, close);
        s = close + 1;
    }
    return push_buf(L, b);
}

static const luaL_Reg functions[] = {
    {"parse", l_parse},
    {"join", l_join},
    {"build", l_build},
    {"encode", l_encode},
    {"decode", l_decode},
    {"encode_query", l_encode_query},
    {"decode_query", l_decode_query},
    {"canonical", l_canonical},
    {"template", l_template},
    {"registrable_domain", lf_url_registrable},
    {NULL, NULL},
};

int luaopen_luafetch_url(lua_State *L)
{
    if (luaL_newmetatable(L, URLS_MT)) {
        lua_pushcfunction(L, urls_free);
        lua_setfield(L, -2, "__gc");
    }
    lua_pop(L, 1);
    luaL_newlibtable(L, functions);
    push_urls(L);
    luaL_setfuncs(L, functions, 1);
    return 1;
}
