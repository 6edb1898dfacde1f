/* Reading options tables by one table of checkers. */
#include "bind/options.h"

#include <lauxlib.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bind/attend.h"
#include "bind/bind.h"
#include "bind/cookies.h"
#include "bind/json.h"
#include "bind/multipart.h"
#include "bind/pairs.h"
#include "bind/policy.h"
#include "bind/range.h"
#include "bind/reader.h"
#include "bind/route.h"
#include "bind/suggest.h"
#include "bind/url.h"
#include "http/auth.h"

enum { MAX_REDIRECTS = 1000 };

/* ---- scalars ---- */

static void check_redirects(struct lf_reader *r, void *out)
{
    *(unsigned *)out = (unsigned)lf_reader_whole(r, "a whole number up to 1000 or false",
                                                 0, MAX_REDIRECTS, 0);
}

static void check_max_body(struct lf_reader *r, void *out)
{
    lua_Integer n = -1;
    if (lua_type(r->L, -1) != LUA_TNUMBER || lua_tonumber(r->L, -1) < 0x1p62)
        n = lf_reader_whole(r, "a whole number of bytes or false", 0, LUA_MAXINTEGER, -1);
    *(uint64_t *)out = n < 0 ? UINT64_MAX : (uint64_t)n;
    r->d->c.max_body_said = true;
}

static void check_limit(struct lf_reader *r, void *out)
{
    *(unsigned *)out =
        (unsigned)lf_reader_whole(r, "a whole number from 1 or false", 1, INT32_MAX, 0);
}

static void check_method(struct lf_reader *r, void *out)
{
    (void)out;
    size_t n;
    r->d->c.opts.method = lf_reader_string(r, "a string", &n);
    if (!lf_token_valid(r->d->c.opts.method, n))
        lf_draft_fail(r->d, LF_EREQUEST, "the method is not a token (RFC 9110 §5.6.2)");
}

static void check_url(struct lf_reader *r, void *out)
{
    (void)out;
    r->d->url = lf_reader_string(r, "a string", &r->d->url_len);
}

static void check_base_url(struct lf_reader *r, void *out)
{
    (void)out;
    r->d->base_url = lf_reader_string(r, "a string", &r->d->base_url_len);
}

static void check_user_agent(struct lf_reader *r, void *out)
{
    (void)out;
    r->d->user_agent = "";
    r->d->user_agent_len = 0;
    if (lua_type(r->L, -1) == LUA_TBOOLEAN && !lua_toboolean(r->L, -1))
        return;
    r->d->user_agent = lf_reader_string(r, "a string or false", &r->d->user_agent_len);
    if (!lf_value_valid(r->d->user_agent, r->d->user_agent_len))
        lf_draft_fail(r->d, LF_EREQUEST, "user_agent holds a line break or a NUL");
}

/* Borrowed from the table it is in, until the engine copies it. */
static void check_checksum(struct lf_reader *r, void *out)
{
    *(const char **)out =
        lf_reader_string(r, "a string such as \"sha256:9f86d0…\"", NULL);
}

static void check_types(struct lf_reader *r, void *out)
{
    *(const char **)out =
        lf_reader_text(r, "types such as \"text/html, image/png\" or false");
}

static void check_path(struct lf_reader *r, void *out)
{
    size_t n;
    const char *path = lf_reader_string(r, "the name of a file", &n);
    if (!n || strlen(path) != n || path[n - 1] == '/')
        lf_reader_wrong(r, "the name of a file");
    *(const char **)out = path;
}

static void check_referer(struct lf_reader *r, void *out)
{
    const char *s = "";
    (void)out;
    r->d->referer_len = 0;
    if (lua_type(r->L, -1) != LUA_TBOOLEAN || lua_toboolean(r->L, -1))
        s = lf_reader_string(r, "a string or false", &r->d->referer_len);
    r->d->referer = s;
    if (!lf_value_valid(s, r->d->referer_len))
        lf_draft_fail(r->d, LF_EREQUEST, "referer holds a line break or a NUL");
}

static void check_range(struct lf_reader *r, void *out)
{
    (void)out;
    enum lf_err err = lf_range_read(r->L, &r->d->range);
    if (err == LF_EREQUEST)
        lf_reader_wrong(
            r, "{first, last}, {first}, {-count}, a text such as \"0-99\" or false");
    lf_reader_keep(r, err);
}

/* fetch itself looks for the function when the request is made. */
static void check_on_progress(struct lf_reader *r, void *out)
{
    bool fn = lua_type(r->L, -1) == LUA_TFUNCTION;
    if (!fn && (lua_type(r->L, -1) != LUA_TBOOLEAN || lua_toboolean(r->L, -1)))
        lf_reader_wrong(r, "a function or false");
    *(bool *)out = fn;
}

/* ---- tables inside of tables ---- */

static void check_total(struct lf_reader *r, void *out)
{
    r->d->c.total_said = true;
    lf_read_seconds(r, out);
}

static const struct lf_option timeout_rows[] = {
    {"connect", LF_ANYWHERE, lf_read_seconds, LF_OPT(timeout.connect)},
    {"headers", LF_ANYWHERE, lf_read_seconds, LF_OPT(timeout.headers)},
    {"stall", LF_ANYWHERE, lf_read_seconds, LF_OPT(timeout.stall)},
    {"total", LF_ANYWHERE, check_total, LF_OPT(timeout.total)},
};

/* A number is the total; `false` lifts every limit of time. */
static void check_timeout(struct lf_reader *r, void *out)
{
    static const char want[] = "a positive number of seconds, false or a table";
    struct lf_timeouts *t = out;
    if (lua_type(r->L, -1) == LUA_TBOOLEAN && !lua_toboolean(r->L, -1))
        *t = (struct lf_timeouts){LF_NEVER, LF_NEVER, LF_NEVER, LF_NEVER};
    else if (lua_type(r->L, -1) == LUA_TNUMBER && lua_tonumber(r->L, -1) > 0)
        check_total(r, &t->total);
    else
        lf_reader_inner(r, timeout_rows, LF_ROWS(timeout_rows), want);
}

/* ---- auth ---- */

static void check_text(struct lf_reader *r, void *out)
{
    struct lf_span *t = out;
    t->p = lf_reader_string(r, "a string", &t->len);
}

static void check_scheme(struct lf_reader *r, void *out)
{
    (void)out;
    static const char want[] = "\"basic\" or \"digest\"";
    const char *s = lf_reader_string(r, want, NULL);
    r->d->c.digest = strcmp(s, "digest") == 0;
    if (!r->d->c.digest && strcmp(s, "basic") != 0)
        lf_misuse(r->L, "%s: option '%s' must be %s, got '%s'", r->who, r->name, want, s);
}

static void add_origin(struct lf_reader *r)
{
    size_t n;
    struct lf_url u = LF_URL_INIT;
    const char *why, *s = lf_reader_string(r, "a list of URLs", &n);
    enum lf_err err = lf_url_parse(&u, s, n, NULL, &why);
    bool ok = !err && lf_url_is_http(&u);
    if (ok)
        err = lf_config_add_origin(&r->d->c, &u);
    lf_url_free(&u);
    if (!ok)
        lf_misuse(r->L, "%s: option '%s': '%s' is not an http(s) URL", r->who, r->name,
                  s);
    lf_reader_keep(r, err);
}

static void check_origins(struct lf_reader *r, void *out)
{
    (void)out;
    if (lua_type(r->L, -1) != LUA_TTABLE)
        lf_reader_wrong(r, "a list of URLs");
    int list = lua_gettop(r->L);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(r->L, list); i++) {
        lua_rawgeti(r->L, list, i);
        add_origin(r);
        lua_pop(r->L, 1);
    }
}

static const struct lf_option auth_rows[] = {
    {"bearer", LF_ANYWHERE, check_text, LF_FIELD(bearer)},
    {"origins", LF_IN_SESSION, check_origins, 0},
    {"pass", LF_ANYWHERE, check_text, LF_FIELD(pass)},
    {"scheme", LF_ANYWHERE, check_scheme, 0},
    {"user", LF_ANYWHERE, check_text, LF_FIELD(user)},
};

static void check_auth(struct lf_reader *r, void *out)
{
    (void)out;
    struct lf_draft *d = r->d;
    const char *why = NULL;
    lf_buf_reset(&d->c.auth);
    d->auth = LF_AUTH_NONE;
    if (lua_type(r->L, -1) == LUA_TBOOLEAN && !lua_toboolean(r->L, -1))
        return;
    d->user = d->pass = d->bearer = (struct lf_span){0};
    d->c.digest = false;
    lf_buf_reset(&d->c.origins);
    lf_reader_inner(r, auth_rows, LF_ROWS(auth_rows), "a table or false");
    if (!d->user.p == !d->bearer.p)
        lf_misuse(r->L, "%s: option '%s' wants either user and pass or bearer", r->who,
                  r->name);
    d->auth = LF_AUTH_SET;
    if (!d->pass.p)
        d->pass.p = "";
    enum lf_err err = d->bearer.p
                          ? lf_auth_bearer(&d->c.auth, d->bearer.p, d->bearer.len, &why)
                      : d->c.digest ? lf_config_set_digest(&d->c, d->user, d->pass, &why)
                                    : lf_auth_basic(&d->c.auth, d->user.p, d->user.len,
                                                    d->pass.p, d->pass.len, &why);
    if (err == LF_EREQUEST)
        lf_draft_fail(d, err, why);
    else
        lf_reader_keep(r, err);
}

/* ---- ordered things ---- */

static void fail_header(struct lf_draft *d, const struct lf_pair *p)
{
    char why[sizeof d->why];
    if (lf_token_valid(p->name, p->name_len))
        snprintf(why, sizeof why,
                 "the value of header '%.80s' holds a line break or a NUL", p->name);
    else
        snprintf(why, sizeof why, "'%.80s' is not a header name (RFC 9110 §5.1)",
                 p->name);
    lf_draft_fail(d, LF_EREQUEST, why);
}

static enum lf_err header_pair(void *arg, const struct lf_pair *p)
{
    struct lf_draft *d = arg;
    if (!lf_token_valid(p->name, p->name_len) ||
        !lf_value_valid(p->value, p->value_len)) {
        fail_header(d, p);
        return LF_OK;
    }
    if (!p->is_false) {
        lf_headers_remove(&d->drop, p->name, p->name_len);
        return lf_headers_add(&d->layer, p->name, p->name_len, p->value, p->value_len);
    }
    lf_headers_remove(&d->add, p->name, p->name_len);
    return lf_headers_add(&d->drop, p->name, p->name_len, "", 0);
}

static void check_headers(struct lf_reader *r, void *out)
{
    (void)out;
    char what[2 * LF_OPTION_NAME];
    snprintf(what, sizeof what, "%s: option '%s'", r->who, r->name);
    lf_headers_reset(&r->d->layer);
    lf_reader_keep(r, lf_pairs_each(r->L, -1, what, &r->d->sort, header_pair, r->d));
    lf_reader_keep(r, lf_fields_merge(&r->d->add, &r->d->layer, &r->d->spare));
}

/* ---- cookies ---- */

static bool cookie_value_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == ';' || s[i] == 0x7f)
            return false;
    return true;
}

static enum lf_err cookie_pair(void *arg, const struct lf_pair *p)
{
    struct lf_reader *r = arg;
    struct lf_buf *text = &r->d->text;
    if (!lf_token_valid(p->name, p->name_len) ||
        !cookie_value_valid(p->value, p->value_len))
        lf_draft_fail(r->d, LF_EREQUEST,
                      "a cookie's name is no token, or its value holds ';' or a control "
                      "character");
    return lf_buf_addf(text, "%s%s=%s", text->len ? "; " : "", p->name, p->value);
}

/* Of a session: its jar, or whether it has one. Of a request: cookies to send with it. */
static void check_cookies(struct lf_reader *r, void *out)
{
    (void)out;
    if (r->where == LF_IN_SESSION) {
        r->d->jar = lf_cookies_test(r->L, -1);
        if (!r->d->jar && lua_type(r->L, -1) != LUA_TBOOLEAN)
            lf_reader_wrong(r, "true, false or a jar of lf.cookies()");
        r->d->no_jar = !r->d->jar && !lua_toboolean(r->L, -1);
        return;
    }
    if (lua_type(r->L, -1) == LUA_TBOOLEAN && !lua_toboolean(r->L, -1)) {
        r->d->c.opts.jar = NULL; /* without the session's this time */
        return;
    }
    char what[2 * LF_OPTION_NAME];
    snprintf(what, sizeof what, "%s: option '%s'", r->who, r->name);
    lf_buf_reset(&r->d->text);
    lf_reader_keep(r, lf_pairs_each(r->L, -1, what, &r->d->sort, cookie_pair, r));
    lf_headers_reset(&r->d->layer);
    lf_reader_keep(r, lf_headers_add(&r->d->layer, "Cookie", 6,
                                     r->d->text.p ? r->d->text.p : "", r->d->text.len));
    lf_reader_keep(r, lf_fields_merge(&r->d->add, &r->d->layer, &r->d->spare));
}

/* A form-urlencoded text of the pairs at the top, in d->text. */
static void read_query(struct lf_reader *r)
{
    char what[2 * LF_OPTION_NAME];
    snprintf(what, sizeof what, "%s: option '%s'", r->who, r->name);
    lf_buf_reset(&r->d->text);
    lf_url_add_params(r->L, -1, what, &r->d->text);
}

static void check_params(struct lf_reader *r, void *out)
{
    (void)out;
    read_query(r);
    lf_reader_keep(r, lf_query_merge(&r->d->c.params, &r->d->text, &r->d->sort));
}

/* ---- bodies ---- */

/* What is at the top keeps the body alive: put it into the anchor's slot. */
static void keep_body(struct lf_reader *r, enum lf_body_kind kind)
{
    struct lf_draft *d = r->d;
    struct lf_opts *o = &d->c.opts;
    if (d->body != LF_BODY_NONE && d->body_where == r->where)
        lf_misuse(r->L, "%s: only one of body, json, form and multipart can be given",
                  r->who);
    d->body = kind;
    d->body_where = r->where;
    o->fed = kind == LF_BODY_RAW && lua_type(r->L, -1) != LUA_TSTRING;
    o->body = NULL;
    if (kind != LF_BODY_MULTIPART)
        o->parts = NULL, o->nparts = 0;
    if (lua_type(r->L, -1) == LUA_TSTRING)
        o->body = lua_tolstring(r->L, -1, &o->body_len);
    lua_pushvalue(r->L, -1);
    lua_replace(r->L, d->anchor);
}

static void check_body(struct lf_reader *r, void *out)
{
    (void)out;
    bool fn = lua_type(r->L, -1) == LUA_TFUNCTION;
    if (fn)
        lf_attend_push(r->L, -1, 0);
    else
        lf_reader_string(r, "a string or a function", NULL);
    keep_body(r, LF_BODY_RAW);
    lua_pop(r->L, fn);
}

static void check_body_length(struct lf_reader *r, void *out)
{
    lua_Integer n =
        lf_reader_whole(r, "a whole number of bytes or false", 0, LUA_MAXINTEGER, -1);
    *(uint64_t *)out = n < 0 ? LF_BODY_UNKNOWN : (uint64_t)n;
}

static void check_multipart(struct lf_reader *r, void *out)
{
    (void)out;
    char what[2 * LF_OPTION_NAME];
    snprintf(what, sizeof what, "%s: option '%s'", r->who, r->name);
    lf_multipart_read(r->L, -1, what, r->d);
    keep_body(r, LF_BODY_MULTIPART);
    lua_pop(r->L, 1);
}

static void push_text(struct lf_reader *r)
{
    lua_pushlstring(r->L, r->d->text.p ? r->d->text.p : "", r->d->text.len);
}

static void check_json(struct lf_reader *r, void *out)
{
    (void)out;
    lf_buf_reset(&r->d->text);
    lf_json_encode(r->L, -1, &r->d->text, NULL);
    push_text(r);
    keep_body(r, LF_BODY_JSON);
    lua_pop(r->L, 1);
}

static void check_form(struct lf_reader *r, void *out)
{
    (void)out;
    read_query(r);
    push_text(r);
    keep_body(r, LF_BODY_FORM);
    lua_pop(r->L, 1);
}

/* ---- the table of options ---- */

static void check_session(struct lf_reader *r, void *out)
{
    (void)out;
    if (!lf_session_is(r->L, -1))
        lf_reader_wrong(r, "a session");
}

/* Sorted by name. */
static const struct lf_option rows[] = {
    {"auth", LF_ANYWHERE, check_auth, 0},
    {"base_url", LF_IN_SESSION, check_base_url, 0},
    {"body", LF_ONE_REQUEST, check_body, 0},
    {"body_length", LF_ONE_REQUEST, check_body_length, LF_OPT(fed_len)},
    {"cache", LF_LATER, NULL, 0},
    {"checksum", LF_ONE_REQUEST, check_checksum, LF_OPT(checksum)},
    {"cookies", LF_ANYWHERE, check_cookies, 0},
    {"deadline", LF_ONE_REQUEST, lf_read_seconds, LF_OPT(deadline)},
    {"decode", LF_ANYWHERE, lf_read_bool, LF_OPT(decode)},
    {"form", LF_ONE_REQUEST, check_form, 0},
    {"guard", LF_ANYWHERE, lf_read_guard, LF_OPT(way.guard)},
    {"headers", LF_ANYWHERE, check_headers, 0},
    {"hosts", LF_IN_SESSION, lf_read_hosts, 0},
    {"http_version", LF_ANYWHERE, lf_read_http_version, LF_OPT(http_version)},
    {"interface", LF_ANYWHERE, lf_read_way, LF_OPT(way.interface)},
    {"ip", LF_ANYWHERE, lf_read_ip, LF_OPT(ip)},
    {"json", LF_ONE_REQUEST, check_json, 0},
    {"limit", LF_IN_SESSION, check_limit, LF_FIELD(limits.limit)},
    {"max_body", LF_ANYWHERE, check_max_body, LF_OPT(max_body)},
    {"method", LF_ONE_REQUEST, check_method, 0},
    {"multipart", LF_ONE_REQUEST, check_multipart, 0},
    {"on_progress", LF_ONE_REQUEST, check_on_progress, LF_FIELD(watched)},
    {"params", LF_ANYWHERE, check_params, 0},
    {"per_host", LF_IN_SESSION, check_limit, LF_FIELD(limits.per_host)},
    {"proxy", LF_ANYWHERE, lf_read_proxy, 0},
    {"range", LF_ONE_REQUEST, check_range, 0},
    {"rate", LF_IN_SESSION, lf_read_rate, LF_FIELD(limits.rate)},
    {"redirects", LF_ANYWHERE, check_redirects, LF_OPT(redirects)},
    {"referer", LF_ANYWHERE, check_referer, 0},
    {"resolve", LF_ANYWHERE, lf_read_resolve, 0},
    {"resume", LF_ONE_REQUEST, lf_read_bool, LF_OPT(resume)},
    {"retry", LF_ANYWHERE, lf_read_retry, LF_OPT(retry)},
    {"robots", LF_IN_SESSION, lf_read_bool, LF_FIELD(robots)},
    {"save", LF_ONE_REQUEST, check_path, LF_OPT(save)},
    {"session", LF_ONE_REQUEST, check_session, 0},
    {"stream", LF_ONE_REQUEST, lf_read_bool, LF_OPT(stream)},
    {"timeout", LF_ANYWHERE, check_timeout, LF_OPT(timeout)},
    {"tls", LF_ANYWHERE, lf_read_tls, 0},
    {"types", LF_ANYWHERE, check_types, LF_OPT(types)},
    {"unix_socket", LF_ANYWHERE, lf_read_way, LF_OPT(way.unix_socket)},
    {"url", LF_IN_TABLE, check_url, 0},
    {"user_agent", LF_ANYWHERE, check_user_agent, 0},
};

/* ---- the face ---- */

void lf_options_read(lua_State *L, struct lf_draft *d, int idx, enum lf_where where,
                     const char *who)
{
    struct lf_reader r = {.L = L, .d = d, .who = who, .where = where};
    lf_reader_table(&r, lua_absindex(L, idx), rows, LF_ROWS(rows));
}

void lf_options_push_names(lua_State *L, enum lf_where where)
{
    lua_Integer known = 0;
    lua_createtable(L, (int)LF_ROWS(rows), 0);
    for (size_t i = 0; i < LF_ROWS(rows); i++) {
        if (!(rows[i].where & ((unsigned)where | LF_LATER)))
            continue;
        lua_pushstring(L, rows[i].name);
        lua_rawseti(L, -2, ++known);
    }
}

/* [-0, +(0|1), -] Push the value of `session` in the table when it is one. */
static bool push_session(lua_State *L, int table)
{
    if (!table || lua_type(L, table) != LUA_TTABLE)
        return false;
    lua_pushliteral(L, "session");
    lua_rawget(L, table);
    if (lf_session_is(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

bool lf_options_session(lua_State *L, int idx, int opts)
{
    return push_session(L, idx) || push_session(L, opts);
}
