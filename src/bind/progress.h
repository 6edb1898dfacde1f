/* The progress line: one line on stderr for all requests, above it a bar for every big
 * download to a file; rewritten in place at most five times a second, never wider than
 * the terminal, erased before anything else is written. */
#ifndef LF_BIND_PROGRESS_H
#define LF_BIND_PROGRESS_H

#include <lua.h>
#include "engine/engine.h"

struct lf_progress;

/* Starts when the first request does. NULL when memory ends: a run without the line.
 * Takes the hook of base/log.h. Without an engine it is drawn by lf_progress_show alone.
 */
struct lf_progress *lf_progress_new(struct lf_engine *eng);
/* Draw the line for all; nothing happens before the first request. */
void lf_progress_show(struct lf_progress *p, const struct lf_stats *s, uint64_t under_way,
                      double elapsed);
void lf_progress_free(struct lf_progress *p); /* erases the line; before the engine */

/* [-0, +0, m] Have print, io.write and file:write erase the line first: for a script that
 * writes to the terminal on which the line stands. */
void lf_progress_guard(lua_State *L);

#endif
