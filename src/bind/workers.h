/* --workers: the process that starts the others, looks after them and tells what they do
 * together. It opens no engine and no Lua itself. */
#ifndef LF_BIND_WORKERS_H
#define LF_BIND_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include "bind/stats.h"
#include "bind/worker.h"

struct lf_workers_conf {
    unsigned n;
    double max_time; /* seconds; 0: no limit */
    bool progress;   /* a line for all */
};

struct lf_workers_end {
    int code;              /* the exit code of the run */
    struct lf_tally tally; /* of all */
    double elapsed;
};

/* Forks them, and returns when all have ended: NULL, with `end` filled. Returns in each
 * of them, too: the board, which it has become a part of.
 *
 * The first one runs alone until it has opened a job, so that a script without one runs
 * once. One that is killed is started again, five times in a run. Signals go to all of
 * them; they end with this process. What they write to stderr, and to a terminal, comes
 * out in whole lines. */
struct lf_board *lf_workers_run(const struct lf_workers_conf *conf,
                                struct lf_workers_end *end);

#endif
