/* What keeps a job: one of several engines, chosen by the name that a script gives. A
 * handle holds one; operations go in and wake their tasks when they have ended. All on
 * the Lua thread. */
#ifndef LF_JOB_ENGINE_H
#define LF_JOB_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include "bind/lf_module.h"
#include "modules/job/op.h"

struct job_choice {     /* of whoever opened it */
    bool create;        /* ... when it is not there */
    bool readonly;      /* only looked at */
    bool sync;          /* commits outlive the end of power, too */
    int64_t patience;   /* µs to wait until it can be written */
    int64_t deliveries; /* of one URL, then it has failed */
};

struct job_engine;

struct job_engine_ops {
    const char *scheme; /* names that begin so are its own; NULL: all others */
    int64_t patience;   /* µs, unless the script says */
    /* LF_EURL sets *why: what is wrong with the name. NULL: a job without one. */
    enum lf_err (*make)(struct lf_engine *eng, const char *name, struct job_engine **out,
                        const char **why);
    /* Takes the operation until it has ended: then it wakes op->task, or is freed. */
    void (*add)(struct job_engine *e, struct job_op *op);
    /* The caller is no longer interested: a claim's leases go back. Frees it in the end.
     */
    void (*abandon)(struct job_engine *e, struct job_op *op);
    /* Give leases back and close, if that was not done; then free everything. */
    void (*free)(struct job_engine *e);
};

struct job_engine { /* begins every engine's own */
    const struct job_engine_ops *ops;
    const char *name;      /* borrowed from the engine: for sentences, without secrets */
    const char *title;     /* the same, as tostring shows it */
    const uint8_t *secret; /* the same; JOB_KEY bytes, once it is open */
    struct job_choice choice;
    bool closing; /* nothing more is taken */
};

extern const struct job_engine_ops job_sqlite, job_redis;

#endif
