/* One call of a script on its way to the file and back: what is asked as bytes, what came
 * of it as rows. Made and freed on the Lua thread; the writer's thread has it in between.
 */
#ifndef LF_JOB_OP_H
#define LF_JOB_OP_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/list.h"
#include "bind/lf_module.h"
#include "modules/job/hash.h"

#define JOB_SECOND INT64_C(1000000)

struct job_engine;

enum job_op_kind {
    JOB_OPEN,
    JOB_ADD,
    JOB_CLAIM,
    JOB_COMPLETE,
    JOB_FAIL,
    JOB_SKIP,
    JOB_HOST,
    JOB_RENEW,
    JOB_RELEASE, /* leases go back as if they had never been given */
    JOB_COUNTS,
    JOB_ITEMS,
    JOB_FAILED,
    JOB_SKIPPED,
    JOB_PAGES,   /* every URL */
    JOB_PACES,   /* those with a pace of their own, or parked */
    JOB_OUTPUTS, /* every one, and how far it is */
    JOB_IMPORT,  /* a piece of another job */
    JOB_OUTPUT,  /* who writes the items to a file, and how far it is */
    JOB_RETRY_FAILED,
    JOB_RESET,
    JOB_CLOSE,
    JOB_OP_KINDS
};

/* What became of a URL. */
enum { JOB_PENDING, JOB_ACTIVE, JOB_DONE, JOB_GIVEN_UP, JOB_PASSED_OVER };

/* A URL to be known, in op.in; behind it the bytes of host, url and meta. */
struct job_link {
    uint8_t key[JOB_KEY];
    uint32_t host, url, meta; /* lengths; meta 0: none */
    int32_t depth, priority;
};

/* A URL of another job, in op.in: behind it the text of why it ended, its link, and that
 * of the page it was found on if `found`. The link of an item's page is in op.known; one
 * without a URL: it has none. */
struct job_past {
    int32_t state, tries;
    uint32_t why, found;
};

struct job_lease {
    int64_t id, token;
};

/* A value in op.out; the bytes of a text behind it. */
struct job_cell {
    int64_t number;
    int32_t len; /* of a text, or one of these */
};
enum { JOB_NIL = -1, JOB_NUMBER = -2 };

enum {
    JOB_CLAIM_COLUMNS = 8,
    JOB_ITEM_COLUMNS = 3,
    JOB_FAILED_COLUMNS = 7,
    JOB_PAGES_COLUMNS = 9,
    JOB_PACES_COLUMNS = 2,
    JOB_OUTPUTS_COLUMNS = 3,
    JOB_HOST_COLUMNS = 3,
    JOB_OUTPUT_COLUMNS = 3
};
enum { JOB_AS_BEFORE = -1 }; /* gap, per_host of JOB_HOST */

struct job_op {
    struct lf_list link; /* in the engine's list, until it has ended */
    struct lf_wait wait;
    struct job_engine *engine; /* borrowed; NULL: it has gone before */
    struct lf_task *task;      /* borrowed; NULL: nobody waits */
    enum job_op_kind kind;
    bool begun, ended;

    struct job_lease lease; /* complete, fail, skip */
    struct lf_buf in;       /* owned: links; or leases; or a text */
    struct lf_buf known; /* owned: links that complete says are done; of items' pages */
    struct lf_buf items; /* owned: length (uint32_t) and text, again and again */
    struct lf_buf state; /* owned: of an output, a text */
    int64_t n; /* claim, items, failed, skipped: at most; output: written up to here */
    int64_t after;
    int64_t gap, per_host,
        term;     /* claim, host: µs between, at once, of the lease; renew */
    int64_t park; /* µs until the host may have more */
    bool again;   /* fail: it may be claimed again; import: this is the end, n are done */
    size_t at;    /* in `in`: what is done, of an operation that goes in pieces */

    enum lf_err err;
    char why[320];
    struct lf_buf out; /* owned: rows of cells */
    int64_t rows;
    int64_t number; /* add, retry_failed, renew: how many; claim: µs to wait, -1: over */
};

struct job_op *job_op_new(enum job_op_kind kind); /* NULL when memory ends */
void job_op_free(struct job_op *op);
/* The engine of these operations goes, which have ended, but whose tasks do not yet know.
 */
void job_ops_leave(struct lf_list *settled);
/* A claim that was answered becomes the way back of what it was given. False: it gave
 * nothing, or memory ended; the leases' end gives it back then. */
bool job_op_release(struct job_op *op);

#endif
