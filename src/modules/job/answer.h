/* From rows to what a script gets. Marks in brackets are [-pop, +push, throws]. */
#ifndef LF_JOB_ANSWER_H
#define LF_JOB_ANSWER_H

#include <lua.h>
#include "modules/job/op.h"

/* [-0, +1, m] A list of tables with these fields, in the order of the columns; meta and
 * item are decoded unless `raw`. */
void answer_rows(lua_State *L, const struct job_op *op, bool raw);
/* [-0, +1, m] The first row alone. */
void answer_row(lua_State *L, const struct job_op *op);
/* [-0, +1, m] Who holds an output, and its state. */
void answer_output(lua_State *L, const struct job_op *op);
/* [-0, +1, m] The pace of a host. */
void answer_host(lua_State *L, const struct job_op *op);

#endif
