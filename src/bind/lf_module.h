/* The one door for loadable modules (src/modules, and modules by others): whatever a
 * module may ask of luafetch stands here. Everything runs on the Lua thread.
 *
 * A module that waits does so in three steps: lf_task_check, before it acquires anything;
 * start what will call lf_task_wake from a timer, a descriptor, a job or a connection
 * (engine/io.h); return lf_task_wait. Nothing wakes a task before it waits.
 *
 * Marks in brackets are [-pop, +push, throws]. */
#ifndef LF_BIND_MODULE_H
#define LF_BIND_MODULE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "bind/json.h" /* values as JSON */
#include "engine/io.h"

struct lf_task;

/* ---- errors ---- */

/* [-0, +1, m] Push an lf Error. `url` may be NULL. The message is one sentence without
 * the URL; tostring(err) appends ": URL" itself. */
void lf_error_push(lua_State *L, enum lf_err kind, const char *url, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* [-0, +2, m] nil, Error: `return lf_error_fail(L, LF_EPARSE, NULL, "…")`. Returns 2. */
int lf_error_fail(lua_State *L, enum lf_err kind, const char *url, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same of an invalid URL, which is shown without user and password; url may be NULL.
 */
int lf_error_bad_url(lua_State *L, const char *what, const char *why, const char *url);

/* [-0, +0, v] Wrong use: raise at the script's own line. */
int lf_misuse(lua_State *L, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- waiting: for C functions called from a task ---- */

struct lf_wait {
    void (*cancel)(struct lf_wait *w); /* stop it and free it; no Lua, no wake */
    const char *what;                  /* "fetch", "sleep": for reports of who waits */
};

/* [-0, +0, v] Raise unless the running function may wait here; `name` is the function the
 * script called ("fetch"). The error names what stands in the way (table.sort, gsub,
 * require, __gc, __tostring) and the way out. Call it before acquiring anything. */
void lf_task_check(lua_State *L, const char *name);
/* Whether lf_task_check would pass: for __close, which never waits when its task was
 * cancelled or ends by an error. */
bool lf_task_may_wait(lua_State *L);

/* Suspend the running task until lf_task_wake; `return lf_task_wait(L, w, ctx, k)`. */
int lf_task_wait(lua_State *L, struct lf_wait *w, lua_KContext ctx, lua_KFunction k);

/* Whether the running slice has lasted so long (20 to 30 ms) that an operation with its
 * answer at hand has to let the others run first, if it may: a source that never dries up
 * must not keep them from their turn. */
bool lf_task_overdue(lua_State *L);
/* Let the others run: `return lf_task_pass(L, "stream", ctx, k)`; k begins with
 * lf_task_unwait. */
int lf_task_pass(lua_State *L, const char *what, lua_KContext ctx, lua_KFunction k);

/* Take the pending operation back: for a continuation that frees it itself, directly
 * before it does, so that an error raised earlier leaves it to the task. */
void lf_task_unwait(lua_State *L);

/* Link the task into the ready list. No Lua, callable from engine callbacks; harmless
 * when it is ready already, or waits for nothing. */
void lf_task_wake(struct lf_task *t);

struct lf_task *lf_task_current(lua_State *L); /* NULL outside of any task */
struct lf_engine *lf_task_engine(lua_State *L);

/* The run keeps its state where other processes can work on it, too: with --workers they
 * are started now. */
void lf_run_shares(void);

/* ---- connections, opened by a script's URL and options ---- */

struct lf_dial {
    const char *who; /* begins the sentences of wrong use: "websocket" */
    int url, opts;   /* stack indices; opts: a table, or 0 for none */
    /* Options of the module's own, ended by NULL: passed over here. Beside them there are
     * those of fetch that are about the way to the server. */
    const char *const *own;
    const char *upgrade;        /* see lf_conn_opts */
    const char *const *schemes; /* "ws", "http", "wss", "https", NULL: what a URL may
                                   have, and which of the two it means */
    const char *const
        *fields; /* name, value, …, NULL: header fields that the module
                    makes  and a script may not; a NULL value only forbids */
    lf_conn_fn *news;
    void *arg;
};

/* [-0, +1, v] Start to connect. True: *out, which must be in a box by now, owns the
 * connection, and the URL without user and password is pushed. False: an Error is. */
bool lf_dial(lua_State *L, const struct lf_dial *d, struct lf_conn **out);

/* [-0, +1, m] The Error of a connection that has failed, with phase and status. */
void lf_conn_push_error(lua_State *L, const struct lf_conn *c, const char *url);

/* [-0, +1, m] The answer's header fields, as `res.headers`. */
void lf_conn_push_headers(lua_State *L, const struct lf_conn *c);
/* The value of one of them, the only one of that name; NULL: none, or several. */
const char *lf_conn_header(const struct lf_conn *c, const char *name);
bool lf_conn_has_header(const struct lf_conn *c, const char *name);

/* ---- bytes ---- */

bool lf_utf8_valid(const char *s, size_t n);

#endif
