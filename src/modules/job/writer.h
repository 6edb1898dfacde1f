/* The one writer of a job: collects the operations of all tasks and hands them to a
 * thread of the pool a group at a time, each group one transaction. Lives on the Lua
 * thread; the thread has the store and the group while `busy`.
 *
 * The first operation starts a group; those that come while it is written, or within 5 ms
 * of its start, make the next one. A task waits until its group is committed. */
#ifndef LF_JOB_WRITER_H
#define LF_JOB_WRITER_H

#include <stdbool.h>
#include "modules/job/engine.h"
#include "modules/job/store.h"

struct writer {
    struct job_engine base;
    struct lf_engine *eng; /* borrowed: drop() comes before it goes */
    struct lf_job job;
    struct lf_timer timer;
    struct lf_list waiting, group; /* of job_op; group: the thread's while busy */
    struct lf_list settled;        /* of job_op: their tasks do not yet know */
    unsigned count;                /* in waiting */
    bool busy;
    bool orphan;  /* its owner has gone: free it when it rests */
    double begun; /* when the last group was */
    struct store store;
};

#endif
