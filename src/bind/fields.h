/* Header fields as scripts see them: `res.headers`. */
#ifndef LF_BIND_FIELDS_H
#define LF_BIND_FIELDS_H

#include <lua.h>
#include <stddef.h>

/* [-0, +1, m] An object over a copy of the block (http/headers.h): indexing ignores case
 * and joins repeated values by ", " (set-cookie: the first), pairs goes in wire order and
 * names every field. */
void lf_fields_push(lua_State *L, const char *block, size_t len);

/* [-0, +1, m] The same without a copy: the block belongs to the value at `owner`. */
void lf_fields_push_view(lua_State *L, const char *block, size_t len, int owner);

/* [-0, +1, m] The joined value of a name, or nil. */
void lf_fields_push_value(lua_State *L, const char *block, size_t len, const char *name,
                          size_t nlen);

/* [-0, +1, m] A list of all values of a name. */
void lf_fields_push_values(lua_State *L, const char *block, size_t len, const char *name,
                           size_t nlen);

#endif
