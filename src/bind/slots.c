/* The slots of a group: what becomes of an item, and of what it became.
 *
 * A URL or request table becomes a native request without a coroutine; its completion
 * only moves the slot to the done list. A function becomes a child task, a task is
 * joined. Slots are used again and never move. */
#include "bind/group.h"

#include <stdlib.h>
#include "bind/bind.h"
#include "bind/suggest.h"

enum { FIRST_BLOCK = 4, MOST_BLOCK = 128 };

struct slot {
    struct lf_list link; /* in busy, done or spare */
    struct lf_group *g;
    struct lf_joiner joiner;
    struct lf_req *req;   /* owned; NULL: not a request */
    struct lf_task *task; /* a reference; NULL: not a task */
    lua_Integer index;    /* of the item */
    int id;               /* its values are at 2*id-1 (item), 2*id (body, or the Error) */
    bool child;           /* the task is ours */
};

struct lf_slot_block {
    struct lf_slot_block *next;
    int n;
    struct slot slots[];
};

/* ---- their memory ---- */

static void add_block(lua_State *L, struct lf_group *g, int values)
{
    int n = g->blocks ? g->blocks->n * 2 : FIRST_BLOCK;
    if (n > MOST_BLOCK)
        n = MOST_BLOCK;
    struct lf_slot_block *b = calloc(1, sizeof *b + (size_t)n * sizeof b->slots[0]);
    if (!b)
        luaL_error(L, "not enough memory");
    b->next = g->blocks;
    b->n = n;
    g->blocks = b;
    for (int i = 0; i < n; i++) {
        struct slot *s = &b->slots[i];
        s->g = g;
        lf_list_init(&s->link);
        lf_list_init(&s->joiner.link);
    }
    for (int i = 0; i < n; i++) { /* from now on writing there cannot fail */
        struct slot *s = &b->slots[i];
        s->id = ++g->nslots;
        lua_pushboolean(L, 0);
        lua_rawseti(L, values, 2 * s->id - 1);
        lua_pushboolean(L, 0);
        lua_rawseti(L, values, 2 * s->id);
        lf_list_append(&g->spare, &s->link);
    }
}

static struct slot *slot_take(lua_State *L, struct lf_group *g, lua_Integer index,
                              int values)
{
    if (lf_list_empty(&g->spare))
        add_block(L, g, values);
    struct slot *s = lf_container(g->spare.next, struct slot, link);
    s->index = index;
    return s;
}

/* From now on it counts. */
static void slot_use(struct slot *s, struct lf_list *where)
{
    lf_list_remove(&s->link);
    lf_list_append(where, &s->link);
    s->g->used++;
}

static void wake_feeder(struct lf_group *g)
{
    if (g->feeder_waits)
        lf_task_wake(g->feeder);
}

static void slot_done(struct slot *s)
{
    struct lf_group *g = s->g;
    lf_list_remove(&s->link);
    lf_list_append(&g->done, &s->link);
    lf_call_wake(&g->call);
}

static void on_request_done(struct lf_req *req, void *arg)
{
    (void)req;
    slot_done(arg);
}

static void on_task_ended(struct lf_joiner *j)
{
    struct slot *s = lf_container(j, struct slot, joiner);
    if (s->child)
        s->g->tasks--;
    slot_done(s);
}

/* Free what a slot holds; its values are the caller's. */
static void slot_free(lua_State *L, struct slot *s)
{
    lf_req_free(s->req);
    s->req = NULL;
    lf_list_remove(&s->joiner.link);
    struct lf_task *t = s->task;
    s->task = NULL;
    lf_task_unref(L, t);
}

static void slot_give_back(lua_State *L, struct slot *s, int values)
{
    struct lf_group *g = s->g;
    slot_free(L, s);
    lua_pushboolean(L, 0);
    lua_rawseti(L, values, 2 * s->id - 1);
    lua_pushboolean(L, 0);
    lua_rawseti(L, values, 2 * s->id);
    lf_list_remove(&s->link);
    lf_list_prepend(&g->spare, &s->link);
    g->used--;
    wake_feeder(g);
}

/* ---- adding: the item is on top of the stack and stays there ---- */

struct lf_places lf_group_places(lua_State *L)
{
    struct lf_places p;
    luaL_checkstack(L, 12, NULL);
    p.opts = lua_getiuservalue(L, 1, LF_GROUP_OPTS) == LUA_TNIL ? 0 : lua_gettop(L);
    p.fn = lua_getiuservalue(L, 1, LF_GROUP_FN) == LUA_TNIL ? 0 : lua_gettop(L);
    lua_getiuservalue(L, 1, LF_GROUP_VALUES);
    p.values = lua_gettop(L);
    return p;
}

/* Nothing here raises after the request is made. */
static void add_request(lua_State *L, struct slot *s, const struct lf_places *p)
{
    struct lf_group *g = s->g;
    struct lf_sched *sched = lf_sched_of(L);
    sched->adding = g->domain;
    struct lf_req *req = lf_request_new(L, lua_gettop(L), p->opts, 0);
    sched->adding = NULL;
    lua_rawseti(L, p->values, 2 * s->id); /* what it borrows, or the Error */
    if (!req) {
        lua_pop(L, 1);
        slot_use(s, &g->done);
        return;
    }
    s->req = req;
    if (g->began > 0)
        lf_req_asked_at(req, g->began);
    slot_use(s, &g->busy);
    lf_req_submit(req, on_request_done, s);
}

static void watch(struct slot *s, struct lf_task *t)
{
    s->task = lf_task_ref(t);
    lf_task_joined(t);
    if (t->state == LF_TASK_ENDED) {
        slot_use(s, &s->g->done);
        return;
    }
    s->joiner.ended = on_task_ended;
    lf_list_append(&t->joiners, &s->joiner.link);
    slot_use(s, &s->g->busy);
}

/* [-(nargs+1), +0, m] */
static void add_child(lua_State *L, struct slot *s, int nargs)
{
    struct lf_group *g = s->g;
    struct lf_task *t = lf_task_new(L, &g->call.scope, nargs, g->call.where);
    if (g->domain)
        t->domain = g->domain;
    s->child = true;
    g->tasks++;
    watch(s, t);
}

static void add_call(lua_State *L, struct slot *s, const struct lf_places *p)
{
    int item = lua_gettop(L), nargs = 1;
    if (s->g->seconds < LF_NEVER) {
        lua_pushcfunction(L, lf_timeout_call);
        lua_pushnumber(L, s->g->seconds);
        nargs = 3;
    }
    lua_pushvalue(L, p->fn);
    lua_pushvalue(L, item);
    add_child(L, s, nargs);
}

static void check_not_above(lua_State *L, struct lf_group *g, const struct lf_task *t)
{
    for (const struct lf_task *up = g->call.scope.owner; up;
         up = up->parent ? up->parent->owner : NULL)
        if (up == t)
            lf_misuse(L, "%s: a task cannot wait for itself or its parent", g->what);
}

static int wrong_item(lua_State *L, const struct lf_group *g, lua_Integer index)
{
    return lf_misuse(L,
                     "%s: item %lld is a %s; items are URLs, request tables, functions "
                     "and tasks",
                     g->what, (long long)index, luaL_typename(L, -1));
}

static void add_item(lua_State *L, struct slot *s, const struct lf_places *p)
{
    struct lf_group *g = s->g;
    struct lf_task *t = NULL;
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
    case LUA_TTABLE:
        add_request(L, s, p);
        return;
    case LUA_TFUNCTION:
        lua_pushvalue(L, -1);
        add_child(L, s, 0);
        return;
    case LUA_TUSERDATA:
        t = lf_handle_test(L, -1);
        break;
    default:
        break;
    }
    if (!t) {
        wrong_item(L, g, s->index);
        return;
    }
    check_not_above(L, g, t);
    watch(s, t);
}

void lf_group_put(lua_State *L, struct lf_group *g, lua_Integer index,
                  const struct lf_places *p)
{
    struct slot *s = slot_take(L, g, index, p->values);
    s->child = false;
    if (g->keep) {
        lua_pushvalue(L, -1);
        lua_rawseti(L, p->values, 2 * s->id - 1);
    }
    if (p->fn)
        add_call(L, s, p);
    else
        add_item(L, s, p);
    lua_pop(L, 1);
}

/* Beyond those that are ready only what can start at once: when the hosts of the ready
 * ones are busy. */
static bool wants_more(const struct lf_group *g)
{
    return g->pos < g->n && g->used < g->window &&
           (g->used < g->ready || lf_domain_has_room(g->domain));
}

void lf_group_fill(lua_State *L, struct lf_group *g)
{
    if (!wants_more(g))
        return;
    int top = lua_gettop(L);
    struct lf_places p = lf_group_places(L);
    lua_getiuservalue(L, 1, LF_GROUP_ITEMS);
    int items = lua_gettop(L);
    while (wants_more(g)) {
        bool task = lua_geti(L, items, g->pos + 1) == LUA_TFUNCTION || g->calls;
        if (task && g->tasks >= g->limit)
            break;
        lf_group_put(L, g, ++g->pos, &p);
    }
    lua_settop(L, top);
}

/* ---- taking ---- */

/* [-0, +1, m] The first result, or the Error; returns whether it failed. */
static bool push_result(lua_State *L, struct slot *s, int values)
{
    int n = 1, top = lua_gettop(L);
    if (s->req)
        n = lf_request_push(L, s->req);
    else if (s->task)
        n = lf_task_results(L, s->task);
    else
        lua_rawgeti(L, values, 2 * s->id);
    if (n == 0)
        lua_pushnil(L);
    bool error = n >= 2 && lua_isnil(L, top + 1) && lf_error_is(L, top + 2);
    if (error)
        lua_remove(L, top + 1);
    lua_settop(L, top + 1);
    return error || lf_value_failed(L, top + 1);
}

int lf_group_take(lua_State *L, struct lf_group *g)
{
    struct slot *s = lf_container(g->done.next, struct slot, link);
    lua_getiuservalue(L, 1, LF_GROUP_VALUES);
    int values = lua_gettop(L);
    lua_pushinteger(L, s->index);
    bool failed = push_result(L, s, values);
    lua_pushboolean(L, failed);
    lua_rawgeti(L, values, 2 * s->id - 1);
    slot_give_back(L, s, values);
    if (failed && g->fail_fast)
        lf_call_cancel(&g->call, NULL);
    return 4;
}

void lf_group_release(lua_State *L, struct lf_group *g)
{
    for (struct lf_slot_block *b = g->blocks, *next; b; b = next) {
        next = b->next;
        for (int i = 0; i < b->n; i++)
            slot_free(L, &b->slots[i]);
        free(b);
    }
    g->blocks = NULL;
    lf_list_init(&g->busy);
    lf_list_init(&g->done);
    lf_list_init(&g->spare);
    g->used = 0;
    g->pos = g->n = 0;
    lf_list_remove(&g->feeder_joiner.link);
    struct lf_task *feeder = g->feeder;
    g->feeder = NULL;
    lf_task_unref(L, feeder);
}

void lf_group_drop(struct lf_call *c)
{
    struct lf_group *g = lf_container(c, struct lf_group, call);
    for (struct lf_slot_block *b = g->blocks; b; b = b->next)
        for (int i = 0; i < b->n; i++) {
            struct slot *s = &b->slots[i];
            lf_req_free(s->req);
            s->req = NULL;
            if (!s->child)
                lf_list_remove(&s->joiner.link);
        }
}
