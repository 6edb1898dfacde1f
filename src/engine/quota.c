/* The limits of a run. Over one of them somebody is told, once, in a step, and from then
 * on nothing starts; ending the run is theirs.
 *
 * Requests: those on the wire are brought to their end first. Memory: what the kernel
 * says is resident, looked at once a millisecond and for every megabyte that is stored;
 * from four fifths on requests start one by one and streams hold less, at the limit
 * transfers pause until memory was given back, or else the run ends. */
#include "engine/quota.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "engine/req.h"

#define LOOK_EVERY 0.001     /* seconds … */
#define LOOK_AFTER (1 << 20) /* … and bytes that may have been allocated */
#define MIB        (1 << 20)

static void end(struct lf_engine *eng, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Closing must not fail for want of memory: that limit is lifted. */
static void end(struct lf_engine *eng, const char *fmt, ...)
{
    struct lf_usage *u = &eng->usage;
    char why[200];
    va_list ap;
    if (u->ended)
        return;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    u->ended = true;
    u->max.memory = 0;
    u->memory = LF_MEMORY_AMPLE;
    if (u->over)
        u->over(u->arg, why);
}

/* ---- requests ---- */

/* Streams are not waited for: who reads them may wait for what may not start. */
static bool in_flight(const struct lf_engine *eng)
{
    return eng->stats.active > eng->usage.reading;
}

static bool spent(const struct lf_usage *u)
{
    return u->max.requests && *u->made >= u->max.requests;
}

bool lf_quota_holds(const struct lf_engine *eng)
{
    const struct lf_usage *u = &eng->usage;
    return u->ended || spent(u) || (u->memory && in_flight(eng));
}

bool lf_quota_take(struct lf_engine *eng)
{
    struct lf_usage *u = &eng->usage;
    uint64_t made = *u->made;
    do {
        if (u->max.requests && made >= u->max.requests)
            return false;
    } while (!atomic_compare_exchange_weak(u->made, &made, made + 1));
    return true;
}

bool lf_quota_connect(struct lf_engine *eng)
{
    struct lf_usage *u = &eng->usage;
    bool may = !u->ended && lf_quota_take(eng);
    u->turned_away |= !may;
    return may;
}

bool lf_quota_wanted(struct lf_engine *eng)
{
    const struct lf_usage *u = &eng->usage;
    return spent(u) && !u->ended && (u->turned_away || lf_engine_stats(eng)->queued);
}

bool lf_quota_settle(struct lf_engine *eng)
{
    struct lf_usage *u = &eng->usage;
    if (!lf_quota_wanted(eng) || in_flight(eng) || lf_pool_pending(eng->pool_threads))
        return false;
    end(eng, "the run was ended by max-requests: %llu were made, and more were wanted",
        (unsigned long long)*u->made);
    return true;
}

/* ---- memory ---- */

static uint64_t resident(struct lf_usage *u)
{
    char text[100];
    if (u->statm < 0)
        u->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = pread(u->statm, text, sizeof text - 1, 0);
    if (n <= 0)
        return u->resident; /* no descriptor left: as before */
    char *at;
    text[n] = '\0';
    strtoull(text, &at, 10);
    return strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static enum lf_memory judge(const struct lf_usage *u)
{
    if (!u->max.memory || u->resident < u->max.memory / 5 * 4)
        return LF_MEMORY_AMPLE;
    return u->resident < u->max.memory ? LF_MEMORY_SHORT : LF_MEMORY_OUT;
}

static void look(struct lf_engine *eng)
{
    struct lf_usage *u = &eng->usage;
    enum lf_memory before = u->memory;
    u->resident = resident(u);
    u->looked = eng->now;
    u->grown = 0;
    u->memory = judge(u);
    if (u->memory < LF_MEMORY_OUT)
        lf_list_splice(&eng->thaw, &u->paused);
    if (u->memory < before)
        eng->owed = true; /* somebody may start */
}

void lf_quota_look(struct lf_engine *eng)
{
    struct lf_usage *u = &eng->usage;
    if (u->max.memory && eng->now - u->looked >= LOOK_EVERY)
        look(eng);
}

static void end_by_memory(struct lf_engine *eng)
{
    const struct lf_usage *u = &eng->usage;
    end(eng, "the run was ended by max-memory: it takes %llu MiB of %llu",
        (unsigned long long)u->resident / MIB, (unsigned long long)u->max.memory / MIB);
}

bool lf_quota_store(struct lf_engine *eng, size_t n)
{
    struct lf_usage *u = &eng->usage;
    u->grown += n;
    if (!u->max.memory || u->grown < LOOK_AFTER)
        return true;
    look(eng);
    if (u->resident < u->max.memory + u->max.memory / 8)
        return true;
    end_by_memory(eng);
    return false;
}

bool lf_engine_may_grow(struct lf_engine *eng, size_t more)
{
    struct lf_usage *u = &eng->usage;
    u->grown += more;
    if (!u->max.memory || u->grown < LOOK_AFTER)
        return true;
    look(eng);
    if (u->resident + more <= u->max.memory)
        return true;
    malloc_trim(0);
    look(eng);
    bool may = u->resident + more <= u->max.memory;
    u->refused |= !may;
    return may;
}

/* libcurl before 8.1 keeps by itself what comes for a paused stream of HTTP/2. */
bool lf_quota_pauses(struct lf_req *req)
{
    struct lf_usage *u = &req->eng->usage;
    bool can = req->x.may_pause || req->res.http_version < 20;
    if (u->memory != LF_MEMORY_OUT || !can)
        return false;
    if (lf_list_empty(&req->stream.thaw))
        lf_list_append(&u->paused, &req->stream.thaw);
    return true;
}

enum lf_memory lf_engine_memory(const struct lf_engine *eng)
{
    return eng->usage.memory;
}

void lf_engine_relieved(struct lf_engine *eng)
{
    struct lf_usage *u = &eng->usage;
    malloc_trim(0);
    look(eng);
    if (u->memory == LF_MEMORY_OUT)
        end_by_memory(eng);
}

bool lf_engine_lift_memory(struct lf_engine *eng)
{
    eng->usage.max.memory = 0;
    eng->usage.memory = LF_MEMORY_AMPLE;
    return eng->usage.refused;
}

/* ---- time ---- */

static void on_time(struct lf_timer *t)
{
    struct lf_usage *u = lf_container(t, struct lf_usage, timer);
    struct lf_engine *eng = lf_container(u, struct lf_engine, usage);
    end(eng, "the run was ended by max-time: %g s are over", u->max.seconds);
}

/* ---- the limits ---- */

/* 0 is no limit, and none is tighter. */
#define TIGHTEN(old, new) ((new) && (!(old) || (new) < (old)) ? (new) : (old))

void lf_engine_limit(struct lf_engine *eng, const struct lf_quota *q)
{
    struct lf_usage *u = &eng->usage;
    double seconds = TIGHTEN(u->max.seconds, q->seconds);
    if (u->ended)
        return;
    u->max.requests = TIGHTEN(u->max.requests, q->requests);
    u->max.memory = TIGHTEN(u->max.memory, q->memory);
    if (seconds > 0 && seconds != u->max.seconds) /* a heap of timers without memory: */
        lf_timer_start(eng, &u->timer, u->began + seconds - lf_engine_now(eng));
    u->max.seconds = seconds;
}

struct lf_quota lf_engine_quota(const struct lf_engine *eng)
{
    return eng->usage.max;
}

struct lf_quota lf_engine_used(struct lf_engine *eng)
{
    struct lf_usage *u = &eng->usage;
    return (struct lf_quota){.requests = *u->made,
                             .memory = resident(u),
                             .seconds = lf_engine_now(eng) - u->began};
}

void lf_engine_on_over(struct lf_engine *eng, lf_over_fn *over, void *arg)
{
    eng->usage.over = over;
    eng->usage.arg = arg;
}

void lf_quota_init(struct lf_engine *eng, const struct lf_engine_conf *conf)
{
    eng->usage.statm = -1;
    eng->usage.began = conf->began > 0 ? conf->began : eng->now;
    eng->usage.made = conf->made ? conf->made : &eng->usage.own;
    eng->usage.timer = (struct lf_timer){.weak = true, .fire = on_time};
    lf_list_init(&eng->usage.paused);
}

void lf_quota_deinit(struct lf_engine *eng)
{
    lf_timers_remove(&eng->timers, &eng->usage.timer);
    if (eng->usage.statm >= 0)
        close(eng->usage.statm);
}
