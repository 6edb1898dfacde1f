/* Reading arguments. */
#include "modules/job/ask.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>
#include "bind/lf_module.h"

#define BOX_TYPE    "luafetch.job.op"
#define SECONDS_MAX 1e9

static int box_gc(lua_State *L)
{
    struct ask_box *b = luaL_checkudata(L, 1, BOX_TYPE);
    job_op_free(b->op);
    b->op = NULL;
    return 0;
}

void ask_register(lua_State *L)
{
    luaL_newmetatable(L, BOX_TYPE);
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

struct ask_box *ask_new(lua_State *L, enum job_op_kind kind)
{
    struct ask_box *b = lua_newuserdatauv(L, sizeof *b, 0);
    b->op = NULL;
    luaL_setmetatable(L, BOX_TYPE);
    b->op = job_op_new(kind);
    if (!b->op)
        luaL_error(L, "not enough memory");
    return b;
}

static void grown(lua_State *L, enum lf_err err)
{
    if (err)
        luaL_error(L, "not enough memory");
}

/* ---- options ---- */

/* [-0, +1, v] The field, or nil. */
static int field(lua_State *L, int idx, const char *name)
{
    if (lua_istable(L, idx))
        return lua_getfield(L, idx, name);
    lua_pushnil(L);
    return LUA_TNIL;
}

static void wrong(lua_State *L, const char *who, const char *name, const char *want)
{
    lf_misuse(L, "%s: option '%s' must be %s, got %s", who, name, want,
              luaL_tolstring(L, -1, NULL));
}

int64_t ask_seconds(lua_State *L, int idx, const char *who, const char *name,
                    int64_t otherwise)
{
    int64_t value = otherwise;
    if (field(L, idx, name) != LUA_TNIL) {
        double s = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
        if (!(s >= 0 && s <= SECONDS_MAX))
            wrong(L, who, name, "a number of seconds");
        value = (int64_t)(s * (double)JOB_SECOND);
    }
    lua_pop(L, 1);
    return value;
}

static int64_t whole(lua_State *L, int idx, const char *who, const char *name,
                     int64_t least, int64_t otherwise)
{
    int64_t value = otherwise;
    if (field(L, idx, name) != LUA_TNIL) {
        int is = 0;
        value = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is) : 0;
        if (!is || value < least)
            wrong(L, who, name,
                  least ? "a whole number above 0" : "a whole number from 0");
    }
    lua_pop(L, 1);
    return value;
}

int64_t ask_count(lua_State *L, int idx, const char *who, const char *name,
                  int64_t otherwise)
{
    return whole(L, idx, who, name, 1, otherwise);
}

int64_t ask_number(lua_State *L, int idx, const char *who, const char *name)
{
    return whole(L, idx, who, name, 0, 0);
}

bool ask_flag(lua_State *L, int idx, const char *who, const char *name, bool otherwise)
{
    bool value = otherwise;
    if (field(L, idx, name) != LUA_TNIL) {
        if (!lua_isboolean(L, -1))
            wrong(L, who, name, "a boolean");
        value = lua_toboolean(L, -1);
    }
    lua_pop(L, 1);
    return value;
}

/* false: no limit. */
static bool is_false(lua_State *L, int idx, const char *name)
{
    bool is = field(L, idx, name) == LUA_TBOOLEAN && !lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

void ask_terms(lua_State *L, int idx, const char *who, struct ask_terms *t)
{
    t->term = ask_seconds(L, idx, who, "lease", t->term);
    if (is_false(L, idx, "per_host"))
        t->per_host = INT32_MAX;
    else
        t->per_host = ask_count(L, idx, who, "per_host", t->per_host);
    if (is_false(L, idx, "rate")) {
        t->gap = 0;
    } else if (field(L, idx, "rate") != LUA_TNIL) {
        double rate = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
        if (!(rate >= 1 / SECONDS_MAX && isfinite(rate)))
            wrong(L, who, "rate", "pages a second, or false");
        t->gap = (int64_t)((double)JOB_SECOND / rate);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 1);
    }
}

static bool among(const char *name, const char *const *names)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

void ask_only(lua_State *L, int idx, const char *who, const char *const *names)
{
    if (lua_isnoneornil(L, idx))
        return;
    if (!lua_istable(L, idx))
        lf_misuse(L, "%s: options must be a table, not a %s", who, luaL_typename(L, idx));
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        if (among(name, names))
            continue;
        lua_pushliteral(L, "");
        for (; *names; names++) {
            lua_pushfstring(L, " %s", *names);
            lua_concat(L, 2);
        }
        lf_misuse(L, "%s: unknown option '%s' (there are:%s)", who, name,
                  lua_tostring(L, -1));
    }
}

struct job_lease ask_lease(lua_State *L, int idx, const char *who)
{
    struct job_lease lease = {0, 0};
    int id = 0, token = 0;
    if (lua_istable(L, idx)) {
        lua_getfield(L, idx, "id");
        lua_getfield(L, idx, "token");
        lease.id = lua_tointegerx(L, -2, &id);
        lease.token = lua_tointegerx(L, -1, &token);
        lua_pop(L, 2);
    }
    if (!id || !token)
        lf_misuse(L, "%s: wants a page that claim gave", who);
    return lease;
}

/* ---- links ---- */

static int32_t small(lua_State *L, int idx, const char *who, const char *name,
                     int32_t otherwise)
{
    lua_Integer value = otherwise;
    if (field(L, idx, name) != LUA_TNIL) {
        int whole = 0;
        value = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
        if (!whole || value < INT32_MIN || value > INT32_MAX)
            wrong(L, who, name, "a whole number");
    }
    lua_pop(L, 1);
    return (int32_t)value;
}

/* [-0, +1, v] The URL of the link at `idx`. */
static const char *link_url(lua_State *L, int idx, const char *who, size_t *n)
{
    if (lua_istable(L, idx))
        lua_getfield(L, idx, "url");
    else
        lua_pushvalue(L, idx);
    if (lua_type(L, -1) != LUA_TSTRING)
        lf_misuse(L, "%s: a link is a URL or a table with one as url, not a %s", who,
                  luaL_typename(L, -1));
    return lua_tolstring(L, -1, n);
}

/* [-0, +(0|2), m] */
static bool parse(lua_State *L, const char *s, size_t n, struct lf_url *url)
{
    const char *why = "only http and https are fetched";
    enum lf_err err = lf_url_parse(url, s, n, NULL, &why);
    if (err == LF_ERESOURCE)
        luaL_error(L, "not enough memory");
    if (!err && lf_url_is_http(url))
        return true;
    lf_error_fail(L, LF_EURL, s, "this is no URL of a page: %s", why);
    return false;
}

/* Behind the host and its port, by which it is limited, the form it is compared in. */
static void add_url(lua_State *L, struct lf_buf *out, const struct lf_url *url,
                    struct job_link *l)
{
    struct lf_span host = lf_url_authority(url);
    size_t from = out->len;
    grown(L, lf_buf_add(out, host.p, host.len));
    l->host = (uint32_t)host.len;
    grown(L, lf_url_canonical(url, false, out));
    l->url = (uint32_t)(out->len - from - l->host);
}

/* [-0, +(0|2), v] The link at the top of the stack. */
static bool add_link(lua_State *L, const char *who, struct lf_buf *out, int depth,
                     const uint8_t secret[static JOB_KEY], struct lf_url *url)
{
    int at = lua_gettop(L);
    size_t n, from = out->len;
    struct job_link l = {.depth = small(L, at, who, "depth", depth),
                         .priority = small(L, at, who, "priority", 0)};
    const char *s = link_url(L, at, who, &n);
    if (!parse(L, s, n, url))
        return false;
    grown(L, lf_buf_add(out, &l, sizeof l));
    add_url(L, out, url, &l);
    job_hash(secret, out->p + from + sizeof l + l.host, l.url, l.key);
    size_t meta = out->len;
    if (field(L, at, "meta") != LUA_TNIL)
        lf_json_encode(L, -1, out, NULL);
    l.meta = (uint32_t)(out->len - meta);
    memcpy(out->p + from, &l, sizeof l);
    lua_settop(L, at);
    return true;
}

bool ask_links(lua_State *L, int idx, const char *who, struct lf_buf *out, int depth,
               const uint8_t secret[static JOB_KEY], struct lf_url *url)
{
    if (lua_isnoneornil(L, idx))
        return true;
    if (!lua_istable(L, idx))
        lf_misuse(L, "%s: URLs must be in a list, not in a %s", who,
                  luaL_typename(L, idx));
    for (lua_Integer i = 1; lua_geti(L, idx, i) != LUA_TNIL; i++) {
        if (!add_link(L, who, out, depth, secret, url))
            return false;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return true;
}

bool ask_host(lua_State *L, int idx, const char *who, struct lf_buf *out,
              struct lf_url *url)
{
    size_t n;
    if (lua_type(L, idx) != LUA_TSTRING)
        lf_misuse(L, "%s: wants a host or a URL, not a %s", who, luaL_typename(L, idx));
    const char *s = lua_tostring(L, idx);
    lua_pushfstring(L, "%s%s", strstr(s, "://") ? "" : "http://", s);
    s = lua_tolstring(L, -1, &n);
    if (!parse(L, s, n, url))
        return false;
    struct lf_span host = lf_url_authority(url);
    grown(L, lf_buf_add(out, host.p, host.len));
    lua_pop(L, 1);
    return true;
}

void ask_items(lua_State *L, int idx, const char *who, struct job_op *op)
{
    if (lua_isnoneornil(L, idx))
        return;
    if (!lua_istable(L, idx))
        lf_misuse(L, "%s: items must be a list, not a %s", who, luaL_typename(L, idx));
    for (lua_Integer i = 1; lua_geti(L, idx, i) != LUA_TNIL; i++) {
        size_t from = op->items.len;
        uint32_t n = 0;
        grown(L, lf_buf_add(&op->items, &n, sizeof n));
        lf_json_encode(L, -1, &op->items, NULL);
        n = (uint32_t)(op->items.len - from - sizeof n);
        memcpy(op->items.p + from, &n, sizeof n);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* ---- of another job ---- */

/* [-0, +0, m] The field of the page at `idx`, a number from 0. */
static int32_t count_of(lua_State *L, int idx, const char *who, const char *name)
{
    int32_t n = small(L, idx, who, name, 0);
    return n < 0 ? 0 : n;
}

static int32_t state_of(lua_State *L, int idx, const char *who)
{
    static const char *const names[] = {"pending", "active", "done", "failed", "skipped"};
    static const int32_t states[] = {JOB_PENDING, JOB_PENDING, JOB_DONE, JOB_GIVEN_UP,
                                     JOB_PASSED_OVER};
    lua_getfield(L, idx, "status");
    const char *name = lua_tostring(L, -1);
    size_t i = 0;
    while (name && i < 5 && strcmp(name, names[i]) != 0)
        i++;
    if (!name || i == 5)
        wrong(L, who, "status", "what job:pages() gives");
    lua_pop(L, 1);
    return states[i];
}

/* [-0, +(0|2), v] The page at the top of the stack. */
static bool add_past(lua_State *L, const char *who, struct lf_buf *out,
                     const uint8_t secret[static JOB_KEY], struct lf_url *url)
{
    int at = lua_gettop(L);
    size_t n = 0, from = out->len;
    luaL_checktype(L, at, LUA_TTABLE);
    struct job_past past = {.state = state_of(L, at, who),
                            .tries = count_of(L, at, who, "tries")};
    lua_getfield(L, at, "why");
    const char *why = lua_tolstring(L, -1, &n);
    past.why = (uint32_t)n;
    past.found = lua_getfield(L, at, "from") != LUA_TNIL;
    grown(L, lf_buf_add(out, &past, sizeof past));
    if (n)
        grown(L, lf_buf_add(out, why, n));
    lua_pushvalue(L, at);
    memcpy(out->p + from, &past, sizeof past);
    if (!add_link(L, who, out, 0, secret, url))
        return false;
    lua_settop(L, at + 2);
    if (past.found && !add_link(L, who, out, 0, secret, url))
        return false;
    lua_settop(L, at);
    return true;
}

bool ask_pages(lua_State *L, int idx, const char *who, struct job_op *op,
               const uint8_t secret[static JOB_KEY], struct lf_url *url)
{
    if (lua_isnoneornil(L, idx))
        return true;
    luaL_checktype(L, idx, LUA_TTABLE);
    for (lua_Integer i = 1; lua_geti(L, idx, i) != LUA_TNIL; i++) {
        if (!add_past(L, who, &op->in, secret, url))
            return false;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return true;
}

/* [-0, +(0|2), v] The item at the top of the stack: its text, and the page it is of. */
static bool add_copy(lua_State *L, const char *who, struct job_op *op,
                     const uint8_t secret[static JOB_KEY], struct lf_url *url)
{
    static const struct job_link none;
    int at = lua_gettop(L);
    size_t size;
    luaL_checktype(L, at, LUA_TTABLE);
    lua_getfield(L, at, "item");
    const char *text = luaL_checklstring(L, -1, &size);
    uint32_t n = (uint32_t)size;
    grown(L, lf_buf_add(&op->items, &n, sizeof n));
    if (n)
        grown(L, lf_buf_add(&op->items, text, n));
    if (lua_getfield(L, at, "url") == LUA_TNIL)
        grown(L, lf_buf_add(&op->known, &none, sizeof none));
    else if (!add_link(L, who, &op->known, 0, secret, url))
        return false;
    lua_settop(L, at);
    return true;
}

bool ask_copies(lua_State *L, int idx, const char *who, struct job_op *op,
                const uint8_t secret[static JOB_KEY], struct lf_url *url)
{
    if (lua_isnoneornil(L, idx))
        return true;
    luaL_checktype(L, idx, LUA_TTABLE);
    for (lua_Integer i = 1; lua_geti(L, idx, i) != LUA_TNIL; i++) {
        if (!add_copy(L, who, op, secret, url))
            return false;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return true;
}
