/* Tasks that work for something: the C side of a crawl's pages. */
#include "bind/work.h"

#include <lauxlib.h>
#include "bind/bind.h"
#include "bind/response.h"
#include "bind/sched.h"

static const char taker_key; /* its address: the function in the registry */

bool lf_work_push_taker(lua_State *L)
{
    const struct lf_task *t = lf_task_current(L);
    if (!t || !t->work)
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &taker_key);
    return true;
}

/* work_for(n [, session]): the running task and the children that it will have. The
 * session must stay open as long as they do. */
static int l_work_for(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);
    struct lf_task *t = lf_task_current(L);
    if (lf_session_is(L, 2))
        t->domain = lf_session_domain(L, 2);
    t->work = n;
    return 0;
}

static int l_working_for(lua_State *L)
{
    const struct lf_task *t = lf_task_current(L);
    lua_pushinteger(L, t ? t->work : 0);
    return 1;
}

/* take_records(fn): fn(record) is called instead of writing it, in tasks that work for
 * something. */
static int l_take_records(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &taker_key);
    return 0;
}

void lf_work_register(lua_State *L)
{
    static const luaL_Reg functions[] = {{"work_for", l_work_for},
                                         {"working_for", l_working_for},
                                         {"take_records", l_take_records},
                                         {"response_add", lf_response_add},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
