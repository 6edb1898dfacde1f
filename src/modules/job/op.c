/* Making and freeing operations. */
#include "modules/job/op.h"

#include <stdlib.h>
#include <string.h>

struct job_op *job_op_new(enum job_op_kind kind)
{
    struct job_op *op = calloc(1, sizeof *op);
    if (!op)
        return NULL;
    lf_list_init(&op->link);
    lf_buf_init(&op->in, LF_BUF_MAX);
    lf_buf_init(&op->known, LF_BUF_MAX);
    lf_buf_init(&op->items, LF_BUF_MAX);
    lf_buf_init(&op->state, LF_BUF_MAX);
    lf_buf_init(&op->out, LF_BUF_MAX);
    op->kind = kind;
    return op;
}

void job_op_free(struct job_op *op)
{
    if (!op)
        return;
    lf_list_remove(&op->link);
    lf_buf_free(&op->in);
    lf_buf_free(&op->known);
    lf_buf_free(&op->items);
    lf_buf_free(&op->state);
    lf_buf_free(&op->out);
    free(op);
}

/* The first two cells of a row; returns its end. */
static const char *read_lease(const char *p, struct job_lease *lease)
{
    for (int i = 0; i < JOB_CLAIM_COLUMNS; i++) {
        struct job_cell c;
        memcpy(&c, p, sizeof c);
        p += sizeof c + (c.len > 0 ? (size_t)c.len : 0);
        if (i == 0)
            lease->id = c.number;
        if (i == 1)
            lease->token = c.number;
    }
    return p;
}

bool job_op_release(struct job_op *op)
{
    struct job_lease lease = {0, 0};
    if (op->kind != JOB_CLAIM || op->err || !op->rows)
        return false;
    lf_buf_reset(&op->in);
    for (const char *p = op->out.p, *end = p + op->out.len; p < end;) {
        p = read_lease(p, &lease);
        if (lf_buf_add(&op->in, &lease, sizeof lease))
            return false;
    }
    op->kind = JOB_RELEASE;
    op->begun = op->ended = false;
    return true;
}

void job_ops_leave(struct lf_list *settled)
{
    for (struct lf_list *n = lf_list_shift(settled); n; n = lf_list_shift(settled))
        lf_container(n, struct job_op, link)->engine = NULL;
}
