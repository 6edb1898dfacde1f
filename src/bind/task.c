/* The life of a task: made, resumed, over, ended; or cancelled and unwound.
 *
 * Nothing here recurses along the tree of tasks, which may be 100,000 deep: cancelling
 * walks it with a batch, endings climb it in a loop. */
#include "bind/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "bind/bind.h"

enum { UNJOINED_LOGGED = 8 };

const char lf_anchors = 0;

/* ---- making and freeing ---- */

void lf_scope_init(struct lf_scope *sc, struct lf_task *owner, bool call)
{
    *sc = (struct lf_scope){.owner = owner, .call = call};
    lf_list_init(&sc->children);
    lf_list_init(&sc->failed);
}

void lf_task_where(lua_State *L, int level, char where[static LUA_IDSIZE + 12])
{
    lua_Debug ar;
    memcpy(where, "?", 2);
    for (; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0)
            continue;
        snprintf(where, LUA_IDSIZE + 12, "%s:%d", ar.short_src, ar.currentline);
        return;
    }
}

/* A free record; it stays in the pool until the task is really made. */
static struct lf_task *pool_peek(lua_State *L, struct lf_sched *s)
{
    if (lf_list_empty(&s->pool)) {
        struct lf_task *t = calloc(1, sizeof *t);
        if (!t)
            luaL_error(L, "not enough memory");
        t->slot = ++s->slots;
        lf_list_append(&s->pool, &t->link);
    }
    return lf_container(s->pool.next, struct lf_task, link);
}

static void task_init(struct lf_task *t, struct lf_sched *s, struct lf_scope *sc)
{
    lua_State **nest = t->nest;
    unsigned nestcap = t->nestcap;
    int slot = t->slot;
    lf_list_remove(&t->link);
    memset(t, 0, offsetof(struct lf_task, where));
    lf_scope_init(&t->nursery, t, false);
    lf_list_init(&t->sibling);
    lf_list_init(&t->link);
    lf_list_init(&t->opened);
    lf_list_init(&t->joiners);
    t->nest = nest;
    t->nestcap = nestcap;
    t->slot = slot;
    t->refs = 1;
    t->sched = s;
    t->parent = sc;
    t->domain = sc ? sc->owner->domain : s->domain;
    t->work = sc ? sc->owner->work : 0;
}

struct lf_task *lf_task_new(lua_State *L, struct lf_scope *sc, int nargs,
                            const char *where)
{
    struct lf_sched *s = lf_sched_of(L);
    luaL_checkstack(L, 4, NULL);
    lua_State *co = lua_newthread(L);
    struct lf_task *t = pool_peek(L, s);
    if (!lua_checkstack(co, nargs + 4))
        luaL_error(L, "too many arguments");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lf_anchors);
    lua_insert(L, -2);
    lua_rawseti(L, -2, t->slot);
    lua_pop(L, 1);
    task_init(t, s, sc);
    lua_xmove(L, co, nargs + 1);
    t->co = co;
    t->nargs = nargs;
    size_t len = strnlen(where, sizeof t->where - 1);
    memcpy(t->where, where, len);
    t->where[len] = '\0';
    s->tasks++;
    t->readied = ++s->readied;
    lf_list_append(&s->ready, &t->link);
    if (!sc)
        return t;
    lf_list_append(&sc->children, &t->sibling);
    sc->live++;
    if (sc->cancelled)
        lf_task_cancel(t, NULL);
    return t;
}

struct lf_task *lf_task_ref(struct lf_task *t)
{
    t->refs++;
    return t;
}

/* [-0, +0, -] One line on a failure that nobody will ever see otherwise. */
static int sentence(lua_State *L)
{
    struct lf_task *t = lua_touserdata(L, 1);
    lua_settop(L, 0);
    lua_pushvalue(t->co, 2);
    lua_xmove(t->co, L, 1);
    const char *text = luaL_tolstring(L, 1, NULL);
    lf_log(LF_LOG_WARN, "task spawned at %s failed and nobody joined it: %s", t->where,
           text);
    return 0;
}

static void report(lua_State *L, struct lf_task *t)
{
    t->joined = true;
    if (!lua_checkstack(L, 4) || !lua_checkstack(t->co, 1))
        return;
    lua_pushcfunction(L, sentence);
    lua_pushlightuserdata(L, t);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        lua_pop(L, 1);
}

/* Log it, or only count when this scope has logged enough. */
static void report_unjoined(lua_State *L, struct lf_scope *sc, struct lf_task *t)
{
    if (sc && sc->unjoined++ >= UNJOINED_LOGGED)
        t->joined = true;
    else
        report(L, t);
}

void lf_scope_report(struct lf_scope *sc)
{
    struct lf_list *it;
    while ((it = lf_list_shift(&sc->failed)) != NULL) {
        struct lf_task *t = lf_container(it, struct lf_task, sibling);
        report_unjoined(t->sched->L, sc, t);
        t->parent = NULL;
    }
    if (sc->unjoined > UNJOINED_LOGGED)
        lf_log(LF_LOG_WARN, "%u more tasks failed and nobody joined them",
               sc->unjoined - UNJOINED_LOGGED);
    sc->unjoined = 0;
}

void lf_task_unref(lua_State *L, struct lf_task *t)
{
    if (!t || --t->refs > 0)
        return;
    if (!lf_list_empty(&t->sibling)) { /* failed, and its last handle is gone */
        lf_list_remove(&t->sibling);
        report_unjoined(L, t->parent, t);
    }
    lf_text_unref(t->why);
    lf_text_unref(t->bug);
    t->why = t->bug = NULL;
    lf_list_append(&t->sched->pool, &t->link);
    if (!lua_checkstack(L, 2))
        return; /* the thread stays until its slot is used again */
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lf_anchors);
    lua_pushboolean(L, 0); /* not nil: the table keeps its place */
    lua_rawseti(L, -2, t->slot);
    lua_pop(L, 1);
}

/* ---- ending ---- */

/* The scope may be closed by this, its memory gone. */
static void tell_scope(struct lf_scope *sc, struct lf_task *t)
{
    struct lf_call *c = sc->call ? lf_container(sc, struct lf_call, scope) : NULL;
    sc->live--;
    if (c)
        lf_call_judge(c, t);
    else if (t->outcome == LF_OUT_BUG)
        lf_task_bug(sc->owner, t->bug);
    if (t->outcome == LF_OUT_FAILED && !t->joined) {
        if (t->refs == 1) {
            report_unjoined(t->sched->L, sc, t);
        } else {
            t->parent = sc;
            lf_list_append(&sc->failed, &t->sibling);
        }
    }
    if (c && sc->live == 0)
        lf_call_drained(c);
}

/* Take a task that has ended out of its scope; the scope's owner may end next. */
static struct lf_task *task_end(struct lf_task *t)
{
    struct lf_sched *s = t->sched;
    struct lf_scope *sc = t->parent;
    lf_scope_report(&t->nursery);
    t->state = LF_TASK_ENDED;
    if (t->bug)
        t->outcome = LF_OUT_BUG;
    else if (t->nursery.cancelled && t->outcome == LF_OUT_OK)
        t->outcome = LF_OUT_CANCELLED;
    s->tasks--;
    lf_list_remove(&t->link);
    lf_list_remove(&t->sibling);
    struct lf_list *it;
    while ((it = lf_list_shift(&t->joiners)) != NULL) {
        struct lf_joiner *j = lf_container(it, struct lf_joiner, link);
        t->joined = true;
        j->ended(j);
    }
    struct lf_task *owner = sc ? sc->owner : NULL;
    t->parent = NULL;
    if (sc)
        tell_scope(sc, t);
    lf_task_unref(s->L, t);
    return owner;
}

static bool may_end(const struct lf_task *t)
{
    return t->state == LF_TASK_OVER && t->nursery.live == 0 && lf_list_empty(&t->opened);
}

static void leave_backgrounds(struct lf_task *t)
{
    struct lf_text *why = lf_text_newf("its parent has ended");
    LF_LIST_EACH_SAFE (&t->nursery.children, it, next) {
        struct lf_task *child = lf_container(it, struct lf_task, sibling);
        if (child->background)
            lf_task_cancel(child, why);
    }
    lf_text_unref(why);
}

/* The function is over: stop what it left open, end if nothing is left. */
void lf_task_over(struct lf_task *t, enum lf_outcome outcome)
{
    t->state = LF_TASK_OVER;
    t->outcome = outcome;
    if (t->nursery.live)
        leave_backgrounds(t);
    LF_LIST_EACH_SAFE (&t->opened, it, next) {
        lf_call_leave(lf_container(it, struct lf_call, link), NULL);
    }
    while (t && may_end(t))
        t = task_end(t);
}

/* ---- cancelling ---- */

static void drop_wait(struct lf_task *t)
{
    struct lf_wait *w = t->wait;
    t->wait = NULL;
    if (w)
        w->cancel(w);
}

static void doom(struct lf_task *t, struct lf_text *why, struct lf_list *batch)
{
    if (t->nursery.cancelled)
        return; /* and so are its descendants */
    t->nursery.cancelled = true;
    t->why = lf_text_ref(why);
    drop_wait(t);
    lf_list_remove(&t->link);
    lf_list_append(batch, &t->link);
}

static void doom_children(struct lf_scope *sc, struct lf_text *why, struct lf_list *batch)
{
    sc->cancelled = true;
    for (struct lf_list *it = sc->children.next; it != &sc->children; it = it->next)
        doom(lf_container(it, struct lf_task, sibling), why, batch);
}

static void doom_call(struct lf_call *c, struct lf_text *why, struct lf_list *batch)
{
    if (c->scope.cancelled)
        return;
    c->why = lf_text_ref(why);
    doom_children(&c->scope, why, batch);
    if (c->drop)
        c->drop(c);
}

/* Doom all descendants of the batch and queue it, children before parents. */
static void doom_batch(struct lf_sched *s, struct lf_text *why, struct lf_list *batch)
{
    for (struct lf_list *it = batch->next; it != batch; it = it->next) {
        struct lf_task *t = lf_container(it, struct lf_task, link);
        doom_children(&t->nursery, why, batch);
        for (struct lf_list *o = t->opened.next; o != &t->opened; o = o->next)
            doom_call(lf_container(o, struct lf_call, link), why, batch);
    }
    while (!lf_list_empty(batch)) {
        struct lf_list *last = batch->prev;
        lf_list_remove(last);
        lf_list_append(&s->dying, last);
    }
}

void lf_task_cancel(struct lf_task *t, struct lf_text *why)
{
    struct lf_list batch;
    if (t->state == LF_TASK_ENDED)
        return;
    lf_list_init(&batch);
    doom(t, why, &batch);
    doom_batch(t->sched, why, &batch);
}

void lf_call_cancel(struct lf_call *c, struct lf_text *why)
{
    struct lf_list batch;
    lf_list_init(&batch);
    doom_call(c, why, &batch);
    doom_batch(c->scope.owner->sched, why, &batch);
}

void lf_task_bug(struct lf_task *t, struct lf_text *bug)
{
    static struct lf_text no_memory = {.refs = 1, .s = "not enough memory"};
    if (!t->bug)
        t->bug = lf_text_ref(bug ? bug : &no_memory);
    lf_task_cancel(t, t->sched->beside);
}

/* ---- results ---- */

void lf_task_joined(struct lf_task *t)
{
    t->joined = true;
    if (t->state == LF_TASK_ENDED) {
        lf_list_remove(&t->sibling);
        t->parent = NULL;
    }
}

static int push_copies(lua_State *L, lua_State *co)
{
    int n = lua_gettop(co);
    luaL_checkstack(L, n + 1, "too many results");
    if (!lua_checkstack(co, n))
        return luaL_error(L, "too many results");
    for (int i = 1; i <= n; i++)
        lua_pushvalue(co, i);
    lua_xmove(co, L, n);
    return n;
}

int lf_task_results(lua_State *L, struct lf_task *t)
{
    lf_task_joined(t);
    switch ((enum lf_outcome)t->outcome) {
    case LF_OUT_BUG:
        lua_pushstring(L, t->bug->s);
        return lua_error(L);
    case LF_OUT_CANCELLED:
        return lf_error_fail(L, LF_ECANCELLED, NULL,
                             t->why ? "cancelled: %s" : "cancelled",
                             t->why ? t->why->s : "");
    case LF_OUT_OK:
    case LF_OUT_FAILED:
        break;
    }
    return push_copies(L, t->co);
}
