/* The option `range`: which bytes of a document are wanted. */
#ifndef LF_BIND_RANGE_H
#define LF_BIND_RANGE_H

#include <lua.h>
#include <stdbool.h>
#include "base/buf.h"

/* [-0, +0, -] Put what the value at the top says into `out`, as the value of a Range
 * field (RFC 9110 §14.2); empty for false. LF_EREQUEST: it says no range. */
enum lf_err lf_range_read(lua_State *L, struct lf_buf *out);

#endif
