/* A worker: one of the processes of --workers, which run the same script on one job. What
 * they and the process that looks after them (workers.h) have in common is a board in
 * shared memory. In a run that is alone, all of this does nothing.
 *
 * A worker may be killed at any time: what it writes on the board is whole at every
 * moment, and nobody waits for it. */
#ifndef LF_BIND_WORKER_H
#define LF_BIND_WORKER_H

#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "bind/stats.h"
#include "engine/engine.h"

struct lf_slot {             /* of one worker */
    struct lf_tally said[2]; /* what it has counted, … */
    atomic_uint told;        /* … last in said[told & 1] */
    atomic_uint busy;        /* pages that it has in its hands */
    _Atomic double hungry;   /* when it last got fewer than it wanted; 0: never */
    atomic_uint feeding;     /* crawls that have not read all of their start */
    atomic_bool halted;      /* it is stopped (SIGSTOP) */
    char why[200];           /* the sentence of the limit that ended it; "": none */
};

struct lf_board {
    double began;           /* the run, on the monotonic clock */
    _Atomic uint64_t made;  /* requests of all */
    atomic_bool joined;     /* somebody has opened a job */
    pthread_mutex_t output; /* who writes to standard output */
    int news;               /* a descriptor that says so */
    unsigned n;
    struct lf_slot slots[];
};

/* From here on this process is that worker, from 1. */
void lf_worker_become(struct lf_board *board, unsigned number);
unsigned lf_worker_number(void); /* 0: this process is none */

/* Say now and then what is counted. False when memory ends. */
bool lf_worker_begin(lua_State *L, struct lf_engine *eng);
void lf_worker_tell(void);
void lf_worker_end(void);
/* A limit has ended the run. False: nobody else will say so. */
bool lf_worker_limit(const char *why);

/* Between these two nobody else writes records to standard output; one that takes longer
 * than a second is not waited for. */
void lf_worker_lock_output(void);
void lf_worker_unlock_output(void);

/* [-0, +0, m] Add what crawls need to the table at the top. */
void lf_worker_register(lua_State *L);

#endif
