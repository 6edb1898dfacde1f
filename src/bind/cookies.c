/* Cookie jars as Lua objects: load, save, list, set, delete, clear, and the two that
 * sessions do by themselves, receive and header. Every time may be given, in seconds
 * since 1970, so that specs are exact; it is the machine's own otherwise. */
#include "bind/cookies.h"

#include <lauxlib.h>
#include <string.h>
#include <time.h>
#include "bind/bind.h"
#include "bind/meta.h"
#include "bind/suggest.h"
#include "bind/url.h"
#include "http/url.h"

static const char meta_key; /* its address: the metatable in the registry */

static struct lf_jar **test_box(lua_State *L, int idx)
{
    void *p = lua_touserdata(L, idx);
    return p && lf_meta_is(L, idx, &meta_key) ? p : NULL;
}

struct lf_jar *lf_cookies_test(lua_State *L, int idx)
{
    struct lf_jar **box = test_box(L, idx);
    return box ? *box : NULL;
}

struct lf_jar *lf_cookies_check(lua_State *L, int idx)
{
    struct lf_jar *jar = lf_cookies_test(L, idx);
    if (!jar)
        lf_misuse(L, "a cookie jar is wanted (call its methods with ':'), got %s",
                  luaL_typename(L, idx));
    return jar;
}

/* The time at idx, or now. */
static int64_t check_time(lua_State *L, int idx)
{
    const lua_Number limit = 1e15; /* room to add to */
    if (lua_isnoneornil(L, idx))
        return (int64_t)time(NULL);
    lua_Number t = luaL_checknumber(L, idx);
    luaL_argcheck(L, t > -limit && t < limit, idx, "no time in seconds");
    return (int64_t)t;
}

static int fail(lua_State *L, enum lf_err err, const char *text)
{
    if (err == LF_ERESOURCE)
        return luaL_error(L, "not enough memory");
    return lf_error_fail(L, err, NULL, "%s", text);
}

/* ---- URLs ---- */

static int url_gc(lua_State *L)
{
    lf_url_free(lua_touserdata(L, 1));
    return 0;
}

/* [-0, +1, m] A URL that is freed when collected. */
static struct lf_url *push_url(lua_State *L)
{
    struct lf_url *u = lua_newuserdatauv(L, sizeof *u, 0);
    *u = LF_URL_INIT;
    if (luaL_newmetatable(L, "luafetch.cookies.url")) {
        lua_pushcfunction(L, url_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return u;
}

/* [-0, +1, v] The URL at idx; one that is none raises. */
static struct lf_url *check_url(lua_State *L, int idx)
{
    size_t n;
    const char *s = luaL_checklstring(L, idx, &n), *why = NULL;
    struct lf_url *u = push_url(L);
    enum lf_err err = lf_url_parse(u, s, n, NULL, &why);
    if (err == LF_ERESOURCE)
        luaL_error(L, "not enough memory");
    if (err)
        lf_misuse(L, "cookies: '%s' is no URL: %s", s, why);
    return u;
}

/* jar:receive(url, set_cookie [, now]) → true | false, why */
static int l_receive(lua_State *L)
{
    struct lf_jar *jar = lf_cookies_check(L, 1);
    size_t n;
    const char *why, *value = luaL_checklstring(L, 3, &n);
    int64_t now = check_time(L, 4);
    enum lf_err err = lf_jar_set(jar, check_url(L, 2), value, n, now, &why);
    if (err)
        return luaL_error(L, "not enough memory");
    lua_pushboolean(L, !why);
    if (!why)
        return 1;
    lua_pushstring(L, why);
    return 2;
}

/* jar:header(url [, now]) → value | nil */
static int l_header(lua_State *L)
{
    struct lf_jar *jar = lf_cookies_check(L, 1);
    int64_t now = check_time(L, 3);
    const struct lf_url *url = check_url(L, 2);
    struct lf_buf *out = lf_buf_box(L, LF_BUF_MAX);
    lf_buf_check(L, lf_jar_header(jar, url, now, out));
    if (out->len)
        lua_pushlstring(L, out->p, out->len);
    else
        lua_pushnil(L);
    lf_buf_free(out);
    return 1;
}

/* ---- what is in it ---- */

static const char *const same_sites[] = {NULL, "none", "lax", "strict"};

static void set_span(lua_State *L, const char *name, struct lf_span s)
{
    lua_pushlstring(L, s.p, s.len);
    lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

static void set_time(lua_State *L, const char *name, int64_t t)
{
    lua_pushinteger(L, t);
    lua_setfield(L, -2, name);
}

static void push_cookie(lua_State *L, const struct lf_cookie *c)
{
    lua_createtable(L, 0, 11);
    set_span(L, "name", c->name);
    set_span(L, "value", c->value);
    set_span(L, "domain", c->domain);
    set_span(L, "path", c->path);
    set_flag(L, "host_only", c->host_only);
    set_flag(L, "secure", c->secure);
    set_flag(L, "http_only", c->http_only);
    set_time(L, "created", c->created);
    set_time(L, "used", c->used);
    if (c->expires != LF_COOKIE_SESSION)
        set_time(L, "expires", c->expires);
    if (c->same_site) {
        lua_pushstring(L, same_sites[c->same_site]);
        lua_setfield(L, -2, "same_site");
    }
}

static int l_list(lua_State *L)
{
    struct lf_jar *jar = lf_cookies_check(L, 1);
    int64_t now = check_time(L, 2);
    const struct lf_cookie *list = NULL;
    size_t n;
    struct lf_buf *copies = lf_buf_box(L, LF_BUF_MAX);
    lf_buf_check(L, lf_jar_list(jar, now, copies, &list, &n));
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        push_cookie(L, &list[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lf_buf_free(copies);
    return 1;
}

/* ---- set and delete: fields of a table ---- */

struct wish {
    struct lf_cookie c;
    struct lf_span host; /* of `url` */
    int64_t now;
    bool has_host_only;
};

static void want(lua_State *L, const char *name, int type)
{
    if (lua_type(L, -1) != type)
        lf_misuse(L, "cookies: field '%s' must be a %s, not a %s", name,
                  lua_typename(L, type), luaL_typename(L, -1));
}

/* The value at the top; the table keeps it alive. */
static struct lf_span want_text(lua_State *L, const char *name)
{
    struct lf_span s;
    want(L, name, LUA_TSTRING);
    s.p = lua_tolstring(L, -1, &s.len);
    return s;
}

static bool want_flag(lua_State *L, const char *name)
{
    want(L, name, LUA_TBOOLEAN);
    return lua_toboolean(L, -1);
}

static int64_t want_seconds(lua_State *L, const char *name)
{
    const lua_Number limit = 1e15;
    want(L, name, LUA_TNUMBER);
    lua_Number t = lua_tonumber(L, -1);
    if (!(t > -limit && t < limit))
        lf_misuse(L, "cookies: field '%s' is no number of seconds", name);
    return (int64_t)t;
}

static void set_name(lua_State *L, struct wish *w)
{
    w->c.name = want_text(L, "name");
}

static void set_value(lua_State *L, struct wish *w)
{
    w->c.value = want_text(L, "value");
}

static void set_domain(lua_State *L, struct wish *w)
{
    w->c.domain = want_text(L, "domain");
}

static void set_path(lua_State *L, struct wish *w)
{
    w->c.path = want_text(L, "path");
}

/* `false`: with the session, as when nothing is said */
static void set_expires(lua_State *L, struct wish *w)
{
    if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
        w->c.expires = LF_COOKIE_SESSION;
    else
        w->c.expires = want_seconds(L, "expires");
}

static void set_max_age(lua_State *L, struct wish *w)
{
    w->c.expires = w->now + want_seconds(L, "max_age");
}

static void set_secure(lua_State *L, struct wish *w)
{
    w->c.secure = want_flag(L, "secure");
}

static void set_http_only(lua_State *L, struct wish *w)
{
    w->c.http_only = want_flag(L, "http_only");
}

static void set_host_only(lua_State *L, struct wish *w)
{
    w->c.host_only = want_flag(L, "host_only");
    w->has_host_only = true;
}

static void set_same_site(lua_State *L, struct wish *w)
{
    const char *s = want_text(L, "same_site").p;
    for (int i = LF_SAME_SITE_NONE; i < LF_SAME_SITE_COUNT; i++) {
        if (strcmp(s, same_sites[i]) == 0) {
            w->c.same_site = (uint8_t)i;
            return;
        }
    }
    lf_misuse(L, "cookies: field 'same_site' must be \"none\", \"lax\" or \"strict\"");
}

static const struct field {
    const char *name;
    void (*set)(lua_State *L, struct wish *w);
    bool selects; /* delete knows it too */
} fields[] = {
    {"name", set_name, true},
    {"domain", set_domain, true},
    {"path", set_path, true},
    {"value", set_value, false},
    {"url", NULL, false}, /* read first: others build on it */
    {"expires", set_expires, false},
    {"max_age", set_max_age, false},
    {"secure", set_secure, false},
    {"http_only", set_http_only, false},
    {"host_only", set_host_only, false},
    {"same_site", set_same_site, false},
};

enum { NFIELDS = sizeof fields / sizeof *fields };

static void unknown_field(lua_State *L, const char *who, const char *name, bool selecting)
{
    const char *names[NFIELDS];
    size_t n = 0;
    for (size_t i = 0; i < NFIELDS; i++)
        if (!selecting || fields[i].selects)
            names[n++] = fields[i].name;
    lf_option_unknown(L, who, name, names, n);
}

/* Read the table at 2. */
static void read_fields(lua_State *L, struct wish *w, const char *who, bool selecting)
{
    if (!lua_istable(L, 2))
        lf_misuse(L, "%s: a table is wanted, got %s", who, luaL_typename(L, 2));
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        const struct field *f = NULL;
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        for (size_t i = 0; i < NFIELDS && !f; i++)
            if (strcmp(fields[i].name, name) == 0 && (!selecting || fields[i].selects))
                f = &fields[i];
        if (!f)
            unknown_field(L, who, name, selecting);
        else if (f->set)
            f->set(L, w);
    }
}

/* [-0, +1, v] */
static void read_url(lua_State *L, struct wish *w)
{
    lua_getfield(L, 2, "url");
    if (lua_isnil(L, -1))
        return;
    want(L, "url", LUA_TSTRING);
    const struct lf_url *u = check_url(L, lua_gettop(L));
    lua_replace(L, -2);
    w->host = lf_url_host(u);
}

/* jar:set{…} → true | nil, err */
static int l_set(lua_State *L)
{
    struct lf_jar *jar = lf_cookies_check(L, 1);
    struct wish w = {.c = {.path = {"/", 1}, .expires = LF_COOKIE_SESSION}};
    const char *why;
    lua_settop(L, 2);
    w.now = check_time(L, 3);
    read_fields(L, &w, "cookies.set", false);
    read_url(L, &w);
    if (!w.c.name.p || !w.c.value.p)
        lf_misuse(L, "cookies.set: fields 'name' and 'value' are wanted");
    if (!w.c.domain.p && !w.host.len)
        lf_misuse(L, "cookies.set: field 'domain' or 'url' is wanted");
    if (!w.c.domain.p) {
        w.c.domain = w.host;
        w.c.host_only = !w.has_host_only || w.c.host_only;
    }
    enum lf_err err = lf_jar_add(jar, &w.c, w.now, &why);
    if (err == LF_EREQUEST) {
        lua_pushfstring(L, "the cookie '%s' cannot be: %s", w.c.name.p, why);
        return fail(L, err, lua_tostring(L, -1));
    }
    if (err)
        return fail(L, err, "");
    lua_pushboolean(L, true);
    return 1;
}

/* jar:delete{name=, domain=, path=} → how many */
static int l_delete(lua_State *L)
{
    struct lf_jar *jar = lf_cookies_check(L, 1);
    struct wish w = {0};
    lua_settop(L, 2);
    read_fields(L, &w, "cookies.delete", true);
    if (!w.c.name.p && !w.c.domain.p && !w.c.path.p)
        lf_misuse(L,
                  "cookies.delete: name, domain or path is wanted (clear() removes all)");
    if (w.c.domain.p) {
        struct lf_buf *domain = lf_buf_box(L, LF_BUF_MAX);
        enum lf_err err = lf_cookie_domain(domain, w.c.domain.p, w.c.domain.len);
        if (err == LF_ERESOURCE)
            return fail(L, err, "");
        if (!err)
            w.c.domain = (struct lf_span){domain->p, domain->len};
    }
    lua_pushinteger(L, (lua_Integer)lf_jar_delete(jar, w.c.domain, w.c.path, w.c.name));
    return 1;
}

static int l_clear(lua_State *L)
{
    lf_jar_clear(lf_cookies_check(L, 1));
    return 0;
}

/* ---- files ---- */

typedef enum lf_err file_fn(struct lf_jar *jar, const char *path, int64_t now,
                            struct lf_jar_report *r);

/* Returns how many values were pushed, of which the first two are counts. */
static int with_file(lua_State *L, file_fn *work)
{
    struct lf_jar *jar = lf_cookies_check(L, 1);
    size_t n;
    const char *path = luaL_checklstring(L, 2, &n);
    luaL_argcheck(L, strlen(path) == n, 2, "the path contains a NUL");
    int64_t now = check_time(L, 3);
    struct lf_jar_report r = {.why = lf_buf_box(L, LF_BUF_MAX)};
    enum lf_err err = work(jar, path, now, &r);
    if (err)
        return fail(L, err, r.why->p ? r.why->p : "");
    lf_buf_free(r.why);
    lua_pushinteger(L, (lua_Integer)r.cookies);
    lua_pushinteger(L, (lua_Integer)r.left_out);
    return 2;
}

/* jar:load(path) → how many | nil, err */
static int l_load(lua_State *L)
{
    int n = with_file(L, lf_jar_load);
    if (lua_isnil(L, -n))
        return n;
    lua_pop(L, 1);
    return 1;
}

/* jar:save(path) → how many, left out | nil, err */
static int l_save(lua_State *L)
{
    return with_file(L, lf_jar_save);
}

/* ---- the object ---- */

static int l_gc(lua_State *L)
{
    struct lf_jar **box = test_box(L, 1);
    if (!box)
        return luaL_typeerror(L, 1, "cookie jar");
    lf_jar_free(*box);
    *box = NULL;
    return 0;
}

static int l_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lf_jar_count(lf_cookies_check(L, 1)));
    return 1;
}

static int l_tostring(lua_State *L)
{
    lua_pushfstring(L, "cookies (%I)", (LUAI_UACINT)lf_jar_count(lf_cookies_check(L, 1)));
    return 1;
}

/* [-0, +1, m] */
static void push_meta(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", l_gc}, {"__len", l_len}, {"__tostring", l_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"load", l_load},       {"save", l_save},     {"list", l_list},
        {"set", l_set},         {"delete", l_delete}, {"clear", l_clear},
        {"receive", l_receive}, {"header", l_header}, {NULL, NULL}};
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    luaL_newlib(L, meta);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "cookies");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
}

/* [-0, +1, m] The object without a jar. */
static struct lf_jar **push_box(lua_State *L)
{
    struct lf_jar **box = lua_newuserdatauv(L, sizeof(*box), 0);
    *box = NULL;
    push_meta(L);
    lua_setmetatable(L, -2);
    return box;
}

void lf_cookies_push(lua_State *L, struct lf_jar *jar)
{
    *push_box(L) = lf_jar_hold(jar);
}

static int l_new(lua_State *L)
{
    struct lf_jar **box = push_box(L);
    *box = lf_jar_new();
    return *box ? 1 : luaL_error(L, "not enough memory");
}

int luaopen_luafetch_cookies(lua_State *L)
{
    lua_pushcfunction(L, l_new);
    return 1;
}
