/* Making requests from Lua values: what fetch, sessions and groups share. The face for
 * groups is in bind.h. */
#ifndef LF_BIND_REQUEST_H
#define LF_BIND_REQUEST_H

#include <lua.h>
#include "bind/config.h"
#include "bind/options.h"
#include "bind/session.h"

/* One a state: the defaults of the run, and memory that every request is made in. Nothing
 * in it is held across a wait. */
struct lf_maker {
    struct lf_config run;
    struct lf_draft draft;
    struct lf_url url;
    struct lf_buf text; /* what `url` was parsed from, without a base; empty: not known */
    bool watched;       /* the request that was made last has an on_progress */
    struct lf_op *ops;  /* owned: free ones, see fetch.c */
};

/* [-0, +(0|1), -] Push what the request table at `idx`, or else the options at `opts` (0:
 * none), says for option `name`; false, with nothing pushed, when neither says anything.
 */
bool lf_request_said(lua_State *L, int idx, int opts, const char *name);

/* [-0, +0, m] Put an empty maker into the state; once. */
struct lf_maker *lf_maker_open(lua_State *L);
struct lf_maker *lf_maker_get(lua_State *L); /* [-0, +0, -] */

/* As lf_request_new, for the function `who` ("fetch.get") and its method (NULL: GET, or
 * POST when there is a body). */
struct lf_req *lf_request_make(lua_State *L, int idx, int opts, int session,
                               const char *who, const char *method);

/* ---- fetch.c ---- */

/* [-0, +1, m] Push the callable table `fetch`. */
void lf_fetch_push(lua_State *L);
/* [-0, +0, m] Add fetch, get, post … as methods to the table at the top. */
void lf_fetch_add_methods(lua_State *L);
void lf_op_free_all(struct lf_op *ops);

#endif
