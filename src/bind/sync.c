/* Lines of waiting tasks, and what the primitives built upon them share. */
#include "bind/sync.h"

#include "bind/bind.h"
#include "bind/suggest.h"

static struct lf_task *task_of(const struct lf_list *link)
{
    return lf_container(link, struct lf_task, own.link);
}

/* ---- lines ---- */

void lf_line_stand(lua_State *L, struct lf_list *line, struct lf_wait wait, void *at,
                   double n)
{
    struct lf_task *me = lf_task_current(L);
    if (me->wait && me->wait != &me->own.wait)
        me->wait->cancel(me->wait); /* its continuation failed before taking it back */
    me->own.wait = wait;
    me->own.line.at = at;
    me->own.line.n = n;
    me->own.line.called = false;
    me->wait = &me->own.wait;
    lf_list_append(line, &me->own.link);
}

int lf_line_wait(lua_State *L, lua_KFunction k)
{
    return lf_task_wait(L, &lf_task_current(L)->own.wait, 0, k);
}

bool lf_line_call(struct lf_list *line)
{
    struct lf_list *first = lf_list_shift(line);
    if (!first)
        return false;
    task_of(first)->own.line.called = true;
    lf_task_wake(task_of(first));
    return true;
}

double lf_line_first(const struct lf_list *line)
{
    return task_of(line->next)->own.line.n;
}

void lf_line_dismiss(struct lf_list *line)
{
    for (struct lf_list *it = lf_list_shift(line); it; it = lf_list_shift(line))
        lf_task_wake(task_of(it));
}

bool lf_line_called(lua_State *L)
{
    lf_task_unwait(L);
    return lf_task_current(L)->own.line.called;
}

void *lf_line_leave(struct lf_wait *w)
{
    struct lf_task *t = lf_container(w, struct lf_task, own.wait);
    lf_list_remove(&t->own.link);
    return t->own.line.called ? t->own.line.at : NULL;
}

/* ---- the Lua face ---- */

void lf_sync_class(lua_State *L, const char *type, const luaL_Reg *meta,
                   const luaL_Reg *methods)
{
    luaL_newmetatable(L, type);
    luaL_setfuncs(L, meta, 0);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

lua_Integer lf_sync_count(lua_State *L, int idx, const char *what)
{
    int exact = 0;
    lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &exact) : 0;
    if (!exact || n < 1)
        lf_misuse(L, "%s must be a whole number from 1", what);
    return n;
}

void lf_sync_register(lua_State *L)
{
    lf_semaphore_register(L);
    lf_event_register(L);
    lf_queue_register(L);
    lf_limiter_register(L);
    lf_flight_register(L);
}
