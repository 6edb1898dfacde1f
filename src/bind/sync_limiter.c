/* lf.limiter{rate=, per=, burst=}: a bucket of tokens, `burst` at most, `rate` of them in
 * `per` seconds.
 *
 * Nothing is added up as time goes by: `used` tokens since `base`, when the bucket was
 * full, say when there will be n more. So there is no drift, and on a clock that jumps
 * the times are exact. */
#include "bind/sync.h"

#include <math.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/suggest.h"

#define LIMITER_TYPE "luafetch.limiter"
#define CLOSE_ENOUGH 1e-9 /* seconds: what rounding may cost */

struct limiter {
    struct lf_engine *eng; /* borrowed: whose clock `base` is of; outlives the waiting */
    struct lf_list line;
    struct lf_timer timer; /* of the first in the line */
    double interval;       /* seconds for a token */
    double burst, base, used;
};

static struct limiter *check_limiter(lua_State *L)
{
    return luaL_checkudata(L, 1, LIMITER_TYPE);
}

/* ---- the bucket ---- */

/* When n tokens will be there. */
static double due(const struct limiter *l, double n)
{
    double missing = l->used + n - l->burst;
    return missing > 0 ? l->base + missing * l->interval : l->base;
}

static bool take(struct limiter *l, double n, double now)
{
    if (now >= l->base + l->used * l->interval) { /* full */
        l->base = now;
        l->used = 0;
    }
    if (now + CLOSE_ENOUGH < due(l, n))
        return false;
    l->used += n;
    return true;
}

/* Call those whose tokens are there, and set the timer for the next. The timer's place in
 * the heap was just free or is there still: starting it does not fail, and if it should,
 * being early is better than never. */
static void serve(struct limiter *l)
{
    double now = lf_engine_now(l->eng);
    lf_timer_stop(l->eng, &l->timer);
    while (!lf_list_empty(&l->line)) {
        double n = lf_line_first(&l->line);
        if (!take(l, n, now) && lf_timer_start(l->eng, &l->timer, due(l, n) - now))
            return;
        lf_line_call(&l->line);
    }
}

static void on_due(struct lf_timer *t)
{
    serve(lf_container(t, struct limiter, timer));
}

/* Another engine (luafetch.test) has another clock: begin anew with a full bucket. */
static void follow_engine(lua_State *L, struct limiter *l)
{
    struct lf_engine *eng = lf_task_engine(L);
    if (l->eng == eng)
        return;
    if (!lf_list_empty(&l->line))
        luaL_error(L, "limiter: tasks of another program wait for it");
    l->eng = eng;
    l->base = lf_engine_now(eng);
    l->used = 0;
}

/* ---- waiting ---- */

static void acquire_cancel(struct lf_wait *w)
{
    const struct lf_task *t = lf_container(w, struct lf_task, own.wait);
    struct limiter *l = lf_line_leave(w);
    if (l)
        l->used = fmax(l->used - t->own.line.n, 0); /* it may have filled since */
    else
        l = t->own.line.at;
    serve(l);
}

static int acquire_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    lf_line_called(L);
    return 0;
}

static double check_tokens(lua_State *L, const struct limiter *l)
{
    if (lua_isnoneornil(L, 2))
        return 1;
    double n = lua_type(L, 2) == LUA_TNUMBER ? lua_tonumber(L, 2) : NAN;
    if (!(n > 0))
        lf_misuse(L, "limiter:acquire: the number of tokens must be above 0");
    if (n > l->burst)
        lf_misuse(L, "limiter:acquire: %g tokens are more than its burst (%g) ever holds",
                  n, l->burst);
    return n;
}

static int limiter_acquire(lua_State *L)
{
    struct limiter *l = check_limiter(L);
    double n = check_tokens(L, l);
    follow_engine(L, l);
    double now = lf_engine_now(l->eng);
    if (lf_list_empty(&l->line) && take(l, n, now))
        return 0;
    lf_task_check(L, "limiter:acquire");
    if (lf_list_empty(&l->line) && !lf_timer_start(l->eng, &l->timer, due(l, n) - now))
        return luaL_error(L, "not enough memory");
    lf_line_stand(L, &l->line, (struct lf_wait){acquire_cancel, "limiter"}, l, n);
    return lf_line_wait(L, acquire_k);
}

/* ---- making ---- */

/* [-0, +0, v] The number `name` of the table at 1, at least `least`. */
static double field(lua_State *L, const char *name, double otherwise, double least)
{
    int type = lua_getfield(L, 1, name);
    double v = type == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
    if (type == LUA_TNIL)
        v = otherwise;
    if (!(v >= least && v > 0 && v < LF_NEVER))
        lf_misuse(L, "limiter: option '%s' must be a number %s", name,
                  least > 0 ? "from 1" : "above 0");
    lua_pop(L, 1);
    return v;
}

static void check_names(lua_State *L)
{
    static const char *const names[] = {"rate", "per", "burst"};
    enum { NAMES = sizeof names / sizeof *names };
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        int i = 0;
        while (i < NAMES && strcmp(name, names[i]) != 0)
            i++;
        if (i == NAMES)
            lf_option_unknown(L, "limiter", name, names, NAMES);
    }
}

static int l_limiter(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TTABLE)
        return lf_misuse(L, "limiter: wants {rate = …}, got %s", luaL_typename(L, 1));
    check_names(L);
    double rate = field(L, "rate", NAN, 0), per = field(L, "per", 1, 0);
    double burst = field(L, "burst", 1, 1);
    struct limiter *l = lua_newuserdatauv(L, sizeof *l, 0);
    *l = (struct limiter){.interval = per / rate, .burst = burst};
    l->timer.fire = on_due;
    lf_list_init(&l->line);
    follow_engine(L, l);
    luaL_setmetatable(L, LIMITER_TYPE);
    return 1;
}

void lf_limiter_register(lua_State *L)
{
    static const luaL_Reg meta[] = {{NULL, NULL}};
    static const luaL_Reg methods[] = {{"acquire", limiter_acquire}, {NULL, NULL}};
    lf_sync_class(L, LIMITER_TYPE, meta, methods);
    lua_pushcfunction(L, l_limiter);
    lua_setfield(L, -2, "limiter");
}
