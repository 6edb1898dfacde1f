/* What tasks wait for among themselves: semaphore, event, queue, limiter, flight.
 *
 * All of them are lines: tasks stand in the order they came. Whoever is called has got
 * what it waited for from that moment on, before it runs again; nobody can be quicker. If
 * it is cancelled in between, its cancel() gives that on to the next. Marks in brackets
 * are [-pop, +push, throws]. */
#ifndef LF_BIND_SYNC_H
#define LF_BIND_SYNC_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include "bind/sched.h"

/* Put the running task at the end of the line, as waiting: it may be called at once. Ask
 * lf_task_check before. `at` is what cancel() gets from lf_line_leave; `n` is for it. */
void lf_line_stand(lua_State *L, struct lf_list *line, struct lf_wait wait, void *at,
                   double n);

/* `return lf_line_wait(L, k)` after lf_line_stand. */
int lf_line_wait(lua_State *L, lua_KFunction k);

/* The first one's turn; false: nobody is there. No Lua. */
bool lf_line_call(struct lf_list *line);
double lf_line_first(const struct lf_list *line); /* its n; the line is not empty */
void lf_line_dismiss(struct lf_list *line);       /* wake all; it is nobody's turn */

/* In the continuation, first of all: it waits no more. Was it called? */
bool lf_line_called(lua_State *L);

/* In cancel(): out of the line. Returns `at` if it had been called already, else NULL. */
void *lf_line_leave(struct lf_wait *w);

/* [-0, +0, m] Make the metatable `type`; methods end up in its __index. */
void lf_sync_class(lua_State *L, const char *type, const luaL_Reg *meta,
                   const luaL_Reg *methods);
/* [-0, +0, v] A whole number from 1 at idx; wrong use names `what`. */
lua_Integer lf_sync_count(lua_State *L, int idx, const char *what);

/* Each adds its functions to the table on top. */
void lf_semaphore_register(lua_State *L);
void lf_event_register(lua_State *L);
void lf_queue_register(lua_State *L);
void lf_limiter_register(lua_State *L);
void lf_flight_register(lua_State *L);

#endif
