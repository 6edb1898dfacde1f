/* The counters of the run as a Lua table, and what is left over after a test.
 * Marks in brackets are [-pop, +push, throws]. */
#ifndef LF_BIND_STATS_H
#define LF_BIND_STATS_H

#include <lua.h>
#include "engine/engine.h"

/* [-0, +1, m] The counters since `started` (on the engine's clock); the fields are
 * declared in lua/luafetch/types/stats.lua. */
void lf_stats_push(lua_State *L, struct lf_engine *eng, double started);

/* [-0, +0, m] Add `stats()` and `leftovers()` to the table on top of the stack. */
void lf_stats_register(lua_State *L);

/* Requests that ended with `.ok` false: those without a response and those from 400. */
uint64_t lf_stats_failed(const struct lf_stats *s);

/* Seconds that this share (0 to 1) of the transfers did not exceed; 0 without any. */
double lf_stats_latency(const struct lf_stats *s, double share);

#endif
