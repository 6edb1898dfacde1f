/* A bucket of tokens, and for `automatic` the search for its rate. */
#include "engine/pace.h"

#include <math.h>

#define SLACK       0.005 /* seconds a timer may be late without lowering the rate */
#define FIRST_RATE  4.0   /* a second: polite to a host nobody knows */
#define LEAST_RATE  0.05
#define MOST_RATE   1e5
#define LOOK        0.5  /* seconds between two looks */
#define HOLD        4.0  /* seconds at a level that was found before more is tried */
#define REST_WORTH  10.0 /* a rest of a second is worth so many seconds of holding */
#define HOLD_MOST   60.0 /* seconds */
#define FIRST_STEP  0.005
#define BELOW       0.97 /* of what was served when it refused */
#define SLOWER      0.9  /* when answers take twice as long */
#define BROKEN      0.7
#define BROKEN_PART 0.1 /* of the answers: fewer resets than that are bad luck */
#define SPAN        (1.0 / LF_PACE_SPANS)
#define BEST_FOR    30.0  /* seconds for which the shortest wait is remembered */
#define REMEMBER    120.0 /* seconds for which a rate that was found is */

static void set_rate(struct lf_pace *p, double rate)
{
    p->interval = 1 / fmin(fmax(rate, LEAST_RATE), MOST_RATE);
}

double lf_pace_rate(const struct lf_pace *p)
{
    return 1 / p->interval;
}

void lf_pace_init(struct lf_pace *p, const struct lf_rate *rate, double now)
{
    *p = (struct lf_pace){.interval = rate->interval,
                          .burst = rate->burst,
                          .automatic = rate->automatic,
                          .look = now + LOOK,
                          .step = 1,
                          .span_began = now,
                          .best = LF_NEVER,
                          .next = now};
    if (!p->automatic)
        return;
    p->burst = 1;
    set_rate(p, FIRST_RATE);
}

void lf_pace_share(struct lf_pace *p, unsigned processes)
{
    if (p->automatic)
        set_rate(p, FIRST_RATE / processes);
}

/* ---- the bucket ---- */

double lf_pace_due(const struct lf_pace *p)
{
    return p->next - (p->burst - 1) * p->interval;
}

void lf_pace_take(struct lf_pace *p, double now)
{
    double slack = fmin(SLACK, p->interval / 2);
    p->next = fmax(p->next, now - slack) + p->interval;
}

void lf_pace_wait(struct lf_pace *p)
{
    p->wanted = true;
}

/* ---- what the host serves ---- */

/* Forget what is more than a second old. */
static void turn(struct lf_pace *p, double now)
{
    unsigned n = 0;
    while (now >= p->span_began + SPAN && n++ < LF_PACE_SPANS) {
        p->at = (p->at + 1) % LF_PACE_SPANS;
        p->served[p->at] = 0;
        p->span_began += SPAN;
    }
    if (now >= p->span_began + SPAN)
        p->span_began = now;
}

/* A second; the newest span is not over yet. */
static double served(const struct lf_pace *p, double now)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < LF_PACE_SPANS; i++)
        sum += p->served[i];
    return sum / ((LF_PACE_SPANS - 1) * SPAN + (now - p->span_began));
}

static void note_latency(struct lf_pace *p, double now, double latency)
{
    p->latency += (p->latency > 0 ? 0.1 : 1) * (latency - p->latency);
    if (p->latency > p->best && now < p->best_until)
        return;
    p->best = p->latency;
    p->best_until = now + BEST_FOR;
}

/* ---- less ---- */

static void cut(struct lf_pace *p, double now, double rate, double hold)
{
    set_rate(p, rate);
    p->cut = now;
    p->step = FIRST_STEP;
    p->hold = now + hold;
    p->look = now + LOOK;
    p->next = fmax(p->next, now + p->interval);
}

/* What it served in the last second is what it serves: at most that, when it refuses. A
 * host that was never seen to serve so much is asked half as fast. */
static void refused(struct lf_pace *p, double now, double started, double rest)
{
    double rate = lf_pace_rate(p), got = served(p, now);
    if (started < p->cut)
        return; /* it was started at the old rate */
    double level = got >= 1 ? fmin(rate, got) : rate / 2;
    cut(p, now, BELOW * level, fmin(HOLD + REST_WORTH * rest, HOLD_MOST));
}

/* ---- more, or less ---- */

/* What the answers since the last look say. More is tried only where the rate is what
 * holds requests back. */
static void look(struct lf_pace *p, double now)
{
    bool breaks = p->broken > 1 && p->broken > BROKEN_PART * (p->well + p->broken);
    bool slow = p->latency > 2 * p->best + 0.01;
    if (breaks) {
        cut(p, now, BROKEN * lf_pace_rate(p), HOLD);
    } else if (slow && p->wanted) {
        cut(p, now, SLOWER * lf_pace_rate(p), LOOK);
    } else if (p->wanted && now >= p->hold) {
        set_rate(p, lf_pace_rate(p) * (1 + p->step));
        p->step = fmin(2 * p->step, 1);
    }
    p->well = p->broken = 0;
    p->wanted = false;
    p->look = now + LOOK;
}

void lf_pace_answer(struct lf_pace *p, double now, enum lf_sign sign, double started,
                    double rest)
{
    if (!p->automatic)
        return;
    turn(p, now);
    switch (sign) {
    case LF_SIGN_WELL:
        p->well++;
        p->served[p->at]++;
        note_latency(p, now, now - started);
        break;
    case LF_SIGN_REFUSED:
        refused(p, now, started, rest);
        break;
    case LF_SIGN_BROKEN:
        p->broken++;
        break;
    }
    if (now >= p->look)
        look(p, now);
}

double lf_pace_memory(const struct lf_pace *p)
{
    return p->automatic ? p->next + REMEMBER : p->next;
}
