/* The engine: HTTP requests on one event loop, without Lua.
 *
 * Law: nothing completes inside a call that starts it. Callbacks (lf_done_fn, timer and
 * descriptor functions) run only inside lf_engine_step, may only touch their own memory
 * and mark work as ready, and never call back into the engine except to start or stop
 * timers. What you create you free; freeing cancels first and guarantees that no callback
 * follows. A duration is in seconds, LF_NEVER means "no limit". */
#ifndef LF_ENGINE_H
#define LF_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "http/headers.h"
#include "http/url.h"

#define LF_NEVER 1e18

struct lf_engine;
struct lf_req;    /* one logical request: all its redirects */
struct lf_domain; /* an admission domain: who may start, and how many at once */

/* ---- the engine ---- */

struct lf_engine_conf {
    unsigned limit;       /* ceiling for the whole run; 0: what the descriptors allow */
    bool scripted;        /* transport from lf_script_*, clock that jumps: for tests */
    const char *ca;       /* CA file; NULL: the system's */
    bool system_resolver; /* names by getaddrinfo in threads instead of c-ares */
    const char *dns_servers; /* "address[:port],…" instead of the system's; NULL */
};

enum lf_err lf_engine_new(const struct lf_engine_conf *conf, struct lf_engine **out);
void lf_engine_free(struct lf_engine *eng); /* every request and domain is freed before */

/* Do some work: a small batch of socket events, due timers, finished transfers. With
 * `block` wait until there is some. False when nothing is left that could ever happen. */
bool lf_engine_step(struct lf_engine *eng, bool block);
double lf_engine_now(const struct lf_engine *eng); /* monotonic, or the jumping clock */
void lf_engine_tick(struct lf_engine *eng); /* read the clock anew (long Lua slice) */

/* ---- timers: in your memory, a heap underneath ---- */

struct lf_timer {
    double due;
    uint64_t seq; /* equal times fire in the order of starting */
    size_t pos;   /* place in the heap + 1; 0: not running */
    bool weak;    /* does not keep the loop alive by itself */
    void (*fire)(struct lf_timer *t);
};

/* (Re)start; false when memory ends. */
bool lf_timer_start(struct lf_engine *eng, struct lf_timer *t, double seconds);
void lf_timer_stop(struct lf_engine *eng, struct lf_timer *t); /* harmless when stopped */

/* ---- descriptors and signals, for modules and main ---- */

enum { LF_READ = 1, LF_WRITE = 2 };
struct lf_watch; /* opaque, owned by the caller, freed with lf_watch_free */
struct lf_watch *lf_watch_new(struct lf_engine *eng, int fd, int events,
                              void (*ready)(void *arg, int events), void *arg);
void lf_watch_set(struct lf_watch *w, int events); /* 0: pause */
void lf_watch_free(struct lf_watch *w);
/* Signals do not keep the loop alive. `got` runs inside lf_engine_step. */
enum lf_err lf_engine_on_signal(struct lf_engine *eng, int signum,
                                void (*got)(void *arg, int signum), void *arg);

/* ---- the offload pool: threads for what blocks ---- */

struct lf_job { /* in your memory, which must stay until done, drop or a cancel that
                   worked */
    struct lf_list link;
    bool running;
    void (*work)(struct lf_job *job); /* in a thread: no Lua, no engine */
    void (*done)(struct lf_job *job); /* on the loop, after work */
    void (*drop)(
        struct lf_job *job); /* instead of done, when the engine has gone: free */
};
enum lf_err lf_offload(struct lf_engine *eng, struct lf_job *job);
/* True: it had not begun and never will. False: done() still comes. */
bool lf_offload_cancel(struct lf_engine *eng, struct lf_job *job);

/* ---- admission ---- */

struct lf_domain_conf {
    unsigned limit;    /* transfers at once; 0: no limit */
    unsigned per_host; /* of these to one host and port; 0: no limit */
};

/* A request passes its domain, then that one's parent, up to the run's ceiling; it starts
 * when all agree. parent NULL: the run. A domain lives until its last request is freed.
 */
enum lf_err lf_domain_new(struct lf_engine *eng, struct lf_domain *parent,
                          const struct lf_domain_conf *conf, struct lf_domain **out);
void lf_domain_release(struct lf_domain *d);
const struct lf_domain_conf *lf_domain_limits(const struct lf_domain *d);
/* Is d `outer` or inside of it? */
bool lf_domain_within(const struct lf_domain *d, const struct lf_domain *outer);

struct lf_domain_stats {
    uint64_t requests, ok, failed; /* that ended, those of inner domains included */
    unsigned queued, active;       /* now */
};
struct lf_domain_stats lf_domain_stats(const struct lf_domain *d);

/* ---- requests ---- */

struct lf_timeouts {
    double total, connect, headers, stall; /* seconds; LF_NEVER: none */
};

struct lf_opts {
    struct lf_domain *domain;         /* NULL: the run */
    const char *method;               /* "GET"; borrowed during lf_req_new */
    const struct lf_url *url;         /* copied */
    const struct lf_headers *headers; /* copied; complete: nothing else is sent but what
                                         HTTP itself needs (Host, Content-Length) */
    const char *body;                 /* borrowed until lf_req_free; NULL: none */
    size_t body_len;
    struct lf_timeouts timeout; /* per attempt, from admission */
    double deadline;            /* seconds from submit, queueing included */
    unsigned redirects;         /* how many are followed */
    uint64_t max_body;          /* decoded bytes; UINT64_MAX: no limit */
    bool decode;                /* undo Content-Encoding */
    bool stream;      /* done() comes with the head, the body is read while it arrives */
    const char *save; /* copied: the body goes to this file; NULL: to memory */
    bool resume;      /* go on with a part that an earlier try left */
    const char *checksum;             /* copied: "sha256:…" of the file; NULL: none */
    bool verify;                      /* check certificates */
    const char *ca;                   /* CA file instead of the engine's; copied */
    const char *http_version;         /* "1.1", "2", NULL: the best both know */
    int ip;                           /* 4 or 6: only addresses of that family; 0: both */
    const struct lf_headers *resolve; /* copied: host or host:port, "address,address" */
};

void lf_opts_init(struct lf_opts *o); /* the defaults of luafetch */

enum lf_phase {
    LF_PHASE_QUEUE,
    LF_PHASE_DNS,
    LF_PHASE_CONNECT,
    LF_PHASE_TLS,
    LF_PHASE_SEND,
    LF_PHASE_HEADERS,
    LF_PHASE_BODY,
    LF_PHASE_DONE
};
const char *lf_phase_name(enum lf_phase phase); /* "queue", "dns" … */

struct lf_timings {
    double queue, dns, connect, tls, first_byte, total; /* seconds; each from the start */
};

struct lf_hop {               /* a redirect that was followed */
    struct lf_hop *next;      /* owned by the request */
    const char *url, *method; /* owned by the request */
    int status;
    struct lf_headers headers;
};

struct lf_result {
    enum lf_err err;     /* LF_OK: a whole response, whatever its status */
    const char *message; /* when err: the sentence without the URL; never NULL then */
    enum lf_phase phase; /* where it ended */
    int code;            /* libcurl's code, 0 if none */
    bool retryable;      /* may work when tried again */
    bool sent;           /* the server may have acted on it */
    int status;          /* 0 until a status line was seen */
    const char *url;     /* final, without credentials */
    const char *method;  /* of the last hop */
    struct lf_headers headers;
    struct lf_buf body;     /* decoded; whole when err is LF_OK */
    struct lf_hop *history; /* oldest first */
    unsigned hops;
    unsigned attempts;
    struct lf_timings timings;
    int http_version; /* 10, 11, 20 */
    char remote_ip[46];
    bool reused;      /* the connection was not new */
    const char *path; /* where the body was saved; NULL: it is in `body` */
    uint64_t size;    /* of that file */
    bool streaming;   /* the head is there and the body is read with lf_req_peek, whatever
                         err says by now */
};

typedef void lf_done_fn(struct lf_req *req, void *arg);

/* LF_EREQUEST for what cannot be sent (CR, LF or NUL in method or header), LF_EURL for a
 * URL that is not http(s), LF_ERESOURCE; *why is then a static sentence. */
enum lf_err lf_req_new(struct lf_engine *eng, const struct lf_opts *o,
                       struct lf_req **out, const char **why);
/* It was asked for at that time (lf_engine_now), before it is submitted: its deadline and
 * its time in the queue count from there. */
void lf_req_asked_at(struct lf_req *req, double when);
/* Queue it. `done` runs once, later, unless the request is cancelled or freed before. */
void lf_req_submit(struct lf_req *req, lf_done_fn *done, void *arg);
void lf_req_cancel(struct lf_req *req); /* at once on the wire; done() will not run */
void lf_req_free(struct lf_req *req);   /* cancels if need be; NULL is fine */
/* After done(): the caller may take `body.p` and lf_buf_init the buffer. */
struct lf_result *lf_req_result(struct lf_req *req);

/* ---- streams: a request with opts.stream, after its done() ---- */

bool lf_req_streams(const struct lf_req *req); /* opts.stream was set */
/* What is there of the decoded body; the pointer is void at the next call into the
 * engine. 0: nothing yet, or the end, see lf_req_body_over. */
size_t lf_req_peek(struct lf_req *req, const char **p);
void lf_req_consume(struct lf_req *req, size_t n); /* what was read; may let it go on */
bool lf_req_body_over(const struct lf_req *req); /* no more comes: see the result's err */
/* Call ready() once, in a later step, when there is more, or the end. NULL: no more. */
void lf_req_on_ready(struct lf_req *req, lf_done_fn *ready, void *arg);

/* ---- counters ---- */

enum { LF_LATENCY_BUCKETS = 256 }; /* bucket i: up to 10 µs × 1.08^i */

struct lf_stats {
    uint64_t requests, ok, failed; /* logical requests that ended */
    uint64_t by_err[LF_ERR_COUNT]; /* failed ones by kind */
    uint64_t by_status[6];         /* [2]: 2xx … */
    uint64_t transfers, redirects; /* exchanges on the wire */
    uint64_t bytes_down, bytes_up; /* bodies as on the wire */
    uint64_t conns_opened, conns_reused;
    uint64_t latency[LF_LATENCY_BUCKETS]; /* of ended transfers */
    unsigned queued, active, peak_active; /* now */
    double limited_total, limited_host;   /* seconds in which a request waited for … */
    double network; /* seconds waiting for sockets, nothing queued */
};
const struct lf_stats *lf_engine_stats(struct lf_engine *eng);

/* What must be zero when all is freed: requests, watchers, running timers. For tests. */
struct lf_leftovers {
    unsigned requests, watchers, timers, domains;
};
struct lf_leftovers lf_engine_leftovers(const struct lf_engine *eng);

/* ---- the scripted transport (conf.scripted): answers by URL, no sockets ---- */

struct lf_script_answer {
    double delay;    /* seconds until the answer is there; LF_NEVER: hangs */
    enum lf_err err; /* or a status: */
    int status;
    const char *head; /* header lines "Name: value\r\n…" */
    const char *body;
    size_t body_len;
};

/* Called in lf_engine_step for every transfer that starts; the pointers it fills into `a`
 * are borrowed and outlive the engine. */
typedef void lf_script_fn(void *arg, const char *method, const char *url,
                          struct lf_script_answer *a);
void lf_script_set(struct lf_engine *eng, lf_script_fn *fn, void *arg);

#endif
