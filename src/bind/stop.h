/* Ending a run before its script does: by a signal, or over a limit of the run.
 *
 * The first of them cancels the top-level task, and all ends in order: requests are
 * cancelled, `<close>` variables run, records are written. A script that does not come
 * back to the loop is interrupted by a hook. A second signal ends the process wherever it
 * is, and so does a limit of time when the run has not ended two seconds after it. */
#ifndef LF_BIND_STOP_H
#define LF_BIND_STOP_H

#include <lua.h>
#include <stdbool.h>
#include "engine/engine.h"

enum { LF_EXIT_LIMIT = 4 };

/* [-0, +0, -] From here on signals and limits end the run of this state; once. False when
 * memory ends. */
bool lf_stop_open(lua_State *L, struct lf_engine *eng);
/* Between these two a script that spins is interrupted. */
void lf_stop_begin(void);
void lf_stop_end(void);
void lf_stop_close(void); /* nothing is watched any more; harmless when nothing was */

/* In so many seconds the time of the run is over. */
void lf_stop_after(double seconds);

/* What ended the run: its exit code, 0: nothing did. */
int lf_stop_code(void);
const char *lf_stop_why(void); /* the sentence of a limit; NULL: none */
/* Over a limit that was not seen in the loop. */
void lf_stop_say(const char *why);

#endif
