/* A job's file: one SQLite database, opened, checked and written in transactions. Runs in
 * the writer's thread, one at a time; knows no Lua.
 *
 * Errors stick: after the first one every statement of the transaction does nothing, and
 * its end reports it, so that nobody in between asks. What SQLite says becomes a kind and
 * a sentence that names the file. */
#ifndef LF_JOB_STORE_H
#define LF_JOB_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/list.h"
#include "modules/job/hash.h"
#include "modules/job/engine.h"
#include "modules/job/op.h"

enum job_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_JOB_READ,
    SQL_JOB_WRITE,
    SQL_HOST_FIND,
    SQL_HOST_NEW,
    SQL_HOST_DUE,
    SQL_HOST_FULL,
    SQL_HOST_ROOM,
    SQL_HOST_CLAIM,
    SQL_HOST_ADD,
    SQL_HOST_PARK,
    SQL_HOST_NEXT,
    SQL_HOST_PACE,
    SQL_HOST_LOOK,
    SQL_URL_KNOWN,
    SQL_URL_NEW,
    SQL_URL_COPY,
    SQL_URL_NEXT,
    SQL_URL_CLAIM,
    SQL_URL_STATE,
    SQL_URL_END,
    SQL_URL_RETURN,
    SQL_URL_TRIES,
    SQL_LEASE_NEW,
    SQL_LEASE_FIND,
    SQL_LEASE_END,
    SQL_LEASE_RENEW,
    SQL_LEASE_OVERDUE,
    SQL_LEASE_OF,
    SQL_LEASE_ANY,
    SQL_LEASE_NEXT,
    SQL_WORKER_NEW,
    SQL_WORKER_END,
    SQL_WORKERS,
    SQL_ITEM_NEW,
    SQL_ITEMS,
    SQL_OUTPUT_FIND,
    SQL_OUTPUT_SET,
    SQL_OUTPUT_END,
    SQL_OUTPUT_LOOK,
    SQL_FAILED,
    SQL_SKIPPED,
    SQL_FAILED_ONE,
    SQL_PAGES,
    SQL_HOSTS,
    SQL_OUTPUTS,
    SQL_COUNT
};

/* The row of the table `job`: read when a transaction begins, written when it ends. */
struct job_totals {
    int64_t token, epoch; /* last lease given; how often the job was reset */
    int64_t pending, active, done, failed, skipped, items, hosts;
    int64_t per_host; /* of the last claim */
    int64_t version;  /* below 0: half a copy, which that worker makes */
};

struct job_host { /* a name and its number, remembered */
    uint8_t hash[JOB_KEY];
    int64_t id; /* 0: none */
};
enum { JOB_HOSTS = 1024 };

struct store {
    sqlite3 *db; /* owned */
    sqlite3_stmt *sql[SQL_COUNT];
    char *path;                      /* owned; of a temporary one: for sentences */
    bool temporary;                  /* it has no name, and ends when it is closed */
    const struct job_choice *choice; /* borrowed: the writer's */

    uint8_t secret[JOB_KEY];
    int64_t worker; /* our row */
    uint64_t play;  /* of a jumping clock; 0: real time */
    int64_t jumped; /* ... what it says now */
    int64_t now;    /* µs since boot, or of that clock, of this transaction */
    struct job_totals totals, before;
    struct job_host hosts[JOB_HOSTS]; /* by hash: bounded memory */
    /* Changes of a host that are not yet written. */
    int64_t touched, active, pending;

    enum lf_err err; /* of the first error */
    char why[320];   /* ... as a sentence */
};

/* Run the operations of `group` in one transaction; each has its outcome afterwards. */
void store_run(struct store *s, struct lf_list *group);
void store_close(struct store *s); /* frees what open acquired; s stays the caller's */

/* ---- for the files that work in a transaction ---- */

/* Run a statement to its end. `fmt`: i int64_t, t text and size_t, b bytes and size_t; a
 * NULL text is NULL. */
void store_exec(struct store *s, enum job_sql id, const char *fmt, ...);
/* The first row, or NULL; sqlite3_reset when it was read. */
sqlite3_stmt *store_row(struct store *s, enum job_sql id, const char *fmt, ...);
/* Another row of it? */
bool store_more(struct store *s, sqlite3_stmt *st);
/* Add the row's first n columns to op->out. */
void store_emit(struct store *s, struct job_op *op, sqlite3_stmt *st, int n);
void store_fail(struct store *s, enum lf_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void store_no_memory(struct store *s);

/* The row of the job, when a transaction has begun and before it ends. */
void store_read_totals(struct store *s);
void store_write_totals(struct store *s);

/* Note that a host has so many more leases and pending URLs. */
void store_touch(struct store *s, int64_t host, int64_t active, int64_t pending);
void store_touched(struct store *s); /* write that down */

/* claim.c */
void job_claim(struct store *s, struct job_op *op);
void job_renew(struct store *s, struct job_op *op);
void job_release(struct store *s, struct job_op *op);
/* Leases of one worker go back. */
void job_release_worker(struct store *s, int64_t worker);
void job_release_all(struct store *s); /* everybody's */
/* A lease that is still the caller's: its host; 0: it is not. */
int64_t job_lease_host(struct store *s, const struct job_lease *lease);

/* page.c */
/* The number of a URL, 0 when it is not known; then *state stays. */
int64_t job_url_id(struct store *s, int64_t host, const struct job_link *l,
                   int64_t *state);
void job_add(struct store *s, struct job_op *op);
void job_complete(struct store *s, struct job_op *op);
void job_fail(struct store *s, struct job_op *op);
void job_skip(struct store *s, struct job_op *op);

/* host.c */
/* The number of a host, which becomes known; 0: s->err. */
int64_t job_host_id(struct store *s, const char *name, size_t n);
/* Nothing more of it for so many µs. */
void job_host_park(struct store *s, int64_t host, int64_t park);
void job_host(struct store *s, struct job_op *op);

/* look.c */
void job_counts(struct store *s, struct job_op *op);
void job_items(struct store *s, struct job_op *op);
void job_failed(struct store *s, struct job_op *op);
void job_skipped(struct store *s, struct job_op *op);
void job_retry_failed(struct store *s, struct job_op *op);
void job_reset(struct store *s, struct job_op *op);

/* copy.c */
void job_pages(struct store *s, struct job_op *op);
void job_hosts(struct store *s, struct job_op *op);
void job_outputs(struct store *s, struct job_op *op);
void job_import(struct store *s, struct job_op *op);
/* Nobody but who makes it works on half a copy. True: the operation was refused. */
bool job_is_half(const struct store *s, struct job_op *op);

/* output.c */
void job_output(struct store *s, struct job_op *op);

/* open.c */
void store_open(struct store *s);
void job_close(struct store *s, struct job_op *op);
/* Set s->now: µs since boot, the same for all processes, but for a play. */
void store_tell_time(struct store *s);
/* What SQLite's code means. */
void store_explain(struct store *s, int rc);

#endif
