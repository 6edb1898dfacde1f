/* What scripts see of a task: spawn, background, join, cancel, status; sleep and now. */
#include "bind/sched.h"

#include <math.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/suggest.h"

/* ---- the handle ---- */

void lf_handle_push(lua_State *L, struct lf_task *t)
{
    struct lf_task **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(L, LF_TASK_TYPE);
    *box = lf_task_ref(t);
}

struct lf_task *lf_handle_test(lua_State *L, int idx)
{
    struct lf_task **box = luaL_testudata(L, idx, LF_TASK_TYPE);
    return box ? *box : NULL;
}

static struct lf_task *check_handle(lua_State *L)
{
    struct lf_task **box = luaL_checkudata(L, 1, LF_TASK_TYPE);
    luaL_argcheck(L, *box, 1, "no task");
    return *box;
}

static int handle_gc(lua_State *L)
{
    struct lf_task **box = luaL_checkudata(L, 1, LF_TASK_TYPE);
    lf_task_unref(L, *box);
    *box = NULL;
    return 0;
}

static const char *status_name(const struct lf_task *t)
{
    static const char *const ends[] = {"done", "failed", "cancelled", "failed"};
    if (t->state == LF_TASK_ENDED)
        return ends[t->outcome];
    if (t->nursery.cancelled)
        return t->bug ? "failed" : "cancelled";
    if (t->sched->current == t)
        return "running";
    return lf_list_empty(&t->link) ? "waiting" : "ready";
}

static int handle_status(lua_State *L)
{
    lua_pushstring(L, status_name(check_handle(L)));
    return 1;
}

static int handle_tostring(lua_State *L)
{
    const struct lf_task *t = check_handle(L);
    lua_pushfstring(L, LF_TASK_TYPE " (%s, spawned at %s)", status_name(t), t->where);
    return 1;
}

static int handle_cancel(lua_State *L)
{
    struct lf_task *t = check_handle(L);
    size_t len;
    const char *s = luaL_optlstring(L, 2, NULL, &len);
    struct lf_text *why = s ? lf_text_new(s, len) : NULL;
    lf_task_cancel(t, why);
    lf_text_unref(why);
    return 0;
}

/* ---- join ---- */

static void join_cancel(struct lf_wait *w)
{
    lf_list_remove(&lf_container(w, struct lf_task, own.wait)->own.joiner.link);
}

static void joined(struct lf_joiner *j)
{
    lf_task_wake(lf_container(j, struct lf_task, own.joiner));
}

static int join_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    lf_task_unwait(L);
    return lf_task_results(L, check_handle(L));
}

/* A task ends after its descendants: none of them can wait for that. */
static void check_not_above(lua_State *L, const struct lf_task *t)
{
    const struct lf_task *me = lf_task_current(L);
    if (t == me)
        luaL_error(L, "join: a task cannot join itself");
    while (me->parent) {
        me = me->parent->owner;
        if (me == t)
            luaL_error(L, "join: a task cannot join its parent, which waits for it");
    }
}

static int handle_join(lua_State *L)
{
    struct lf_task *t = check_handle(L);
    if (t->state == LF_TASK_ENDED)
        return lf_task_results(L, t);
    lf_task_check(L, "join");
    check_not_above(L, t);
    struct lf_task *me = lf_task_current(L);
    me->own.wait = (struct lf_wait){join_cancel, "join"};
    me->own.joiner.ended = joined;
    lf_list_append(&t->joiners, &me->own.joiner.link);
    return lf_task_wait(L, &me->own.wait, 0, join_k);
}

/* ---- spawn ---- */

static struct lf_task *spawn(lua_State *L, const char *name)
{
    char where[LUA_IDSIZE + 12];
    struct lf_task *me = lf_task_current(L);
    lf_check_callable(L, 1);
    if (!me)
        luaL_error(L, "%s: outside of a task", name);
    lf_task_where(L, 1, where);
    struct lf_task *t = lf_task_new(L, &me->nursery, lua_gettop(L) - 1, where);
    lf_handle_push(L, t);
    return t;
}

static int l_spawn(lua_State *L)
{
    spawn(L, "spawn");
    return 1;
}

static int l_background(lua_State *L)
{
    spawn(L, "background")->background = true;
    return 1;
}

/* ---- time ---- */

double lf_check_seconds(lua_State *L, int idx, const char *what)
{
    if (lua_isnoneornil(L, idx) || (lua_isboolean(L, idx) && !lua_toboolean(L, idx)))
        return LF_NEVER;
    if (lua_type(L, idx) != LUA_TNUMBER)
        luaL_error(L, "%s must be a number of seconds, got a %s", what,
                   luaL_typename(L, idx));
    double s = lua_tonumber(L, idx);
    if (!(s >= 0)) /* NaN as well */
        luaL_error(L, "%s must not be %s", what, isnan(s) ? "NaN" : "negative");
    return s < LF_NEVER ? s : LF_NEVER;
}

static void on_sleep_over(struct lf_timer *t)
{
    lf_task_wake(lf_container(t, struct lf_task, own.timer));
}

static void sleep_cancel(struct lf_wait *w)
{
    struct lf_task *t = lf_container(w, struct lf_task, own.wait);
    lf_timer_stop(t->sched->eng, &t->own.timer);
}

static int sleep_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    lf_task_unwait(L);
    return 0;
}

static int l_sleep(lua_State *L)
{
    struct lf_sched *s = lf_sched_of(L);
    luaL_checktype(L, 1, LUA_TNUMBER);
    double seconds = lf_check_seconds(L, 1, "sleep: the time");
    lf_task_check(L, "sleep");
    struct lf_task *me = s->current;
    me->own.wait = (struct lf_wait){sleep_cancel, "sleep"};
    me->own.timer = (struct lf_timer){.fire = on_sleep_over};
    if (seconds == 0) { /* let the others run */
        me->wait = &me->own.wait;
        lf_task_wake(me);
    } else if (seconds < LF_NEVER) {
        lf_engine_tick(s->eng);
        if (!lf_timer_start(s->eng, &me->own.timer, seconds))
            return luaL_error(L, "not enough memory");
    }
    return lf_task_wait(L, &me->own.wait, 0, sleep_k);
}

static int l_now(lua_State *L)
{
    struct lf_engine *eng = lf_task_engine(L);
    lf_engine_tick(eng);
    lua_pushnumber(L, lf_engine_now(eng));
    return 1;
}

void lf_handle_register(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", handle_gc}, {"__tostring", handle_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"join", handle_join},
                                       {"cancel", handle_cancel},
                                       {"status", handle_status},
                                       {NULL, NULL}};
    static const luaL_Reg functions[] = {{"spawn", l_spawn},
                                         {"background", l_background},
                                         {"sleep", l_sleep},
                                         {"now", l_now},
                                         {NULL, NULL}};
    luaL_newmetatable(L, LF_TASK_TYPE);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
