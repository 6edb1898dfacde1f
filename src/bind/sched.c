/* The scheduler: one loop that unwinds the cancelled, resumes the ready in small batches
 * and steps the engine in between, so that connections are still warm when the tasks that
 * use them run. */
#include "bind/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bind/bind.h"
#include "bind/observer.h"
#include "bind/suggest.h"

enum { BATCH = 16, LISTED = 20, MAX_NAMES = 100, WAIVED = 8 };

/* ---- opening and closing ---- */

static int sched_gc(lua_State *L)
{
    struct lf_sched *s = lua_touserdata(L, 1);
    struct lf_list *it;
    while ((it = lf_list_shift(&s->pool)) != NULL) {
        struct lf_task *t = lf_container(it, struct lf_task, link);
        free(t->nest);
        free(t);
    }
    lf_observers_free(s);
    lf_text_unref(s->beside);
    s->beside = NULL;
    lf_pulse_free(s->pulse);
    s->pulse = NULL;
    return 0;
}

void lf_sched_open(lua_State *L, struct lf_engine *eng, struct lf_domain *domain)
{
    static const char key;
    struct lf_sched *s = lua_newuserdatauv(L, sizeof *s, 0);
    memset(s, 0, sizeof *s);
    lf_list_init(&s->ready);
    lf_list_init(&s->dying);
    lf_list_init(&s->due);
    lf_list_init(&s->pool);
    lf_list_init(&s->observers);
    s->L = L;
    s->eng = eng;
    s->domain = domain;
    s->beside = lf_text_newf("another task of its scope had an error");
    lua_newtable(L);
    lua_pushcfunction(L, sched_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lf_anchors);
    *(struct lf_sched **)lua_getextraspace(L) = s;
    lf_wait_install(L);
    lf_coroutine_install(L);
}

/* ---- who waits for what, when nothing can happen any more ---- */

static void add_line(struct lf_buf *b, const struct lf_task *t)
{
    const char *what = t->wait                    ? t->wait->what
                       : t->state == LF_TASK_OVER ? "its children to end"
                                                  : "nothing";
    if (t->parent)
        lf_buf_addf(b, "\n\ttask spawned at %s waits for %s", t->where, what);
    else
        lf_buf_addf(b, "\n\tthe main task waits for %s", what);
}

static void add_children(struct lf_list *queue, struct lf_scope *sc)
{
    for (struct lf_list *it = sc->children.next; it != &sc->children; it = it->next)
        lf_list_append(queue, &lf_container(it, struct lf_task, sibling)->link);
}

/* Nobody is ready, so every task's link is free to build the queue of this walk. */
static void add_everybody(struct lf_buf *b, struct lf_task *top)
{
    struct lf_list queue, *it;
    unsigned n = 0;
    lf_list_init(&queue);
    lf_list_append(&queue, &top->link);
    while ((it = lf_list_shift(&queue)) != NULL) {
        struct lf_task *t = lf_container(it, struct lf_task, link);
        if (n++ < LISTED)
            add_line(b, t);
        add_children(&queue, &t->nursery);
        for (struct lf_list *o = t->opened.next; o != &t->opened; o = o->next)
            add_children(&queue, &lf_container(o, struct lf_call, link)->scope);
    }
    if (n > LISTED)
        lf_buf_addf(b, "\n\tand %u more", n - LISTED);
}

static void deadlock(struct lf_sched *s)
{
    struct lf_buf b;
    lf_buf_init(&b, 1 << 16);
    lf_buf_adds(&b, "deadlock: every task waits, and nothing can wake one");
    add_everybody(&b, s->top);
    struct lf_text *bug = lf_text_new(b.p ? b.p : "deadlock", b.p ? b.len : 8);
    lf_buf_free(&b);
    lf_task_bug(s->top, bug);
    lf_text_unref(bug);
}

/* ---- the loop ---- */

static bool older_is_ready(const struct lf_sched *s, const struct lf_call *c)
{
    if (lf_list_empty(&s->ready))
        return false;
    return lf_container(s->ready.next, struct lf_task, link)->readied <= c->readied;
}

/* What was there in time counts, even if a long slice kept it from being seen: tasks that
 * were ready before the time was over run first, and then those that they wake. */
static bool is_waived(const struct lf_sched *s, struct lf_call *c)
{
    if (older_is_ready(s, c))
        return true;
    if (!c->waived || c->waived > WAIVED || lf_list_empty(&s->ready))
        return false;
    c->waived++;
    c->readied = s->readied;
    return true;
}

static void expire_due(struct lf_sched *s)
{
    while (!lf_list_empty(&s->due)) {
        struct lf_call *c = lf_container(s->due.next, struct lf_call, due);
        if (is_waived(s, c))
            return; /* and those behind it may be */
        lf_list_remove(&c->due);
        lf_call_expire(c);
    }
}

static void unwind_dying(struct lf_sched *s)
{
    struct lf_list *it;
    while ((it = lf_list_shift(&s->dying)) != NULL)
        lf_task_unwind(lf_container(it, struct lf_task, link));
}

static double seconds_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Resume some of those that are ready; each may make others ready or doomed. */
static void run_batch(struct lf_sched *s)
{
    struct lf_list *it;
    if (lf_list_empty(&s->ready))
        return;
    double start = seconds_now();
    lf_pulse_start(s);
    for (int n = 0; n < BATCH && (it = lf_list_shift(&s->ready)) != NULL; n++) {
        lf_task_resume(lf_container(it, struct lf_task, link));
        if (!lf_list_empty(&s->dying))
            unwind_dying(s);
    }
    s->lua += seconds_now() - start;
}

static bool idle(const struct lf_sched *s)
{
    return lf_list_empty(&s->ready) && lf_list_empty(&s->dying) && lf_list_empty(&s->due);
}

static void interrupt(struct lf_sched *s)
{
    struct lf_text *why = lf_text_newf("the run was interrupted");
    lf_task_cancel(s->top, why);
    lf_text_unref(why);
}

/* Memory is short: what Lua holds for nothing is given back. That takes as long as the
 * heap is large: a twentieth of the time, unless the run would end for it. */
static void relieve(struct lf_sched *s, enum lf_memory memory)
{
    double start = seconds_now();
    if (memory == LF_MEMORY_SHORT && start < s->relief)
        return;
    lua_gc(s->L, LUA_GCCOLLECT);
    lf_engine_relieved(s->eng);
    double now = seconds_now();
    s->relief = now + (now - start) * 20;
}

static void loop(struct lf_sched *s)
{
    bool told = false;
    while (s->top->state != LF_TASK_ENDED) {
        if (s->stopping && !told) {
            told = true;
            interrupt(s);
        }
        expire_due(s);
        unwind_dying(s);
        run_batch(s);
        if (s->top->state == LF_TASK_ENDED)
            return;
        if (!lf_list_empty(&s->observers))
            lf_observers_tell(s);
        enum lf_memory memory = lf_engine_memory(s->eng);
        if (memory)
            relieve(s, memory);
        bool block = idle(s) && (told || !s->stopping);
        if (!lf_engine_step(s->eng, block) && block && idle(s) && s->stopping == told)
            deadlock(s);
    }
}

/* ---- a run ---- */

static int begin(lua_State *L)
{
    struct lf_sched *s = lf_sched_of(L);
    s->top = lf_task_ref(lf_task_new(L, NULL, lua_gettop(L) - 1, "the command line"));
    return 0;
}

/* [-1, +(0|1), v] The top-level task → the text of its failure, if it failed. */
static int push_failure(lua_State *L)
{
    struct lf_task *top = lua_touserdata(L, 1);
    if (top->outcome == LF_OUT_BUG) {
        lua_pushstring(L, top->bug->s);
        return 1;
    }
    if (top->outcome != LF_OUT_FAILED)
        return 0;
    lua_pushvalue(top->co, 2);
    lua_xmove(top->co, L, 1);
    luaL_tolstring(L, -1, NULL);
    return 1;
}

static enum lf_run_end run_end(lua_State *L, struct lf_sched *s, struct lf_task *top)
{
    bool failed = top->outcome == LF_OUT_BUG || top->outcome == LF_OUT_FAILED;
    lua_pushcfunction(L, push_failure);
    lua_pushlightuserdata(L, top);
    lua_pcall(L, 1, failed ? 1 : 0, 0); /* its own error is a text as well */
    if (failed)
        return LF_RUN_ERROR;
    return s->stopping ? LF_RUN_INTERRUPTED : LF_RUN_OK;
}

enum lf_run_end lf_sched_run(lua_State *L, int nargs)
{
    struct lf_sched *s = lf_sched_of(L);
    luaL_checkstack(L, 24, NULL);
    lua_pushcfunction(L, begin);
    lua_insert(L, -(nargs + 2));
    if (lua_pcall(L, nargs + 1, 0, 0) != LUA_OK)
        return LF_RUN_ERROR;
    loop(s);
    struct lf_task *top = s->top;
    enum lf_run_end end = run_end(L, s, top);
    s->top = NULL;
    s->stopping = false;
    lf_task_unref(L, top);
    return end;
}

/* Heads of lists cannot be copied: what they hold moves aside and back. */
static void put_aside(struct lf_sched *s, struct lf_sched *aside)
{
    struct lf_list *const from[] = {&s->ready, &s->dying, &s->due};
    struct lf_list *const to[] = {&aside->ready, &aside->dying, &aside->due};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        lf_list_init(to[i]);
        lf_list_splice(to[i], from[i]);
    }
    aside->eng = s->eng;
    aside->domain = s->domain;
    aside->current = s->current;
    aside->top = s->top;
    aside->running = s->running;
    aside->blocked = s->blocked;
    aside->adding = s->adding;
}

enum lf_run_end lf_sched_nested(lua_State *L, struct lf_engine *eng,
                                struct lf_domain *domain)
{
    struct lf_sched *s = lf_sched_of(L), aside;
    put_aside(s, &aside);
    s->eng = eng;
    s->domain = domain;
    s->current = NULL;
    s->running = s->blocked = NULL;
    s->adding = NULL;
    enum lf_run_end end = lf_sched_run(L, 0);
    struct lf_sched inner;
    put_aside(s, &inner);
    lf_list_splice(&s->ready, &aside.ready);
    lf_list_splice(&s->dying, &aside.dying);
    lf_list_splice(&s->due, &aside.due);
    s->eng = aside.eng;
    s->domain = aside.domain;
    s->current = aside.current;
    s->top = aside.top;
    s->running = aside.running;
    s->blocked = aside.blocked;
    s->adding = aside.adding;
    return end;
}

void lf_sched_stop(lua_State *L)
{
    lf_sched_of(L)->stopping = true;
}

lua_State *lf_sched_running(lua_State *L)
{
    return lf_sched_of(L)->running;
}

struct lf_sched_stats lf_sched_stats(lua_State *L)
{
    const struct lf_sched *s = lf_sched_of(L);
    if (!s) /* memory ended before there was one */
        return (struct lf_sched_stats){0};
    return (struct lf_sched_stats){.tasks = s->tasks, .lua = s->lua};
}

static int l_misuse(lua_State *L)
{
    return lf_misuse(L, "%s", luaL_checkstring(L, 1));
}

/* [-0, +n, v] The strings of the list at `idx`, which stay on the stack. */
static size_t list_names(lua_State *L, int idx, const char *names[static MAX_NAMES])
{
    size_t n = 0, len = (size_t)luaL_len(L, idx);
    luaL_checkstack(L, MAX_NAMES + 8, NULL);
    for (; n < len && n < MAX_NAMES; n++) {
        lua_rawgeti(L, idx, (lua_Integer)n + 1);
        names[n] = luaL_checkstring(L, -1);
    }
    return n;
}

/* nearest(name, names) → the one that is likely meant, or nil */
static int l_nearest(lua_State *L)
{
    const char *names[MAX_NAMES];
    size_t n = list_names(L, 2, names);
    lua_pushstring(L, lf_nearest(luaL_checkstring(L, 1), names, n));
    return 1;
}

static int l_option_unknown(lua_State *L)
{
    const char *names[MAX_NAMES];
    size_t n = list_names(L, 3, names);
    return lf_option_unknown(L, luaL_checkstring(L, 1), luaL_checkstring(L, 2), names, n);
}

/* error(kind, message [, url]) → Error */
static int l_error(lua_State *L)
{
    const char *kind = luaL_checkstring(L, 1), *url = luaL_optstring(L, 3, NULL);
    int i = 0;
    while (i < LF_ERR_COUNT && strcmp(lf_err_name((enum lf_err)i), kind) != 0)
        i++;
    luaL_argcheck(L, i < LF_ERR_COUNT, 1, "no kind of Error");
    lf_error_push(L, (enum lf_err)i, url, "%s", luaL_checkstring(L, 2));
    return 1;
}

/* may_wait(): for a __close that waits where it may. */
static int l_may_wait(lua_State *L)
{
    lua_pushboolean(L, lf_task_may_wait(L));
    return 1;
}

void lf_task_register(lua_State *L)
{
    static const luaL_Reg functions[] = {{"nearest", l_nearest},
                                         {"option_unknown", l_option_unknown},
                                         {"error", l_error},
                                         {"misuse", l_misuse},
                                         {"hide", lf_source_hide},
                                         {"may_wait", l_may_wait},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    lf_handle_register(L);
    lf_scope_register(L);
    lf_group_register(L);
    lf_sync_register(L);
}
