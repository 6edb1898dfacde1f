/* Making a request: options, URL, query, authorization, headers; and what comes back. */
#include "bind/request.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/observer.h"
#include "bind/sched.h"
#include "bind/suggest.h"
#include "http/auth.h"
#include "http/percent.h"

static const char maker_key; /* its address: the maker in the registry */

enum { KEEP_TEXT = 4 << 10 }; /* longer URLs are not remembered */

/* One request on its way. */
struct making {
    struct lf_maker *all;
    const struct lf_config *base;     /* what is inherited */
    const struct lf_session *session; /* NULL: the run */
    struct lf_opts o;
    const char *url; /* as the script wrote it */
    size_t url_len;
    bool drafted;    /* all->draft holds this request's options */
    const char *why; /* when it fails */
};

/* ---- the maker ---- */

static int maker_gc(lua_State *L)
{
    struct lf_maker *m = lua_touserdata(L, 1);
    lf_config_free(&m->run);
    lf_draft_free(&m->draft);
    lf_url_free(&m->url);
    lf_buf_free(&m->text);
    lf_op_free_all(m->ops);
    m->ops = NULL;
    return 0;
}

struct lf_maker *lf_maker_open(lua_State *L)
{
    struct lf_maker *m = lua_newuserdatauv(L, sizeof *m, 0);
    lf_config_init(&m->run);
    lf_draft_init(&m->draft);
    m->url = LF_URL_INIT;
    lf_buf_init(&m->text, LF_BUF_MAX);
    m->ops = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, maker_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &maker_key);
    lf_sched_of(L)->maker = m;
    return m;
}

struct lf_maker *lf_maker_get(lua_State *L)
{
    return lf_sched_of(L)->maker;
}

/* ---- the URL ---- */

/* [-0, +2, m] nil, Error with the URL as far as it is known. */
static struct lf_req *refuse(lua_State *L, struct making *m, enum lf_err kind)
{
    struct lf_buf *text = &m->all->draft.text;
    const struct lf_url *u = &m->all->url;
    lf_buf_reset(text);
    enum lf_err err = u->href.len ? lf_url_without_userinfo(u, true, text)
                                  : lf_url_redact(m->url, m->url_len, text);
    lf_error_fail(L, kind, err || !text->len ? NULL : text->p, "%s", m->why);
    return NULL;
}

/* Put the params behind the URL's own query. */
static enum lf_err add_query(struct making *m, const struct lf_buf *params)
{
    struct lf_url *u = &m->all->url;
    struct lf_buf *text = &m->all->draft.text;
    struct lf_span query = lf_url_query(u), fragment = lf_url_fragment(u);
    struct lf_span front = lf_url_without_fragment(u);
    lf_buf_reset(text);
    enum lf_err err = lf_buf_add(text, front.p, front.len);
    if (!err && (!query.p || query.len))
        err = lf_buf_addc(text, query.p ? '&' : '?');
    if (!err)
        err = lf_buf_add(text, params->p, params->len);
    if (!err && fragment.p)
        err = lf_buf_addc(text, '#');
    if (!err && fragment.p)
        err = lf_buf_add(text, fragment.p, fragment.len);
    lf_buf_reset(&m->all->text);
    return err ? err : lf_url_parse(u, text->p, text->len, NULL, &m->why);
}

/* Scripts that ask one URL again and again have it parsed once. */
static enum lf_err parse_url(struct making *m, const struct lf_url *base)
{
    struct lf_buf *text = &m->all->text;
    if (!base && m->url_len && m->url_len == text->len &&
        memcmp(m->url, text->p, text->len) == 0)
        return LF_OK;
    lf_buf_reset(text);
    enum lf_err err = lf_url_parse(&m->all->url, m->url, m->url_len, base, &m->why);
    if (!err && !base && m->url_len <= KEEP_TEXT && lf_buf_add(text, m->url, m->url_len))
        lf_buf_reset(text);
    return err;
}

static enum lf_err make_url(struct making *m)
{
    struct lf_url *u = &m->all->url;
    const struct lf_url *base = m->session ? &m->session->base : NULL;
    const struct lf_buf *params = m->drafted ? &m->all->draft.c.params : &m->base->params;
    enum lf_err err = parse_url(m, base && base->href.len ? base : NULL);
    if (err)
        return err;
    if (!lf_url_is_http(u) || !lf_url_host(u).len) {
        m->why = "only http and https URLs can be fetched";
        return LF_EURL;
    }
    m->o.url = u;
    return params->len ? add_query(m, params) : LF_OK;
}

/* ---- authorization ---- */

static enum lf_err from_userinfo(struct making *m, struct lf_buf *out)
{
    struct lf_draft *d = &m->all->draft;
    struct lf_span user = lf_url_username(&m->all->url);
    struct lf_span pass = lf_url_password(&m->all->url);
    lf_buf_reset(out);
    lf_buf_reset(&d->text);
    enum lf_err err = lf_percent_decode(&d->text, user.p ? user.p : "", user.len);
    size_t ulen = d->text.len;
    if (!err)
        err = lf_percent_decode(&d->text, pass.p ? pass.p : "", pass.len);
    const char *p = d->text.p ? d->text.p : "";
    return err ? err : lf_auth_basic(out, p, ulen, p + ulen, d->text.len - ulen, &m->why);
}

/* In this order: what the request says, the URL's userinfo, the session's. */
static enum lf_err authorize(struct making *m)
{
    static const char name[] = "Authorization";
    struct lf_draft *d = &m->all->draft;
    struct lf_buf *value = &d->c.auth;
    enum lf_err err = LF_OK;
    bool use = d->auth == LF_AUTH_SET, digest = d->c.digest;
    if (lf_fields_has(&d->add, name, sizeof name - 1) ||
        lf_fields_has(&d->drop, name, sizeof name - 1) || d->auth == LF_AUTH_NONE)
        return LF_OK;
    if (!use && lf_url_has_userinfo(&m->all->url)) {
        err = from_userinfo(m, value);
        use = true;
        digest = false;
    } else if (!use) {
        err = lf_config_auth_fits(m->base, &m->all->url, &d->text, &use);
    }
    if (err || !use)
        return err;
    if (digest) {
        lf_config_digest(&d->c, &m->o.user, &m->o.pass);
        return LF_OK;
    }
    return lf_fields_set(&d->c.headers, name, value->p, value->len, &d->spare);
}

/* ---- putting it together ---- */

static enum lf_err begin_draft(struct making *m, int anchor)
{
    if (m->drafted)
        return LF_OK;
    m->drafted = true;
    return lf_draft_begin(&m->all->draft, m->base, anchor);
}

/* Options at `opts`, then the request table at `idx`: the latter wins. Throws. */
static void read_tables(lua_State *L, struct making *m, int idx, int opts, int anchor,
                        const char *who)
{
    bool table = lua_type(L, idx) == LUA_TTABLE;
    if (!table && !opts)
        return;
    struct lf_draft *d = &m->all->draft;
    if (begin_draft(m, anchor))
        luaL_error(L, "%s: not enough memory", who);
    if (opts)
        lf_options_read(L, d, opts, LF_IN_REQUEST, who);
    if (table)
        lf_options_read(L, d, idx, LF_IN_TABLE, who);
    if (table && !d->url)
        lf_misuse(L, "%s: the request table has no 'url'", who);
    m->o = d->c.opts;
    if (m->o.fed && m->o.stream)
        lf_misuse(L, "%s: 'stream' and a function as 'body' do not go together", who);
    if (m->o.resume && d->range.len)
        lf_misuse(L, "%s: 'resume' asks for a range itself: leave 'range' away", who);
    if (!m->o.fed && m->o.fed_len != LF_BODY_UNKNOWN)
        lf_misuse(L, "%s: 'body_length' is for a 'body' that is a function", who);
    if (table) {
        m->url = d->url;
        m->url_len = d->url_len;
    }
}

static enum lf_err make_headers(struct making *m, int anchor)
{
    struct lf_draft *d = &m->all->draft;
    m->o.headers = &m->base->headers;
    m->o.resolve = m->drafted ? &d->c.resolve : &m->base->resolve;
    if (!m->drafted && !m->base->auth.len && !lf_url_has_userinfo(&m->all->url))
        return LF_OK;
    bool read = m->drafted;
    enum lf_err err = begin_draft(m, anchor);
    if (!err && read)
        err = lf_draft_headers(d);
    if (!err)
        err = authorize(m);
    m->o.headers = &d->c.headers;
    return err;
}

static void make_method(struct making *m, const char *method)
{
    if (method)
        m->o.method = method;
    else if (m->o.method == m->base->opts.method &&
             (m->o.body || m->o.nparts || m->o.fed))
        m->o.method = "POST";
}

/* A stream may be endless: the default limits are for bodies that are held. */
static void lift_limits(struct making *m)
{
    const struct lf_config *c = m->drafted ? &m->all->draft.c : m->base;
    if (!c->total_said)
        m->o.timeout.total = LF_NEVER;
    if (!c->max_body_said)
        m->o.max_body = UINT64_MAX;
}

/* No Lua in here: the maker's memory is ours until the engine has its copy. */
static enum lf_err build(struct making *m, struct lf_engine *eng, int anchor,
                         const char *method, struct lf_req **req)
{
    struct lf_draft *d = &m->all->draft;
    m->why = "not enough memory, or too large";
    enum lf_err err = make_url(m);
    if (!err && m->drafted && d->fail) {
        m->why = d->why;
        return d->fail;
    }
    if (!err)
        err = make_headers(m, anchor);
    if (err)
        return err;
    make_method(m, method);
    if (m->o.stream || m->o.save)
        lift_limits(m);
    return lf_req_new(eng, &m->o, req, &m->why);
}

static void inherit(lua_State *L, struct making *m, int idx, int opts, int session)
{
    int top = lua_gettop(L);
    if (!session && lf_options_session(L, idx, opts))
        session = lua_gettop(L);
    m->session = session ? lf_session_check(L, session) : NULL;
    m->base = m->session ? &m->session->config : &m->all->run;
    m->o = m->base->opts;
    lua_settop(L, top);
}

/* A group limits what it starts, also in a session, when it was opened for that session.
 */
static struct lf_domain *domain_for(lua_State *L, const struct lf_session *session)
{
    struct lf_domain *group = lf_task_group_domain(L);
    if (!session)
        return lf_task_domain(L);
    return group && lf_domain_within(group, session->domain) ? group : session->domain;
}

/* ---- functions among the options ---- */

static bool push_said(lua_State *L, int table, const char *name)
{
    if (!table || lua_type(L, table) != LUA_TTABLE)
        return false;
    lua_pushstring(L, name);
    if (lua_rawget(L, table) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

bool lf_request_said(lua_State *L, int idx, int opts, const char *name)
{
    return push_said(L, idx, name) || push_said(L, opts, name);
}

/* ---- a proxy that a function says ---- */

/* [-1, +0, v] The function's answer; NULL stands for nil, "" for false. */
static const char *proxy_answer(lua_State *L, const char *who)
{
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        return NULL;
    case LUA_TSTRING:
        return lua_tostring(L, -1);
    default:
        if (lua_type(L, -1) == LUA_TBOOLEAN && !lua_toboolean(L, -1))
            return "";
        lf_misuse(L,
                  "%s: the function of option 'proxy' must return a URL, false or nil,"
                  " got %s",
                  who, luaL_typename(L, -1));
        return NULL;
    }
}

/* Called in protected mode: function, request, who. */
static int call_proxy(lua_State *L)
{
    struct lf_req *req = lua_touserdata(L, 2);
    const char *who = lua_touserdata(L, 3), *why, *url = lf_req_url(req);
    if (!url)
        return luaL_error(L, "%s: not enough memory", who);
    lua_pushvalue(L, 1);
    lua_pushstring(L, url);
    lua_call(L, 1, 1);
    if (lf_req_set_proxy(req, proxy_answer(L, who), &why))
        lf_misuse(L, "%s: the function of option 'proxy' returned no usable proxy: %s",
                  who, why);
    return 0;
}

/* [-0, +0, e] The request is the caller's only when this returns. From here on the maker
 * may be in use by what the function does. */
static void ask_proxy(lua_State *L, const struct making *m, struct lf_req *req, int idx,
                      int opts, int session, const char *who)
{
    bool own = m->session && !session;
    lua_pushcfunction(L, call_proxy);
    if (!lf_request_said(L, idx, opts, "proxy")) {
        if (own)
            lf_options_session(L, idx, opts);
        lf_session_push_proxy(L, own ? lua_gettop(L) : session);
        if (own)
            lua_remove(L, -2);
    }
    lua_pushlightuserdata(L, req);
    lua_pushlightuserdata(L, (void *)who);
    if (lua_pcall(L, 3, 0, 0) == LUA_OK)
        return;
    lf_req_free(req);
    lua_error(L);
}

/* ---- an observer of retries ---- */

/* [-0, +(0|1), -] The function in that table's own retry table. */
static bool push_observer(lua_State *L, int table)
{
    if (!table || lua_type(L, table) != LUA_TTABLE)
        return false;
    int top = lua_gettop(L);
    lua_pushliteral(L, "retry");
    if (lua_rawget(L, table) == LUA_TTABLE) {
        lua_pushliteral(L, "on_retry");
        lua_rawget(L, -2);
    }
    if (lua_type(L, -1) == LUA_TFUNCTION) {
        lua_replace(L, top + 1);
        lua_settop(L, top + 1);
        return true;
    }
    lua_settop(L, top);
    return false;
}

/* [-0, +0, m] The request's own, or else that of its session. */
static struct lf_retry_watch *make_observer(lua_State *L, const struct making *m, int idx,
                                            int opts, int session)
{
    int top = lua_gettop(L);
    if (!push_observer(L, idx) && !push_observer(L, opts)) {
        if (m->session && !session) {
            lf_options_session(L, idx, opts);
            session = lua_gettop(L);
        }
        lf_session_push_observer(L, session);
    }
    struct lf_retry_watch *watch = lf_observer_new(L);
    lua_settop(L, top);
    return watch;
}

struct lf_req *lf_request_make(lua_State *L, int idx, int opts, int session,
                               const char *who, const char *method)
{
    struct making m = {.all = lf_maker_get(L)};
    luaL_checkstack(L, 16, who);
    if (lua_type(L, idx) == LUA_TSTRING)
        m.url = lua_tolstring(L, idx, &m.url_len);
    else if (lua_type(L, idx) != LUA_TTABLE)
        lf_misuse(L, "%s: wants a URL or a request table, got %s", who,
                  luaL_typename(L, idx));
    inherit(L, &m, idx, opts, session);
    lua_pushnil(L);
    int anchor = lua_gettop(L);
    read_tables(L, &m, idx, opts, anchor, who);
    m.o.domain = domain_for(L, m.session);
    m.all->watched = m.drafted && m.all->draft.watched;

    struct lf_req *req = NULL;
    if ((m.drafted ? &m.all->draft.c : m.base)->observed && m.o.retry.times)
        m.o.watch = make_observer(L, &m, idx, opts, session);
    enum lf_err err = build(&m, lf_task_engine(L), anchor, method, &req);
    if (err && m.o.watch)
        m.o.watch->gone(m.o.watch);
    if (!err && (m.drafted ? &m.all->draft.c : m.base)->proxy_fn)
        ask_proxy(L, &m, req, idx, opts, session, who);
    if (!err)
        return req;
    lua_settop(L, anchor - 1);
    return refuse(L, &m, err);
}

struct lf_req *lf_request_new(lua_State *L, int idx, int opts, int session)
{
    idx = lua_absindex(L, idx);
    if (opts)
        opts = lua_absindex(L, opts);
    if (session)
        session = lua_absindex(L, session);
    struct lf_req *req = lf_request_make(L, idx, opts, session, "fetch", NULL);
    const char *alone = !req                       ? NULL
                        : lf_req_fed(req)          ? "a function as 'body'"
                        : lf_req_streams(req)      ? "'stream'"
                        : lf_maker_get(L)->watched ? "'on_progress'"
                                                   : NULL;
    if (alone) {
        lf_req_free(req);
        lf_misuse(L, "fetch: %s is for fetch itself: make a task of it", alone);
    }
    return req;
}

int lf_request_push(lua_State *L, struct lf_req *req)
{
    struct lf_result *res = lf_req_result(req);
    if (!res->err || res->streaming) {
        lf_response_push(L, res);
        return 1;
    }
    lua_pushnil(L);
    lf_error_push_result(L, res);
    return 2;
}
