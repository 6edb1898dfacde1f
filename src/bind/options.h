/* Options tables of fetch, sessions and groups → struct lf_opts. One static table says
 * which names exist, where they may stand and how a value is checked; a new option is one
 * row there. Wrong types and unknown names raise at the caller's line; what only cannot
 * be sent (a line break in a header) is kept as a failure of the request. */
#ifndef LF_BIND_OPTIONS_H
#define LF_BIND_OPTIONS_H

#include <lua.h>
#include <stdbool.h>
#include "bind/draft.h"

/* [-0, +0, v] Read the options table at `idx`; `who` begins the sentences: "fetch". What
 * is read later wins over what was read before. */
void lf_options_read(lua_State *L, struct lf_draft *d, int idx, enum lf_where where,
                     const char *who);

/* [-0, +1, m] Push a list of the names that may stand there, or may in later versions. */
void lf_options_push_names(lua_State *L, enum lf_where where);

/* [-0, +(0|1), -] Push the session that the request table at `idx`, or else the options
 * at `opts` (0: none), names; false, with nothing pushed, when there is none. */
bool lf_options_session(lua_State *L, int idx, int opts);

#endif
