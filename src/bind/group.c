/* Groups: a call that holds many items and gives back results as they end. Behind gather,
 * as_completed, each, map and first; tasks.lua puts the sugar on top. No more than
 * `window` items are held at a time, whatever their number. */
#include "bind/group.h"

#include <string.h>
#include "bind/bind.h"
#include "bind/suggest.h"

enum { LIMIT = 100, LOOKAHEAD = 192, UNBOUNDED = 2048, LOOKAHEAD_KEPT = 256, SPARE = 16 };

/* ---- waiting for results ---- */

enum { AS_ITERATOR = 1, WAITED = 2 };

/* [-0, +0, v] Upvalue 1 of every function here is the metatable: looking it up by name
 * would cost more than the rest of some. */
static struct lf_group *check_group(lua_State *L)
{
    struct lf_group *g = lua_touserdata(L, 1);
    if (!g || !lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(1)))
        luaL_typeerror(L, 1, LF_GROUP_TYPE);
    lua_pop(L, 1);
    return g;
}

static bool is_open(const struct lf_group *g)
{
    return !lf_list_empty(&g->call.link);
}

/* [-0, +0, v] All children have ended: close, and raise the bug of one, if any. */
static void finish(lua_State *L, struct lf_group *g)
{
    if (g->call.bug)
        lua_pushstring(L, g->call.bug->s);
    bool bug = g->call.bug;
    lf_call_close(L, &g->call);
    lf_group_release(L, g);
    if (bug)
        lua_error(L);
}

/* [-0, +n, v] The end of the items: nothing, or why the iterator broke off. */
static int end_of_items(lua_State *L, struct lf_group *g, bool iterator)
{
    int top = lua_gettop(L);
    if (g->feeder && !g->call.scope.cancelled && g->feeder->outcome == LF_OUT_FAILED)
        lf_task_results(L, g->feeder);
    finish(L, g);
    int n = lua_gettop(L) - top;
    if (n >= 2 && iterator) { /* an iterator has no other way to tell */
        lua_settop(L, top + 2);
        return lua_error(L);
    }
    return n;
}

/* [-4, +3, -] index, result, failed, item → result, index, item. A loop ends at nil, so a
 * function without a result gives false. */
static int as_iterator(lua_State *L)
{
    lua_remove(L, -2);
    if (lua_isnil(L, -2)) {
        lua_pushboolean(L, 0);
        lua_replace(L, -3);
    }
    lua_rotate(L, -3, -1);
    lua_insert(L, -2);
    return 3;
}

static int next_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct lf_group *g = lua_touserdata(L, 1);
    bool iterator = ctx & AS_ITERATOR;
    if (ctx & WAITED) {
        g->call.waiter = NULL;
        lf_task_unwait(L);
    }
    if (!is_open(g))
        return 0;
    if (g->call.bug && g->call.scope.live == 0)
        finish(L, g);
    bool going = !g->call.scope.cancelled;
    if (going)
        lf_group_fill(L, g);
    if (going && !lf_list_empty(&g->done)) {
        int n = lf_group_take(L, g);
        return iterator ? as_iterator(L) : n;
    }
    if (g->call.scope.live > 0 || (going && !lf_list_empty(&g->busy))) {
        lf_task_check(L, g->what);
        return lf_call_wait(L, &g->call, g->what, (ctx & AS_ITERATOR) | WAITED, next_k);
    }
    return end_of_items(L, g, iterator);
}

static int next(lua_State *L, lua_KContext ctx)
{
    struct lf_group *g = check_group(L);
    if (g->call.waiter && g->call.waiter != lf_task_current(L))
        return lf_misuse(L, "%s: another task is waiting for the next result", g->what);
    lua_settop(L, 1);
    return next_k(L, LUA_OK, ctx);
}

static int group_next(lua_State *L)
{
    return next(L, 0);
}

static int group_call(lua_State *L)
{
    return next(L, AS_ITERATOR);
}

/* ---- leaving early ---- */

static int stop_k(lua_State *L, int status, lua_KContext waited)
{
    (void)status;
    struct lf_group *g = lua_touserdata(L, 1);
    if (waited) {
        g->call.waiter = NULL;
        lf_task_unwait(L);
    }
    if (g->call.scope.live > 0)
        return lf_call_wait(L, &g->call, g->what, 1, stop_k);
    finish(L, g);
    return 0;
}

/* g:stop() cancels what is left and waits until it has been unwound. */
static int group_stop(lua_State *L)
{
    struct lf_group *g = check_group(L);
    lua_settop(L, 1);
    if (!is_open(g))
        return 0;
    lf_task_check(L, g->what);
    lf_call_cancel(&g->call, NULL);
    return stop_k(L, LUA_OK, 0);
}

/* g:close() does not wait, so that it can stand in __close. */
static int group_close(lua_State *L)
{
    struct lf_group *g = check_group(L);
    lf_call_leave(&g->call, NULL);
    lf_group_release(L, g);
    return 0;
}

static int group_gc(lua_State *L)
{
    struct lf_group *g = check_group(L);
    lf_group_release(L, g);
    if (!g->domain)
        return 0;
    struct lf_sched *s = lf_sched_of(L);
    if (s->adding == g->domain)
        s->adding = NULL;
    lf_domain_release(g->domain);
    g->domain = NULL;
    return 0;
}

/* ---- feeding from an iterator ---- */

static void feeder_ended(struct lf_joiner *j)
{
    struct lf_group *g = lf_container(j, struct lf_group, feeder_joiner);
    lf_call_wake(&g->call);
}

/* g:feed(fn): fn(g) runs as a child that adds items while g:room(). */
static int group_feed(lua_State *L)
{
    struct lf_group *g = check_group(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    g->feeder = lf_task_ref(lf_task_new(L, &g->call.scope, 1, g->call.where));
    if (g->domain)
        g->feeder->domain = g->domain;
    g->feeder_joiner.ended = feeder_ended;
    lf_list_append(&g->feeder->joiners, &g->feeder_joiner.link);
    return 0;
}

static void room_cancel(struct lf_wait *w)
{
    (void)w; /* feeder_waits goes with the group */
}

static int room_k(lua_State *L, int status, lua_KContext waited)
{
    (void)status;
    struct lf_group *g = lua_touserdata(L, 1);
    if (waited)
        lf_task_unwait(L);
    g->feeder_waits = false;
    if (g->used < g->window && g->tasks < g->limit && !g->call.scope.cancelled)
        return 0;
    struct lf_task *me = lf_task_current(L);
    me->own.wait = (struct lf_wait){room_cancel, "room for the next item"};
    g->feeder_waits = true;
    return lf_task_wait(L, &me->own.wait, 1, room_k);
}

/* g:room() waits until an item can be added. */
static int group_room(lua_State *L)
{
    check_group(L);
    lua_settop(L, 1);
    lf_task_check(L, "room");
    return room_k(L, LUA_OK, 0);
}

/* g:add(index, item), after g:room(). */
static int group_add(lua_State *L)
{
    struct lf_group *g = check_group(L);
    lua_Integer index = luaL_checkinteger(L, 2);
    lua_settop(L, 3);
    if (!is_open(g) || g->call.scope.cancelled)
        return 0;
    struct lf_places p = lf_group_places(L);
    lua_pushvalue(L, 3);
    lf_group_put(L, g, index, &p);
    lf_call_wake(&g->call); /* what cannot be sent is done already */
    return 0;
}

/* ---- making ---- */

static unsigned limit_field(lua_State *L, const char *name, unsigned otherwise)
{
    int exact = 1;
    unsigned n = otherwise;
    int type = lua_getfield(L, 1, name);
    if (type == LUA_TBOOLEAN && !lua_toboolean(L, -1)) {
        n = 0;
    } else if (type != LUA_TNIL) {
        lua_Integer i = lua_tointegerx(L, -1, &exact);
        if (type != LUA_TNUMBER || !exact || i < 1 || i > INT32_MAX)
            lf_misuse(L, "option '%s' must be a whole number from 1 or false", name);
        n = (unsigned)i;
    }
    lua_pop(L, 1);
    return n;
}

static bool flag_field(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    bool yes = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return yes;
}

static void move_field(lua_State *L, const char *name, int g, int uservalue)
{
    lua_getfield(L, 1, name);
    lua_setiuservalue(L, g, uservalue);
}

/* [-0, +0, v] The domain above ours: that of the session in the fetch options, if any. */
static struct lf_domain *parent_domain(lua_State *L)
{
    struct lf_domain *d = lf_task_domain(L);
    int top = lua_gettop(L);
    if (lua_getfield(L, 1, "opts") == LUA_TTABLE) {
        lua_getfield(L, -1, "session");
        if (lf_session_is(L, -1))
            d = lf_session_domain(L, -1);
    }
    lua_settop(L, top);
    return d;
}

/* How many items are held at a time: more than may run, so that one slow host does not
 * hold up the others; for a list that is read as it completes not too many more, its
 * reader may be slow. */
static unsigned window_of(lua_State *L, const struct lf_group *g, bool ahead)
{
    unsigned most = g->keep ? LOOKAHEAD_KEPT : LOOKAHEAD;
    unsigned wire = lf_domain_limits(parent_domain(L))->limit; /* what may run at once */
    if (!wire || wire > UNBOUNDED)
        wire = UNBOUNDED;
    if (most < 2 * wire)
        most = 2 * wire;
    if (g->calls || !ahead || g->limit >= most)
        return g->limit;
    if (g->keep && g->limit < most / 4)
        return g->limit * 4;
    return most;
}

/* While as many are under way as may be, more waiting ones would only push those that are
 * out of the caches. Not for a list that is read as it completes: its reader is waited
 * for. */
static unsigned ready_of(const struct lf_group *g)
{
    unsigned spare = g->limit / 2 > SPARE ? g->limit / 2 : SPARE;
    bool few = g->domain && !g->calls && !g->keep && g->limit < g->window - spare;
    return few ? g->limit + spare : g->window;
}

static void read_limits(lua_State *L, struct lf_group *g, bool list)
{
    struct lf_domain_conf conf = {.limit = limit_field(L, "limit", 0),
                                  .per_host = limit_field(L, "per_host", 0)};
    unsigned most = limit_field(L, "limit", LIMIT);
    g->limit = most ? most : UINT32_MAX;
    g->window = g->ready = window_of(L, g, list || !conf.limit);
    if (!conf.limit && !conf.per_host)
        return;
    if (lf_domain_new(lf_task_engine(L), parent_domain(L), &conf, &g->domain) != LF_OK)
        luaL_error(L, "not enough memory");
    g->ready = ready_of(g);
}

/* group{what=, items= | nothing, fn=, seconds=, opts=, limit=, per_host=, fail_fast=,
 *       keep=} */
static int l_group(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "what");
    const char *what = luaL_checkstring(L, 2);
    lf_task_check(L, what);
    struct lf_call *c =
        lf_call_new(L, sizeof(struct lf_group), LF_GROUP_VALUES, LF_GROUP_TYPE);
    struct lf_group *g = lf_container(c, struct lf_group, call);
    lf_list_init(&g->busy);
    lf_list_init(&g->done);
    lf_list_init(&g->spare);
    lf_list_init(&g->feeder_joiner.link);
    c->drop = lf_group_drop;
    strncpy(g->what, what, sizeof g->what - 1);
    lf_script_where(L, c->where, sizeof c->where);
    lua_newtable(L);
    lua_setiuservalue(L, 3, LF_GROUP_VALUES);
    move_field(L, "fn", 3, LF_GROUP_FN);
    move_field(L, "opts", 3, LF_GROUP_OPTS);
    g->calls = lua_getiuservalue(L, 3, LF_GROUP_FN) != LUA_TNIL;
    lua_getfield(L, 1, "seconds");
    g->seconds = lf_check_seconds(L, -1, "option 'timeout'");
    bool list = lua_getfield(L, 1, "items") != LUA_TNIL;
    g->n = list ? luaL_len(L, -1) : 0;
    lua_setiuservalue(L, 3, LF_GROUP_ITEMS);
    g->keep = flag_field(L, "keep");
    g->fail_fast = flag_field(L, "fail_fast");
    if (list)
        g->began = lf_engine_now(lf_task_engine(L));
    read_limits(L, g, list);
    lf_call_open(L, 3);
    lua_settop(L, 3);
    return 1;
}

static int l_none_accepted(lua_State *L)
{
    lf_error_push(L, LF_EREQUEST, NULL, "none of %lld results was accepted",
                  (long long)luaL_checkinteger(L, 1));
    return 1;
}

/* table(n): room for n results, which come in any order. */
static int l_table(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);
    lua_createtable(L, n > 0 && n < INT32_MAX ? (int)n : 0, 1);
    return 1;
}

void lf_group_register(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__call", group_call},
                                    {"__close", group_close},
                                    {"__gc", group_gc},
                                    {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"next", group_next}, {"stop", group_stop}, {"close", group_close},
        {"feed", group_feed}, {"room", group_room}, {"add", group_add},
        {NULL, NULL}};
    static const luaL_Reg functions[] = {{"group", l_group},
                                         {"table", l_table},
                                         {"none_accepted", l_none_accepted},
                                         {NULL, NULL}};
    luaL_newmetatable(L, LF_GROUP_TYPE);
    lua_pushvalue(L, -1);
    luaL_setfuncs(L, meta, 1);
    luaL_newlibtable(L, methods);
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, methods, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
