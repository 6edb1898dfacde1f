/* The progress line: one line on stderr for all requests, above it a bar for every big
 * download to a file; rewritten in place at most five times a second, never wider than
 * the terminal, erased before anything else is written. */
#ifndef LF_BIND_PROGRESS_H
#define LF_BIND_PROGRESS_H

#include <lua.h>
#include "engine/engine.h"

struct lf_progress;

/* Starts when the first request does. NULL when memory ends: a run without the line.
 * Takes the hook of base/log.h. */
struct lf_progress *lf_progress_new(struct lf_engine *eng);
void lf_progress_free(struct lf_progress *p); /* erases the line; before the engine */

/* [-0, +0, m] Have print, io.write and file:write erase the line first: for a script that
 * writes to the terminal on which the line stands. */
void lf_progress_guard(lua_State *L);

#endif
