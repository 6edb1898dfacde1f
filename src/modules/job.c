/* lf.job: the state of a crawl outside of the process: what is to be fetched, what is
 * known, what came of it. The interface is described in lua/luafetch/types/job.lua; this
 * file holds it as Lua sees it. Arguments become operations in job/ask.c, an engine
 * (job/engine.h; job/writer.c for files, job/redis.c) runs them in groups, and
 * job/answer.c makes tables of what came. */
#include <lauxlib.h>
#include <string.h>
#include <strings.h>
#include "bind/lf_module.h"
#include "modules/job/answer.h"
#include "modules/job/ask.h"
#include "modules/job/engine.h"

#define JOB_TYPE "luafetch.job"

enum { LEASE = 60, PER_HOST = 8, DELIVERIES = 10, BATCH = 200 };
enum { OUTPUT_LEASE = 5 };

struct handle {
    struct job_engine *engine; /* owned; NULL: closed */
    struct ask_terms terms;
    struct lf_url url; /* owned: scratch */
    bool shared;       /* it has a name, and is not only looked at */
};

int luaopen_luafetch_job(lua_State *L);

/* ---- waiting ---- */

static void on_cancel(struct lf_wait *wait)
{
    struct job_op *op = lf_container(wait, struct job_op, wait);
    if (op->engine)
        op->engine->ops->abandon(op->engine, op);
    else
        job_op_free(op);
}

/* [-0, +n, m] What the script gets; the job is at 1. */
static int push_outcome(lua_State *L, const struct job_op *op)
{
    if (op->err)
        return lf_error_fail(L, op->err, NULL, "%s", op->why);
    switch (op->kind) {
    case JOB_CLAIM:
        answer_rows(L, op, false);
        if (op->rows >= op->n || op->number < 0)
            return 1;
        lua_pushnumber(L, (double)op->number / (double)JOB_SECOND);
        return 2;
    case JOB_COUNTS:
        answer_row(L, op);
        return 1;
    case JOB_HOST:
        answer_host(L, op);
        return 1;
    case JOB_OUTPUT:
        answer_output(L, op);
        return 1;
    case JOB_ITEMS:
    case JOB_FAILED:
    case JOB_SKIPPED:
    case JOB_PAGES:
    case JOB_PACES:
    case JOB_OUTPUTS:
        answer_rows(L, op, op->again);
        return 1;
    case JOB_ADD:
    case JOB_RENEW:
    case JOB_IMPORT:
    case JOB_RETRY_FAILED:
    case JOB_COMPLETE:
        lua_pushinteger(L, op->number);
        return 1;
    case JOB_OPEN:
        if (((struct handle *)lua_touserdata(L, 1))->shared)
            lf_run_shares();
        lua_pushvalue(L, 1);
        return 1;
    default:
        lua_pushboolean(L, 1);
        return 1;
    }
}

static int ended_k(lua_State *L, int status, lua_KContext ctx)
{
    struct job_op *op = (struct job_op *)ctx;
    (void)status;
    struct handle *h = lua_touserdata(L, 1);
    int n = push_outcome(L, op); /* an error leaves the operation to the task */
    lf_task_unwait(L);
    bool over = op->kind == JOB_CLOSE || (op->kind == JOB_OPEN && op->err);
    job_op_free(op);
    if (over) {
        struct job_engine *e = h->engine;
        h->engine = NULL;
        if (e)
            e->ops->free(e);
    }
    return n;
}

/* Hand the operation in the box over, and wait for its outcome. The job is at 1. */
static int wait_for(lua_State *L, struct ask_box *b, const char *what, lua_KFunction k)
{
    struct handle *h = lua_touserdata(L, 1);
    struct job_op *op = b->op;
    b->op = NULL;
    op->wait = (struct lf_wait){on_cancel, what};
    op->task = lf_task_current(L);
    h->engine->ops->add(h->engine, op);
    if (op->ended) /* neither a timer nor a thread was to be had, or it may not write */
        return k(L, LUA_OK, (lua_KContext)op);
    return lf_task_wait(L, &op->wait, (lua_KContext)op, k);
}

/* [-0, +0, v] The job at 1, open, in a function that may wait. */
static struct handle *check(lua_State *L, const char *who)
{
    struct handle *h = luaL_checkudata(L, 1, JOB_TYPE);
    lf_task_check(L, who);
    if (!h->engine || h->engine->closing)
        lf_misuse(L, "%s: the job is closed", who);
    return h;
}

/* ---- methods ---- */

/* [-0, +0, e] The items of the options at `idx`, if there are any. */
static void add_items(lua_State *L, int idx, const char *who, struct job_op *op)
{
    if (!lua_istable(L, idx))
        return;
    lua_getfield(L, idx, "items");
    ask_items(L, lua_gettop(L), who, op);
    lua_pop(L, 1);
}

static int l_add(lua_State *L)
{
    static const char who[] = "job:add";
    static const char *const names[] = {"items", NULL};
    struct handle *h = check(L, who);
    lua_settop(L, 3);
    ask_only(L, 3, who, names);
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, 2);
        lua_rawseti(L, -2, 1);
        lua_replace(L, 2);
    } else if (!lua_istable(L, 2)) {
        return lf_misuse(L, "%s: wants a list of URLs, not a %s", who,
                         luaL_typename(L, 2));
    }
    struct ask_box *b = ask_new(L, JOB_ADD);
    add_items(L, 3, who, b->op);
    if (!ask_links(L, 2, who, &b->op->in, 0, h->engine->secret, &h->url))
        return 2;
    return wait_for(L, b, who, ended_k);
}

static int l_claim(lua_State *L)
{
    static const char who[] = "job:claim";
    static const char *const names[] = {"lease", "per_host", "rate", NULL};
    struct handle *h = check(L, who);
    struct ask_terms t = h->terms;
    lua_Integer n = luaL_optinteger(L, 2, 1);
    if (n < 1 || n > 10000)
        return lf_misuse(L, "%s: wants a number from 1 to 10000, got %d", who, (int)n);
    lua_settop(L, 3);
    ask_only(L, 3, who, names);
    ask_terms(L, 3, who, &t);
    struct ask_box *b = ask_new(L, JOB_CLAIM);
    b->op->n = n;
    b->op->term = t.term;
    b->op->per_host = t.per_host;
    b->op->gap = t.gap;
    return wait_for(L, b, who, ended_k);
}

static int depth_of(lua_State *L, int page)
{
    lua_getfield(L, page, "depth");
    lua_Integer depth = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return depth < 0 || depth >= INT32_MAX ? INT32_MAX : (int)depth + 1;
}

static int l_complete(lua_State *L)
{
    static const char who[] = "job:complete";
    static const char *const names[] = {"page", "links", "items", "known", "park", NULL};
    struct handle *h = check(L, who);
    lua_settop(L, 2);
    ask_only(L, 2, who, names);
    if (!lua_istable(L, 2))
        return lf_misuse(L, "%s: wants {page=, links=, items=}", who);
    lua_getfield(L, 2, "page"); /* 3 */
    struct ask_box *b = ask_new(L, JOB_COMPLETE);
    struct job_op *op = b->op;
    op->lease = ask_lease(L, 3, who);
    op->park = ask_seconds(L, 2, who, "park", 0);
    lua_getfield(L, 2, "items"); /* 5 */
    ask_items(L, 5, who, op);
    lua_getfield(L, 2, "links"); /* 6 */
    lua_getfield(L, 2, "known"); /* 7 */
    int depth = depth_of(L, 3);
    const uint8_t *secret = h->engine->secret;
    if (!ask_links(L, 6, who, &op->in, depth, secret, &h->url) ||
        !ask_links(L, 7, who, &op->known, depth, secret, &h->url))
        return 2;
    return wait_for(L, b, who, ended_k);
}

/* [-0, +1, m] Why a page ended as it did: the text or Error at 3. */
static void add_reason(lua_State *L, struct job_op *op, const char *otherwise)
{
    if (lua_isnil(L, 3))
        lua_pushstring(L, otherwise);
    else
        luaL_tolstring(L, 3, NULL);
    if (lf_buf_add(&op->in, lua_tostring(L, -1), lua_rawlen(L, -1)))
        luaL_error(L, "not enough memory");
}

static int l_fail(lua_State *L)
{
    static const char who[] = "job:fail";
    static const char *const names[] = {"again", "park", "items", NULL};
    check(L, who);
    lua_settop(L, 4);
    ask_only(L, 4, who, names);
    struct ask_box *b = ask_new(L, JOB_FAIL);
    struct job_op *op = b->op;
    op->lease = ask_lease(L, 2, who);
    op->again = ask_flag(L, 4, who, "again", false);
    op->park = ask_seconds(L, 4, who, "park", 0);
    add_items(L, 4, who, op);
    add_reason(L, op, "failed");
    return wait_for(L, b, who, ended_k);
}

static int l_skip(lua_State *L)
{
    static const char who[] = "job:skip";
    static const char *const names[] = {"park", NULL};
    check(L, who);
    lua_settop(L, 4);
    ask_only(L, 4, who, names);
    struct ask_box *b = ask_new(L, JOB_SKIP);
    b->op->lease = ask_lease(L, 2, who);
    b->op->park = ask_seconds(L, 4, who, "park", 0);
    add_reason(L, b->op, "skipped");
    return wait_for(L, b, who, ended_k);
}

static int l_host(lua_State *L)
{
    static const char who[] = "job:host";
    static const char *const names[] = {"rate", "per_host", "park", NULL};
    struct ask_terms t = {.gap = JOB_AS_BEFORE, .per_host = JOB_AS_BEFORE};
    struct handle *h = check(L, who);
    lua_settop(L, 3);
    ask_only(L, 3, who, names);
    ask_terms(L, 3, who, &t);
    struct ask_box *b = ask_new(L, JOB_HOST);
    b->op->gap = t.gap;
    b->op->per_host = t.per_host;
    b->op->park = ask_seconds(L, 3, who, "park", 0);
    if (!ask_host(L, 2, who, &b->op->in, &h->url))
        return 2;
    return wait_for(L, b, who, ended_k);
}

/* [-0, +0, v] The leases of the page, or of the pages, at 2. */
static void add_leases(lua_State *L, const char *who, struct job_op *op)
{
    bool one = lua_istable(L, 2) && lua_getfield(L, 2, "token") != LUA_TNIL;
    if (!lua_istable(L, 2))
        lf_misuse(L, "%s: wants a page or a list of pages", who);
    for (lua_Integer i = 1;; i++) {
        if (one)
            lua_pushvalue(L, 2);
        else if (lua_geti(L, 2, i) == LUA_TNIL)
            break;
        struct job_lease lease = ask_lease(L, lua_gettop(L), who);
        if (lf_buf_add(&op->in, &lease, sizeof lease))
            luaL_error(L, "not enough memory");
        lua_pop(L, 1);
        if (one)
            break;
    }
}

static int l_renew(lua_State *L)
{
    static const char who[] = "job:renew";
    struct handle *h = check(L, who);
    lua_settop(L, 2);
    struct ask_box *b = ask_new(L, JOB_RENEW);
    b->op->term = h->terms.term;
    add_leases(L, who, b->op);
    return wait_for(L, b, who, ended_k);
}

static int l_release(lua_State *L)
{
    static const char who[] = "job:release";
    check(L, who);
    lua_settop(L, 2);
    struct ask_box *b = ask_new(L, JOB_RELEASE);
    add_leases(L, who, b->op);
    return wait_for(L, b, who, ended_k);
}

static int l_import(lua_State *L)
{
    static const char who[] = "job:import";
    static const char *const names[] = {"pages", "items", "done", NULL};
    struct handle *h = check(L, who);
    lua_settop(L, 2);
    ask_only(L, 2, who, names);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_getfield(L, 2, "pages"); /* 3 */
    lua_getfield(L, 2, "items"); /* 4 */
    struct ask_box *b = ask_new(L, JOB_IMPORT);
    b->op->again = lua_getfield(L, 2, "done") != LUA_TNIL;
    b->op->n = ask_number(L, 2, who, "done");
    const uint8_t *secret = h->engine->secret;
    if (!ask_pages(L, 3, who, b->op, secret, &h->url) ||
        !ask_copies(L, 4, who, b->op, secret, &h->url))
        return 2;
    return wait_for(L, b, who, ended_k);
}

static int plain(lua_State *L, const char *who, enum job_op_kind kind)
{
    check(L, who);
    lua_settop(L, 1);
    return wait_for(L, ask_new(L, kind), who, ended_k);
}

static int l_counts(lua_State *L)
{
    return plain(L, "job:counts", JOB_COUNTS);
}

static int l_retry_failed(lua_State *L)
{
    return plain(L, "job:retry_failed", JOB_RETRY_FAILED);
}

static int l_reset(lua_State *L)
{
    return plain(L, "job:reset", JOB_RESET);
}

/* ---- items on their way to a file ---- */

static int l_output(lua_State *L)
{
    static const char who[] = "job:output";
    static const char *const names[] = {"state", "over", NULL};
    check(L, who);
    size_t n;
    const char *name = luaL_checklstring(L, 2, &n);
    lua_settop(L, 3);
    ask_only(L, 3, who, names);
    struct ask_box *b = ask_new(L, JOB_OUTPUT); /* 4 */
    struct job_op *op = b->op;
    op->term = OUTPUT_LEASE * JOB_SECOND;
    op->n = ask_number(L, 3, who, "over");
    if (lf_buf_add(&op->in, name, n))
        return luaL_error(L, "not enough memory");
    if (lua_istable(L, 3)) {
        op->again = lua_getfield(L, 3, "over") != LUA_TNIL;
        if (lua_getfield(L, 3, "state") != LUA_TNIL)
            lf_json_encode(L, -1, &op->state, NULL);
    }
    return wait_for(L, b, who, ended_k);
}

/* What reads the items and writes them is luafetch/output.lua. */
static int l_emit(lua_State *L)
{
    check(L, "job:emit");
    lua_settop(L, 1);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "luafetch.output");
    lua_call(L, 1, 1);
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* ---- iterators: batches in upvalues ---- */

enum { UP_JOB = 1, UP_ROWS, UP_AT, UP_KIND, UP_RAW, UP_LAST };

static int give_row(lua_State *L)
{
    bool items = lua_tointeger(L, lua_upvalueindex(UP_KIND)) == JOB_ITEMS;
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(UP_AT));
    if (lua_rawgeti(L, lua_upvalueindex(UP_ROWS), at) == LUA_TNIL)
        return 1;
    lua_pushinteger(L, at + 1);
    lua_replace(L, lua_upvalueindex(UP_AT));
    lua_getfield(L, -1, "id");
    lua_copy(L, -1, lua_upvalueindex(UP_LAST));
    if (!items)
        return lua_pop(L, 1), 1;
    lua_getfield(L, -2, "item");
    lua_getfield(L, -3, "url");
    lua_pushvalue(L, -3);
    return 3;
}

static int batch_k(lua_State *L, int status, lua_KContext ctx)
{
    if (ended_k(L, status, ctx) == 2)
        return lua_error(L);
    lua_replace(L, lua_upvalueindex(UP_ROWS));
    lua_pushinteger(L, 1);
    lua_replace(L, lua_upvalueindex(UP_AT));
    return give_row(L);
}

static int next_row(lua_State *L)
{
    static const char *const names[] = {
        [JOB_ITEMS] = "job:items",     [JOB_FAILED] = "job:failed",
        [JOB_SKIPPED] = "job:skipped", [JOB_PAGES] = "job:pages",
        [JOB_PACES] = "job:hosts",     [JOB_OUTPUTS] = "job:outputs"};
    enum job_op_kind kind = (enum job_op_kind)lua_tointeger(L, lua_upvalueindex(UP_KIND));
    lua_settop(L, 0);
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(UP_AT));
    if (at <= (lua_Integer)lua_rawlen(L, lua_upvalueindex(UP_ROWS)))
        return give_row(L);
    lua_pushvalue(L, lua_upvalueindex(UP_JOB));
    check(L, names[kind]);
    struct ask_box *b = ask_new(L, kind);
    b->op->n = BATCH;
    b->op->after = lua_tointeger(L, lua_upvalueindex(UP_LAST));
    b->op->again = lua_toboolean(L, lua_upvalueindex(UP_RAW));
    return wait_for(L, b, names[kind], batch_k);
}

static int iterate(lua_State *L, const char *who, enum job_op_kind kind)
{
    static const char *const names[] = {"after", "raw", NULL};
    luaL_checkudata(L, 1, JOB_TYPE);
    lua_settop(L, 2);
    ask_only(L, 2, who, names);
    bool raw = ask_flag(L, 2, who, "raw", false);
    int64_t after = ask_number(L, 2, who, "after");
    lua_settop(L, 1);
    lua_createtable(L, 0, 0);
    lua_pushinteger(L, 1);
    lua_pushinteger(L, kind);
    lua_pushboolean(L, raw);
    lua_pushinteger(L, after);
    lua_pushcclosure(L, next_row, UP_LAST);
    return 1;
}

static int l_items(lua_State *L)
{
    return iterate(L, "job:items", JOB_ITEMS);
}

static int l_failed(lua_State *L)
{
    return iterate(L, "job:failed", JOB_FAILED);
}

static int l_skipped(lua_State *L)
{
    return iterate(L, "job:skipped", JOB_SKIPPED);
}

static int l_pages(lua_State *L)
{
    return iterate(L, "job:pages", JOB_PAGES);
}

static int l_hosts(lua_State *L)
{
    return iterate(L, "job:hosts", JOB_PACES);
}

static int l_outputs(lua_State *L)
{
    return iterate(L, "job:outputs", JOB_OUTPUTS);
}

/* ---- the end ---- */

/* Closing again does nothing. */
static int l_close(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, JOB_TYPE);
    lua_settop(L, 1);
    if (!h->engine || h->engine->closing)
        return lua_pushboolean(L, 1), 1;
    lf_task_check(L, "job:close");
    struct ask_box *b = ask_new(L, JOB_CLOSE);
    h->engine->closing = true;
    return wait_for(L, b, "job:close", ended_k);
}

static int l_gc(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, JOB_TYPE);
    struct job_engine *e = h->engine;
    h->engine = NULL;
    if (e)
        e->ops->free(e);
    lf_url_free(&h->url);
    return 0;
}

/* At the end of a scope: as close(), unless the task must not wait. */
static int l_leave(lua_State *L)
{
    if (lua_isnoneornil(L, 2) && lf_task_may_wait(L))
        return l_close(L);
    return l_gc(L);
}

static int l_tostring(lua_State *L)
{
    const struct handle *h = luaL_checkudata(L, 1, JOB_TYPE);
    lua_pushfstring(L, "job %s", h->engine ? h->engine->title : "(closed)");
    return 1;
}

/* [-0, +0, v] The options at 2 of the job at 3. */
static void read_options(lua_State *L, struct handle *h)
{
    static const char who[] = "job.open";
    static const char *const names[] = {"lease",      "per_host", "rate",
                                        "deliveries", "wait",     "create",
                                        "readonly",   "sync",     NULL};
    struct job_choice *c = &h->engine->choice;
    ask_only(L, 2, who, names);
    h->terms = (struct ask_terms){.term = LEASE * JOB_SECOND, .per_host = PER_HOST};
    ask_terms(L, 2, who, &h->terms);
    c->deliveries = ask_count(L, 2, who, "deliveries", DELIVERIES);
    c->patience = ask_seconds(L, 2, who, "wait", h->engine->ops->patience);
    c->create = ask_flag(L, 2, who, "create", true);
    c->readonly = ask_flag(L, 2, who, "readonly", false);
    c->sync = ask_flag(L, 2, who, "sync", false);
}

/* Which names are whose: the first that fits. A job without a name is the last one's. */
static const struct job_engine_ops *const engines[] = {&job_redis, &job_sqlite};

static const struct job_engine_ops *engine_of(const char *name)
{
    size_t i = 0;
    while (engines[i]->scheme && (!name || strncasecmp(name, engines[i]->scheme,
                                                       strlen(engines[i]->scheme)) != 0))
        i++;
    return engines[i];
}

/* [-0, +(0|2), m] The engine of that name; false: nil, Error is pushed. */
static bool make(lua_State *L, struct handle *h, const char *name)
{
    const char *why = "";
    enum lf_err err = engine_of(name)->make(lf_task_engine(L), name, &h->engine, &why);
    if (err == LF_ERESOURCE)
        lf_error_fail(L, err, NULL, "job.open: not enough memory");
    else if (err)
        lf_error_fail(L, err, NULL, "this is no job in Redis: %s", why);
    return !err;
}

static int l_open(lua_State *L)
{
    lua_settop(L, 2);
    size_t n;
    const char *name = luaL_optlstring(L, 1, NULL, &n);
    if (name && (!n || strlen(name) != n))
        return lf_misuse(L, "job.open: wants the name of a file, or a redis:// URL");
    lf_task_check(L, "job.open");
    struct handle *h = lua_newuserdatauv(L, sizeof *h, 0);
    *h = (struct handle){.engine = NULL, .url = LF_URL_INIT};
    luaL_setmetatable(L, JOB_TYPE);
    if (!make(L, h, name))
        return 2;
    read_options(L, h);
    h->shared = name && !h->engine->choice.readonly;
    lua_replace(L, 1);
    lua_settop(L, 1);
    return wait_for(L, ask_new(L, JOB_OPEN), "job.open", ended_k);
}

int luaopen_luafetch_job(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", l_gc}, {"__close", l_leave}, {"__tostring", l_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"add", l_add},       {"claim", l_claim},     {"complete", l_complete},
        {"fail", l_fail},     {"skip", l_skip},       {"host", l_host},
        {"renew", l_renew},   {"release", l_release}, {"counts", l_counts},
        {"items", l_items},   {"output", l_output},   {"emit", l_emit},
        {"failed", l_failed}, {"skipped", l_skipped}, {"retry_failed", l_retry_failed},
        {"reset", l_reset},   {"close", l_close},     {"pages", l_pages},
        {"hosts", l_hosts},   {"outputs", l_outputs}, {"import", l_import},
        {NULL, NULL}};
    static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
    ask_register(L);
    luaL_newmetatable(L, JOB_TYPE);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
