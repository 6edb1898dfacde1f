/* retry.on_retry: functions that are told of further attempts, between two tasks. */
#ifndef LF_BIND_OBSERVER_H
#define LF_BIND_OBSERVER_H

#include "bind/sched.h"

/* [-1, +0, m] The function at the top is to be told of one request, which takes it over.
 */
struct lf_retry_watch *lf_observer_new(lua_State *L);

/* Outside of all tasks: call the functions, free those whose requests have gone. */
void lf_observers_tell(struct lf_sched *s);
void lf_observers_free(struct lf_sched *s); /* the state is being closed: no Lua */

#endif
