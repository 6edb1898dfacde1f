/* The counters of the run as a Lua table, and what is left over after a test.
 * Marks in brackets are [-pop, +push, throws]. */
#ifndef LF_BIND_STATS_H
#define LF_BIND_STATS_H

#include <lua.h>
#include "engine/engine.h"

struct lf_tally { /* all that is counted, of one process or of several together */
    struct lf_stats engine;
    unsigned tasks;
    double lua;         /* seconds spent in Lua */
    uint64_t under_way; /* bytes of files that are not whole yet */
};
void lf_tally_read(lua_State *L, struct lf_engine *eng, struct lf_tally *t);
/* Sums, of peaks and of seconds too. */
void lf_tally_add(struct lf_tally *sum, const struct lf_tally *t);

/* [-0, +1, m] The counters of so many seconds; the fields are declared in
 * lua/luafetch/types/stats.lua. */
void lf_stats_push(lua_State *L, const struct lf_tally *t, double elapsed);

/* [-0, +0, m] Add `stats()` and `leftovers()` to the table on top of the stack. */
void lf_stats_register(lua_State *L);

/* Requests that ended with `.ok` false: those without a response and those from 400. */
uint64_t lf_stats_failed(const struct lf_stats *s);

/* Seconds that this share (0 to 1) of the transfers did not exceed; 0 without any. */
double lf_stats_latency(const struct lf_stats *s, double share);

#endif
