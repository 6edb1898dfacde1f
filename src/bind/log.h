/* lf.log: debug, info, warn, error; values joined by spaces, one line on stderr. */
#ifndef LF_BIND_LOG_H
#define LF_BIND_LOG_H

#include <lua.h>

void lf_log_push(lua_State *L); /* [-0, +1, m] Push the table lf.log. */

#endif
