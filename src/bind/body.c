/* A function as body: the task that fetches calls it whenever the engine has room, and
 * waits otherwise. The function may wait itself; so the request belongs to a box that is
 * closed with the call, whatever way it ends. */
#include "bind/body.h"

#include <lauxlib.h>
#include "bind/bind.h"
#include "bind/suggest.h"

struct feeder {
    struct lf_req *req;   /* owned; NULL: not yet, or no more */
    struct lf_task *task; /* borrowed: the one that fetches, which outlives the call */
    struct lf_wait wait;
    bool waiting; /* that task waits for us, and not for something of the function */
    bool done;    /* the request has ended */
};

static const char meta_key; /* its address: the metatable in the registry */

static int l_close(lua_State *L)
{
    struct feeder *f = lua_touserdata(L, 1);
    lf_req_free(f->req);
    f->req = NULL;
    return 0;
}

static void push_meta(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, l_close);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, l_close);
    lua_setfield(L, -2, "__close");
    lua_pushliteral(L, "luafetch.body");
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
}

void lf_feeder_push(lua_State *L, int idx)
{
    idx = lua_absindex(L, idx);
    struct feeder *f = lua_newuserdatauv(L, sizeof *f, 1);
    *f = (struct feeder){.req = NULL};
    push_meta(L);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, idx);
    lua_setiuservalue(L, -2, 1);
}

/* ---- waking and being cancelled ---- */

static void on_done(struct lf_req *req, void *arg)
{
    struct feeder *f = arg;
    (void)req;
    f->done = true;
    if (f->waiting)
        lf_task_wake(f->task);
}

static void on_wanted(struct lf_req *req, void *arg)
{
    struct feeder *f = arg;
    (void)req;
    if (f->waiting)
        lf_task_wake(f->task);
}

/* At once on the wire; the box frees the rest. */
static void stop(struct lf_wait *w)
{
    struct feeder *f = lf_container(w, struct feeder, wait);
    f->waiting = false;
    lf_req_cancel(f->req);
}

/* ---- the loop; ctx is the box's place on the stack ---- */

static int feed(lua_State *L, lua_KContext ctx);

static int woken_k(lua_State *L, int status, lua_KContext ctx)
{
    struct feeder *f = lua_touserdata(L, (int)ctx);
    (void)status;
    lf_task_unwait(L);
    f->waiting = false;
    return feed(L, ctx);
}

/* [-1, +0, v] What the function gave. */
static void take(lua_State *L, struct feeder *f)
{
    size_t n;
    const char *s;
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        lf_req_feed_end(f->req);
        break;
    case LUA_TSTRING:
        s = lua_tolstring(L, -1, &n);
        lf_req_feed(f->req, s, n);
        break;
    default:
        lf_misuse(
            L, "fetch: the function of option 'body' must return a string or nil, got %s",
            luaL_typename(L, -1));
    }
    lua_pop(L, 1);
}

static int called_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    take(L, lua_touserdata(L, (int)ctx));
    return feed(L, ctx);
}

static int finish(lua_State *L, struct feeder *f)
{
    int n = lf_request_push(L, f->req);
    lf_req_free(f->req);
    f->req = NULL;
    return n;
}

static int feed(lua_State *L, lua_KContext ctx)
{
    struct feeder *f = lua_touserdata(L, (int)ctx);
    while (!f->done && lf_req_wants(f->req)) {
        lua_getiuservalue(L, (int)ctx, 1);
        lua_callk(L, 0, 1, ctx, called_k);
        take(L, f);
    }
    if (f->done)
        return finish(L, f);
    f->waiting = true;
    f->wait = (struct lf_wait){stop, "fetch"};
    lf_req_on_wanted(f->req, on_wanted, f);
    return lf_task_wait(L, &f->wait, ctx, woken_k);
}

int lf_feeder_run(lua_State *L, struct lf_req *req)
{
    int box = lua_gettop(L);
    struct feeder *f = lua_touserdata(L, box);
    f->req = req;
    f->task = lf_task_current(L);
    lua_toclose(L, box);
    lf_req_submit(req, on_done, f);
    return feed(L, box);
}
