/* What the run as a whole may use, and has used: requests, memory, time. The limits are
 * those of struct lf_quota in engine.h. */
#ifndef LF_ENGINE_QUOTA_H
#define LF_ENGINE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/list.h"
#include "engine/engine.h"

struct lf_usage {
    struct lf_quota max;
    double began;
    _Atomic uint64_t own;   /* requests, and connections of modules … */
    _Atomic uint64_t *made; /* … or those of all processes of the run; borrowed */
    unsigned reading;       /* streams on the wire that wait for whoever reads them */
    bool turned_away;       /* a connection that was one too many */
    bool ended;             /* over a limit: nothing more starts */

    int statm; /* owned; -1: not open */
    enum lf_memory memory;
    uint64_t resident;     /* bytes, at the last look … */
    double looked;         /* … then */
    uint64_t grown;        /* … and what may have come to it since */
    bool refused;          /* an allocation was */
    struct lf_list paused; /* transfers that wait for memory, by stream.thaw */

    struct lf_timer timer; /* the time is over */
    lf_over_fn *over;      /* NULL: nobody is told */
    void *arg;             /* borrowed: outlives the engine */
};

void lf_quota_init(struct lf_engine *eng, const struct lf_engine_conf *conf);
void lf_quota_deinit(struct lf_engine *eng);

/* May nothing start just now? */
bool lf_quota_holds(const struct lf_engine *eng);
/* A request starts, and is counted; false: it must not, somebody else had the last one.
 */
bool lf_quota_take(struct lf_engine *eng);
/* Count a connection of a module; false: it never starts. */
bool lf_quota_connect(struct lf_engine *eng);
bool lf_quota_wanted(struct lf_engine *eng); /* are more wanted than there may be? */
/* Nothing is ready, and we are about to wait: then that ends the run. True when it was
 * told to. */
bool lf_quota_settle(struct lf_engine *eng);

/* Once in a step: how is memory? */
void lf_quota_look(struct lf_engine *eng);
/* So much more is stored. False: the limit was passed by an eighth in one piece, which is
 * what bombs do, and the run has been told to end. */
bool lf_quota_store(struct lf_engine *eng, size_t n);
/* Must this transfer wait for memory? Then it is in usage.paused. */
bool lf_quota_pauses(struct lf_req *req);

#endif
