/* How fast a host is asked: so many requests a second, or as many as it bears. Pure: told
 * the time, knows no requests. */
#ifndef LF_ENGINE_PACE_H
#define LF_ENGINE_PACE_H

#include <stdbool.h>
#include "engine/engine.h"

/* What one answer says about the host. */
enum lf_sign {
    LF_SIGN_WELL,    /* it answered */
    LF_SIGN_REFUSED, /* 429 or 503: too fast */
    LF_SIGN_BROKEN   /* a reset, a time-out */
};

enum { LF_PACE_SPANS = 10 }; /* the last second, in tenths */

/* `automatic`: the rate is looked for. It doubles until the host refuses, then stays a
 * little below what the host was seen to serve, and from time to time tries more in
 * growing steps, so that a new level is found within seconds. Longer waits for answers,
 * resets and time-outs slow it down as well. */
struct lf_pace {
    double interval;        /* seconds between two */
    double burst;           /* so many at once after a pause */
    double next;            /* when the next one is due if none is owed (as in GCRA) */
    bool automatic, wanted; /* wanted: somebody had to wait since the last look */

    /* automatic */
    double look;          /* when the rate is looked at next */
    double hold;          /* no trying for more before */
    double step;          /* how much more the next try takes, 1: the double */
    double cut;           /* when the rate was last lowered */
    double span_began;    /* of served[at] */
    double latency, best; /* seconds: smoothed now, and the least of late */
    double best_until;    /* when `best` is forgotten */
    unsigned served[LF_PACE_SPANS], at;
    unsigned well, broken; /* since the last look */
};

void lf_pace_init(struct lf_pace *p, const struct lf_rate *rate, double now);
/* So many processes look for a rate: each begins with its part of what one would. */
void lf_pace_share(struct lf_pace *p, unsigned processes);
/* When the next request may start; not after `now`: at once. */
double lf_pace_due(const struct lf_pace *p);
void lf_pace_take(struct lf_pace *p, double now); /* one starts */
void lf_pace_wait(struct lf_pace *p);             /* one would, and has to wait */
/* An answer to what was started at `started`; `rest`: for how long the host asked to be
 * left alone. */
void lf_pace_answer(struct lf_pace *p, double now, enum lf_sign sign, double started,
                    double rest);
double lf_pace_rate(const struct lf_pace *p); /* requests a second */
/* Until when forgetting it would make a difference. */
double lf_pace_memory(const struct lf_pace *p);

#endif
