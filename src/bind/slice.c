/* One slice of a task: from its resumption to its next wait or its end, and the unwinding
 * of one that was cancelled. The only place that resumes the threads of tasks. */
#include "bind/sched.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "bind/bind.h"

enum { CHAIN = 8 }; /* places of spawning that a bug names */

/* ---- bugs ---- */

/* Append where the task was spawned, and its parents, up to the call that will raise. */
static void add_places(luaL_Buffer *b, const struct lf_task *t)
{
    for (int n = 0; t->parent && n < CHAIN; n++) {
        luaL_addstring(b, "\nspawned at ");
        luaL_addstring(b, t->where);
        if (t->parent->call)
            return;
        t = t->parent->owner;
    }
}

/* [-3, +1, m] error value, task, thread → the text of a bug. */
static int describe(lua_State *L)
{
    struct lf_task *t = lua_touserdata(L, 2);
    lua_State *co = lua_touserdata(L, 3);
    luaL_Buffer b;
    lua_checkstack(co, 16); /* luaL_traceback of 5.4 forgets to */
    luaL_traceback(L, co, luaL_tolstring(L, 1, NULL), 0);
    const char *trace = lua_tostring(L, -1);
    luaL_buffinit(L, &b);
    luaL_addstring(&b, trace);
    add_places(&b, t);
    luaL_pushresult(&b);
    return 1;
}

/* [-0, +0, -] The text of a bug, NULL: no memory; the error value is on top of the task's
 * thread. */
static struct lf_text *bug_text(struct lf_task *t)
{
    lua_State *L = t->sched->L;
    int top = lua_gettop(L);
    struct lf_text *text = NULL;
    if (lua_checkstack(L, 8) && lua_checkstack(t->co, 1)) {
        lua_pushcfunction(L, describe);
        lua_pushvalue(t->co, -1);
        lua_xmove(t->co, L, 1);
        lua_pushlightuserdata(L, t);
        lua_pushlightuserdata(L, t->co);
        lua_pcall(L, 3, 1, 0);
        size_t len = 0;
        const char *s = lua_tolstring(L, -1, &len);
        text = s ? lf_text_new(s, len) : lf_text_newf("%s", "an error without a text");
        lua_settop(L, top);
    }
    return text;
}

static void die(struct lf_task *t)
{
    struct lf_text *bug = bug_text(t);
    lf_task_bug(t, bug); /* the loop unwinds it after its descendants */
    lf_text_unref(bug);
}

/* ---- unwinding ---- */

static void close_thread(struct lf_task *t, lua_State *co)
{
    bool broken = lua_status(co) > LUA_YIELD;
    if (lua_closethread(co, t->sched->L) == LUA_OK || broken)
        return;
    const char *s = lua_isstring(co, -1) ? lua_tostring(co, -1) : "not a string";
    lf_log(LF_LOG_WARN, "error in __close of a task spawned at %s: %s", t->where, s);
}

/* Run what is to be closed, innermost coroutine first. */
static void unwind_stacks(struct lf_task *t)
{
    struct lf_sched *s = t->sched;
    s->current = t;
    s->blocked = NULL;
    t->unwinding = true;
    for (unsigned i = 0; i < t->nnest; i++)
        close_thread(t, t->nest[i]);
    t->nnest = 0;
    close_thread(t, t->co);
    t->unwinding = false;
    s->current = NULL;
}

static void drop_wait(struct lf_task *t)
{
    struct lf_wait *w = t->wait;
    t->wait = NULL;
    if (w)
        w->cancel(w);
}

void lf_task_unwind(struct lf_task *t)
{
    drop_wait(t);
    if (t->state == LF_TASK_OVER) { /* only waited for its children */
        lf_task_over(t, t->outcome);
        return;
    }
    unwind_stacks(t);
    lua_settop(t->co, 0);
    lf_task_over(t, LF_OUT_CANCELLED);
}

/* It raised an lf Error: that is a result, not a bug. The Error sits on the main stack
 * while the thread is closed, which may replace it. */
static void fail(struct lf_task *t)
{
    lua_State *L = t->sched->L;
    lua_xmove(t->co, L, 1);
    drop_wait(t);
    unwind_stacks(t);
    lua_settop(t->co, 0);
    lua_pushnil(t->co);
    lua_xmove(L, t->co, 1);
    lf_task_over(t, LF_OUT_FAILED);
}

/* ---- running ---- */

static void on_return(struct lf_task *t)
{
    lua_State *co = t->co;
    drop_wait(t);
    bool failed = lua_checkstack(co, 4) && lua_isnil(co, 1) && lf_error_is(co, 2);
    lf_task_over(t, failed ? LF_OUT_FAILED : LF_OUT_OK);
}

static void on_error(struct lf_task *t)
{
    lua_State *L = t->sched->L;
    bool data = t->parent && lua_checkstack(L, 4) && lua_checkstack(t->co, 4) &&
                lf_error_is(t->co, -1);
    if (data)
        fail(t);
    else
        die(t);
}

/* It waits, or it yielded to us what was meant for a coroutine's resume. */
static void on_yield(struct lf_task *t, int n)
{
    bool waits = n == 1 && lua_touserdata(t->co, -1) == &lf_sentinel;
    lua_pop(t->co, n);
    if (waits)
        return;
    lua_pushliteral(t->co, "coroutine.yield outside a coroutine");
    die(t);
}

void lf_task_resume(struct lf_task *t)
{
    struct lf_sched *s = t->sched;
    int n = 0, nargs = t->nargs;
    t->nargs = 0;
    t->nnest = 0;
    t->state = LF_TASK_BEGUN;
    s->current = t;
    s->blocked = NULL;
    s->adding = NULL;
    s->slice++;
    s->running = t->co;
    int status = lua_resume(t->co, s->L, nargs, &n);
    s->current = NULL;
    s->running = NULL;
    if (s->felt)
        lf_pulse_slice_over(s);
    if (status == LUA_YIELD)
        on_yield(t, n);
    else if (status == LUA_OK)
        on_return(t);
    else
        on_error(t);
}
