/* Reading the body of a Response piece by piece: from the wire (`stream = true`), or from
 * the body that is there. */
#ifndef LF_BIND_STREAM_H
#define LF_BIND_STREAM_H

#include <lua.h>
#include <stdbool.h>
#include "engine/engine.h"

/* [-0, +1, m] Push a stream object that owns the request from now on; what that borrows
 * is kept alive by the value at `anchor`. The function at `watch` (0: none) hears of its
 * progress, in the task that reads. */
void lf_stream_push(lua_State *L, struct lf_req *req, int anchor, int watch);
/* [-0, +1, m] The same over a string at idx, which is kept alive. */
void lf_stream_push_string(lua_State *L, int idx);

/* Functions over the stream object at the top of the stack (a Response's methods). */
int lf_stream_read(lua_State *L, lua_Integer most); /* 0: what is there; yields */
int lf_stream_chunks(lua_State *L);                 /* [-0, +1, m] an iterator */
int lf_stream_lines(lua_State *L, bool events);   /* events: a lone CR ends a line too */
void lf_stream_close(lua_State *L);               /* [-0, +0, -] */
bool lf_stream_is_open(lua_State *L);             /* [-0, +0, -] nobody has closed it */
int lf_stream_push_anchor(lua_State *L, int idx); /* [-0, +1, -] returns its type */

#endif
