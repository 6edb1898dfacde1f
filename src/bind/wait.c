/* How a C function waits: check that it may, suspend, be woken.
 *
 * When it may not, the error names what is in the way. Lua itself only says "attempt to
 * yield across a C-call boundary", and from inside a user coroutine it would say so too
 * late, after the request has been made. */
#include "bind/sched.h"

#include <string.h>

const char lf_sentinel = 0;
static const char barriers; /* registry key: function -> why it cannot be passed */

struct barrier {
    const char *lib, *name, *hint;
};

static const struct barrier known[] = {
    {"table", "sort",
     "inside table.sort (Lua cannot yield there): fetch first, then sort"},
    {"string", "gsub",
     "inside a string.gsub callback (Lua cannot yield there): collect with "
     "string.gmatch, "
     "fetch, then replace"},
    {"_G", "require",
     "while a module is loaded by require: do it in a function that is called later"},
    {"_G", "load", "inside the reader of load: read the pieces first"},
    {"_G", "tostring", "inside __tostring: fetch before the text is asked for"},
    {"_G", "print", "inside __tostring (called by print): fetch before printing"},
    {"string", "format", "inside __tostring (called by string.format): fetch before"},
    {"table", "concat", "inside a metamethod called by table.concat: fetch before"},
    {"table", "insert", "inside a metamethod called by table.insert: fetch before"},
    {"table", "remove", "inside a metamethod called by table.remove: fetch before"},
    {"table", "unpack", "inside a metamethod called by table.unpack: fetch before"},
    {"table", "move", "inside a metamethod called by table.move: fetch before"},
    {"_G", "next", ""}, /* "": can be passed */
    {"_G", "pcall", ""},
    {"_G", "xpcall", ""},
    {"_G", "dofile", ""},
};

void lf_wait_install(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        lua_getglobal(L, known[i].lib);
        if (lua_istable(L, -1) && lua_getfield(L, -1, known[i].name) == LUA_TFUNCTION) {
            lua_pushlightuserdata(L, (void *)&known[i]);
            lua_rawset(L, -4);
            lua_pop(L, 1);
        } else {
            lua_pop(L, lua_istable(L, -1) ? 1 : 2);
        }
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &barriers);
}

/* [-0, +0, m] What is known of the function of `ar`, NULL: nothing. */
static const struct barrier *barrier_of(lua_State *L, lua_State *in, lua_Debug *ar)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &barriers);
    lua_getinfo(in, "f", ar);
    if (in != L)
        lua_xmove(in, L, 1);
    lua_rawget(L, -2);
    const struct barrier *b = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return b;
}

static bool is_gc(const lua_Debug *ar)
{
    return ar->name && !strncmp(ar->namewhat, "meta", 4) && strstr(ar->name, "gc");
}

/* [-0, +0, v] Name the innermost frame of `in` that cannot be passed. `skip` frames on
 * top are our own. */
static int blame(lua_State *L, lua_State *in, int skip, const char *name)
{
    lua_Debug ar;
    luaL_checkstack(L, 4, NULL);
    if (in != L && !lua_checkstack(in, 1))
        return luaL_error(L, "%s: cannot wait here", name);
    for (int level = skip; lua_getstack(in, level, &ar); level++) {
        lua_getinfo(in, "nS", &ar);
        if (is_gc(&ar))
            return luaL_error(L, "%s: cannot wait inside __gc: use <close>", name);
        if (*ar.what != 'C')
            continue;
        const char *called = ar.name ? ar.name : "?";
        const struct barrier *b = barrier_of(L, in, &ar);
        if (b && *b->hint)
            return luaL_error(L, "%s: cannot wait %s", name, b->hint);
        if (!b)
            return luaL_error(L, "%s: cannot wait inside '%s', a C function", name,
                              called);
    }
    return luaL_error(L, "%s: cannot wait here (Lua cannot yield)", name);
}

void lf_task_check(lua_State *L, const char *name)
{
    struct lf_sched *s = lf_sched_of(L);
    if (!s || !s->current) {
        luaL_error(L, "%s: cannot wait outside of a task", name);
        return;
    }
    if (s->current->unwinding)
        luaL_error(L,
                   s->current->nursery.cancelled && !s->current->bug
                       ? "%s: this task was cancelled, __close cannot wait"
                       : "%s: this task ends by an error, __close cannot wait",
                   name);
    if (!lua_isyieldable(L))
        blame(L, L, 1, name);
    if (s->blocked)
        blame(L, s->blocked, 1, name);
    s->adding = NULL; /* still there when wrong use has left the adding by an error */
}

int lf_task_wait(lua_State *L, struct lf_wait *w, lua_KContext ctx, lua_KFunction k)
{
    struct lf_task *t = lf_sched_of(L)->current;
    if (t->wait && t->wait != w)
        t->wait->cancel(t->wait); /* its continuation failed before taking it back */
    t->wait = w;
    lua_pushlightuserdata(L, (void *)&lf_sentinel);
    return lua_yieldk(L, 1, ctx, k);
}

bool lf_task_overdue(lua_State *L)
{
    struct lf_sched *s = lf_sched_of(L);
    return s && s->felt && lf_task_may_wait(L);
}

static void nothing_to_stop(struct lf_wait *w)
{
    (void)w;
}

int lf_task_pass(lua_State *L, const char *what, lua_KContext ctx, lua_KFunction k)
{
    struct lf_task *me = lf_sched_of(L)->current;
    me->own.wait = (struct lf_wait){nothing_to_stop, what};
    me->wait = &me->own.wait;
    lf_task_wake(me);
    return lf_task_wait(L, &me->own.wait, ctx, k);
}

void lf_task_unwait(lua_State *L)
{
    lf_sched_of(L)->current->wait = NULL;
}

void lf_task_wake(struct lf_task *t)
{
    if (!t->wait || !lf_list_empty(&t->link))
        return;
    t->readied = ++t->sched->readied;
    lf_list_append(&t->sched->ready, &t->link);
}

struct lf_task *lf_task_current(lua_State *L)
{
    struct lf_sched *s = lf_sched_of(L);
    return s ? s->current : NULL;
}

struct lf_engine *lf_task_engine(lua_State *L)
{
    return lf_sched_of(L)->eng;
}

struct lf_domain *lf_task_run_domain(lua_State *L)
{
    return lf_sched_of(L)->domain;
}

struct lf_domain *lf_task_group_domain(lua_State *L)
{
    return lf_sched_of(L)->adding;
}

struct lf_domain *lf_task_domain(lua_State *L)
{
    const struct lf_sched *s = lf_sched_of(L);
    if (s->adding)
        return s->adding;
    return s->current ? s->current->domain : s->domain;
}
