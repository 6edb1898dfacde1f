/* What the files of src/bind share: metatable names, argument helpers, requests from
 * values. Marks in brackets are [-pop, +push, throws]. */
#ifndef LF_BIND_H
#define LF_BIND_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include "bind/lf_module.h"
#include "bind/task.h"
#include "engine/engine.h"

/* ---- error.c ---- */

/* [-0, +1, m] The Error of a request that failed (res->err is not LF_OK), or the `http`
 * Error of a response with status >= 400 (res->err is LF_OK). */
void lf_error_push_result(lua_State *L, const struct lf_result *res);
bool lf_error_is(lua_State *L, int idx); /* [-0, +0, -] is it an lf Error? */
/* [-0, +1, m] The table {queue=, dns=, …} in seconds. */
void lf_timings_push(lua_State *L, const struct lf_timings *t);

/* ---- request.c ---- */

/* [-0, +0, v] Make a request from (url | request table) at `idx` and an options table at
 * `opts` (0: none), with the defaults of the session at `session` (0: the run's). Wrong
 * use raises at level `level`. Returns NULL with nil, Error pushed when the request
 * cannot be (bad URL, CR in a header). What the request borrows (its body) is kept alive
 * by the value that is pushed on success (nil when nothing need be kept): anchor it until
 * lf_req_free. */
struct lf_req *lf_request_new(lua_State *L, int idx, int opts, int session);

/* [-0, +(1|2), m] What `fetch` returns for a request that ended: Response, or nil, Error.
 * Returns how many were pushed. Frees nothing. */
int lf_request_push(lua_State *L, struct lf_req *req);

/* ---- response.c ---- */

/* [-0, +1, m] A Response; takes res->body when it is large. */
void lf_response_push(lua_State *L, struct lf_result *res);

/* [-0, +0, m] Give the Response at the top its streaming request, which it then owns, and
 * what keeps alive what that borrows: the value at `anchor`. The function at `watch` (0:
 * none) is popped; it hears of progress when somebody reads. */
void lf_response_attach(lua_State *L, struct lf_req *req, int anchor, int watch);

/* [-0, +0, m] True when the value is "failed": .ok == false of a Response or an Error. */
bool lf_value_failed(lua_State *L, int idx);

/* ---- session.c ---- */

bool lf_session_is(lua_State *L, int idx); /* [-0, +0, -] */
/* [-0, +0, v] Where the session at `idx` admits its requests; raises when it is closed.
 */
struct lf_domain *lf_session_domain(lua_State *L, int idx);

#endif
