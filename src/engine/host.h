/* What an admission domain knows of its hosts; for host.c and admit.c only. */
#ifndef LF_ENGINE_HOST_H
#define LF_ENGINE_HOST_H

#include "engine/internal.h"
#include "engine/pace.h"

/* Why nothing may start at a host. */
enum lf_block {
    LF_BLOCK_NONE,
    LF_BLOCK_TOTAL, /* a domain outside is full */
    LF_BLOCK_FULL,  /* its own limit, here or outside … */
    LF_BLOCK_RATE,
    LF_BLOCK_PARKED,
    LF_BLOCK_TURN, /* others came before, and will start in a moment */
    LF_BLOCKS
};

struct lf_host {
    struct lf_host *next;     /* owned: same bucket */
    struct lf_domain *domain; /* borrowed: outlives us */
    struct lf_host *outer;    /* a reference: the same host in the parent; NULL: none */
    struct lf_list queue;     /* tickets that wait here */
    struct lf_list turn;      /* in domain->turns while it is wanted and may start one */
    struct lf_list held;      /* hosts of inner domains that wait because of us … */
    struct lf_list holding;   /* … and we in outer->held */
    struct lf_pace *pace;     /* owned; NULL: no rate */
    struct lf_timer timer;    /* when more may start, or it can be forgotten */
    double parked;            /* until then nothing starts */
    unsigned active, queued, refs, per_host;
    bool inside_next;  /* the next turn is that of `held`, if they want one … */
    bool yields;       /* … and this is it */
    enum lf_block why; /* it is counted in domain->blocked[why] */
    uint32_t hash;
    size_t len;
    char name[];
};

struct lf_domain {
    struct lf_list link;
    struct lf_engine *eng;    /* borrowed: outlives us */
    struct lf_domain *parent; /* owned reference */
    struct lf_domain_conf conf;
    struct lf_host_rule *rules; /* owned, with their patterns: the most special first */
    struct lf_host **table;     /* owned; NULL: no host is told from another */
    size_t nbuckets, nhosts;
    struct lf_host *all;         /* owned: then this is the one queue */
    struct lf_list turns;        /* hosts that may start one more */
    unsigned blocked[LF_BLOCKS]; /* hosts with waiting that may not, by why */
    unsigned active, queued, refs, depth;
    uint64_t ok, failed, retries, refused; /* retries that there was no budget for */
    double tokens;                         /* retries that may be made */
};

/* In a domain that is new: make its table. LF_ERESOURCE. */
enum lf_err lf_hosts_init(struct lf_domain *d);
void lf_hosts_free(struct lf_domain *d); /* of all, none of which is in use */
/* The host of that name ("host" or "host:port", lower case); NULL when memory ends. */
struct lf_host *lf_host_get(struct lf_domain *d, const char *name, size_t len);
/* Forget it when nobody uses it and there is nothing to remember. */
void lf_host_drop(struct lf_host *h);
/* Walk over all: NULL begins, NULL ends. */
struct lf_host *lf_host_next(const struct lf_domain *d, const struct lf_host *h);

bool lf_domain_full(const struct lf_domain *d);
/* Why it may start nothing now; the domain's own limit is not looked at, but those of
 * the domains outside are. */
enum lf_block lf_host_block(const struct lf_host *h);
/* The same by what holds for this host in this domain alone. */
enum lf_block lf_host_own_block(const struct lf_host *h);
/* When its own rate and parking allow more; in the past: now. */
double lf_host_due(const struct lf_host *h);
/* Have h->timer fire when that may have changed, or when it can be forgotten. */
void lf_host_set_timer(struct lf_host *h);
void lf_host_on_timer(struct lf_timer *t); /* admit.c */

#endif
