/* Where an answer points at: Link headers (RFC 8288), `res.links`, and Refresh,
 * `res.refresh`. */
#ifndef LF_BIND_LINKS_H
#define LF_BIND_LINKS_H

#include <lua.h>
#include <stddef.h>

/* [-0, +1, m] The links of a header block (http/headers.h): a list in their order, and by
 * relation the first of it; each with its absolute `url` and its parameters. */
void lf_links_push(lua_State *L, const char *block, size_t len, const char *url);
/* [-0, +1, m] {seconds, url} of its first Refresh field, or nil. */
void lf_refresh_push(lua_State *L, const char *block, size_t len, const char *url);

#endif
