/* JSON (RFC 8259) for scripts and for the other bindings: lf.json, Response:json(), emit
 * and the json= option.
 *
 * Lua errors may be raised out of every function marked with e or m; nothing leaks then,
 * provided that a buffer handed in belongs to something Lua collects. */
#ifndef LF_BIND_JSON_H
#define LF_BIND_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <lua.h>
#include "base/buf.h"

#define LF_JSON_MAX_DEPTH  512 /* of nested arrays and objects, both ways */
#define LF_JSON_MAX_INDENT 16

struct lf_json_style {
    int indent;     /* spaces a level; 0: all in one line */
    bool sort_keys; /* integers first, then strings by their bytes */
    bool lossy;     /* bytes that are not UTF-8 become U+FFFD instead of an error */
};

/* [-0, +1, m] The value, and 1. [-0, +2, m] nil, a parse Error naming line and column,
 * and
 * 2. The text stays the caller's and must live until this returns; `url` may be NULL. */
int lf_json_decode(lua_State *L, const char *text, size_t n, const char *url);

/* [-0, +0, e] Append the value at `idx`. Raises, naming the path, for what JSON cannot
 * say; `out` is then as it was, except when it is memory that ended. It is unwound by
 * longjmp: `out` must not live on the C stack. `style` may be NULL: all zero. */
void lf_json_encode(lua_State *L, int idx, struct lf_buf *out,
                    const struct lf_json_style *style);

/* [-0, +1, m] An empty buffer in a userdata that owns it, for lf_json_encode. It may be
 * freed early with lf_buf_free. */
struct lf_buf *lf_json_push_buf(lua_State *L);

/* [-0, +1, -] json.null: a light userdata, true as a condition. */
void lf_json_push_null(lua_State *L);

/* [-0, +0, -] */
bool lf_json_is_null(lua_State *L, int idx);

/* [-0, +1, m] The metatable that marks a table as an array, however empty it is. */
void lf_json_push_array_meta(lua_State *L);

/* Length of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7), 0 if none. */
size_t lf_json_utf8_len(const char *p, const char *end);

/* To the first byte of a string that does not stand for itself in JSON: a quote, a
 * backslash, a control, a byte that is not UTF-8; or the end. */
const char *lf_json_skip_plain(const char *p, const char *end);

int luaopen_luafetch_json(lua_State *L);

#endif
