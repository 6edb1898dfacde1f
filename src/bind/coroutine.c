/* The coroutine library for scripts: as Lua's own, but a user coroutine may wait.
 *
 * When one waits it yields the scheduler's sentinel to our resume, which yields it on,
 * outwards to the task; on the way each level is noted in task->nest, innermost first, so
 * that cancelling can unwind them in order. The sentinel stays on the coroutine's stack
 * while it waits: that is how others know that they must not resume it. */
#include "bind/sched.h"

#include <stdlib.h>

enum mode { RESUME, WRAP };

static bool is_waiting(lua_State *co)
{
    return lua_status(co) == LUA_YIELD && lua_gettop(co) > 0 &&
           lua_touserdata(co, -1) == &lf_sentinel;
}

static lua_State *check_co(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

/* ---- resume and wrap ---- */

/* [-?, +?, v] It failed: the error value is on top of L. */
static int fail(lua_State *L, lua_State *co, enum mode mode)
{
    if (mode == RESUME) {
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD) { /* run what is to be closed */
        status = lua_closethread(co, L);
        lua_pop(L, 1);
        lua_xmove(co, L, 1);
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int refuse(lua_State *L, lua_State *co, enum mode mode, const char *why)
{
    lua_pushstring(L, why);
    return fail(L, co, mode);
}

/* Note that `co` waits inside the running task. False when memory ends. */
static bool nest_add(struct lf_task *t, lua_State *co)
{
    if (t->nnest == t->nestcap) {
        unsigned cap = t->nestcap ? t->nestcap * 2 : 4;
        lua_State **nest = realloc(t->nest, cap * sizeof(void *));
        if (!nest)
            return false;
        t->nest = nest;
        t->nestcap = cap;
    }
    t->nest[t->nnest++] = co;
    return true;
}

static int resume_k(lua_State *L, int status, lua_KContext ctx);

/* Resume `co` with n values of its own stack; it stays where it is on L's stack. */
static int go(lua_State *L, lua_State *co, int n, enum mode mode)
{
    struct lf_sched *s = lf_sched_of(L);
    lua_State *blocked = s->blocked;
    int nres = 0;
    if (!blocked && !lua_isyieldable(L))
        s->blocked = L;
    s->running = co;
    int status = lua_resume(co, L, n, &nres);
    s->running = L;
    s->blocked = blocked;
    if (status == LUA_YIELD && is_waiting(co)) {
        if (!nest_add(s->current, co))
            return luaL_error(L, "not enough memory");
        lua_pushlightuserdata(L, (void *)&lf_sentinel);
        return lua_yieldk(L, 1, ((lua_KContext)(intptr_t)co) | mode, resume_k);
    }
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return fail(L, co, mode);
    }
    if (!lua_checkstack(L, nres + 1)) {
        lua_pop(co, nres);
        return refuse(L, co, mode, "too many results to resume");
    }
    if (mode == RESUME)
        lua_pushboolean(L, 1);
    lua_xmove(co, L, nres);
    return mode == RESUME ? nres + 1 : nres;
}

static int resume_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lua_State *co = (lua_State *)(intptr_t)(ctx & ~(lua_KContext)WRAP);
    lua_pop(co, 1); /* the sentinel */
    return go(L, co, 0, (enum mode)(ctx & WRAP));
}

/* Move the n values on top of L over and begin. */
static int start(lua_State *L, lua_State *co, int n, enum mode mode)
{
    if (is_waiting(co))
        return refuse(L, co, mode, "cannot resume a coroutine that is waiting");
    if (!lua_checkstack(co, n))
        return refuse(L, co, mode, "too many arguments to resume");
    lua_xmove(L, co, n);
    return go(L, co, n, mode);
}

static int l_resume(lua_State *L)
{
    lua_State *co = check_co(L);
    return start(L, co, lua_gettop(L) - 1, RESUME);
}

static int wrapped(lua_State *L)
{
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    return start(L, co, lua_gettop(L), WRAP);
}

static int l_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, wrapped, 1);
    return 1;
}

/* ---- the others ---- */

/* The base of a task is to scripts what the main thread is in plain Lua. */
static bool is_base(lua_State *L)
{
    const struct lf_task *t = lf_sched_of(L)->current;
    return t && t->co == L;
}

static int l_yield(lua_State *L)
{
    if (is_base(L))
        return luaL_error(L, "coroutine.yield outside a coroutine");
    return lua_yield(L, lua_gettop(L));
}

static int l_running(lua_State *L)
{
    int main = lua_pushthread(L);
    lua_pushboolean(L, main || is_base(L));
    return 2;
}

static int l_isyieldable(lua_State *L)
{
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    lua_pushboolean(L, lua_isyieldable(co) && !is_base(co));
    return 1;
}

static const char *status_of(lua_State *L, lua_State *co)
{
    lua_Debug ar;
    if (L == co)
        return "running";
    if (is_waiting(co))
        return "normal"; /* it is in the middle of something */
    if (lua_status(co) == LUA_YIELD)
        return "suspended";
    if (lua_status(co) != LUA_OK)
        return "dead";
    if (lua_getstack(co, 0, &ar))
        return "normal";
    return lua_gettop(co) == 0 ? "dead" : "suspended";
}

static int l_status(lua_State *L)
{
    lua_pushstring(L, status_of(L, check_co(L)));
    return 1;
}

static int l_close(lua_State *L)
{
    lua_State *co = check_co(L);
    const char *status = status_of(L, co);
    if (is_waiting(co))
        return luaL_error(L, "cannot close a coroutine that is waiting");
    if (*status == 'r' || *status == 'n')
        return luaL_error(L, "cannot close a %s coroutine", status);
    if (lua_closethread(co, L) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

void lf_coroutine_install(lua_State *L)
{
    static const luaL_Reg functions[] = {{"resume", l_resume},
                                         {"wrap", l_wrap},
                                         {"yield", l_yield},
                                         {"close", l_close},
                                         {"status", l_status},
                                         {"running", l_running},
                                         {"isyieldable", l_isyieldable},
                                         {NULL, NULL}};
    if (lua_getglobal(L, "coroutine") == LUA_TTABLE)
        luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
