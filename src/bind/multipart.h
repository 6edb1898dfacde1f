/* Forms of many parts: the option `multipart`. */
#ifndef LF_BIND_MULTIPART_H
#define LF_BIND_MULTIPART_H

#include <lua.h>
#include "bind/draft.h"

/* [-0, +1, v] Read the list of parts at `idx` for option `name` ("fetch: option
 * 'multipart'") into d->c.opts and d->content_type. What is pushed keeps it all alive. */
void lf_multipart_read(lua_State *L, int idx, const char *name, struct lf_draft *d);

#endif
