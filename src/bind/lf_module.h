/* The one door for loadable modules (src/modules, and modules by others): whatever a
 * module may ask of luafetch stands here. Everything runs on the Lua thread.
 *
 * Marks in brackets are [-pop, +push, throws]. */
#ifndef LF_BIND_MODULE_H
#define LF_BIND_MODULE_H

#include <lua.h>
#include "base/err.h"

/* [-0, +1, m] Push an lf Error. `url` may be NULL. The message is one sentence without
 * the URL; tostring(err) appends ": URL" itself. */
void lf_error_push(lua_State *L, enum lf_err kind, const char *url, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* [-0, +2, m] nil, Error: `return lf_error_fail(L, LF_EPARSE, NULL, "…")`. Returns 2. */
int lf_error_fail(lua_State *L, enum lf_err kind, const char *url, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
