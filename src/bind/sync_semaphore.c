/* lf.semaphore(n): n permits. A permit is a value that is closed, so that none gets lost
 * whatever way its task ends. It has no __gc: collecting a million of them would cost
 * more than they do, and a script would depend on when that happens. */
#include "bind/sync.h"

#include "bind/bind.h"

#define SEMAPHORE_TYPE "luafetch.semaphore"
#define PERMIT_TYPE    "luafetch.permit"

struct semaphore {
    struct lf_list line; /* empty while permits are free */
    lua_Integer free, all;
};

struct permit {
    struct semaphore *of; /* borrowed: our user value; NULL: not held */
};

static struct semaphore *check_semaphore(lua_State *L)
{
    return luaL_checkudata(L, 1, SEMAPHORE_TYPE);
}

static void give(struct semaphore *s)
{
    if (!lf_line_call(&s->line))
        s->free++;
}

/* ---- permits ---- */

static int permit_release(lua_State *L)
{
    struct permit *p = luaL_checkudata(L, 1, PERMIT_TYPE);
    struct semaphore *s = p->of;
    p->of = NULL;
    if (s)
        give(s);
    return 0;
}

/* [-0, +1, m] Not held yet; the semaphore is at 1. */
static struct permit *permit_new(lua_State *L)
{
    struct permit *p = lua_newuserdatauv(L, sizeof *p, 1);
    p->of = NULL;
    luaL_setmetatable(L, PERMIT_TYPE);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    return p;
}

/* ---- the semaphore ---- */

static void acquire_cancel(struct lf_wait *w)
{
    struct semaphore *s = lf_line_leave(w);
    if (s)
        give(s);
}

static int acquire_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    lf_line_called(L);
    struct permit *p = lua_touserdata(L, 2);
    p->of = lua_touserdata(L, 1);
    return 1;
}

static bool take(struct semaphore *s, struct permit *p)
{
    if (s->free == 0)
        return false;
    s->free--;
    p->of = s;
    return true;
}

static int semaphore_acquire(lua_State *L)
{
    struct semaphore *s = check_semaphore(L);
    lua_settop(L, 1);
    if (take(s, permit_new(L)))
        return 1;
    lf_task_check(L, "semaphore:acquire");
    lf_line_stand(L, &s->line, (struct lf_wait){acquire_cancel, "semaphore"}, s, 1);
    return lf_line_wait(L, acquire_k);
}

static int semaphore_try_acquire(lua_State *L)
{
    struct semaphore *s = check_semaphore(L);
    lua_settop(L, 1);
    if (!take(s, permit_new(L)))
        lua_pushnil(L);
    return 1;
}

static int semaphore_tostring(lua_State *L)
{
    const struct semaphore *s = check_semaphore(L);
    lua_pushfstring(L, SEMAPHORE_TYPE " (%I of %I permits free)", s->free, s->all);
    return 1;
}

static int l_semaphore(lua_State *L)
{
    lua_Integer n = lf_sync_count(L, 1, "semaphore: the number of permits");
    struct semaphore *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (struct semaphore){.free = n, .all = n};
    lf_list_init(&s->line);
    luaL_setmetatable(L, SEMAPHORE_TYPE);
    return 1;
}

void lf_semaphore_register(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__tostring", semaphore_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"acquire", semaphore_acquire},
                                       {"try_acquire", semaphore_try_acquire},
                                       {NULL, NULL}};
    static const luaL_Reg permit_meta[] = {{"__close", permit_release}, {NULL, NULL}};
    static const luaL_Reg permit_methods[] = {{"release", permit_release}, {NULL, NULL}};
    lf_sync_class(L, SEMAPHORE_TYPE, meta, methods);
    lf_sync_class(L, PERMIT_TYPE, permit_meta, permit_methods);
    lua_pushcfunction(L, l_semaphore);
    lua_setfield(L, -2, "semaphore");
}
