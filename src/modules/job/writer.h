/* The one writer of a job: collects the operations of all tasks and hands them to a
 * thread of the pool a group at a time, each group one transaction. Lives on the Lua
 * thread; the thread has the store and the group while `busy`.
 *
 * The first operation starts a group; those that come while it is written, or within 5 ms
 * of its start, make the next one. A task waits until its group is committed. */
#ifndef LF_JOB_WRITER_H
#define LF_JOB_WRITER_H

#include <stdbool.h>
#include "modules/job/op.h"
#include "modules/job/store.h"

struct writer {
    struct lf_engine *eng; /* borrowed: drop() comes before it goes */
    struct lf_job job;
    struct lf_timer timer;
    struct lf_list waiting, group; /* of job_op; group: the thread's while busy */
    unsigned count;                /* in waiting */
    bool busy;
    bool closing; /* nothing more is taken */
    bool orphan;  /* its owner has gone: free it when it rests */
    double begun; /* when the last group was */
    struct store store;
};

/* `path` NULL: a job without a name. NULL: no memory. */
struct writer *writer_new(struct lf_engine *eng, const char *path);
/* Takes the operation until it has ended: then it wakes op->task, or is freed. */
void writer_add(struct writer *w, struct job_op *op);
/* The caller is no longer interested: a claim's leases go back. Frees it in the end. */
void writer_abandon(struct writer *w, struct job_op *op);
/* Give leases back and close the file, if that was not done; then free everything. */
void writer_free(struct writer *w);

#endif
