/* Files that a job's items are written to, for luafetch/output.lua: one process at a
 * time, from where the job says that the last one stopped. */
#ifndef LF_BIND_OUTFILE_H
#define LF_BIND_OUTFILE_H

#include <lua.h>

/* [-0, +0, m] Add open_output to the table at the top. */
void lf_outfile_register(lua_State *L);

#endif
