/* Admission: who may start, and how many at once.
 *
 * A domain holds its requests in one FIFO per host; hosts with room take turns, so that a
 * slow host never holds up another. A request enters its own domain, then that one's
 * parent, up to the run; it holds a slot in each until it ends. */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>
#include "engine/req.h"

enum { BUCKETS = 64, GROW_AT = 4 }; /* hosts per bucket before the table doubles */

struct lf_host {
    struct lf_host *next;     /* owned: same bucket */
    struct lf_domain *domain; /* borrowed: outlives us */
    struct lf_list queue;     /* tickets that wait here */
    struct lf_list turn;      /* in domain->turns while it has waiting and room */
    unsigned active, queued;
    uint32_t hash;
    size_t len;
    char name[];
};

struct lf_domain {
    struct lf_list link;
    struct lf_engine *eng;    /* borrowed: outlives us */
    struct lf_domain *parent; /* owned reference */
    struct lf_domain_conf conf;
    struct lf_host **table; /* owned; NULL without a limit per host */
    size_t nbuckets, nhosts;
    struct lf_host *all;  /* owned: the one queue when there is no limit per host */
    struct lf_list turns; /* hosts that may start one more */
    unsigned active, queued, refs, depth;
    uint64_t ok, failed;
};

static bool full(const struct lf_domain *d)
{
    return d->conf.limit && d->active >= d->conf.limit;
}

static bool host_full(const struct lf_host *h)
{
    return h->domain->conf.per_host && h->active >= h->domain->conf.per_host;
}

/* ---- hosts ---- */

uint32_t lf_host_hash(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    while (n--)
        h = (h ^ (unsigned char)*s++) * 16777619u;
    return h;
}

static struct lf_host *host_new(struct lf_domain *d, const char *name, size_t len,
                                uint32_t h)
{
    struct lf_host *host = calloc(1, sizeof *host + len + 1);
    if (!host)
        return NULL;
    memcpy(host->name, name, len);
    host->domain = d;
    host->len = len;
    host->hash = h;
    lf_list_init(&host->queue);
    lf_list_init(&host->turn);
    return host;
}

static void grow(struct lf_domain *d)
{
    size_t n = d->nbuckets * 2;
    struct lf_host **table = calloc(n, sizeof *table);
    if (!table)
        return; /* the chains get longer, nothing else */
    for (size_t i = 0; i < d->nbuckets; i++) {
        while (d->table[i]) {
            struct lf_host *h = d->table[i];
            d->table[i] = h->next;
            h->next = table[h->hash & (n - 1)];
            table[h->hash & (n - 1)] = h;
        }
    }
    free(d->table);
    d->table = table;
    d->nbuckets = n;
}

static struct lf_host *host_get(struct lf_domain *d, const char *name, size_t len)
{
    if (d->all)
        return d->all;
    uint32_t h = lf_host_hash(name, len);
    for (struct lf_host *it = d->table[h & (d->nbuckets - 1)]; it; it = it->next)
        if (it->hash == h && it->len == len && memcmp(it->name, name, len) == 0)
            return it;
    if (d->nhosts >= d->nbuckets * GROW_AT)
        grow(d);
    struct lf_host *host = host_new(d, name, len, h);
    if (!host)
        return NULL;
    host->next = d->table[h & (d->nbuckets - 1)];
    d->table[h & (d->nbuckets - 1)] = host;
    d->nhosts++;
    return host;
}

/* A host that nobody uses is forgotten: a million hosts cost no more than those in use.
 */
static void host_drop(struct lf_host *h)
{
    struct lf_domain *d = h->domain;
    if (h->active || h->queued || h == d->all)
        return;
    struct lf_host **at = &d->table[h->hash & (d->nbuckets - 1)];
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    d->nhosts--;
    lf_list_remove(&h->turn);
    free(h);
}

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
    lf_list_init(&d->turns);
    lf_list_init(&d->link);
    if (conf->per_host) {
        d->nbuckets = BUCKETS;
        d->table = calloc(BUCKETS, sizeof *d->table);
    } else {
        d->all = host_new(d, "", 0, 0);
    }
    if (!d->table && !d->all) {
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
        free(d->table);
        free(d->all);
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

bool lf_domain_within(const struct lf_domain *d, const struct lf_domain *outer)
{
    while (d && d != outer)
        d = d->parent;
    return d != NULL;
}

void lf_domain_count(struct lf_domain *d, bool ok)
{
    for (; d; d = d->parent)
        ok ? d->ok++ : d->failed++;
}

struct lf_domain_stats lf_domain_stats(const struct lf_domain *d)
{
    return (struct lf_domain_stats){d->ok + d->failed, d->ok, d->failed, d->queued,
                                    d->active};
}

/* ---- tickets ---- */

static void give_turn(struct lf_host *h)
{
    if (h->queued && !host_full(h) && lf_list_empty(&h->turn))
        lf_list_append(&h->domain->turns, &h->turn);
    else if (!h->queued || host_full(h))
        lf_list_remove(&h->turn);
}

static void take_slot(struct lf_ticket *t)
{
    t->held = true;
    t->host->active++;
    t->host->domain->active++;
}

static void unqueue(struct lf_ticket *t)
{
    lf_list_remove(&t->link);
    t->host->queued--;
    t->host->domain->queued--;
}

static enum lf_err enter(struct lf_req *req, struct lf_domain *d, bool front);

static void pump(struct lf_domain *d)
{
    while (!full(d) && !lf_list_empty(&d->turns)) {
        struct lf_host *h = lf_container(lf_list_shift(&d->turns), struct lf_host, turn);
        struct lf_ticket *t = lf_container(h->queue.next, struct lf_ticket, link);
        unqueue(t);
        take_slot(t);
        give_turn(h);
        if (enter(t->req, d->parent, false))
            lf_req_admission_failed(t->req);
    }
}

/* Into domain d, and on to its parents as long as there is room. */
static enum lf_err enter(struct lf_req *req, struct lf_domain *d, bool front)
{
    struct lf_admission *a = &req->admission;
    for (; d; d = d->parent) {
        struct lf_ticket *t = &a->tickets[a->level];
        t->host = host_get(d, req->host, req->host_len);
        if (!t->host)
            return LF_ERESOURCE;
        t->req = req;
        t->domain = d;
        t->held = false;
        a->level++;
        lf_list_init(&t->link);
        if (!t->host->queued && !full(d) && !host_full(t->host)) {
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
    return enter(req, req->domain, front);
}

/* Slots are given back from the outermost in, so that whoever waits out there, and was
 * admitted inside before, goes first. */
void lf_admit_leave(struct lf_req *req)
{
    struct lf_admission *a = &req->admission;
    unsigned n = a->level;
    while (a->level) {
        struct lf_ticket *t = &a->tickets[--a->level];
        struct lf_host *h = t->host;
        struct lf_domain *d = h->domain;
        if (t->held) {
            h->active--;
            d->active--;
        } else {
            unqueue(t);
        }
        give_turn(h);
        t->host = NULL;
        host_drop(h);
    }
    while (n)
        pump(a->tickets[--n].domain);
}

struct lf_domain *lf_domain_from_link(struct lf_list *link)
{
    return lf_container(link, struct lf_domain, link);
}

bool lf_domain_waits_for_host(const struct lf_domain *d)
{
    return d->queued && !full(d);
}

unsigned lf_domain_queued(const struct lf_domain *d)
{
    return d->queued;
}
