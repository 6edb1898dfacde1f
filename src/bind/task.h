/* Tasks: Lua coroutines that wait. One scheduler, one Lua thread. How a C function waits
 * stands in lf_module.h.
 *
 * A task has at most one pending operation (`struct lf_wait`). The scheduler calls its
 * `cancel` exactly once unless the operation's continuation took it back first
 * (lf_task_unwait); so an operation needs no box of its own: whatever way its task ends,
 * cancel frees it. Waking only links a task into the ready list; Lua runs later, inside
 * the resumed coroutine, where even the end of memory is that task's own error. Marks in
 * brackets are [-pop, +push, throws]. */
#ifndef LF_BIND_TASK_H
#define LF_BIND_TASK_H

#include <lua.h>
#include <stdbool.h>
#include "base/list.h"
#include "bind/lf_module.h"
#include "engine/engine.h"

struct lf_scope;

/* ---- admission ---- */

/* Where the running task's requests are admitted: the run's domain, or that of the group
 * (gather, each … with limit or per_host) it works for. Ask it once per request. */
struct lf_domain *lf_task_domain(lua_State *L);
/* That of the group that makes a request just now: it goes before the session's, which is
 * above it. NULL: no group, or it has no limits. */
struct lf_domain *lf_task_group_domain(lua_State *L);

/* The run's own, whatever group is open. */
struct lf_domain *lf_task_run_domain(lua_State *L);

/* ---- the scheduler ---- */

enum lf_run_end {
    LF_RUN_OK,
    LF_RUN_ERROR,      /* a script error; its text is on top of L's stack */
    LF_RUN_INTERRUPTED /* lf_sched_stop */
};

/* [-0, +0, m] Put the scheduler into L; once per state, before other threads are made:
 * they inherit it through lua_getextraspace. Replaces functions of `coroutine`, so the
 * standard libraries are opened before. The engine outlives it. */
void lf_sched_open(lua_State *L, struct lf_engine *eng, struct lf_domain *domain);

/* [-(nargs+1), +(0|1), -] Run a function as the top-level task until it and all its
 * descendants have ended. On LF_RUN_ERROR the message with its traceback is pushed. */
enum lf_run_end lf_sched_run(lua_State *L, int nargs);

/* [-1, +(0|1), -] Run a function as a program of its own over another engine, inside a
 * running task, while everything else stands still. For luafetch.test. */
enum lf_run_end lf_sched_nested(lua_State *L, struct lf_engine *eng,
                                struct lf_domain *domain);

/* Ask the run to end: cancels the top-level task. Callable from engine callbacks. */
void lf_sched_stop(lua_State *L);

/* The thread that runs now, innermost coroutine, for lua_sethook by a signal handler:
 * only a hook stops a script that does not wait. NULL: none. */
lua_State *lf_sched_running(lua_State *L);

struct lf_sched_stats {
    unsigned tasks; /* alive */
    double lua;     /* seconds spent in Lua */
};
struct lf_sched_stats lf_sched_stats(lua_State *L);

/* [-0, +0, m] Add spawn, background, scope, timeout, sleep, now, and what tasks.lua
 * builds upon, to the table on top of the stack. */
void lf_task_register(lua_State *L);

#endif
