/* A job in Redis. One group of operations is on its way at a time, and those that come
 * meanwhile make the next one; redis.lua runs it in the server. Everything is on the Lua
 * thread.
 *
 * A connection that is lost comes back with growing pauses, and the group is sent again:
 * its number tells the server whether it knows it. After `patience` without an answer its
 * operations fail, and so do those that wait. */
#ifndef LF_JOB_REDIS_H
#define LF_JOB_REDIS_H

#include "modules/job/engine.h"
#include "modules/job/redis_place.h"
#include "modules/job/redis_wire.h"

enum redis_state {
    REDIS_DOWN,
    REDIS_CONNECTING,
    REDIS_GREETING, /* password, database, script */
    REDIS_READY
};

enum { REDIS_ID = 32, REDIS_SHA = 40 };

struct redis {
    struct job_engine base;
    struct lf_engine *eng; /* borrowed: outlives us */
    struct redis_place place;
    struct redis_wire wire;
    enum redis_state state;
    struct lf_list waiting, group; /* of job_op; group: sent, or to be sent again */
    struct lf_list settled;        /* of job_op: their tasks do not yet know */
    struct lf_timer gather;        /* at once: when the tasks that are ready have run */
    struct lf_timer clock; /* the next try, or the end of patience with this one */
    bool sent;             /* the group, over this connection */
    bool met;              /* the server has answered once */
    double since;          /* when the group was made */
    double pause;          /* before the next try, seconds */
    unsigned greetings;    /* replies still to come */
    char why[200];         /* what went wrong last, while it is tried again */

    char sha[REDIS_SHA + 1]; /* of the script; "": not yet known */
    char id[REDIS_ID + 1];   /* of the job; "": not yet open */
    uint8_t secret[JOB_KEY];
    int64_t worker, number; /* ours; of the last group */
};

/* ---- redis_group.c ---- */

bool redis_writes(const struct job_op *op);

/* Move operations that may go together from waiting to group. */
void redis_group_fill(struct redis *r);
/* Write the group as a command. `ours`: id and secret for a job that is made. */
enum lf_err redis_group_write(struct redis *r);
/* Give the operations what came of them. Operations that want to go on are put back. */
void redis_group_read(struct redis *r, const redisReply *reply);
/* The last words of a handle that nobody closed. */
enum lf_err redis_group_write_close(struct redis *r);

/* ---- redis_why.c ---- */

/* What an error of the server means: a kind, and a sentence in why. LF_OK: it passes, and
 * the group may be sent again. */
enum lf_err redis_explain(const struct redis *r, const char *error, char *why, size_t n);

extern const char redis_script[];
extern const size_t redis_script_len;

#endif
