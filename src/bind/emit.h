/* lf.emit: records as JSON lines to standard output or a file, as CSV to a file .csv. A
 * file that was there is made anew by the first record, or by the end of a run without
 * any; unless a job takes the file, which knows how far it is.
 *
 * A record is written whole or not at all. They wait in a buffer that is written when it
 * is large, 100 ms after something came into it, at the end, and on a terminal at once.
 * The program ignores SIGPIPE, so that a reader who went away is an error like others:
 * from then on every emit raises an `io` Error that names the file. */
#ifndef LF_BIND_EMIT_H
#define LF_BIND_EMIT_H

#include <lua.h>
#include <stdbool.h>
#include "base/err.h"

struct lf_emit_conf {
    const char *path; /* a file; NULL: standard output */
    const char
        *columns; /* of CSV, as a line of it; NULL: the fields of the first records */
};

/* [-0, +0, e] Open the target. LF_EIO with *why a sentence that names the file, owned by
 * the state; LF_EREQUEST: the columns are none. After lf_lib_open. */
enum lf_err lf_emit_open(lua_State *L, const struct lf_emit_conf *conf, const char **why);

/* [-0, +0, -] The end of all records, of a run that went well or not: write what waits;
 * false when that fails, now or before. */
bool lf_emit_flush(lua_State *L, bool well);

/* From another thread, when the process is about to end: write the whole records that
 * wait, as far as that goes without waiting. */
void lf_emit_rescue(void);

/* [-0, +0, -] Write what waits and close. LF_EIO when some record was lost, then *why is
 * as above: the script has had it as an Error of `emit`, which it may have caught. Once,
 * before lua_close. */
enum lf_err lf_emit_close(lua_State *L, bool well, const char **why);

/* [-0, +0, m] Add emit, and what luafetch/output.lua needs, to the table at the top. */
void lf_emit_register(lua_State *L);

#endif
