/* Sessions as Lua objects. */
#include "bind/session.h"

#include <lauxlib.h>
#include <stddef.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/cookies.h"
#include "bind/meta.h"
#include "bind/suggest.h"
#include "bind/request.h"
#include "bind/url.h"

enum {
    UV_KEPT = 1, /* a table of the strings that the config borrows */
    UV_COOKIES,  /* the jar as an object */
    UV_COUNT = UV_COOKIES
};

/* Those strings. */
static const size_t texts[] = {
    offsetof(struct lf_opts, ca),
    offsetof(struct lf_opts, types),
    offsetof(struct lf_opts, way.proxy),
    offsetof(struct lf_opts, way.cert),
    offsetof(struct lf_opts, way.key),
    offsetof(struct lf_opts, way.pin),
    offsetof(struct lf_opts, way.unix_socket),
    offsetof(struct lf_opts, way.interface),
};
enum { TEXTS = sizeof texts / sizeof *texts, PROXY_FN = TEXTS + 1, OBSERVER_FN };

static const char meta_key, methods_key; /* their addresses: tables in the registry */
static const char who[] = "session";

static struct lf_session *test(lua_State *L, int idx)
{
    void *p = lua_touserdata(L, idx);
    return p && lf_meta_is(L, idx, &meta_key) ? p : NULL;
}

bool lf_session_is(lua_State *L, int idx)
{
    return test(L, idx) != NULL;
}

struct lf_session *lf_session_check(lua_State *L, int idx)
{
    struct lf_session *s = test(L, idx);
    if (!s)
        lf_misuse(L, "a session is wanted (call its methods with ':'), got %s",
                  luaL_typename(L, idx));
    if (!s->domain)
        lf_misuse(L, "the session is closed");
    return s;
}

struct lf_domain *lf_session_domain(lua_State *L, int idx)
{
    return lf_session_check(L, idx)->domain;
}

/* Requests that are on their way go on: they hold the domain themselves. */
static int l_close(lua_State *L)
{
    struct lf_session *s = test(L, 1);
    if (!s)
        return luaL_typeerror(L, 1, "session");
    if (s->domain)
        lf_domain_release(s->domain);
    s->domain = NULL;
    lf_url_free(&s->base);
    lf_jar_free(s->jar);
    s->jar = s->config.opts.jar = NULL;
    lf_config_free(&s->config);
    return 0;
}

static int l_tostring(lua_State *L)
{
    struct lf_session *s = test(L, 1);
    if (!s)
        return luaL_typeerror(L, 1, "session");
    lua_pushstring(L, s->domain ? "session" : "session (closed)");
    if (s->base.href.len) {
        struct lf_buf *text = lf_buf_box(L, LF_BUF_MAX);
        lf_buf_check(L, lf_url_without_userinfo(&s->base, true, text));
        lua_pushfstring(L, "session %s", text->p);
    }
    return 1;
}

struct host_tables {
    lua_State *L;
    int parked, rates; /* stack indices */
};

static void add_host(void *arg, const struct lf_host_stats *s)
{
    struct host_tables *t = arg;
    const struct {
        double value;
        int table;
    } fields[] = {{s->parked, t->parked}, {s->rate, t->rates}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].value <= 0)
            continue;
        lua_pushnumber(t->L, fields[i].value);
        lua_setfield(t->L, fields[i].table, s->name);
    }
}

/* [-0, +0, m] Of the hosts in use, into the table at the top. */
static void set_hosts(lua_State *L, const struct lf_domain *d)
{
    struct host_tables t = {.L = L, .parked = lua_gettop(L) + 1};
    t.rates = t.parked + 1;
    lua_newtable(L);
    lua_newtable(L);
    lf_domain_each_host(d, add_host, &t);
    lua_setfield(L, -3, "rates");
    lua_setfield(L, -2, "parked");
}

/* s:stats(): what its requests came to. */
static int l_stats(lua_State *L)
{
    const struct lf_domain *domain = lf_session_check(L, 1)->domain;
    const struct lf_domain_stats st = lf_domain_stats(domain);
    const struct {
        const char *name;
        uint64_t count;
    } fields[] = {{"requests", st.requests},
                  {"ok", st.ok},
                  {"failed", st.failed},
                  {"retries", st.retries},
                  {"retries_refused", st.refused},
                  {"queued", st.queued},
                  {"active", st.active}};
    lua_createtable(L, 0, 9);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushinteger(L, (lua_Integer)fields[i].count);
        lua_setfield(L, -2, fields[i].name);
    }
    set_hosts(L, domain);
    return 1;
}

/* ---- making one ---- */

static void set_base(lua_State *L, struct lf_session *s, const struct lf_draft *d)
{
    const char *why = NULL;
    if (!d->base_url)
        return;
    enum lf_err err = lf_url_parse(&s->base, d->base_url, d->base_url_len, NULL, &why);
    if (err == LF_ERESOURCE)
        luaL_error(L, "%s: not enough memory", who);
    if (err)
        lf_misuse(L, "%s: option 'base_url' is no URL: %s", who, why);
    if (!lf_url_is_http(&s->base))
        lf_misuse(L, "%s: option 'base_url' must be an http or https URL", who);
}

/* Auth goes to the origin of base_url, or to those that are named; never elsewhere. */
static void bind_auth(lua_State *L, struct lf_session *s)
{
    if (!s->config.auth.len || s->config.origins.len)
        return;
    if (!s->base.href.len)
        lf_misuse(L,
                  "%s: option 'auth' wants a base_url or auth.origins to say where it"
                  " may be sent",
                  who);
    if (lf_config_add_origin(&s->config, &s->base))
        luaL_error(L, "%s: not enough memory", who);
}

static void open_domain(lua_State *L, struct lf_session *s, const struct lf_draft *d)
{
    enum lf_err err = lf_domain_new(lf_task_engine(L), NULL, &d->limits, &s->domain);
    if (err)
        luaL_error(L, "%s: not enough memory", who);
    s->config.opts.domain = s->domain;
}

/* A jar of its own, or one that was given, or none. */
static void open_jar(lua_State *L, struct lf_session *s, const struct lf_draft *d)
{
    s->config.opts.jar = NULL;
    if (d->no_jar)
        return;
    s->jar = d->jar ? lf_jar_hold(d->jar) : lf_jar_new();
    if (!s->jar)
        luaL_error(L, "%s: not enough memory", who);
    s->config.opts.jar = s->jar;
    lf_cookies_push(L, s->jar);
    lua_setiuservalue(L, -2, UV_COOKIES);
}

static struct lf_session *push_empty(lua_State *L)
{
    struct lf_session *s = lua_newuserdatauv(L, sizeof *s, UV_COUNT);
    lf_config_init(&s->config);
    s->base = LF_URL_INIT;
    s->domain = NULL;
    s->jar = NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key);
    lua_setmetatable(L, -2);
    return s;
}

/* [-0, +0, m] The session is at the top, its options at 1. */
static void keep_texts(lua_State *L, struct lf_session *s)
{
    lua_createtable(L, TEXTS, 0);
    for (int i = 0; i < TEXTS; i++) {
        const char **text = (const char **)((char *)&s->config.opts + texts[i]);
        if (!*text)
            continue;
        lua_pushstring(L, *text);
        *text = lua_tostring(L, -1);
        lua_rawseti(L, -2, i + 1);
    }
    if (s->config.proxy_fn) {
        lua_getfield(L, 1, "proxy");
        lua_rawseti(L, -2, PROXY_FN);
    }
    if (s->config.observed) {
        lua_getfield(L, 1, "retry");
        lua_getfield(L, -1, "on_retry");
        lua_rawseti(L, -3, OBSERVER_FN);
        lua_pop(L, 1);
    }
    lua_setiuservalue(L, -2, UV_KEPT);
}

static void push_kept(lua_State *L, int idx, int which)
{
    lua_getiuservalue(L, idx, UV_KEPT);
    lua_rawgeti(L, -1, which);
    lua_remove(L, -2);
}

void lf_session_push_proxy(lua_State *L, int idx)
{
    push_kept(L, idx, PROXY_FN);
}

void lf_session_push_observer(lua_State *L, int idx)
{
    push_kept(L, idx, OBSERVER_FN);
}

static void configure(lua_State *L, struct lf_session *s, struct lf_draft *d)
{
    enum lf_err err = lf_draft_headers(d);
    if (!err)
        err = lf_config_copy(&s->config, &d->c);
    if (err)
        luaL_error(L, "%s: not enough memory", who);
    if (d->fail)
        lf_misuse(L, "%s: %s", who, d->why);
    keep_texts(L, s);
}

static int draft_gc(lua_State *L)
{
    lf_draft_free(lua_touserdata(L, 1));
    return 0;
}

/* A draft of its own: a session can be made in a finalizer, in the middle of a request.
 */
static struct lf_draft *push_draft(lua_State *L)
{
    struct lf_draft *d = lua_newuserdatauv(L, sizeof *d, 0);
    lf_draft_init(d);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, draft_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return d;
}

static int l_session(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    if (lua_type(L, 1) != LUA_TTABLE)
        return lf_misuse(L, "%s: options must be a table, got %s", who,
                         luaL_typename(L, 1));
    struct lf_draft *d = push_draft(L);
    if (lf_draft_begin(d, &lf_maker_get(L)->run, 0))
        return luaL_error(L, "%s: not enough memory", who);
    d->limits = *lf_domain_limits(lf_task_run_domain(L));
    d->limits.policy = true;
    lf_options_read(L, d, 1, LF_IN_SESSION, who);
    struct lf_session *s = push_empty(L);
    configure(L, s, d);
    set_base(L, s, d);
    open_jar(L, s, d);
    bind_auth(L, s);
    open_domain(L, s, d);
    lf_draft_free(d); /* at once: a state that is being closed calls no new finalizers */
    return 1;
}

/* ---- the metatable ---- */

static const luaL_Reg meta[] = {
    {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {NULL, NULL}};

void lf_session_push_methods(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key);
}

/* Upvalue 1: the methods. `cookies` is the one field. */
static int l_index(lua_State *L)
{
    const char *name = lua_tostring(L, 2);
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL || !name ||
        strcmp(name, "cookies") != 0 || !test(L, 1))
        return 1;
    lua_getiuservalue(L, 1, UV_COOKIES);
    return 1;
}

static void push_meta(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    luaL_newlib(L, meta);
    lua_pushliteral(L, "luafetch.session");
    lua_setfield(L, -2, "__name");
    lua_newtable(L);
    lua_pushcfunction(L, l_close);
    lua_setfield(L, -2, "close");
    lua_pushcfunction(L, l_stats);
    lua_setfield(L, -2, "stats");
    lf_fetch_add_methods(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &methods_key);
    lua_pushcclosure(L, l_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
}

void lf_session_push_new(lua_State *L)
{
    push_meta(L);
    lua_pop(L, 1);
    lua_pushcfunction(L, l_session);
}
