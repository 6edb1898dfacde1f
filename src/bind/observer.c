/* Observers of retries. The engine tells them in the middle of its work, where no Lua may
 * run: what it says is noted, and the functions are called when it is done. */
#include "bind/observer.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "bind/bind.h"

struct note {
    struct lf_list link;
    struct lf_retry_note said;
    char text[]; /* the URL, then the message */
};

struct observer {
    struct lf_retry_watch watch; /* first: the engine has its address */
    struct lf_list link;         /* in sched->observers: there is something to do */
    struct lf_sched *sched;      /* borrowed: outlives us */
    struct lf_list notes;        /* owned */
    int fn;                      /* reference in the registry */
    bool gone;                   /* the request has been freed */
};

/* ---- the engine's side: no Lua ---- */

static struct observer *observer_of(struct lf_retry_watch *w)
{
    return (struct observer *)w;
}

static void stand_in_line(struct observer *o)
{
    if (lf_list_empty(&o->link))
        lf_list_append(&o->sched->observers, &o->link);
}

/* Without memory the function hears of one attempt less. */
static void on_retry(struct lf_retry_watch *w, const struct lf_retry_note *said)
{
    struct observer *o = observer_of(w);
    const char *message = said->message ? said->message : "";
    size_t n = strlen(said->url) + 1, m = strlen(message) + 1;
    struct note *note = malloc(sizeof *note + n + m);
    if (!note)
        return;
    note->said = *said;
    memcpy(note->text, said->url, n);
    memcpy(note->text + n, message, m);
    note->said.url = note->text;
    note->said.message = note->text + n;
    lf_list_append(&o->notes, &note->link);
    stand_in_line(o);
}

static void on_gone(struct lf_retry_watch *w)
{
    observer_of(w)->gone = true;
    stand_in_line(observer_of(w));
}

/* ---- calling ---- */

static void set_field(lua_State *L, const char *name, lua_Number value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

/* Protected: the function's reference, the note. */
static int call(lua_State *L)
{
    const struct lf_retry_note *said = &((struct note *)lua_touserdata(L, 2))->said;
    lua_rawgeti(L, LUA_REGISTRYINDEX, lua_tointeger(L, 1));
    lua_createtable(L, 0, 5);
    lua_pushstring(L, said->url);
    lua_setfield(L, -2, "url");
    lua_pushinteger(L, said->attempt);
    lua_setfield(L, -2, "attempt");
    set_field(L, "wait", said->wait);
    if (said->err) {
        lf_error_push(L, said->err, said->url, "%s", said->message);
        lua_setfield(L, -2, "error");
    } else {
        lua_pushinteger(L, said->status);
        lua_setfield(L, -2, "status");
    }
    lua_call(L, 1, 0);
    return 0;
}

static void tell(struct observer *o, struct note *note)
{
    lua_State *L = o->sched->L;
    lua_pushcfunction(L, call);
    lua_pushinteger(L, o->fn);
    lua_pushlightuserdata(L, note);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK)
        return;
    const char *why = lua_tostring(L, -1);
    lf_log(LF_LOG_WARN, "error in on_retry: %s", why ? why : luaL_typename(L, -1));
    lua_pop(L, 1);
}

static void observer_free(struct observer *o)
{
    for (struct lf_list *n = lf_list_shift(&o->notes); n; n = lf_list_shift(&o->notes))
        free(lf_container(n, struct note, link));
    free(o);
}

void lf_observers_tell(struct lf_sched *s)
{
    for (struct lf_list *n = lf_list_shift(&s->observers); n;
         n = lf_list_shift(&s->observers)) {
        struct observer *o = lf_container(n, struct observer, link);
        struct lf_list *it;
        while ((it = lf_list_shift(&o->notes)) != NULL) {
            struct note *note = lf_container(it, struct note, link);
            tell(o, note);
            free(note);
        }
        if (!o->gone)
            continue;
        luaL_unref(s->L, LUA_REGISTRYINDEX, o->fn);
        lf_list_remove(&o->link);
        observer_free(o);
    }
}

void lf_observers_free(struct lf_sched *s)
{
    for (struct lf_list *n = lf_list_shift(&s->observers); n;
         n = lf_list_shift(&s->observers))
        observer_free(lf_container(n, struct observer, link));
}

struct lf_retry_watch *lf_observer_new(lua_State *L)
{
    int fn = luaL_ref(L, LUA_REGISTRYINDEX);
    struct observer *o = calloc(1, sizeof *o);
    if (!o) {
        luaL_unref(L, LUA_REGISTRYINDEX, fn);
        luaL_error(L, "not enough memory");
        return NULL;
    }
    o->watch = (struct lf_retry_watch){.retrying = on_retry, .gone = on_gone};
    o->sched = lf_sched_of(L);
    o->fn = fn;
    lf_list_init(&o->link);
    lf_list_init(&o->notes);
    return &o->watch;
}
