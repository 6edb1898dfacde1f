/* Where the items go beside the job: who writes them to which file, and how far it is.
 * The state is a text that only the writer understands. */
#include "modules/job/store.h"

struct holder {
    int64_t worker, until, last; /* last: the newest item */
};

static struct holder holder_of(struct store *s, const struct lf_buf *name)
{
    struct holder h = {0, 0, 0};
    sqlite3_stmt *st = store_row(s, SQL_OUTPUT_FIND, "t", name->p, name->len);
    if (!st)
        return h;
    h.worker = sqlite3_column_int64(st, 0);
    h.until = sqlite3_column_int64(st, 1);
    h.last = sqlite3_column_int64(st, 2);
    sqlite3_reset(st);
    return h;
}

/* It is given back only when nothing is left to write: whoever commits an item later
 * finds it free, and whoever did before can rely on its holder. */
static bool is_over(const struct job_op *op, const struct holder *h)
{
    return op->again && h->last <= op->n;
}

static void take(struct store *s, const struct job_op *op, const struct holder *h)
{
    int64_t until = is_over(op, h) ? 0 : s->now + op->term;
    store_exec(s, SQL_OUTPUT_SET, "tiit", op->in.p, op->in.len, s->worker, until,
               op->state.len ? op->state.p : NULL, op->state.len);
}

/* Who has lost it may not say any more how far it is. */
void job_output(struct store *s, struct job_op *op)
{
    struct holder h = holder_of(s, &op->in);
    bool ours = h.worker == s->worker && h.until, free = h.until <= s->now;
    bool says = op->state.len || op->again;
    if (ours || (free && !says))
        take(s, op, &h);
    sqlite3_stmt *st =
        store_row(s, SQL_OUTPUT_LOOK, "ti", op->in.p, op->in.len, s->worker);
    if (!st)
        return;
    store_emit(s, op, st, JOB_OUTPUT_COLUMNS);
    sqlite3_reset(st);
}
