/* The limits of the run (struct lf_quota): set for the engine, for Lua's allocator and
 * for the clock that ends a script which does not come back; and lf.limits. */
#ifndef LF_BIND_LIMITS_H
#define LF_BIND_LIMITS_H

#include <lua.h>
#include <stdbool.h>
#include "engine/engine.h"

/* [-0, +0, -] Tighten them: what is looser than by now changes nothing. */
void lf_limits_set(lua_State *L, struct lf_engine *eng, const struct lf_quota *q);
/* The script has ended, with that error or NULL; what is left may take memory as it
 * needs. When the limit of memory caused the error, that ended the run: see stop.h. */
void lf_limits_lift(struct lf_engine *eng, const char *error);

/* [-0, +1, m] Push the function lf.limits. */
void lf_limits_push(lua_State *L);

#endif
