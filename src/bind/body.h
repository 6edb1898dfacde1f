/* Bodies that are more than a string: forms of many parts, and functions that bring one
 * chunk after the other while the request goes. */
#ifndef LF_BIND_BODY_H
#define LF_BIND_BODY_H

#include <lua.h>
#include "bind/draft.h"

/* [-0, +1, v] Read the list of parts at `idx` for option `name` ("fetch: option
 * 'multipart'") into d->c.opts and d->content_type. What is pushed keeps it all alive. */
void lf_multipart_read(lua_State *L, int idx, const char *name, struct lf_draft *d);

/* [-0, +1, m] Push the box that will own the request whose body the function at `idx`
 * makes; as an anchor it is at the top when lf_request_make returns. */
void lf_feeder_push(lua_State *L, int idx);

/* [yields, throws] Submit the request, feed it from the box at the top, and give what
 * fetch gives. An error in the function frees the request. */
int lf_feeder_run(lua_State *L, struct lf_req *req);

#endif
