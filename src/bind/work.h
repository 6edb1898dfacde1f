/* What a task works for: a number that its children inherit, such as that of the page of
 * a crawl, and the session within whose limits its plain requests go. What the number
 * means is known to the Lua file that gave it; records that the task emits go there. */
#ifndef LF_BIND_WORK_H
#define LF_BIND_WORK_H

#include <lua.h>
#include <stdbool.h>

/* [-0, +(0|1), -] Push the function that takes the records of the running task; false,
 * with nothing pushed, when it works for nothing. */
bool lf_work_push_taker(lua_State *L);

/* [-0, +0, m] Add work_for, working_for, take_records and response_add to the table at
 * the top. */
void lf_work_register(lua_State *L);

#endif
