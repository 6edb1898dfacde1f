/* What other bindings take from luafetch.url: query strings from Lua values, and a buffer
 * that survives an error in between. Marks in brackets are [-pop, +push, throws]. */
#ifndef LF_BIND_URL_H
#define LF_BIND_URL_H

#include <lua.h>
#include <stdbool.h>
#include "base/buf.h"

/* [-0, +1, m] Push a userdata that owns an empty buffer and frees it when collected; put
 * in place before work that may throw. lf_buf_free on it frees early. Valid while the
 * userdata is reachable. */
struct lf_buf *lf_buf_box(lua_State *L, size_t max);

/* [-0, +0, v] Append the params at `idx` as a form-urlencoded query, with '&' between
 * pairs and neither '?' nor '&' in front. A list of pairs {{"a", 1}, {"b", 2}} keeps its
 * order, a table {a = 1, b = 2} is sorted by name; a list as value repeats its name.
 * Raises at the caller's line, naming `what` ("params") and the key. Since it throws,
 * `out` must belong to something that outlives an error: see lf_buf_box. */
void lf_url_add_params(lua_State *L, int idx, const char *what, struct lf_buf *out);

/* [-0, +0, v] Append the text of the string, number or boolean at `idx`; `encode` is one
 * of lf_form_encode's kind. False, with nothing done, for other types. Raises for numbers
 * that are not finite. */
bool lf_url_add_scalar(lua_State *L, int idx, struct lf_buf *out,
                       enum lf_err (*encode)(struct lf_buf *, const char *, size_t));

/* [-0, +0, v] Raise unless err is LF_OK: what a buffer says when memory ends. */
void lf_buf_check(lua_State *L, enum lf_err err);

/* luafetch.url's registrable_domain. */
int lf_url_registrable(lua_State *L);

int luaopen_luafetch_url(lua_State *L);

#endif
