/* Reading options tables by one table of rows: who may say an option where, how its value
 * is checked, and where that goes. For the files that hold rows and checkers. */
#ifndef LF_BIND_READER_H
#define LF_BIND_READER_H

#include <lua.h>
#include <stddef.h>
#include "bind/draft.h"

enum { LF_OPTION_NAME = 128, LF_LATER = 8 };

/* Reading one table: where we are, for sentences. */
struct lf_reader {
    lua_State *L;
    struct lf_draft *d;
    const char *who;           /* "fetch" */
    char name[LF_OPTION_NAME]; /* "tls.verify" */
    enum lf_where where;
};

/* The value is at the top of the stack and stays there. */
typedef void lf_option_fn(struct lf_reader *r, void *out);

struct lf_option {
    const char *name;
    unsigned where; /* enum lf_where, or LF_LATER: known, but not in this version */
    lf_option_fn *check;
    size_t out; /* offset in struct lf_draft of what the checker fills */
};

#define LF_ROWS(rows)   (sizeof(rows) / sizeof *(rows))
#define LF_OPT(field)   offsetof(struct lf_draft, c.opts.field)
#define LF_FIELD(field) offsetof(struct lf_draft, field)
#define LF_ANYWHERE     (LF_IN_REQUEST | LF_IN_TABLE | LF_IN_SESSION)
#define LF_ONE_REQUEST  (LF_IN_REQUEST | LF_IN_TABLE)

/* All raise wrong use at the script's line: marks [-0, +0, v]. */

/* Raise "fetch: option 'x' must be <want>, got <the value at the top>". */
void lf_reader_wrong(struct lf_reader *r, const char *want);
/* Memory ended, or a limit of size was passed. */
void lf_reader_keep(struct lf_reader *r, enum lf_err err);
/* A whole number from `least` to `most`, or false for `none`. */
lua_Integer lf_reader_whole(struct lf_reader *r, const char *want, lua_Integer least,
                            lua_Integer most, lua_Integer none);
/* A string that stays in the table it came from. */
const char *lf_reader_string(struct lf_reader *r, const char *want, size_t *n);
/* A text without NUL that the engine copies; until then its table keeps it. NULL for
 * false. */
const char *lf_reader_text(struct lf_reader *r, const char *want);

/* Read the table at `idx` by `n` rows, sorted by name; r->name is its own, "" outermost.
 */
void lf_reader_table(struct lf_reader *r, int idx, const struct lf_option *rows,
                     size_t n);
/* The same for a table within: at the top; names become "outer.inner". */
void lf_reader_inner(struct lf_reader *r, const struct lf_option *rows, size_t n,
                     const char *want);

lf_option_fn lf_read_seconds; /* a double; false: LF_NEVER */
lf_option_fn lf_read_bool;

#endif
