/* What the files that hold methods of Response share. In all of them the Response is
 * at 1, where nothing else is said. */
#ifndef LF_BIND_RESPONSE_H
#define LF_BIND_RESPONSE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

bool lf_response_is(lua_State *L, int idx); /* [-0, +0, -] */
/* [-0, +0, v] Raises unless it is a Response. */
void lf_response_check(lua_State *L);

/* [-0, +1, m] What is kept under `name`: true when there is something. */
bool lf_response_cached(lua_State *L, const char *name);
/* [-0, +0, m] Keep the value at the top, which stays there. */
void lf_response_cache(lua_State *L, const char *name);

/* [-0, +0, -] The charset of the Content-Type header, or NULL. */
const char *lf_response_charset(lua_State *L, size_t *len);

/* [-0, +1, m] Its stream; over its body when that is here already. */
void lf_response_push_stream(lua_State *L);
/* [-0, +(0|1), -] The stream of the Response at `idx`; false, with nothing pushed, when
 * it has none so far. */
bool lf_response_has_stream(lua_State *L, int idx);
/* [-1, +0, -] Give the Response at `idx` the stream at the top. */
void lf_response_set_stream(lua_State *L, int idx);

/* [-0, +1, e] The function `name` of a module, which is loaded when need be. */
void lf_response_push_function(lua_State *L, const char *module, const char *name);

/* response_add(response, table) → response: a crawl's pages have fields of their own,
 * which are looked for when a Response has none of that name. */
int lf_response_add(lua_State *L);

/* page.c: methods that read the body as a document; they may wait. */
int lf_response_html(lua_State *L);
int lf_response_xml(lua_State *L);
int lf_response_feed(lua_State *L);

#endif
