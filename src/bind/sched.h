/* What the files of the scheduler share; private to them (task.h is for others).
 *
 * A scope holds child tasks. Every task embeds one (its nursery); calls such as scope,
 * timeout and gather open further ones (struct lf_call), which live in userdata that are
 * anchored while open. A task has ended when its function and all of its scopes have.
 *
 * Cancelling only marks, stops what is pending and links into `dying`, children before
 * parents; stacks are unwound by the loop, on the C stack of lf_sched_run, where no
 * coroutine runs. */
#ifndef LF_BIND_SCHED_H
#define LF_BIND_SCHED_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/list.h"
#include "bind/task.h"
#include "engine/engine.h"

#if LUA_VERSION_RELEASE_NUM < 50406
#define lua_closethread(co, from) ((void)(from), lua_resetthread(co))
#endif

#define LF_TASK_TYPE  "luafetch.task"
#define LF_SCOPE_TYPE "luafetch.scope"
#define LF_GROUP_TYPE "luafetch.group"

/* A shared string outside of Lua: reasons and tracebacks outlive the stacks they came
 * from. Every holder owns one reference; NULL is a valid text, "no memory for it". */
struct lf_text {
    unsigned refs;
    char s[];
};
struct lf_text *lf_text_new(const char *s, size_t len);
struct lf_text *lf_text_newf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct lf_text *lf_text_ref(struct lf_text *t);
void lf_text_unref(struct lf_text *t);

struct lf_scope {
    struct lf_task *owner;   /* borrowed: outlives the scope */
    struct lf_list children; /* lf_task.sibling, those that have not ended */
    struct lf_list failed;   /* lf_task.sibling, ended, and nobody has joined them yet */
    unsigned live;           /* children that have not ended */
    unsigned unjoined;       /* failures that were logged */
    bool call;               /* inside a struct lf_call; else a task's nursery */
    bool cancelled;          /* children are born cancelled */
};

/* A scope that a call opened; groups extend it. */
struct lf_call {
    struct lf_scope scope;
    struct lf_list link;  /* in owner->opened; not linked: closed */
    struct lf_list slots; /* tasks waiting in s:spawn, by lf_task.own.link */
    struct lf_list due;   /* in sched->due: its time is over */
    struct lf_wait wait;  /* of the task that waits for the call */
    struct lf_timer timer;
    struct lf_task *waiter; /* borrowed: that task, while it waits */
    struct lf_task *body;   /* a reference; NULL for groups */
    struct lf_task *loser;  /* a reference: whose failure ended a fail_fast scope */
    struct lf_text *bug;    /* owned: of the first child that had one */
    struct lf_text *why;    /* owned: why it was cancelled */
    void (*drop)(struct lf_call *c); /* stop what is no task; no Lua; NULL: nothing */
    double seconds;                  /* the timeout; LF_NEVER: none */
    uint64_t readied;                /* sched->readied when the time was over */
    unsigned waived;                 /* how often the end was put off since */
    unsigned limit;                  /* of s:spawn; 0: none */
    unsigned running;                /* tasks of s:spawn that have not ended */
    bool fail_fast, expired;
    bool left; /* nobody waits for it any more: close when drained */
    char where[LUA_IDSIZE + 12];
};

/* Told when a task has ended; no Lua, no engine. */
struct lf_joiner {
    struct lf_list link; /* in task->joiners */
    void (*ended)(struct lf_joiner *j);
};

enum lf_task_state { LF_TASK_NEW, LF_TASK_BEGUN, LF_TASK_OVER, LF_TASK_ENDED };
enum lf_outcome { LF_OUT_OK, LF_OUT_FAILED, LF_OUT_CANCELLED, LF_OUT_BUG };

struct lf_task {
    struct lf_scope nursery; /* first: a task's own children */
    struct lf_scope *parent; /* borrowed until we end; NULL: the top-level task */
    struct lf_list sibling;  /* in parent->children, then perhaps in parent->failed */
    struct lf_list link;   /* in sched->ready, sched->dying or a batch being cancelled */
    uint64_t readied;      /* sched->readied when it was linked into sched->ready */
    struct lf_list opened; /* lf_call.link, innermost last */
    struct lf_list joiners;
    struct lf_sched *sched;   /* borrowed */
    struct lf_domain *domain; /* borrowed: where its requests are admitted */
    lua_Integer work;         /* what it works for, as its children do; see work.h */
    lua_State *co;        /* borrowed: anchored at `slot`; its stack keeps the results */
    struct lf_wait *wait; /* the pending operation; it is freed by its cancel() */
    struct lf_text *why;  /* owned: why it was cancelled */
    struct lf_text *bug;  /* owned */
    lua_State **nest;     /* owned array: suspended user coroutines, innermost first */
    unsigned nnest, nestcap;
    int slot;      /* place in the anchor table, for life */
    int nargs;     /* of the first resume */
    unsigned refs; /* one while alive, one per handle or holder */
    uint8_t state, outcome;
    bool unwinding; /* its __close run: it cannot wait */
    bool background, counted, joined;
    struct { /* the operation behind sleep, join, s:spawn and the lines of sync.h */
        struct lf_wait wait;
        struct lf_joiner joiner;
        struct lf_list link;
        union {
            struct lf_timer timer;
            struct {
                void *at; /* borrowed: what it waits for */
                double n; /* of it */
                bool called;
            } line;
        };
    } own;
    char where[LUA_IDSIZE + 12]; /* "file:line" of the spawn */
};

struct lf_sched {
    lua_State *L;             /* the main state */
    struct lf_engine *eng;    /* borrowed: outlives us */
    struct lf_domain *domain; /* borrowed: outlives us */
    struct lf_task *current;  /* running or being unwound; NULL: none */
    struct lf_task *top;
    struct lf_list ready, dying, due;
    struct lf_list observers; /* see observer.c */
    struct lf_list pool;      /* free task records by link, each keeps its slot */
    lua_State *running;       /* the innermost thread that runs now; NULL: none */
    lua_State *blocked;       /* a state that cannot yield, under the running coroutine */
    struct lf_domain *adding; /* borrowed: of the group that makes a request just now */
    struct lf_maker *maker;   /* borrowed: of the registry; see request.h */
    struct lf_text *beside;   /* owned: why siblings of a bug are cancelled */
    struct lf_pulse *pulse;   /* owned; NULL: long slices are not seen */
    uint64_t readied;         /* tasks that were ever linked into `ready` */
    unsigned slice;           /* number of the one that runs; read by a signal handler */
    bool felt;                /* the pulse, in this slice */
    unsigned tasks;
    int slots;
    double lua;
    double relief; /* when a full collection may be made again */
    bool stopping;
};

/* The scheduler of a state: NULL before lf_sched_open. Every thread inherits it. */
static inline struct lf_sched *lf_sched_of(lua_State *L)
{
    return *(struct lf_sched **)lua_getextraspace(L);
}

extern const char lf_anchors;  /* registry key: the table that keeps threads and scopes */
extern const char lf_sentinel; /* address that waiting coroutines yield */

/* ---- task.c ---- */

/* [-(nargs+1), +0, m] Make a task of the function and arguments on the top, in `sc`
 * (NULL: top-level), ready to run. The caller's reference is borrowed until the task
 * ends. */
struct lf_task *lf_task_new(lua_State *L, struct lf_scope *sc, int nargs,
                            const char *where);
struct lf_task *lf_task_ref(struct lf_task *t);
void lf_task_unref(lua_State *L, struct lf_task *t); /* [-0, +0, -] NULL is fine */
void lf_task_cancel(struct lf_task *t, struct lf_text *why); /* why: borrowed */
void lf_scope_cancel(struct lf_scope *sc, struct lf_text *why);
void lf_task_bug(struct lf_task *t,
                 struct lf_text *bug); /* end it by a bug; bug: borrowed */
/* Its function is over: stop what it left open; it ends when nothing is left. */
void lf_task_over(struct lf_task *t, enum lf_outcome outcome);
void lf_scope_init(struct lf_scope *sc, struct lf_task *owner, bool call);
void lf_scope_report(struct lf_scope *sc); /* log the failures that nobody joined */
/* [-0, +n, v] The results, or nil, Error; a bug is raised. Returns n. */
int lf_task_results(lua_State *L, struct lf_task *t);
void lf_task_joined(struct lf_task *t); /* somebody has seen how it ended */
/* "file:line" of the function `level` levels up, or of the first above it that has a
 * line. */
void lf_task_where(lua_State *L, int level, char where[static LUA_IDSIZE + 12]);

/* ---- slice.c: on the main C stack only, no task running ---- */

void lf_task_resume(struct lf_task *t);
void lf_task_unwind(struct lf_task *t); /* one that was cancelled */

/* ---- pulse.c ---- */

/* Before each batch: look after its slices. */
void lf_pulse_start(struct lf_sched *s);
void lf_pulse_slice_over(struct lf_sched *s); /* one that felt it */
void lf_pulse_free(struct lf_pulse *p);

/* ---- scope.c ---- */

/* [-0, +1, m] Push a closed call in a userdata of `size` bytes with metatable `type`. */
struct lf_call *lf_call_new(lua_State *L, size_t size, int uservalues, const char *type);
/* [-0, +0, m] Open the call at `idx` for the running task: anchored until it is closed.
 */
void lf_call_open(lua_State *L, int idx);
void lf_call_cancel(struct lf_call *c, struct lf_text *why);
void lf_call_expire(struct lf_call *c); /* its time is over */
void lf_call_leave(struct lf_call *c,
                   struct lf_text *why);                  /* cancel, close when drained */
void lf_call_close(lua_State *L, struct lf_call *c);      /* drained; [-0, +0, -] */
void lf_call_judge(struct lf_call *c, struct lf_task *t); /* how a child has ended */
void lf_call_drained(struct lf_call *c);                  /* the last child has ended */
void lf_call_wake(struct lf_call *c);
/* [-0, +?, v] Wait for the call's next news in continuation k. */
int lf_call_wait(lua_State *L, struct lf_call *c, const char *what, lua_KContext ctx,
                 lua_KFunction k);
/* [-0, +0, v] Seconds at idx, `false` and nothing give LF_NEVER. */
double lf_check_seconds(lua_State *L, int idx, const char *what);

int lf_timeout_call(lua_State *L); /* lf.timeout */

/* ---- the Lua face: each adds its functions to the table on top ---- */

void lf_handle_register(lua_State *L);
void lf_handle_push(lua_State *L, struct lf_task *t);  /* [-0, +1, m] */
struct lf_task *lf_handle_test(lua_State *L, int idx); /* NULL: not a task */
void lf_scope_register(lua_State *L);
void lf_group_register(lua_State *L);
void lf_coroutine_install(lua_State *L); /* replace resume, wrap, … of `coroutine` */
void lf_wait_install(lua_State *L);      /* remember the functions that cannot yield */
void lf_sync_register(lua_State *L);     /* sync.h */

#endif
