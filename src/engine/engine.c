/* The engine: one step of work after another, and what is counted on the way. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "engine/conn.h"
#include "engine/internal.h"
#include "engine/stream.h"

#define WATCHDOG    2.0 /* seconds: some libcurl versions forget to ask for their timer */
#define SCRIPT_TIME 1000.0 /* the jumping clock does not start at zero */

void lf_engine_tick(struct lf_engine *eng)
{
    if (!eng->scripted)
        eng->now = lf_clock_now();
}

double lf_engine_now(const struct lf_engine *eng)
{
    return eng->scripted ? eng->now : lf_clock_now();
}

uint64_t lf_engine_play(const struct lf_engine *eng)
{
    return eng->play;
}

/* xorshift64* */
double lf_engine_random(struct lf_engine *eng)
{
    uint64_t x = eng->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    eng->random = x;
    return (double)((x * 2685821657736338717u) >> 11) / (double)(1ull << 53);
}

/* ---- timers ---- */

bool lf_timer_start(struct lf_engine *eng, struct lf_timer *t, double after)
{
    lf_engine_tick(eng);
    return lf_timers_add(&eng->timers, t, eng->now + (after > 0 ? after : 0));
}

void lf_timer_stop(struct lf_engine *eng, struct lf_timer *t)
{
    lf_timers_remove(&eng->timers, t);
}

/* ---- one step ---- */

/* Where did the time since the last look go? */
static void account(struct lf_engine *eng, double waited)
{
    struct lf_stats *s = &eng->stats;
    double *const seconds[] = {[LF_CAUSE_TOTAL] = &s->limited_total,
                               [LF_CAUSE_HOST] = &s->limited_host,
                               [LF_CAUSE_RATE] = &s->limited_rate,
                               [LF_CAUSE_PARKED] = &s->limited_parked};
    unsigned seen = 0;
    if (eng->usage.memory) { /* those who wait may be tasks that do not even ask */
        s->limited_memory += waited;
        return;
    }
    for (struct lf_list *n = eng->domains.next; n != &eng->domains; n = n->next)
        seen |= 1u << lf_domain_waits_for(lf_domain_from_link(n));
    for (unsigned i = LF_CAUSE_TOTAL; i <= LF_CAUSE_PARKED; i++)
        if (seen & 1u << i) {
            *seconds[i] += waited;
            return;
        }
    if (s->active)
        s->network += waited;
    else if (eng->waiting)
        s->backoff += waited;
}

/* What a thread does takes no time of a clock that jumps. */
static void wait_scripted(struct lf_engine *eng, bool block)
{
    double due = lf_timers_due(&eng->timers);
    bool work = lf_pool_pending(eng->pool_threads);
    lf_loop_poll(&eng->loop, 0, block && work ? WATCHDOG : 0); /* signals still come */
    if (!block || work || due >= LF_NEVER || due <= eng->now)
        return;
    account(eng, due - eng->now);
    eng->now = due;
}

static void wait_real(struct lf_engine *eng, bool block)
{
    double before = eng->now, due = block ? lf_timers_due(&eng->timers) : 0;
    if (due > before + WATCHDOG && eng->stats.active)
        due = before + WATCHDOG;
    lf_loop_poll(&eng->loop, before, due);
    lf_engine_tick(eng);
    if (block) {
        account(eng, eng->now - before);
        if (!lf_loop_pending(&eng->loop) && eng->transport)
            eng->transport->kick(eng->transport, true);
    }
}

/* Is there something to tell without waiting? */
static bool has_ended(const struct lf_engine *eng)
{
    return !lf_list_empty(&eng->finished) || !lf_list_empty(&eng->resolved) ||
           !lf_list_empty(&eng->news);
}

static bool alive(struct lf_engine *eng)
{
    /* a scripted transfer that hangs has nothing but its strong timers to hope for */
    bool active = eng->stats.active && !eng->scripted;
    return eng->timers.strong || eng->loop.watching || active || eng->resolving ||
           lf_pool_pending(eng->pool_threads) || has_ended(eng) || eng->owed ||
           lf_loop_pending(&eng->loop) || lf_quota_wanted(eng);
}

bool lf_engine_step(struct lf_engine *eng, bool block)
{
    bool busy = false;
    lf_engine_tick(eng);
    lf_quota_look(eng);
    lf_stream_thaw_all(eng);
    if (eng->owed)
        lf_admit_owed(eng);
    if (eng->transport)
        busy = eng->transport->kick(eng->transport, false);
    if (!lf_loop_pending(&eng->loop)) {
        bool idle = !busy && !has_ended(eng) && !eng->owed;
        block = block && idle && !lf_quota_settle(eng) && alive(eng);
        eng->scripted ? wait_scripted(eng, block) : wait_real(eng, block);
    }
    lf_loop_run(&eng->loop, EVENT_BATCH);
    if (!lf_loop_pending(&eng->loop)) /* what has arrived is not late */
        lf_timers_run(&eng->timers, eng->now);
    lf_req_resolve_all(eng);
    lf_stream_tell_all(eng);
    lf_req_finish_all(eng);
    return alive(eng);
}

/* ---- life ---- */

static unsigned open_descriptors(unsigned below)
{
    unsigned n = 0;
    for (unsigned fd = 0; fd < below; fd++)
        n += fcntl((int)fd, F_GETFD) >= 0;
    return n;
}

/* The soft limit on descriptors is raised to the hard one; what is left after the
 * script's own share bounds the transfers. */
static unsigned descriptor_limit(void)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim))
        return 256;
    if (lim.rlim_cur < lim.rlim_max) {
        struct rlimit raised = {lim.rlim_max, lim.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            lim = raised;
    }
    if (lim.rlim_cur > 1 << 20)
        return 1 << 20;
    unsigned n = (unsigned)lim.rlim_cur;
    if (n > 16 * FD_RESERVE)
        return n - 2 * FD_RESERVE;
    unsigned used = open_descriptors(n); /* inherited ones count where few are allowed */
    n = n > used ? n - used : 0;
    return n > 4 * FD_RESERVE ? n - 2 * FD_RESERVE : n / 4 + 1;
}

static bool copy_spared(struct lf_engine *eng, const char *const *patterns)
{
    size_t n = 0;
    while (patterns && patterns[n])
        n++;
    eng->spared = n ? calloc(n + 1, sizeof *eng->spared) : NULL;
    for (size_t i = 0; eng->spared && i < n; i++)
        if (!(eng->spared[i] = lf_host_pattern(patterns[i])))
            return false;
    return !n || eng->spared;
}

bool lf_engine_spares(const struct lf_engine *eng, const char *host, size_t len)
{
    for (char **p = eng->spared; p && *p; p++)
        if (lf_host_matches(*p, host, len))
            return true;
    return false;
}

static enum lf_err init(struct lf_engine *eng, const struct lf_engine_conf *conf)
{
    struct lf_domain_conf run = {0};
    eng->sockets = descriptor_limit();
    run.limit = eng->sockets;
    lf_list_init(&eng->resolved);
    lf_list_init(&eng->finished);
    lf_list_init(&eng->news);
    lf_list_init(&eng->thaw);
    lf_list_init(&eng->saves);
    lf_list_init(&eng->domains);
    lf_list_init(&eng->pool);
    lf_buf_init(&eng->sound, LF_BUF_MAX);
    eng->scripted = conf->scripted;
    eng->processes = conf->processes ? conf->processes : 1;
    eng->system_resolver = conf->system_resolver;
    eng->now = conf->scripted ? SCRIPT_TIME : lf_clock_now();
    lf_quota_init(eng, conf);
    if (getrandom(&eng->random, sizeof eng->random, GRND_NONBLOCK) < 0 || !eng->random)
        eng->random = (uint64_t)(lf_clock_now() * 1e9) | 1;
    eng->play = conf->scripted ? eng->random : 0;
    if (conf->limit && conf->limit < run.limit)
        run.limit = conf->limit;
    eng->ca = conf->ca ? strdup(conf->ca) : NULL;
    eng->dns_servers = conf->dns_servers ? strdup(conf->dns_servers) : NULL;
    if (conf->proxy_environment && !(eng->proxies = lf_proxies_new(getenv)))
        return LF_ERESOURCE;
    if (!copy_spared(eng, conf->spared))
        return LF_ERESOURCE;
    if ((conf->ca && !eng->ca) || (conf->dns_servers && !eng->dns_servers))
        return LF_ERESOURCE;
    enum lf_err err = lf_loop_init(&eng->loop);
    return err ? err : lf_domain_new(eng, NULL, &run, &eng->run);
}

enum lf_err lf_engine_new(const struct lf_engine_conf *conf, struct lf_engine **out)
{
    struct lf_engine *eng = calloc(1, sizeof *eng);
    if (!eng)
        return LF_ERESOURCE;
    enum lf_err err = init(eng, conf);
    if (err) {
        lf_engine_free(eng);
        return err;
    }
    *out = eng;
    return LF_OK;
}

/* The transport goes before the loop: closing its connections still calls us. */
void lf_engine_free(struct lf_engine *eng)
{
    if (!eng)
        return;
    if (eng->transport)
        eng->transport->free(eng->transport);
    lf_conns_free(eng->conns);
    lf_names_free(eng->names);
    lf_proxies_free(eng->proxies);
    lf_pool_free(eng->pool_threads);
    lf_req_pool_drain(eng);
    lf_buf_free(&eng->sound);
    lf_domain_release(eng->run);
    lf_quota_deinit(eng);
    lf_timers_free(&eng->timers);
    lf_loop_deinit(&eng->loop);
    free(eng->ca);
    free(eng->dns_servers);
    for (char **p = eng->spared; p && *p; p++)
        free(*p);
    free(eng->spared);
    free(eng);
}

const struct lf_stats *lf_engine_stats(struct lf_engine *eng)
{
    struct lf_stats *s = &eng->stats;
    s->queued = s->parked = 0;
    s->waiting = eng->waiting;
    for (struct lf_list *n = eng->domains.next; n != &eng->domains; n = n->next) {
        s->queued += lf_domain_queued(lf_domain_from_link(n));
        s->parked += lf_domain_parked(lf_domain_from_link(n));
    }
    return s;
}

struct lf_leftovers lf_engine_leftovers(const struct lf_engine *eng)
{
    struct lf_leftovers l = {.requests = eng->requests,
                             .watchers = eng->loop.watching,
                             .timers = (unsigned)eng->timers.strong};
    for (const struct lf_list *n = eng->domains.next; n != &eng->domains; n = n->next)
        l.domains++;
    l.domains--; /* the run's own */
    return l;
}
