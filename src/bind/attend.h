/* Requests that their task attends to while they go: it is woken to call functions of the
 * script, one that brings the body (`body`), one that hears how far it is
 * (`on_progress`). Both run in the task that fetches and may wait. */
#ifndef LF_BIND_ATTEND_H
#define LF_BIND_ATTEND_H

#include <lua.h>
#include "bind/bind.h"

#define LF_PROGRESS_EVERY 0.1 /* seconds between two calls of on_progress, at least */

/* [-0, +1, m] Push the box that will own a request, with the function at index `body`,
 * which brings its body, and the one at `watch`, its on_progress; 0: none. */
void lf_attend_push(lua_State *L, int body, int watch);
/* [-0, +0, -] Have the box at `box` also call what the one at `from` would. */
void lf_attend_watch(lua_State *L, int box, int from);

/* [yields, throws] Submit the request, attend to it from the box at `box`, and give what
 * fetch gives; what keeps its body alive is at the top. An error in a function frees it.
 */
int lf_attend_run(lua_State *L, struct lf_req *req, int box);

/* [-0, +1, m] The table that on_progress gets. */
void lf_amounts_push(lua_State *L, const struct lf_amounts *a);
/* Why a request was given up for it. */
extern const char lf_progress_stopped[];

#endif
