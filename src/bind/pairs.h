/* Ordered things of the Lua contract (headers, params, form): a table {name = value} or a
 * list of pairs {{name, value}, …}. A value is a string, a number or a boolean, or a list
 * of these for a name that repeats. A list of pairs keeps its order; a table, which has
 * none in Lua, is read in byte order of the names, so that equal scripts send equal
 * requests. */
#ifndef LF_BIND_PAIRS_H
#define LF_BIND_PAIRS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

struct lf_pair {
    const char *name, *value; /* borrowed during the call */
    size_t name_len, value_len;
    bool is_false; /* the value was `false`; value is "false" */
};

typedef enum lf_err lf_pair_fn(void *arg, const struct lf_pair *pair);

/* [-0, +0, v] Call fn for every pair of the value at `idx`, until it fails. `what` begins
 * the sentence that wrong use raises: "fetch: option 'headers'". `sort` is memory to work
 * in, its content is lost. */
enum lf_err lf_pairs_each(lua_State *L, int idx, const char *what, struct lf_buf *sort,
                          lf_pair_fn *fn, void *arg);

#endif
