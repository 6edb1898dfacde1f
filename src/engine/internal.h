/* What the files of the engine share and nobody else sees. */
#ifndef LF_ENGINE_INTERNAL_H
#define LF_ENGINE_INTERNAL_H

#include <ev.h>
#include "base/arena.h"
#include "base/list.h"
#include "engine/engine.h"
#include "engine/names.h"
#include "engine/offload.h"
#include "engine/pace.h"
#include "engine/quota.h"
#include "engine/timer.h"
#include "engine/xfer.h"
#include "http/proxy.h"

enum {
    EVENT_BATCH = 16,   /* socket events handled before tasks get their turn: a connection
                           that became free is used while it is still warm */
    FEW_TICKETS = 3,    /* how deep admission domains mostly nest: run, session, group */
    FD_RESERVE = 64,    /* descriptors left to the script and to files */
    POOLED_REQS = 2048, /* ended requests kept for re-use */
};

/* ---- loop.c: libev, descriptors ---- */

struct lf_fdw; /* what we know of one descriptor */

struct lf_event {
    struct lf_fdw *fdw; /* borrowed; NULL when its descriptor was closed meanwhile */
    int revents;
};

struct lf_loop {
    struct ev_loop *ev;
    ev_timer wake;          /* the one timer libev sees */
    double armed;           /* when it fires; LF_NEVER: stopped */
    struct lf_fdw **chunks; /* owned: descriptors by number, 64 a chunk, never moved */
    size_t nchunks;
    struct lf_event *events; /* owned: what the last poll brought, not yet handled */
    size_t nevents, at, cap;
    unsigned watching; /* descriptors of modules: they keep the loop alive */
    struct lf_list signals;
};

enum lf_err lf_loop_init(struct lf_loop *loop);
void lf_loop_deinit(struct lf_loop *loop);
/* Wait at most until `due` (0: not at all); events are queued, not handled. */
void lf_loop_poll(struct lf_loop *loop, double now, double due);
bool lf_loop_pending(const struct lf_loop *loop);
/* Handle up to `max` queued events; true when there was one. */
bool lf_loop_run(struct lf_loop *loop, int max);

typedef void lf_fd_fn(void *arg, int fd, int revents); /* revents: EV_READ, EV_WRITE */

/* Sockets of a transport: watched lazily. A descriptor that nobody wants any more keeps
 * its watcher until it speaks or is closed, so that a kept-alive connection costs no
 * epoll_ctl a request. Only for descriptors that we open and close ourselves (`owned`).
 */
enum lf_err lf_loop_own(struct lf_loop *loop, int fd);
enum lf_err lf_loop_want(struct lf_loop *loop, int fd, int events, lf_fd_fn *fn,
                         void *arg);
void lf_loop_unwant(struct lf_loop *loop, int fd);
void lf_loop_forget(struct lf_loop *loop, int fd); /* before close */

/* ---- admit.c: who may start ---- */

struct lf_host;

struct lf_ticket {
    struct lf_list link;      /* in the host's queue while waiting */
    struct lf_host *host;     /* borrowed; NULL: not in that domain */
    struct lf_domain *domain; /* borrowed: outlives the request */
    struct lf_req *req;
    bool held; /* admitted there */
};

struct lf_admission {
    struct lf_ticket *tickets; /* one a domain: `few`, or in the request's arena */
    struct lf_ticket few[FEW_TICKETS];
    unsigned level; /* how many domains were entered */
};

/* Queue req (its domain, its host) for admission; lf_req_admitted is called as soon as
 * all domains agree, which may be before this returns. `front`: before those that wait,
 * for a redirect that goes on. */
enum lf_err lf_admit(struct lf_req *req, bool front);
void lf_admit_leave(struct lf_req *req);   /* give everything back; lets others start */
void lf_admit_owed(struct lf_engine *eng); /* eng->owed: start what may start */

/* What an answer says of the request's host, before it leaves. `why` is for the log. */
bool lf_admit_paced(const struct lf_req *req); /* its host has a rate */
void lf_admit_park(struct lf_req *req, double seconds, const char *why);
void lf_admit_answer(struct lf_req *req, enum lf_sign sign, double rest);

/* One retry is to be made: take it from the budget, if there is one left. */
bool lf_domain_spend_retry(struct lf_domain *d);

/* For the statistics: how many wait here, and what for? */
enum lf_cause {
    LF_CAUSE_NONE,
    LF_CAUSE_TOTAL,  /* the domain's limit */
    LF_CAUSE_HOST,   /* their hosts' limits … */
    LF_CAUSE_RATE,   /* … or rates … */
    LF_CAUSE_PARKED, /* … or these are to be left alone */
};
struct lf_domain *lf_domain_from_link(struct lf_list *link); /* in eng->domains */
unsigned lf_domain_queued(const struct lf_domain *d);
unsigned lf_domain_parked(const struct lf_domain *d); /* hosts */
enum lf_cause lf_domain_waits_for(const struct lf_domain *d);

uint32_t lf_host_hash(const char *s, size_t n);
/* Does a pattern of struct lf_host_rule, in lower case, match the host with or without
 * its port? */
bool lf_host_matches(const char *pattern, const char *name, size_t len);
char *lf_host_pattern(const char *s); /* a copy in lower case; NULL: no memory */
void lf_domain_retain(struct lf_domain *d);
unsigned lf_domain_depth(const struct lf_domain *d); /* the run's own: 1 */
void lf_domain_count(struct lf_domain *d, bool ok);  /* a request has ended */

/* ---- req.c ---- */

void lf_req_admitted(struct lf_req *req);
void lf_req_resolve_all(struct lf_engine *eng); /* go on with what has an address */
bool lf_req_finish_all(
    struct lf_engine *eng); /* look at what has ended; may call done() */
void lf_req_pool_drain(struct lf_engine *eng);

/* ---- the engine ---- */

struct lf_engine {
    struct lf_loop loop;
    struct lf_timers timers;
    struct lf_transport *transport; /* owned */
    struct lf_domain *run;          /* owned: the outermost domain */
    struct lf_list resolved;        /* lookups that ended, not yet looked at */
    struct lf_list finished;        /* exchanges that ended, not yet looked at */
    struct lf_list news;            /* streams of which something is to be told */
    struct lf_list thaw;            /* streams that may go on */
    struct lf_list saves;           /* files that are being written */
    struct lf_list domains;
    struct lf_list pool; /* owned: requests for re-use */
    unsigned pooled;
    struct lf_buf sound; /* owned: the header block that was found valid last */
    double now;
    struct lf_names *names;       /* owned; NULL until a name is looked up */
    struct lf_proxies *proxies;   /* owned; NULL: the environment is not heeded */
    struct lf_conns *conns;       /* owned; NULL until a module connects */
    struct lf_pool *pool_threads; /* owned; NULL until something is offloaded */
    bool system_resolver;
    char *dns_servers;  /* owned; NULL: the system's */
    unsigned resolving; /* requests that wait for an address … */
    unsigned waiting;   /* … and for their next attempt */
    uint64_t random;    /* state of lf_engine_random */
    unsigned sockets;   /* connections all lanes may hold together */
    bool owed; /* a host has no timer for want of memory: look whether it may start */
    bool scripted;
    unsigned processes; /* of the run: 1 or more */
    uint64_t play;      /* number of a scripted one, 0 for a real one */
    unsigned requests;  /* alive, not pooled */
    char *ca;           /* owned; NULL: the system's */
    char **spared;      /* owned, ended by NULL: patterns; NULL: none */
    struct lf_usage usage;
    struct lf_stats stats;
    lf_script_fn *script_fn; /* of the scripted transport */
    void *script_arg;        /* borrowed: whoever set it */
};

/* Does every guard let this host ("host" or "host:port") pass? */
bool lf_engine_spares(const struct lf_engine *eng, const char *host, size_t len);
double lf_engine_random(struct lf_engine *eng); /* from 0 up to 1; no secret */

struct lf_transport *lf_lanes_new(struct lf_engine *eng);  /* lane.c */
struct lf_transport *lf_script_new(struct lf_engine *eng); /* script.c */

#endif
