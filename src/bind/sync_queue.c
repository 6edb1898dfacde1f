/* lf.queue(max): values from task to task, first in, first out.
 *
 * The values are in a ring, a Lua table as our user value. A getter that is called has an
 * item promised, a putter a place: both count as taken from then on, and are free again
 * when it is cancelled before it runs. */
#include "bind/sync.h"

#include "bind/bind.h"
#include "bind/suggest.h"

#define QUEUE_TYPE "luafetch.queue"

enum { SELF = 1, VALUE = 2, FIRST_RING = 8 };

struct queue {
    struct lf_list getters, putters;
    lua_Integer max;       /* items at once */
    lua_Integer n, head;   /* items, and where the first is in the ring */
    lua_Integer ring;      /* places of the ring; each holds a value or false */
    lua_Integer due, room; /* promised: items of n, places up to max */
    bool closed;
};

static struct queue *check_queue(lua_State *L)
{
    return luaL_checkudata(L, SELF, QUEUE_TYPE);
}

/* ---- the ring ---- */

static void move(lua_State *L, lua_Integer from, lua_Integer to)
{
    lua_rawgeti(L, -1, from + 1);
    lua_rawseti(L, -2, to + 1);
}

/* [-0, +0, m] Room for one more than there are and will be: then storing cannot fail. */
static void reserve(lua_State *L, struct queue *q)
{
    lua_Integer more = q->ring ? q->ring * 2 : FIRST_RING;
    if (q->n + q->room < q->ring)
        return;
    lua_getiuservalue(L, SELF, 1);
    for (lua_Integer i = q->ring; i < more; i++) {
        lua_pushboolean(L, 0);
        lua_rawseti(L, -2, i + 1);
    }
    for (lua_Integer i = 0; i < q->head + q->n - q->ring; i++)
        move(L, i, q->ring + i);
    q->ring = more;
    lua_pop(L, 1);
}

static void store(lua_State *L, struct queue *q)
{
    lua_getiuservalue(L, SELF, 1);
    lua_pushvalue(L, VALUE);
    lua_rawseti(L, -2, (q->head + q->n) % q->ring + 1);
    lua_pop(L, 1);
    q->n++;
}

/* [-0, +1, -] */
static void take(lua_State *L, struct queue *q)
{
    lua_getiuservalue(L, SELF, 1);
    lua_rawgeti(L, -1, q->head + 1);
    lua_pushboolean(L, 0);
    lua_rawseti(L, -3, q->head + 1);
    lua_remove(L, -2);
    q->head = (q->head + 1) % q->ring;
    q->n--;
}

/* Call whoever can go on. No Lua. */
static void serve(struct queue *q)
{
    while (q->n > q->due && lf_line_call(&q->getters))
        q->due++;
    while (!q->closed && q->n + q->room < q->max && lf_line_call(&q->putters))
        q->room++;
    if (q->closed)
        lf_line_dismiss(&q->putters);
    if (q->closed && q->n == 0)
        lf_line_dismiss(&q->getters);
}

/* ---- get ---- */

static void get_cancel(struct lf_wait *w)
{
    struct queue *q = lf_line_leave(w);
    if (!q)
        return;
    q->due--;
    serve(q);
}

static int get_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    struct queue *q = lua_touserdata(L, SELF);
    if (!lf_line_called(L)) /* closed, and nothing left */
        return 0;
    q->due--;
    take(L, q);
    serve(q);
    return 1;
}

/* The queue is at 1, and nothing above. */
static int get(lua_State *L, struct queue *q)
{
    if (q->n > q->due) {
        take(L, q);
        serve(q);
        return 1;
    }
    lua_pushnil(L);
    if (q->closed && q->n == 0)
        return 1;
    lf_task_check(L, "queue:get");
    lf_line_stand(L, &q->getters, (struct lf_wait){get_cancel, "queue:get"}, q, 1);
    return lf_line_wait(L, get_k);
}

static int queue_get(lua_State *L)
{
    struct queue *q = check_queue(L);
    lua_settop(L, SELF);
    return get(L, q);
}

static int iterate(lua_State *L)
{
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    return get(L, lua_touserdata(L, SELF));
}

static int queue_iter(lua_State *L)
{
    check_queue(L);
    lua_settop(L, SELF);
    lua_pushcclosure(L, iterate, 1);
    return 1;
}

/* ---- put ---- */

static void put_cancel(struct lf_wait *w)
{
    struct queue *q = lf_line_leave(w);
    if (!q)
        return;
    q->room--;
    serve(q);
}

static int put(lua_State *L, struct queue *q)
{
    if (q->closed)
        return lf_error_fail(L, LF_ECLOSED, NULL, "the queue is closed");
    store(L, q);
    serve(q);
    lua_pushboolean(L, 1);
    return 1;
}

static int put_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    struct queue *q = lua_touserdata(L, SELF);
    if (lf_line_called(L))
        q->room--;
    return put(L, q);
}

/* Those who have a place promised put first: with room for all it is their turn now. */
static bool may_put(lua_State *L, const struct queue *q)
{
    if (q->closed)
        return true; /* to be told so */
    return q->n + q->room < q->max && (q->room == 0 || !lua_isyieldable(L));
}

static int queue_put(lua_State *L)
{
    struct queue *q = check_queue(L);
    lua_settop(L, VALUE);
    if (lua_isnil(L, VALUE))
        return lf_misuse(L, "queue:put: nil cannot be put, it is what get() gives at "
                            "the end");
    reserve(L, q);
    if (may_put(L, q))
        return put(L, q);
    lf_task_check(L, "queue:put");
    lf_line_stand(L, &q->putters, (struct lf_wait){put_cancel, "queue:put"}, q, 1);
    serve(q);
    return lf_line_wait(L, put_k);
}

/* ---- the queue ---- */

static int queue_close(lua_State *L)
{
    struct queue *q = check_queue(L);
    q->closed = true;
    serve(q);
    return 0;
}

static int queue_len(lua_State *L)
{
    lua_pushinteger(L, check_queue(L)->n);
    return 1;
}

static int l_queue(lua_State *L)
{
    lua_Integer max = LUA_MAXINTEGER;
    if (lua_toboolean(L, 1))
        max = lf_sync_count(L, 1, "queue: the number of items");
    struct queue *q = lua_newuserdatauv(L, sizeof *q, 1);
    *q = (struct queue){.max = max};
    lf_list_init(&q->getters);
    lf_list_init(&q->putters);
    lua_newtable(L);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, QUEUE_TYPE);
    return 1;
}

void lf_queue_register(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__len", queue_len}, {"__close", queue_close}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"put", queue_put},
                                       {"get", queue_get},
                                       {"iter", queue_iter},
                                       {"close", queue_close},
                                       {NULL, NULL}};
    lf_sync_class(L, QUEUE_TYPE, meta, methods);
    lua_pushcfunction(L, l_queue);
    lua_setfield(L, -2, "queue");
}
