/* `fetch` and its verbs: one request, the running task waits for it. */
#include <lauxlib.h>
#include <stdlib.h>
#include "bind/attend.h"
#include "bind/bind.h"
#include "bind/suggest.h"
#include "bind/request.h"

/* A fetch that a task waits for. Its request is freed by the continuation, or by cancel
 * when the task ends in any other way. */
struct lf_op {
    struct lf_wait wait; /* first: cancel gets its address */
    struct lf_req *req;  /* owned */
    struct lf_op *next;  /* in the maker's list of free ones */
};

static const struct verb {
    const char *name, *who, *method; /* method NULL: GET, or POST with a body */
} verbs[] = {
    {"fetch", "fetch", NULL},
    {"get", "fetch.get", "GET"},
    {"head", "fetch.head", "HEAD"},
    {"post", "fetch.post", "POST"},
    {"put", "fetch.put", "PUT"},
    {"patch", "fetch.patch", "PATCH"},
    {"delete", "fetch.delete", "DELETE"},
    {"options", "fetch.options", "OPTIONS"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

/* ---- operations ---- */

static void op_cancel(struct lf_wait *w)
{
    struct lf_op *op = (struct lf_op *)w;
    lf_req_free(op->req);
    free(op);
}

static struct lf_op *op_take(struct lf_maker *m, struct lf_req *req)
{
    struct lf_op *op = m->ops;
    if (op)
        m->ops = op->next;
    else
        op = malloc(sizeof *op);
    if (op)
        *op = (struct lf_op){.wait = {op_cancel, "fetch"}, .req = req};
    return op;
}

static void op_give(struct lf_maker *m, struct lf_op *op)
{
    op->next = m->ops;
    m->ops = op;
}

void lf_op_free_all(struct lf_op *ops)
{
    while (ops) {
        struct lf_op *next = ops->next;
        free(ops);
        ops = next;
    }
}

/* ---- fetching ---- */

static void on_done(struct lf_req *req, void *task)
{
    (void)req;
    lf_task_wake(task);
}

/* Should the building fail for memory, the wait still owns the request. */
static int fetch_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct lf_op *op = (struct lf_op *)ctx;
    int n = lf_request_push(L, op->req);
    if (lf_req_result(op->req)->streaming) {
        lf_response_attach(L, op->req, -1 - n, 0);
        op->req = NULL;
    }
    lf_task_unwait(L);
    lf_req_free(op->req);
    op_give(lf_maker_get(L), op);
    return n;
}

/* [-0, +(0|1), m] The box for a request with an on_progress, which is there before the
 * request is made; 0: it has none. */
static int push_watcher(lua_State *L, int idx, int opts)
{
    if (!lf_request_said(L, idx, opts, "on_progress"))
        return 0;
    bool fn = lua_type(L, -1) == LUA_TFUNCTION;
    if (fn)
        lf_attend_push(L, 0, -1);
    lua_remove(L, fn ? -2 : -1);
    return fn ? lua_gettop(L) : 0;
}

/* [-0, +1, m] A copy of the table at `idx`; another value as it is. */
static void push_copy(lua_State *L, int idx)
{
    if (lua_type(L, idx) != LUA_TTABLE) {
        lua_pushvalue(L, idx);
        return;
    }
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, idx);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
}

/* [-0, +(0|1), m] How a stream was asked for, so that it can be taken up again: a table
 * that is there before the request is made, and later keeps its body alive; 0: it is no
 * stream. */
static int push_recipe(lua_State *L, const struct verb *v, int idx, int opts, int session)
{
    if (!lf_request_said(L, idx, opts, "stream"))
        return 0;
    bool wanted = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (!wanted)
        return 0;
    luaL_checkstack(L, 8, v->who);
    lua_createtable(L, 0, 5);
    push_copy(L, idx);
    lua_setfield(L, -2, "url");
    if (opts) {
        push_copy(L, opts);
        lua_setfield(L, -2, "opts");
    }
    if (session) {
        lua_pushvalue(L, session);
        lua_setfield(L, -2, "session");
    }
    lua_pushstring(L, v->method);
    lua_setfield(L, -2, "method");
    lua_pushboolean(L, false); /* its place, so that filling it needs no memory */
    lua_setfield(L, -2, "anchor");
    return lua_gettop(L);
}

/* [-0, +0, -] The anchor at the top goes into the recipe, which takes its place. */
static void keep_recipe(lua_State *L, int recipe)
{
    lua_pushliteral(L, "anchor");
    lua_insert(L, -2);
    lua_rawset(L, recipe);
    lua_pushvalue(L, recipe);
}

/* [yields, throws] The URL or request table at `idx`, perhaps options behind it. */
static int start(lua_State *L, const struct verb *v, int idx, int session)
{
    lf_task_check(L, v->who);
    lua_settop(L, idx + 1);
    int opts = lua_isnil(L, idx + 1) ? 0 : idx + 1;
    if (opts && lua_type(L, opts) != LUA_TTABLE)
        return lf_misuse(L, "%s: options must be a table, got %s", v->who,
                         luaL_typename(L, opts));
    int recipe = push_recipe(L, v, idx, opts, session);
    int box = push_watcher(L, idx, opts);
    struct lf_req *req = lf_request_make(L, idx, opts, session, v->who, v->method);
    if (!req)
        return 2;
    if (lf_req_fed(req)) {
        int feeder = lua_gettop(L);
        if (box)
            lf_attend_watch(L, feeder, box);
        return lf_attend_run(L, req, feeder);
    }
    if (recipe)
        keep_recipe(L, recipe);
    if (box)
        return lf_attend_run(L, req, box);
    struct lf_op *op = op_take(lf_maker_get(L), req);
    if (!op) {
        lf_req_free(req);
        return lf_error_fail(L, LF_ERESOURCE, NULL, "not enough memory");
    }
    lf_req_submit(req, on_done, lf_task_current(L));
    return lf_task_wait(L, &op->wait, (lua_KContext)op, fetch_k);
}

/* Upvalue 1: which verb. */
static const struct verb *verb_of(lua_State *L)
{
    return &verbs[lua_tointeger(L, lua_upvalueindex(1))];
}

static int l_verb(lua_State *L)
{
    return start(L, verb_of(L), 1, 0);
}

static int l_fetch_call(lua_State *L) /* __call: the table comes first */
{
    return start(L, &verbs[0], 2, 0);
}

static int l_session_verb(lua_State *L)
{
    lf_session_check(L, 1);
    return start(L, verb_of(L), 2, 1);
}

static void add_verbs(lua_State *L, lua_CFunction fn, int from)
{
    for (int i = from; i < VERBS; i++) {
        lua_pushinteger(L, i);
        lua_pushcclosure(L, fn, 1);
        lua_setfield(L, -2, verbs[i].name);
    }
}

void lf_fetch_push(lua_State *L)
{
    lua_createtable(L, 0, VERBS);
    add_verbs(L, l_verb, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, l_fetch_call);
    lua_setfield(L, -2, "__call");
    lua_setmetatable(L, -2);
}

void lf_fetch_add_methods(lua_State *L)
{
    add_verbs(L, l_session_verb, 0);
}
