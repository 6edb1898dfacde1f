/* The hosts of an admission domain: a table by name, the limits each has by the domain's
 * rules, and what is to be remembered of one that nobody uses (that it is parked, how
 * fast it may be asked). */
#include "engine/host.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 64, GROW_AT = 4 }; /* hosts per bucket before the table doubles */

uint32_t lf_host_hash(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    while (n--)
        h = (h ^ (unsigned char)*s++) * 16777619u;
    return h;
}

/* ---- rules ---- */

/* "*" stands for any characters. */
static bool matches(const char *pattern, const char *s, size_t n)
{
    const char *end = s + n, *star = NULL, *from = s;
    while (s < end) {
        if (*pattern == '*') {
            star = ++pattern;
            from = s;
        } else if (*pattern == *s) {
            pattern++;
            s++;
        } else if (star) { /* let the last "*" take one more */
            pattern = star;
            s = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

/* Without its port: "[::1]:8080" → "[::1]". */
static size_t without_port(const char *name, size_t len)
{
    size_t n = len;
    while (n && name[n - 1] >= '0' && name[n - 1] <= '9')
        n--;
    return n && n < len && name[n - 1] == ':' ? n - 1 : len;
}

bool lf_host_matches(const char *pattern, const char *name, size_t len)
{
    return matches(pattern, name, len) || matches(pattern, name, without_port(name, len));
}

static const struct lf_host_rule *rule_for(const struct lf_domain *d, const char *name,
                                           size_t len)
{
    for (size_t i = 0; i < d->conf.nrules; i++)
        if (lf_host_matches(d->rules[i].pattern, name, len))
            return &d->rules[i];
    return NULL;
}

static size_t literals(const char *pattern)
{
    size_t n = 0;
    for (; *pattern; pattern++)
        n += *pattern != '*';
    return n;
}

static int by_literals(const void *a, const void *b)
{
    const char *p = ((const struct lf_host_rule *)a)->pattern;
    const char *q = ((const struct lf_host_rule *)b)->pattern;
    size_t n = literals(p), m = literals(q);
    return n != m ? (n < m) - (n > m) : strcmp(p, q);
}

char *lf_host_pattern(const char *s)
{
    char *copy = strdup(s);
    for (char *p = copy; p && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

static bool copy_rules(struct lf_domain *d)
{
    const struct lf_domain_conf *conf = &d->conf;
    d->rules = conf->nrules ? calloc(conf->nrules, sizeof *d->rules) : NULL;
    if (conf->nrules && !d->rules)
        return false;
    for (size_t i = 0; i < conf->nrules; i++) {
        d->rules[i] = conf->rules[i];
        d->rules[i].pattern = lf_host_pattern(conf->rules[i].pattern);
    }
    for (size_t i = 0; i < conf->nrules; i++)
        if (!d->rules[i].pattern)
            return false;
    if (conf->nrules)
        qsort(d->rules, conf->nrules, sizeof *d->rules, by_literals);
    d->conf.rules = d->rules;
    return true;
}

/* ---- one host ---- */

static bool limit_host(struct lf_host *host)
{
    const struct lf_domain *d = host->domain;
    const struct lf_host_rule *rule = rule_for(d, host->name, host->len);
    const struct lf_rate *rate = rule && rule->has_rate ? &rule->rate : &d->conf.rate;
    host->per_host = rule && rule->has_per_host ? rule->per_host : d->conf.per_host;
    if (!rate->automatic && rate->interval <= 0)
        return true;
    host->pace = malloc(sizeof *host->pace);
    if (host->pace) {
        lf_pace_init(host->pace, rate, d->eng->now);
        lf_pace_share(host->pace, d->eng->processes);
    }
    return host->pace != NULL;
}

static bool find_outer(struct lf_host *host)
{
    struct lf_domain *parent = host->domain->parent;
    if (!parent)
        return true;
    host->outer = lf_host_get(parent, host->name, host->len);
    if (host->outer)
        host->outer->refs++;
    return host->outer != NULL;
}

static struct lf_host *host_new(struct lf_domain *d, const char *name, size_t len,
                                uint32_t hash)
{
    struct lf_host *host = calloc(1, sizeof *host + len + 1);
    if (!host)
        return NULL;
    memcpy(host->name, name, len);
    host->domain = d;
    host->len = len;
    host->hash = hash;
    host->timer.fire = lf_host_on_timer;
    lf_list_init(&host->queue);
    lf_list_init(&host->turn);
    lf_list_init(&host->held);
    lf_list_init(&host->holding);
    if (!limit_host(host) || !find_outer(host)) {
        free(host->pace);
        free(host);
        return NULL;
    }
    return host;
}

static void host_free(struct lf_host *h)
{
    struct lf_host *outer = h->outer;
    lf_timers_remove(&h->domain->eng->timers, &h->timer);
    lf_list_remove(&h->turn);
    lf_list_remove(&h->holding);
    free(h->pace);
    free(h);
    if (!outer)
        return;
    outer->refs--;
    lf_host_drop(outer);
}

/* ---- the table ---- */

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

struct lf_host *lf_host_get(struct lf_domain *d, const char *name, size_t len)
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

/* When it can be forgotten; in the past: now. */
static double memory(const struct lf_host *h)
{
    double until = h->pace ? lf_pace_memory(h->pace) : 0;
    return h->parked > until ? h->parked : until;
}

/* A host that nobody uses is forgotten: a million hosts cost no more than those in use.
 */
void lf_host_drop(struct lf_host *h)
{
    struct lf_domain *d = h->domain;
    if (h->active || h->queued || h->refs || h == d->all)
        return;
    if (memory(h) > d->eng->now) {
        lf_host_set_timer(h);
        return;
    }
    struct lf_host **at = &d->table[h->hash & (d->nbuckets - 1)];
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    d->nhosts--;
    host_free(h);
}

struct lf_host *lf_host_next(const struct lf_domain *d, const struct lf_host *h)
{
    if (!d->table || (h && h->next))
        return h ? h->next : NULL;
    for (size_t i = h ? (h->hash & (d->nbuckets - 1)) + 1 : 0; i < d->nbuckets; i++)
        if (d->table[i])
            return d->table[i];
    return NULL;
}

enum lf_err lf_hosts_init(struct lf_domain *d)
{
    if (!copy_rules(d))
        return LF_ERESOURCE;
    if (d->parent) {
        d->nbuckets = BUCKETS;
        d->table = calloc(BUCKETS, sizeof *d->table);
    } else { /* the run's ceiling: hosts are told apart below it */
        d->all = host_new(d, "", 0, 0);
    }
    return d->table || d->all ? LF_OK : LF_ERESOURCE;
}

void lf_hosts_free(struct lf_domain *d)
{
    for (size_t i = 0; d->table && i < d->nbuckets; i++)
        while (d->table[i]) {
            struct lf_host *h = d->table[i];
            d->table[i] = h->next;
            host_free(h);
        }
    free(d->table);
    free(d->all);
    for (size_t i = 0; d->rules && i < d->conf.nrules; i++)
        free((char *)d->rules[i].pattern);
    free(d->rules);
}

/* ---- may it start one more? ---- */

bool lf_domain_full(const struct lf_domain *d)
{
    return (d->conf.limit && d->active >= d->conf.limit) ||
           (!d->parent && lf_quota_holds(d->eng));
}

enum lf_block lf_host_own_block(const struct lf_host *h)
{
    double now = h->domain->eng->now;
    if (h->per_host && h->active >= h->per_host)
        return LF_BLOCK_FULL;
    if (h->parked > now)
        return LF_BLOCK_PARKED;
    return h->pace && lf_pace_due(h->pace) > now ? LF_BLOCK_RATE : LF_BLOCK_NONE;
}

enum lf_block lf_host_block(const struct lf_host *h)
{
    enum lf_block why = lf_host_own_block(h);
    while (!why && (h = h->outer)) {
        why = lf_domain_full(h->domain) ? LF_BLOCK_TOTAL : lf_host_own_block(h);
        if (!why && !h->yields && (h->queued || !lf_list_empty(&h->held)))
            why = LF_BLOCK_TURN;
    }
    return why;
}

double lf_host_due(const struct lf_host *h)
{
    double rate = h->pace ? lf_pace_due(h->pace) : 0;
    return h->parked > rate ? h->parked : rate;
}

/* The time for which somebody waits keeps the run alive; that for which something is
 * remembered does not. */
void lf_host_set_timer(struct lf_host *h)
{
    struct lf_engine *eng = h->domain->eng;
    bool waited = h->queued || !lf_list_empty(&h->held);
    double at = waited ? lf_host_due(h) : memory(h);
    if (h->timer.pos && h->timer.weak == !waited && h->timer.due == at)
        return;
    lf_timers_remove(&eng->timers, &h->timer);
    h->timer.weak = !waited;
    if (at <= eng->now || lf_timers_add(&eng->timers, &h->timer, at))
        return;
    h->parked = 0; /* no memory: early is better than never */
    free(h->pace);
    h->pace = NULL;
    eng->owed = true;
}
