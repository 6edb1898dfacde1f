/* A heap of timers that live in their users' memory (struct lf_timer of engine.h). Four
 * children a node: starting a timer later than the others, which is what deadlines of
 * equal length do, costs one comparison. */
#ifndef LF_ENGINE_TIMER_H
#define LF_ENGINE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_timer;

struct lf_timers {
    struct lf_timer **heap; /* owned array of borrowed timers */
    size_t n, cap;
    size_t strong; /* running ones that keep the loop alive */
    uint64_t seq;
};

void lf_timers_free(struct lf_timers *h);
bool lf_timers_add(struct lf_timers *h, struct lf_timer *t, double due);
void lf_timers_remove(struct lf_timers *h, struct lf_timer *t);
double lf_timers_due(const struct lf_timers *h); /* of the first; LF_NEVER if none */
/* Fire what is due at `now`; what a callback starts is left for the next call. */
bool lf_timers_run(struct lf_timers *h, double now);

#endif
