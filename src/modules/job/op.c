/* Making and freeing operations. */
#include "modules/job/op.h"

#include <stdlib.h>

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
    lf_buf_free(&op->in);
    lf_buf_free(&op->known);
    lf_buf_free(&op->items);
    lf_buf_free(&op->state);
    lf_buf_free(&op->out);
    free(op);
}
