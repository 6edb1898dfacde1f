/* The text of a body: its bytes as UTF-8. */
#ifndef LF_BIND_DECODED_H
#define LF_BIND_DECODED_H

#include <lua.h>
#include <stddef.h>

/* [-0, +(1|2), m] The body at the top as UTF-8, by what its first bytes and the value of
 * its Content-Type field say; nil and an Error when nobody knows the charset. Returns how
 * many were pushed. */
int lf_decoded_push(lua_State *L, const char *type, size_t type_len, const char *url);

#endif
