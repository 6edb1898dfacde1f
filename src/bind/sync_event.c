/* lf.event(): tasks wait until it is set. Who waited when it was set goes on, even if it
 * is cleared directly afterwards. */
#include "bind/sync.h"

#include "bind/bind.h"

#define EVENT_TYPE "luafetch.event"

struct event {
    struct lf_list line;
    bool set;
};

static struct event *check_event(lua_State *L)
{
    return luaL_checkudata(L, 1, EVENT_TYPE);
}

static int event_set(lua_State *L)
{
    struct event *e = check_event(L);
    e->set = true;
    lf_line_dismiss(&e->line);
    return 0;
}

static int event_clear(lua_State *L)
{
    check_event(L)->set = false;
    return 0;
}

static int event_is_set(lua_State *L)
{
    lua_pushboolean(L, check_event(L)->set);
    return 1;
}

static void wait_cancel(struct lf_wait *w)
{
    lf_line_leave(w);
}

static int wait_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    lf_line_called(L);
    return 0;
}

static int event_wait(lua_State *L)
{
    struct event *e = check_event(L);
    lua_settop(L, 1);
    if (e->set)
        return 0;
    lf_task_check(L, "event:wait");
    lf_line_stand(L, &e->line, (struct lf_wait){wait_cancel, "event"}, e, 1);
    return lf_line_wait(L, wait_k);
}

static int l_event(lua_State *L)
{
    struct event *e = lua_newuserdatauv(L, sizeof *e, 0);
    e->set = false;
    lf_list_init(&e->line);
    luaL_setmetatable(L, EVENT_TYPE);
    return 1;
}

void lf_event_register(lua_State *L)
{
    static const luaL_Reg meta[] = {{NULL, NULL}};
    static const luaL_Reg methods[] = {{"set", event_set},
                                       {"clear", event_clear},
                                       {"is_set", event_is_set},
                                       {"wait", event_wait},
                                       {NULL, NULL}};
    lf_sync_class(L, EVENT_TYPE, meta, methods);
    lua_pushcfunction(L, l_event);
    lua_setfield(L, -2, "event");
}
