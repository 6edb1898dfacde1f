/* Calls that hold child tasks: how they open, are cancelled, drain and close; and the two
 * that hold nothing else, lf.scope and lf.timeout. */
#include "bind/sched.h"

#include <math.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/suggest.h"

/* ---- the life of a call ---- */

static void call_wait_cancel(struct lf_wait *w)
{
    lf_container(w, struct lf_call, wait)->waiter = NULL;
}

static void on_timeout(struct lf_timer *t)
{
    struct lf_call *c = lf_container(t, struct lf_call, timer);
    struct lf_sched *s = c->scope.owner->sched;
    c->readied = s->readied;
    c->waived = !lf_list_empty(&s->ready);
    lf_list_append(&s->due, &c->due);
}

struct lf_call *lf_call_new(lua_State *L, size_t size, int uservalues, const char *type)
{
    struct lf_call *c = lua_newuserdatauv(L, size, uservalues);
    memset(c, 0, size);
    lf_scope_init(&c->scope, lf_task_current(L), true);
    lf_list_init(&c->link);
    lf_list_init(&c->slots);
    lf_list_init(&c->due);
    c->wait.cancel = call_wait_cancel;
    c->timer.fire = on_timeout;
    c->seconds = LF_NEVER;
    luaL_setmetatable(L, type);
    return c;
}

static bool is_open(const struct lf_call *c)
{
    return !lf_list_empty(&c->link);
}

void lf_call_open(lua_State *L, int idx)
{
    struct lf_call *c = lua_touserdata(L, idx);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lf_anchors);
    lua_pushvalue(L, idx);
    lua_rawsetp(L, -2, c);
    lua_pop(L, 1);
    lf_list_append(&c->scope.owner->opened, &c->link);
}

static void unanchor(lua_State *L, struct lf_call *c)
{
    if (!lua_checkstack(L, 2))
        return;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lf_anchors);
    lua_pushnil(L);
    lua_rawsetp(L, -2, c);
    lua_pop(L, 1);
}

void lf_call_wake(struct lf_call *c)
{
    if (c->waiter)
        lf_task_wake(c->waiter);
}

/* The memory of `c` belongs to Lua and may be gone after this. */
void lf_call_close(lua_State *L, struct lf_call *c)
{
    struct lf_task *body = c->body, *loser = c->loser;
    if (!is_open(c))
        return;
    lf_call_wake(c);
    lf_list_remove(&c->link);
    lf_list_remove(&c->due);
    lf_timer_stop(c->scope.owner->sched->eng, &c->timer);
    if (c->drop)
        c->drop(c);
    lf_scope_report(&c->scope);
    c->scope.cancelled = true;
    lf_text_unref(c->bug);
    lf_text_unref(c->why);
    c->bug = c->why = NULL;
    c->body = c->loser = NULL;
    unanchor(L, c);
    lf_task_unref(L, body);
    lf_task_unref(L, loser);
}

/* Nobody asks any more: what went wrong in it goes to its owner. */
static void close_left(struct lf_call *c)
{
    struct lf_task *owner = c->scope.owner;
    if (c->bug)
        lf_task_bug(owner, c->bug);
    lf_call_close(owner->sched->L, c);
}

void lf_call_leave(struct lf_call *c, struct lf_text *why)
{
    if (!is_open(c))
        return;
    c->left = true;
    lf_call_cancel(c, why);
    if (c->scope.live == 0)
        close_left(c);
}

void lf_call_expire(struct lf_call *c)
{
    if (!is_open(c) || c->scope.live == 0 || c->scope.cancelled)
        return;
    struct lf_text *why = lf_text_newf("timeout after %g s", c->seconds);
    c->expired = true;
    lf_call_cancel(c, why);
    lf_text_unref(why);
}

static void call_next(struct lf_call *c)
{
    struct lf_list *first = lf_list_shift(&c->slots);
    if (first)
        lf_task_wake(lf_container(first, struct lf_task, own.link));
}

static void free_slot(struct lf_call *c)
{
    c->running--;
    call_next(c);
}

void lf_call_judge(struct lf_call *c, struct lf_task *t)
{
    if (t->counted)
        free_slot(c);
    if (t->outcome == LF_OUT_BUG) {
        if (!c->bug)
            c->bug = lf_text_ref(t->bug);
        lf_call_cancel(c, t->sched->beside);
    } else if (t->outcome == LF_OUT_FAILED && c->fail_fast && !c->loser) {
        t->joined = true;
        c->loser = lf_task_ref(t);
        lf_call_cancel(c, NULL);
    }
}

void lf_call_drained(struct lf_call *c)
{
    if (c->left)
        close_left(c);
    else
        lf_call_wake(c);
}

int lf_call_wait(lua_State *L, struct lf_call *c, const char *what, lua_KContext ctx,
                 lua_KFunction k)
{
    c->wait.what = what;
    c->waiter = lf_task_current(L);
    return lf_task_wait(L, &c->wait, ctx, k);
}

/* ---- scope and timeout ---- */

/* [-0, +n, v] All have ended: what the call returns. */
static int outcome(lua_State *L, struct lf_call *c)
{
    if (c->bug) {
        lua_pushstring(L, c->bug->s);
        lf_call_close(L, c);
        return lua_error(L);
    }
    if (c->expired)
        return lf_error_fail(L, LF_ETIMEOUT, NULL, "timeout after %g s", c->seconds);
    if (c->loser)
        return lf_task_results(L, c->loser);
    if (c->scope.cancelled)
        return lf_error_fail(L, LF_ECANCELLED, NULL,
                             c->why ? "cancelled: %s" : "cancelled",
                             c->why ? c->why->s : "");
    return lf_task_results(L, c->body);
}

static int call_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct lf_call *c = (struct lf_call *)ctx;
    c->waiter = NULL;
    lf_task_unwait(L);
    if (c->scope.live > 0)
        return lf_call_wait(L, c, c->wait.what, ctx, call_k);
    int n = outcome(L, c);
    lf_call_close(L, c);
    return n;
}

/* [-(nargs+1), +?, v] Run the function on top with its arguments in the call below it. */
static int run_body(lua_State *L, struct lf_call *c, int nargs, const char *what)
{
    struct lf_engine *eng = lf_task_engine(L);
    int idx = lua_gettop(L) - nargs - 1;
    lf_call_open(L, idx);
    c->body = lf_task_ref(lf_task_new(L, &c->scope, nargs, c->where));
    c->body->joined = true;
    if (c->seconds < LF_NEVER) {
        lf_engine_tick(eng);
        if (!lf_timer_start(eng, &c->timer, c->seconds)) {
            lf_call_leave(c, NULL);
            return luaL_error(L, "not enough memory");
        }
    }
    return lf_call_wait(L, c, what, (lua_KContext)c, call_k);
}

int lf_timeout_call(lua_State *L)
{
    luaL_checkany(L, 1);
    double seconds = lf_check_seconds(L, 1, "timeout: the time");
    lf_check_callable(L, 2);
    lf_task_check(L, "timeout");
    struct lf_call *c = lf_call_new(L, sizeof *c, 0, LF_SCOPE_TYPE);
    c->seconds = seconds;
    lf_task_where(L, 1, c->where);
    lua_replace(L, 1);
    return run_body(L, c, lua_gettop(L) - 2, "timeout");
}

static void read_limit(lua_State *L, struct lf_call *c)
{
    if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
        return;
    if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 ||
        lua_tointeger(L, -1) > INT32_MAX)
        luaL_error(L, "scope: option 'limit' must be a whole number from 1 or false");
    c->limit = (unsigned)lua_tointeger(L, -1);
}

static void read_timeout(lua_State *L, struct lf_call *c)
{
    c->seconds = lf_check_seconds(L, -1, "scope: option 'timeout'");
}

static void read_fail_fast(lua_State *L, struct lf_call *c)
{
    if (!lua_isboolean(L, -1))
        luaL_error(L, "scope: option 'fail_fast' must be true or false");
    c->fail_fast = lua_toboolean(L, -1);
}

static const char *const option_names[] = {"limit", "timeout", "fail_fast"};
static void (*const option_readers[])(lua_State *, struct lf_call *) = {
    read_limit, read_timeout, read_fail_fast};
enum { OPTIONS = sizeof option_names / sizeof *option_names };

/* The value is on top, its name below it. */
static void read_option(lua_State *L, struct lf_call *c)
{
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    for (int i = 0; i < OPTIONS; i++)
        if (strcmp(name, option_names[i]) == 0) {
            option_readers[i](L, c);
            return;
        }
    lf_option_unknown(L, "scope", name, option_names, OPTIONS);
}

static int l_scope(lua_State *L)
{
    enum { OPTS = 1, FN };
    if (lua_isfunction(L, 1)) {
        lua_pushnil(L);
        lua_insert(L, OPTS);
    } else {
        luaL_checktype(L, OPTS, LUA_TTABLE);
    }
    lf_check_callable(L, FN);
    lua_settop(L, FN);
    lf_task_check(L, "scope");
    struct lf_call *c = lf_call_new(L, sizeof *c, 0, LF_SCOPE_TYPE);
    lua_insert(L, FN);
    lua_pushnil(L);
    while (lua_istable(L, OPTS) && lua_next(L, OPTS)) {
        read_option(L, c);
        lua_pop(L, 1);
    }
    lua_settop(L, FN + 1);
    lf_task_where(L, 1, c->where);
    lua_pushvalue(L, FN);
    return run_body(L, c, 1, "scope");
}

/* ---- what the body holds: s:spawn, s:cancel ---- */

static struct lf_call *check_scope(lua_State *L)
{
    struct lf_call *c = luaL_checkudata(L, 1, LF_SCOPE_TYPE);
    if (!is_open(c))
        luaL_error(L, "the scope has ended");
    return c;
}

static int scope_cancel(lua_State *L)
{
    struct lf_call *c = luaL_checkudata(L, 1, LF_SCOPE_TYPE);
    size_t len;
    const char *s = luaL_optlstring(L, 2, NULL, &len);
    if (!is_open(c))
        return 0;
    struct lf_text *why = s ? lf_text_new(s, len) : NULL;
    lf_call_cancel(c, why);
    lf_text_unref(why);
    return 0;
}

static void slot_cancel(struct lf_wait *w)
{
    struct lf_task *t = lf_container(w, struct lf_task, own.wait);
    if (lf_list_empty(&t->own.link)) /* the free place was its own, and is not any more */
        call_next(t->own.line.at);
    lf_list_remove(&t->own.link);
}

static int spawn_k(lua_State *L, int status, lua_KContext again)
{
    char where[LUA_IDSIZE + 12];
    (void)status;
    if (again)
        lf_task_unwait(L);
    struct lf_call *c = check_scope(L);
    struct lf_task *me = lf_task_current(L);
    if (c->limit && c->running >= c->limit && !c->scope.cancelled) {
        lf_task_check(L, "spawn");
        me->own.wait = (struct lf_wait){slot_cancel, "a free place in its scope"};
        lf_list_init(&me->own.link);
        me->own.line.at = c;
        if (again) /* somebody was quicker: keep the first place */
            lf_list_prepend(&c->slots, &me->own.link);
        else
            lf_list_append(&c->slots, &me->own.link);
        return lf_task_wait(L, &me->own.wait, 1, spawn_k);
    }
    lf_task_where(L, 1, where);
    struct lf_task *t = lf_task_new(L, &c->scope, lua_gettop(L) - 2, where);
    t->counted = true;
    c->running++;
    lf_handle_push(L, t);
    return 1;
}

static int scope_spawn(lua_State *L)
{
    check_scope(L);
    lf_check_callable(L, 2);
    if (!lf_task_current(L))
        return luaL_error(L, "spawn: outside of a task");
    return spawn_k(L, LUA_OK, 0);
}

void lf_scope_register(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"spawn", scope_spawn}, {"cancel", scope_cancel}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"scope", l_scope}, {"timeout", lf_timeout_call}, {NULL, NULL}};
    luaL_newmetatable(L, LF_SCOPE_TYPE);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
