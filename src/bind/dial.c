/* Connections for modules, from a script's URL and options: those of fetch that are about
 * the way to the server are read as fetch reads them, by the same table. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "bind/bind.h"
#include "bind/fields.h"
#include "bind/options.h"
#include "bind/request.h"
#include "bind/sched.h"
#include "bind/suggest.h"
#include "bind/url.h"
#include "http/auth.h"
#include "http/percent.h"
#include "http/utf8.h"

enum { MAX_NAMES = 40 };

/* Options of fetch that mean something for a connection. */
static const char *const shared[] = {
    "auth",    "guard", "headers", "interface",   "ip",         "proxy",
    "resolve", "tls",   "timeout", "unix_socket", "user_agent", NULL,
};

struct dialing {
    const struct lf_dial *d;
    struct lf_maker *m;
    struct lf_opts o;
    enum lf_err err;
    const char *why;
};

static bool among(const char *name, const char *const *list)
{
    for (; list && *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

/* ---- options ---- */

static int unknown(lua_State *L, const struct lf_dial *d, const char *name)
{
    const char *names[MAX_NAMES];
    size_t n = 0;
    for (const char *const *p = d->own; p && *p && n < MAX_NAMES; p++)
        names[n++] = *p;
    for (const char *const *p = shared; *p && n < MAX_NAMES; p++)
        names[n++] = *p;
    return lf_option_unknown(L, d->who, name, names, n);
}

/* [-0, +1, v] A table of the options that fetch knows. */
static void push_shared(lua_State *L, const struct lf_dial *d)
{
    lua_createtable(L, 0, 4);
    int to = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, d->opts)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        if (among(name, shared)) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, to);
            continue;
        }
        if (!among(name, d->own))
            unknown(L, d, name);
        lua_pop(L, 1);
    }
}

static void read_options(lua_State *L, struct dialing *g)
{
    if (!g->d->opts)
        return;
    push_shared(L, g->d);
    lf_options_read(L, &g->m->draft, lua_gettop(L), LF_IN_REQUEST, g->d->who);
}

/* ---- the URL ---- */

static enum lf_err no_scheme(struct dialing *g, char *why, size_t size)
{
    int n = snprintf(why, size, "only ");
    for (const char *const *s = g->d->schemes; *s; s += 2)
        n += snprintf(why + n, size - (size_t)n, "%s%s", s == g->d->schemes ? "" : ", ",
                      *s);
    snprintf(why + n, size - (size_t)n, " URLs can be opened here");
    g->why = why;
    return LF_EURL;
}

/* The URL under the scheme that it means, in m->url. */
static enum lf_err make_url(struct dialing *g, const struct lf_url *said)
{
    static char why[160];
    struct lf_span name = lf_url_scheme_name(said), all = lf_url_without_fragment(said);
    struct lf_buf *text = &g->m->draft.text;
    for (const char *const *s = g->d->schemes; *s; s += 2) {
        if (strlen(s[0]) != name.len || memcmp(s[0], name.p, name.len) != 0)
            continue;
        lf_buf_reset(text);
        enum lf_err err = lf_buf_adds(text, s[1]);
        if (!err)
            err = lf_buf_add(text, all.p + name.len, all.len - name.len);
        lf_buf_reset(&g->m->text);
        return err ? err : lf_url_parse(&g->m->url, text->p, text->len, NULL, &g->why);
    }
    return no_scheme(g, why, sizeof why);
}

/* ---- header fields ---- */

static enum lf_err basic_from_url(struct dialing *g, struct lf_buf *out)
{
    struct lf_buf *text = &g->m->draft.text;
    struct lf_span user = lf_url_username(&g->m->url);
    struct lf_span pass = lf_url_password(&g->m->url);
    lf_buf_reset(out);
    lf_buf_reset(text);
    enum lf_err err = lf_percent_decode(text, user.p ? user.p : "", user.len);
    size_t ulen = text->len;
    if (!err)
        err = lf_percent_decode(text, pass.p ? pass.p : "", pass.len);
    const char *p = text->p ? text->p : "";
    return err ? err : lf_auth_basic(out, p, ulen, p + ulen, text->len - ulen, &g->why);
}

static enum lf_err authorize(struct dialing *g)
{
    static const char name[] = "Authorization";
    struct lf_draft *d = &g->m->draft;
    enum lf_err err = LF_OK;
    if (d->auth == LF_AUTH_NONE || lf_fields_has(&d->add, name, sizeof name - 1))
        return LF_OK;
    if (d->auth != LF_AUTH_SET) {
        if (!lf_url_has_userinfo(&g->m->url))
            return LF_OK;
        err = basic_from_url(g, &d->c.auth);
    }
    return err ? err
               : lf_fields_set(&d->c.headers, name, d->c.auth.p, d->c.auth.len,
                               &d->spare);
}

/* What the module makes itself must not come from the script too. */
static enum lf_err add_fields(struct dialing *g)
{
    static char why[160];
    struct lf_draft *d = &g->m->draft;
    enum lf_err err = LF_OK;
    lf_headers_remove(&d->c.headers, "Accept-Encoding", strlen("Accept-Encoding"));
    lf_headers_remove(&d->c.headers, "Accept", strlen("Accept"));
    for (const char *const *f = g->d->fields; !err && f && *f; f += 2) {
        if (lf_fields_has(&d->add, f[0], strlen(f[0]))) {
            snprintf(why, sizeof why, "header '%s' is made by the connection itself",
                     f[0]);
            g->why = why;
            return LF_EREQUEST;
        }
        if (f[1])
            err = lf_headers_add(&d->c.headers, f[0], strlen(f[0]), f[1], strlen(f[1]));
    }
    return err;
}

static enum lf_err make_headers(struct dialing *g)
{
    struct lf_draft *d = &g->m->draft;
    if (d->fail) {
        g->why = d->why;
        return d->fail;
    }
    enum lf_err err = lf_draft_headers(d);
    if (!err)
        err = authorize(g);
    return err ? err : add_fields(g);
}

/* ---- the connection ---- */

static enum lf_err open_it(lua_State *L, struct dialing *g, struct lf_conn **out)
{
    const struct lf_opts *o = &g->m->draft.c.opts;
    struct lf_conn_opts c = {
        .url = &g->m->url,
        .upgrade = g->d->upgrade,
        .headers = &g->m->draft.c.headers,
        .resolve = &g->m->draft.c.resolve,
        .way = &o->way,
        .ca = o->ca,
        .verify = o->verify,
        .ip = o->ip,
        .connect = o->timeout.connect,
        .total = o->timeout.total,
    };
    g->why = lf_way_check(&o->way);
    if (g->why)
        return LF_EREQUEST;
    return lf_conn_open(lf_task_engine(L), &c, g->d->news, g->d->arg, out, &g->why);
}

/* No Lua in here: `said` would be lost. Fills `shown`. */
static enum lf_err dial(lua_State *L, struct dialing *g, const char *url, size_t n,
                        struct lf_buf *shown, struct lf_conn **out)
{
    struct lf_url said = LF_URL_INIT;
    g->why = "not enough memory";
    enum lf_err err = lf_url_parse(&said, url, n, NULL, &g->why);
    if (!err)
        err = make_url(g, &said);
    if (!err)
        err = make_headers(g);
    if (!err)
        err = open_it(L, g, out);
    if (said.href.len && lf_url_without_userinfo(&said, false, shown))
        lf_buf_reset(shown);
    lf_url_free(&said);
    return err;
}

bool lf_dial(lua_State *L, const struct lf_dial *d, struct lf_conn **out)
{
    struct dialing g = {.d = d, .m = lf_maker_get(L)};
    size_t n;
    luaL_checkstack(L, 16, d->who);
    if (lua_type(L, d->url) != LUA_TSTRING)
        lf_misuse(L, "%s: wants a URL, got %s", d->who, luaL_typename(L, d->url));
    if (d->opts && lua_type(L, d->opts) != LUA_TTABLE)
        lf_misuse(L, "%s: the options must be a table, got %s", d->who,
                  luaL_typename(L, d->opts));
    int top = lua_gettop(L);
    lua_pushnil(L);
    if (lf_draft_begin(&g.m->draft, &g.m->run, top + 1))
        luaL_error(L, "%s: not enough memory", d->who);
    read_options(L, &g);
    struct lf_buf *shown = lf_buf_box(L, LF_BUF_MAX);
    const char *url = lua_tolstring(L, d->url, &n);
    enum lf_err err = dial(L, &g, url, n, shown, out);
    if (err)
        lf_error_push(L, err, shown->len ? shown->p : NULL, "%s", g.why);
    else
        lua_pushlstring(L, shown->len ? shown->p : "", shown->len);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    return !err;
}

void lf_conn_push_error(lua_State *L, const struct lf_conn *c, const char *url)
{
    const struct lf_conn_info *i = lf_conn_info(c);
    lf_error_push(L, i->err, url, "%s", i->message);
    lua_pushstring(L, i->phase);
    lua_setfield(L, -2, "phase");
    if (i->status) {
        lua_pushinteger(L, i->status);
        lua_setfield(L, -2, "status");
    }
}

void lf_conn_push_headers(lua_State *L, const struct lf_conn *c)
{
    const struct lf_buf *block = &lf_conn_headers(c)->block;
    lf_fields_push(L, block->p, block->len);
}

const char *lf_conn_header(const struct lf_conn *c, const char *name)
{
    const struct lf_buf *block = &lf_conn_headers(c)->block;
    struct lf_header f, again;
    size_t at = 0;
    if (!lf_headers_find(block->p, block->len, &at, name, strlen(name), &f) ||
        lf_headers_find(block->p, block->len, &at, name, strlen(name), &again))
        return NULL;
    return f.value;
}

bool lf_conn_has_header(const struct lf_conn *c, const char *name)
{
    struct lf_header f;
    return lf_headers_get(lf_conn_headers(c), name, &f);
}

/* ---- for all modules ---- */

bool lf_task_may_wait(lua_State *L)
{
    const struct lf_sched *s = lf_sched_of(L);
    return s && s->current && !s->current->unwinding && lua_isyieldable(L) && !s->blocked;
}

bool lf_utf8_valid(const char *s, size_t n)
{
    if (n == 0) /* s may be NULL */
        return true;
    const unsigned char *p = (const unsigned char *)s, *end = p + n;
    while (p < end) {
        int len = lf_utf8_len(p, end);
        if (len < 1)
            return false;
        p += len;
    }
    return true;
}
