/* Admission: who may start, and how many at once.
 *
 * A domain holds its requests in one FIFO per host; hosts that may start one more take
 * turns, so that a slow host never holds up another. A request enters its own domain,
 * then that one's parent, up to the run, and holds a slot in each until it ends. It takes
 * none inside before all those outside are to be had: a place there, the host's limit and
 * rate, and it is not parked; else what a rate lets pass would pile up outside and start
 * at once. Whoever waits inside takes turns with those who wait outside. */
#include "engine/host.h"

#include <stdlib.h>
#include "base/log.h"
#include "engine/req.h"

#define FIRST_RETRIES 10.0   /* that a domain may make … */
#define RETRY_PART    0.2    /* … and then for each request of its own … */
#define MOST_RETRIES  1000.0 /* … of which so many are kept */

/* ---- domains ---- */

enum lf_err lf_domain_new(struct lf_engine *eng, struct lf_domain *parent,
                          const struct lf_domain_conf *conf, struct lf_domain **out)
{
    struct lf_domain *d = calloc(1, sizeof *d);
    if (!d)
        return LF_ERESOURCE;
    d->parent = parent ? parent : eng->run;
    d->depth = d->parent ? d->parent->depth + 1 : 1;
    d->eng = eng;
    d->conf = *conf;
    d->refs = 1;
    d->tokens = FIRST_RETRIES;
    lf_list_init(&d->turns);
    lf_list_init(&d->link);
    if (lf_hosts_init(d)) {
        lf_hosts_free(d);
        free(d);
        return LF_ERESOURCE;
    }
    if (d->parent)
        d->parent->refs++;
    lf_list_append(&eng->domains, &d->link);
    *out = d;
    return LF_OK;
}

void lf_domain_release(struct lf_domain *d)
{
    while (d && --d->refs == 0) {
        struct lf_domain *parent = d->parent;
        lf_list_remove(&d->link);
        lf_hosts_free(d);
        free(d);
        d = parent;
    }
}

void lf_domain_retain(struct lf_domain *d)
{
    d->refs++;
}

unsigned lf_domain_depth(const struct lf_domain *d)
{
    return d->depth;
}

const struct lf_domain_conf *lf_domain_limits(const struct lf_domain *d)
{
    return &d->conf;
}

bool lf_domain_has_room(const struct lf_domain *d)
{
    while (d && !lf_domain_full(d))
        d = d->parent;
    return !d;
}

bool lf_domain_within(const struct lf_domain *d, const struct lf_domain *outer)
{
    while (d && d != outer)
        d = d->parent;
    return d != NULL;
}

void lf_domain_count(struct lf_domain *d, bool ok)
{
    for (; d; d = d->parent) {
        ok ? d->ok++ : d->failed++;
        if (d->tokens < MOST_RETRIES)
            d->tokens += RETRY_PART;
    }
}

/* Where its policy is: the session, or the run. */
static struct lf_domain *policy(struct lf_domain *d)
{
    while (!d->conf.policy && d->parent)
        d = d->parent;
    return d;
}

bool lf_domain_spend_retry(struct lf_domain *d)
{
    struct lf_domain *payer = policy(d);
    bool may = payer->tokens >= 1;
    payer->tokens -= may;
    for (; d; d = d->parent)
        may ? d->retries++ : d->refused++;
    return may;
}

struct lf_domain_stats lf_domain_stats(const struct lf_domain *d)
{
    return (struct lf_domain_stats){d->ok + d->failed, d->ok,     d->failed, d->retries,
                                    d->refused,        d->queued, d->active};
}

void lf_domain_each_host(const struct lf_domain *d, lf_host_fn *fn, void *arg)
{
    double now = lf_engine_now(d->eng);
    for (struct lf_host *h = lf_host_next(d, NULL); h; h = lf_host_next(d, h)) {
        struct lf_host_stats s = {.name = h->name,
                                  .queued = h->queued,
                                  .active = h->active,
                                  .parked = h->parked > now ? h->parked - now : 0,
                                  .rate = h->pace ? lf_pace_rate(h->pace) : 0};
        fn(arg, &s);
    }
}

/* ---- turns ---- */

/* A host is counted where its waiting requests are. */
static void set_why(struct lf_host *h, enum lf_block why)
{
    h->domain->blocked[h->why]--;
    h->domain->blocked[why]++;
    h->why = why;
}

/* Requests wait here, or inside of hosts that we hold back. */
static bool wanted(const struct lf_host *h)
{
    return h->queued || !lf_list_empty(&h->held);
}

static void give_turn(struct lf_host *h);

static void let_go(struct lf_host *h)
{
    if (lf_list_empty(&h->holding))
        return;
    lf_list_remove(&h->holding);
    give_turn(h->outer); /* perhaps nobody waits for it now */
}

/* It may start nothing: whoever will change that, time or another domain's host, is told
 * that it waits. */
static void hold(struct lf_host *h)
{
    if (h->outer && !lf_host_own_block(h) && lf_list_empty(&h->holding)) {
        lf_list_append(&h->outer->held, &h->holding);
        give_turn(h->outer);
    }
    if (h->pace && lf_pace_due(h->pace) > h->domain->eng->now)
        lf_pace_wait(h->pace);
    lf_host_set_timer(h);
}

static void give_turn(struct lf_host *h)
{
    enum lf_block why = wanted(h) ? lf_host_block(h) : LF_BLOCK_NONE;
    set_why(h, h->queued ? why : LF_BLOCK_NONE);
    if (wanted(h) && !why) {
        let_go(h);
        if (lf_list_empty(&h->turn))
            lf_list_append(&h->domain->turns, &h->turn);
        return;
    }
    lf_list_remove(&h->turn);
    if (wanted(h)) {
        hold(h);
    } else {
        let_go(h);
        lf_host_set_timer(h);
    }
}

/* ---- tickets ---- */

/* The last question before a slot is taken: what was left of the run's requests, another
 * process may have used. */
static bool counted(const struct lf_domain *d)
{
    return d->parent || lf_quota_take(d->eng);
}

static void take_slot(struct lf_ticket *t)
{
    struct lf_host *h = t->host;
    t->held = true;
    h->active++;
    h->domain->active++;
    if (h->pace)
        lf_pace_take(h->pace, h->domain->eng->now);
}

static void unqueue(struct lf_ticket *t)
{
    lf_list_remove(&t->link);
    t->host->queued--;
    t->host->domain->queued--;
}

static enum lf_err enter(struct lf_req *req, struct lf_domain *d, struct lf_host *inner,
                         bool front);

static void wake(struct lf_host *h);

/* One more of those who wait here, or the turn of a host inside, which passes them. */
static void serve(struct lf_host *h)
{
    bool inside = !lf_list_empty(&h->held) && (!h->queued || h->inside_next);
    h->inside_next = !inside;
    if (inside) {
        h->yields = true;
        wake(lf_container(lf_list_shift(&h->held), struct lf_host, holding));
        h->yields = false;
    } else if (h->queued && counted(h->domain)) {
        struct lf_ticket *t = lf_container(h->queue.next, struct lf_ticket, link);
        unqueue(t);
        take_slot(t);
        if (enter(t->req, h->domain->parent, h, false))
            lf_req_admission_failed(t->req);
    }
}

/* Start what may start. What stood in turn may be held back by now. */
static void pump(struct lf_domain *d)
{
    while (!lf_domain_full(d) && !lf_list_empty(&d->turns)) {
        struct lf_host *h = lf_container(lf_list_shift(&d->turns), struct lf_host, turn);
        if (!lf_host_block(h))
            serve(h);
        give_turn(h);
    }
}

/* Something has changed at h. */
static void wake(struct lf_host *h)
{
    give_turn(h);
    pump(h->domain);
}

void lf_admit_owed(struct lf_engine *eng)
{
    eng->owed = false;
    for (struct lf_list *n = eng->domains.next; n != &eng->domains; n = n->next) {
        struct lf_domain *d = lf_domain_from_link(n);
        for (struct lf_host *h = lf_host_next(d, NULL); h; h = lf_host_next(d, h))
            give_turn(h);
        pump(d);
    }
}

void lf_host_on_timer(struct lf_timer *timer)
{
    struct lf_host *h = lf_container(timer, struct lf_host, timer);
    if (wanted(h))
        wake(h);
    lf_host_drop(h);
}

/* Into domain d, and on to its parents. `inner`: its host in the domain below, or NULL.
 */
static enum lf_err enter(struct lf_req *req, struct lf_domain *d, struct lf_host *inner,
                         bool front)
{
    struct lf_admission *a = &req->admission;
    for (; d; d = d->parent) {
        struct lf_ticket *t = &a->tickets[a->level];
        t->host = inner && inner->outer ? inner->outer
                                        : lf_host_get(d, req->host, req->host_len);
        if (!t->host)
            return LF_ERESOURCE;
        inner = t->host;
        t->req = req;
        t->domain = d;
        t->held = false;
        a->level++;
        lf_list_init(&t->link);
        bool first = t->host->yields || !wanted(t->host);
        if (first && !lf_domain_full(d) && !lf_host_block(t->host) && counted(d)) {
            take_slot(t);
            continue;
        }
        front ? lf_list_prepend(&t->host->queue, &t->link)
              : lf_list_append(&t->host->queue, &t->link);
        t->host->queued++;
        d->queued++;
        give_turn(t->host);
        return LF_OK;
    }
    lf_req_admitted(req);
    return LF_OK;
}

enum lf_err lf_admit(struct lf_req *req, bool front)
{
    req->admission.level = 0;
    return enter(req, req->domain, NULL, front);
}

/* Slots are given back from the outermost in; then those who wait outside go first. */
void lf_admit_leave(struct lf_req *req)
{
    struct lf_admission *a = &req->admission;
    unsigned n = a->level;
    while (a->level) {
        struct lf_ticket *t = &a->tickets[--a->level];
        struct lf_host *h = t->host;
        if (t->held) {
            h->active--;
            h->domain->active--;
        } else {
            unqueue(t);
        }
        give_turn(h);
        lf_host_drop(h);
        t->host = NULL;
    }
    while (n)
        pump(a->tickets[--n].domain);
}

/* ---- what answers say ---- */

static struct lf_host *policy_host(const struct lf_req *req)
{
    const struct lf_admission *a = &req->admission;
    for (unsigned i = 0; i < a->level; i++)
        if (a->tickets[i].domain->conf.policy)
            return a->tickets[i].host;
    return NULL;
}

bool lf_admit_paced(const struct lf_req *req)
{
    const struct lf_host *h = policy_host(req);
    return h && h->pace;
}

void lf_admit_park(struct lf_req *req, double seconds, const char *why)
{
    struct lf_host *h = policy_host(req);
    double until = req->eng->now + seconds;
    if (!h || until <= h->parked)
        return;
    if (h->parked <= req->eng->now)
        lf_log(LF_LOG_INFO, "%s is left alone for %.3g s (%s)", h->name, seconds, why);
    h->parked = until;
}

void lf_admit_answer(struct lf_req *req, enum lf_sign sign, double rest)
{
    struct lf_host *h = policy_host(req);
    if (h && h->pace)
        lf_pace_answer(h->pace, req->eng->now, sign, req->x.started, rest);
}

/* ---- for the statistics ---- */

struct lf_domain *lf_domain_from_link(struct lf_list *link)
{
    return lf_container(link, struct lf_domain, link);
}

enum lf_cause lf_domain_waits_for(const struct lf_domain *d)
{
    static const enum lf_cause causes[LF_BLOCKS] = {[LF_BLOCK_TOTAL] = LF_CAUSE_TOTAL,
                                                    [LF_BLOCK_FULL] = LF_CAUSE_HOST,
                                                    [LF_BLOCK_RATE] = LF_CAUSE_RATE,
                                                    [LF_BLOCK_PARKED] = LF_CAUSE_PARKED};
    if (!d->queued)
        return LF_CAUSE_NONE;
    if (lf_domain_full(d))
        return LF_CAUSE_TOTAL;
    for (unsigned i = LF_BLOCK_TOTAL; i < LF_BLOCK_TURN; i++)
        if (d->blocked[i])
            return causes[i];
    return LF_CAUSE_TOTAL; /* a place has just become free */
}

unsigned lf_domain_parked(const struct lf_domain *d)
{
    unsigned n = 0;
    if (!d->conf.policy)
        return 0;
    for (struct lf_host *h = lf_host_next(d, NULL); h; h = lf_host_next(d, h))
        n += h->parked > d->eng->now;
    return n;
}

unsigned lf_domain_queued(const struct lf_domain *d)
{
    return d->queued;
}
