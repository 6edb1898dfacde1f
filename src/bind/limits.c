/* Limits of the run, from the command line and from scripts. */
#include "bind/limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/stop.h"
#include "bind/suggest.h"

/* ---- memory ---- */

/* lua_Alloc. What only shrinks must not fail. */
static void *allocate(void *arg, void *p, size_t old, size_t n)
{
    struct lf_engine *eng = arg;
    if (!n) {
        free(p);
        return NULL;
    }
    if (!p)
        old = 0; /* it said what kind of object */
    if (n > old && !lf_engine_may_grow(eng, n - old))
        return NULL;
    return realloc(p, n);
}

void lf_limits_lift(struct lf_engine *eng, const char *error)
{
    bool refused = lf_engine_lift_memory(eng);
    if (refused && error && strstr(error, "not enough memory"))
        lf_stop_say(
            "the run was ended by max-memory: the script wanted more than was left");
}

/* ---- setting them ---- */

void lf_limits_set(lua_State *L, struct lf_engine *eng, const struct lf_quota *q)
{
    lf_engine_limit(eng, q);
    if (q->memory)
        lua_setallocf(L, allocate, eng); /* as Lua's own it uses realloc and free */
    if (q->seconds > 0)
        lf_stop_after(lf_engine_quota(eng).seconds - lf_engine_used(eng).seconds);
}

/* ---- lf.limits ---- */

static const struct {
    const char *name;
    bool whole;
} rows[] = {{"max_memory", true}, {"max_requests", true}, {"max_time", false}};
enum { ROWS = sizeof rows / sizeof *rows };

static int row(lua_State *L, const char *name)
{
    const char *names[ROWS];
    for (int i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return i;
        names[i] = rows[i].name;
    }
    return lf_option_unknown(L, "limits", name, names, ROWS);
}

/* [-0, +0, v] The value at the top. */
static double value(lua_State *L, int i)
{
    double n = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    bool fits = isfinite(n) && n > 0 && n < 0x1p62 && (!rows[i].whole || n == floor(n));
    if (!fits)
        lf_misuse(L, "limits: '%s' must be a %snumber above 0, got %s", rows[i].name,
                  rows[i].whole ? "whole " : "", luaL_tolstring(L, -1, NULL));
    return n;
}

static struct lf_quota read_table(lua_State *L, int idx)
{
    double v[ROWS] = {0};
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            lf_misuse(L, "limits: wants names, got %s", luaL_tolstring(L, -2, NULL));
        int i = row(L, lua_tostring(L, -2));
        v[i] = value(L, i);
        lua_pop(L, 1);
    }
    return (struct lf_quota){
        .memory = (uint64_t)v[0], .requests = (uint64_t)v[1], .seconds = v[2]};
}

static void push_quota(lua_State *L, const struct lf_quota *q)
{
    const double v[] = {(double)q->memory, (double)q->requests, q->seconds};
    lua_createtable(L, 0, ROWS + 1);
    for (int i = 0; i < ROWS; i++) {
        if (v[i] <= 0)
            continue;
        if (rows[i].whole)
            lua_pushinteger(L, (lua_Integer)v[i]);
        else
            lua_pushnumber(L, v[i]);
        lua_setfield(L, -2, rows[i].name);
    }
}

/* limits([table]) → those in force, with `used` */
static int l_limits(lua_State *L)
{
    struct lf_engine *eng = lua_touserdata(L, lua_upvalueindex(1)); /* the run's */
    struct lf_quota q;
    if (!lua_isnoneornil(L, 1)) {
        if (lua_type(L, 1) != LUA_TTABLE)
            lf_misuse(L, "limits: wants a table, got %s", luaL_typename(L, 1));
        q = read_table(L, 1);
        lf_limits_set(L, eng, &q);
    }
    q = lf_engine_quota(eng);
    push_quota(L, &q);
    q = lf_engine_used(eng);
    lua_createtable(L, 0, ROWS);
    lua_pushinteger(L, (lua_Integer)q.memory);
    lua_setfield(L, -2, "memory");
    lua_pushinteger(L, (lua_Integer)q.requests);
    lua_setfield(L, -2, "requests");
    lua_pushnumber(L, q.seconds);
    lua_setfield(L, -2, "time");
    lua_setfield(L, -2, "used");
    return 1;
}

void lf_limits_push(lua_State *L)
{
    lua_pushlightuserdata(L, lf_task_engine(L));
    lua_pushcclosure(L, l_limits, 1);
}
