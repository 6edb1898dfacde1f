/* One call that several tasks share: behind lf.once and lf.single_flight (tasks.lua).
 *
 * The first task that boards runs the function, the others wait for its results. If it is
 * cancelled on the way, the next in the line takes over. A failure is shared with those
 * who waited for it, and not kept. */
#include "bind/sync.h"

#include "bind/bind.h"
#include "bind/suggest.h"

#define FLIGHT_TYPE "luafetch.flight"

enum state { IDLE, RUNNING, LANDED, FAILED, RAISED };
enum { SELF = 1, RESULTS = 1 };

struct flight {
    struct lf_list line;
    const struct lf_task *runner; /* borrowed: while it runs */
    enum state state;
    int n;           /* how many results; they or the error value are our user value */
    const char *who; /* static: what waits, for messages */
};

static struct flight *check_flight(lua_State *L)
{
    return luaL_checkudata(L, SELF, FLIGHT_TYPE);
}

static void run(lua_State *L, struct flight *f)
{
    f->state = RUNNING;
    f->runner = lf_task_current(L);
}

static void land(struct flight *f, enum state state)
{
    f->state = state;
    f->runner = NULL;
    lf_line_dismiss(&f->line);
}

/* Whoever ran it does so no more, and there is no result. */
static void take_over(struct flight *f)
{
    f->runner = NULL;
    if (!lf_line_call(&f->line))
        f->state = IDLE;
}

/* ---- boarding ---- */

static void board_cancel(struct lf_wait *w)
{
    struct flight *f = lf_line_leave(w);
    if (f)
        take_over(f);
}

static int board_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    struct flight *f = lua_touserdata(L, SELF);
    bool mine = lf_line_called(L);
    if (mine)
        run(L, f);
    lua_pushboolean(L, !mine);
    return 1;
}

/* f:board(): true when the results are there; false: the caller is the one who runs. */
static int flight_board(lua_State *L)
{
    struct flight *f = check_flight(L);
    lua_settop(L, SELF);
    if (f->state != RUNNING) {
        lua_pushboolean(L, f->state != IDLE);
        if (f->state == IDLE)
            run(L, f);
        return 1;
    }
    if (f->runner == lf_task_current(L))
        return lf_misuse(L, "%s: the function calls itself and would wait for itself",
                         f->who);
    lf_task_check(L, f->who);
    lf_line_stand(L, &f->line, (struct lf_wait){board_cancel, f->who}, f, 1);
    return lf_line_wait(L, board_k);
}

/* f:over(): it landed. f:failed(): and nobody wants to keep that. */
static int flight_over(lua_State *L)
{
    lua_pushboolean(L, check_flight(L)->state >= LANDED);
    return 1;
}

static int flight_failed(lua_State *L)
{
    lua_pushboolean(L, check_flight(L)->state >= FAILED);
    return 1;
}

/* ---- landing ---- */

/* f:land(...): keep the results, wake the others, give them back. */
static int flight_land(lua_State *L)
{
    struct flight *f = check_flight(L);
    int n = lua_gettop(L) - SELF;
    lua_createtable(L, n, 0);
    for (int i = 1; i <= n; i++) {
        lua_pushvalue(L, SELF + i);
        lua_rawseti(L, -2, i);
    }
    lua_setiuservalue(L, SELF, RESULTS);
    f->n = n;
    bool failed = n >= 2 && lua_isnil(L, SELF + 1) && lf_error_is(L, SELF + 2);
    land(f, failed ? FAILED : LANDED);
    return n;
}

/* f:results(): what landed, or the error that was raised. */
static int flight_results(lua_State *L)
{
    const struct flight *f = check_flight(L);
    lua_settop(L, SELF);
    lua_getiuservalue(L, SELF, RESULTS);
    if (f->state == RAISED)
        return lua_error(L);
    luaL_checkstack(L, f->n, "too many results");
    for (int i = 1; i <= f->n; i++)
        lua_rawgeti(L, SELF + 1, i);
    return f->n;
}

/* __close(f, err): left after landing, by an error, or because the task was cancelled. */
static int flight_close(lua_State *L)
{
    struct flight *f = check_flight(L);
    lua_settop(L, 2);
    if (f->state != RUNNING || f->runner != lf_task_current(L))
        return 0;
    if (lua_isnil(L, 2)) {
        take_over(f);
        return 0;
    }
    lua_setiuservalue(L, SELF, RESULTS);
    land(f, RAISED);
    return 0;
}

/* flight("once" | "single_flight") */
static int l_flight(lua_State *L)
{
    static const char *const names[] = {"once", "single_flight", NULL};
    const char *who = names[luaL_checkoption(L, 1, NULL, names)];
    struct flight *f = lua_newuserdatauv(L, sizeof *f, 1);
    *f = (struct flight){.who = who};
    lf_list_init(&f->line);
    luaL_setmetatable(L, FLIGHT_TYPE);
    return 1;
}

void lf_flight_register(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__close", flight_close}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"board", flight_board},     {"over", flight_over},
                                       {"failed", flight_failed},   {"land", flight_land},
                                       {"results", flight_results}, {NULL, NULL}};
    lf_sync_class(L, FLIGHT_TYPE, meta, methods);
    lua_pushcfunction(L, l_flight);
    lua_setfield(L, -2, "flight");
}
