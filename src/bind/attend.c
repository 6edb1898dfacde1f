/* The loop of a task that attends to its request: it calls the function that brings the
 * body whenever the engine has room, the one that hears of progress whenever a tenth of a
 * second has brought news, and waits otherwise. The functions may wait themselves; so the
 * request belongs to a box that is closed with the call, whatever way it ends. */
#include "bind/attend.h"

#include <lauxlib.h>
#include <string.h>
#include "bind/suggest.h"

enum { UV_BODY = 1, UV_WATCH, UV_COUNT = UV_WATCH };

struct attended {
    struct lf_req *req;    /* owned; NULL: not yet, or no more */
    struct lf_engine *eng; /* borrowed: outlives the state */
    struct lf_task *task;  /* borrowed: the one that fetches, which outlives the call */
    struct lf_wait wait;
    struct lf_timer tick; /* weak: progress alone keeps no run alive */
    struct lf_amounts told;
    int box, anchor; /* places on the stack */
    bool waiting;    /* that task waits for us, and not for something of a function */
    bool watched;    /* there is an on_progress … */
    bool due;        /* … and it is time to call it */
    bool done;       /* the request has ended */
};

const char lf_progress_stopped[] = "cancelled: on_progress returned false";

static const char meta_key; /* its address: the metatable in the registry */

static int l_close(lua_State *L)
{
    struct attended *a = lua_touserdata(L, 1);
    if (a->req)
        lf_timer_stop(a->eng, &a->tick);
    lf_req_free(a->req);
    a->req = NULL;
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
    lua_pushliteral(L, "luafetch.attended");
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
}

void lf_attend_push(lua_State *L, int body, int watch)
{
    int at[] = {body ? lua_absindex(L, body) : 0, watch ? lua_absindex(L, watch) : 0};
    struct attended *a = lua_newuserdatauv(L, sizeof *a, UV_COUNT);
    *a = (struct attended){.watched = watch != 0};
    push_meta(L);
    lua_setmetatable(L, -2);
    for (int i = 0; i < UV_COUNT; i++) {
        if (!at[i])
            continue;
        lua_pushvalue(L, at[i]);
        lua_setiuservalue(L, -2, i + 1);
    }
}

void lf_attend_watch(lua_State *L, int box, int from)
{
    struct attended *a = lua_touserdata(L, box);
    lua_getiuservalue(L, from, UV_WATCH);
    lua_setiuservalue(L, box, UV_WATCH);
    a->watched = true;
}

/* ---- waking and being cancelled ---- */

static void wake(struct attended *a)
{
    if (a->waiting)
        lf_task_wake(a->task);
}

static void on_done(struct lf_req *req, void *arg)
{
    struct attended *a = arg;
    (void)req;
    a->done = true;
    wake(a);
}

static void on_wanted(struct lf_req *req, void *arg)
{
    (void)req;
    wake(arg);
}

static bool has_news(const struct attended *a)
{
    struct lf_amounts now = lf_req_amounts(a->req);
    return memcmp(&now, &a->told, sizeof now) != 0;
}

static void on_tick(struct lf_timer *t)
{
    struct attended *a = lf_container(t, struct attended, tick);
    a->due = has_news(a);
    if (a->due)
        wake(a);
    else
        lf_timer_start(a->eng, t, LF_PROGRESS_EVERY);
}

/* At once on the wire; the box frees the rest. */
static void stop(struct lf_wait *w)
{
    struct attended *a = lf_container(w, struct attended, wait);
    a->waiting = false;
    lf_req_cancel(a->req);
}

/* ---- the function that brings the body ---- */

static int attend(lua_State *L, struct attended *a);

/* [-1, +0, v] What it gave. */
static void take(lua_State *L, struct attended *a)
{
    size_t n;
    const char *s;
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        lf_req_feed_end(a->req);
        break;
    case LUA_TSTRING:
        s = lua_tolstring(L, -1, &n);
        lf_req_feed(a->req, s, n);
        break;
    default:
        lf_misuse(
            L, "fetch: the function of option 'body' must return a string or nil, got %s",
            luaL_typename(L, -1));
    }
    lua_pop(L, 1);
}

static int brought_k(lua_State *L, int status, lua_KContext ctx)
{
    struct attended *a = (struct attended *)ctx;
    (void)status;
    take(L, a);
    return attend(L, a);
}

static void bring(lua_State *L, struct attended *a)
{
    lua_getiuservalue(L, a->box, UV_BODY);
    lua_callk(L, 0, 1, (lua_KContext)a, brought_k);
    take(L, a);
}

/* ---- the function that hears of progress ---- */

static void push_amount(lua_State *L, const char *name, uint64_t n)
{
    if (n == LF_BODY_UNKNOWN)
        return;
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, name);
}

void lf_amounts_push(lua_State *L, const struct lf_amounts *a)
{
    lua_createtable(L, 0, 4);
    push_amount(L, "down", a->down);
    push_amount(L, "down_total", a->down_total);
    push_amount(L, "up", a->up);
    push_amount(L, "up_total", a->up_total);
}

/* [-1, +0, m] What it answered; the next time is counted from here. */
static void heard(lua_State *L, struct attended *a)
{
    if (lua_type(L, -1) == LUA_TBOOLEAN && !lua_toboolean(L, -1))
        lf_req_abort(a->req, LF_ECANCELLED, lf_progress_stopped);
    lua_pop(L, 1);
    if (!a->done && !lf_timer_start(a->eng, &a->tick, LF_PROGRESS_EVERY))
        luaL_error(L, "fetch: not enough memory");
}

static int heard_k(lua_State *L, int status, lua_KContext ctx)
{
    struct attended *a = (struct attended *)ctx;
    (void)status;
    heard(L, a);
    return attend(L, a);
}

/* Once more at the end, when it ended well, so that who draws a bar sees it full. */
static bool wants_report(const struct attended *a)
{
    const struct lf_result *res = lf_req_result(a->req);
    bool over = a->done && !res->streaming;
    return a->watched && (a->due || over) && !res->err && has_news(a);
}

static void report(lua_State *L, struct attended *a)
{
    a->due = false;
    a->told = lf_req_amounts(a->req);
    lua_getiuservalue(L, a->box, UV_WATCH);
    lf_amounts_push(L, &a->told);
    lua_callk(L, 1, 1, (lua_KContext)a, heard_k);
    heard(L, a);
}

/* ---- the loop ---- */

static int woken_k(lua_State *L, int status, lua_KContext ctx)
{
    struct attended *a = (struct attended *)ctx;
    (void)status;
    lf_task_unwait(L);
    a->waiting = false;
    return attend(L, a);
}

/* A stream goes on, and whoever reads it hears of progress from then on. */
static int finish(lua_State *L, struct attended *a)
{
    struct lf_req *req = a->req;
    lf_timer_stop(a->eng, &a->tick);
    int n = lf_request_push(L, req);
    if (!lf_req_result(req)->streaming) {
        lf_req_free(req);
    } else if (a->watched) {
        lua_getiuservalue(L, a->box, UV_WATCH);
        lf_response_attach(L, req, a->anchor, lua_gettop(L));
    } else {
        lf_response_attach(L, req, a->anchor, 0);
    }
    a->req = NULL;
    return n;
}

static int attend(lua_State *L, struct attended *a)
{
    for (;;) {
        if (wants_report(a))
            report(L, a);
        else if (!a->done && lf_req_wants(a->req))
            bring(L, a);
        else
            break;
    }
    if (a->done)
        return finish(L, a);
    a->waiting = true;
    a->wait = (struct lf_wait){stop, "fetch"};
    lf_req_on_wanted(a->req, on_wanted, a);
    return lf_task_wait(L, &a->wait, (lua_KContext)a, woken_k);
}

int lf_attend_run(lua_State *L, struct lf_req *req, int box)
{
    struct attended *a = lua_touserdata(L, box);
    a->req = req;
    a->eng = lf_task_engine(L);
    a->task = lf_task_current(L);
    a->box = box;
    a->anchor = lua_gettop(L);
    a->tick = (struct lf_timer){.weak = true, .fire = on_tick};
    lua_toclose(L, box);
    if (a->watched && !lf_timer_start(a->eng, &a->tick, LF_PROGRESS_EVERY))
        return luaL_error(L, "fetch: not enough memory");
    lf_req_submit(req, on_done, a);
    return attend(L, a);
}
