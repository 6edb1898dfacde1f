/* The engine: HTTP requests on one event loop, without Lua.
 *
 * Law: nothing completes inside a call that starts it. Callbacks (lf_done_fn, timer and
 * descriptor functions) run only inside lf_engine_step, may only touch their own memory
 * and mark work as ready, and never call back into the engine except to start or stop
 * timers. What you create you free; freeing cancels first and guarantees that no callback
 * follows. A duration is in seconds, LF_NEVER means "no limit". */
#ifndef LF_ENGINE_H
#define LF_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "engine/io.h"
#include "http/cookie.h"
#include "http/headers.h"
#include "http/url.h"

struct lf_engine;
struct lf_req;    /* one logical request: all its redirects */
struct lf_domain; /* an admission domain: who may start, and how many at once */

/* ---- the engine ---- */

struct lf_engine_conf {
    unsigned limit;       /* ceiling for the whole run; 0: what the descriptors allow */
    bool scripted;        /* transport from lf_script_*, clock that jumps: for tests */
    const char *ca;       /* CA file; NULL: the system's */
    bool system_resolver; /* names by getaddrinfo in threads instead of c-ares */
    const char *dns_servers;   /* "address[:port],…" instead of the system's; NULL */
    unsigned processes;        /* of the run, which ask the same hosts; 0: this one */
    double began;              /* of the run, on the monotonic clock; 0: now */
    _Atomic uint64_t *made;    /* borrowed, outlives the engine: where the processes of a
                                  run count their requests together; NULL: it is alone */
    bool proxy_environment;    /* heed http_proxy, https_proxy, all_proxy and no_proxy */
    const char *const *spared; /* copied, ended by NULL: hosts that every guard lets pass,
                                  as patterns of struct lf_host_rule; NULL: none */
};

enum lf_err lf_engine_new(const struct lf_engine_conf *conf, struct lf_engine **out);
void lf_engine_free(struct lf_engine *eng); /* every request and domain is freed before */

/* Do some work: a small batch of socket events, due timers, finished transfers. With
 * `block` wait until there is some. False when nothing is left that could ever happen. */
bool lf_engine_step(struct lf_engine *eng, bool block);
void lf_engine_tick(struct lf_engine *eng); /* read the clock anew (long Lua slice) */

/* ---- what the run may use ---- */

struct lf_quota {      /* 0: no limit */
    uint64_t requests; /* on the wire: those of redirects and further attempts too */
    uint64_t memory;   /* bytes of the process that are in memory */
    double seconds;    /* since lf_engine_new */
};
/* Limits only ever become tighter: what is looser than by now changes nothing. */
void lf_engine_limit(struct lf_engine *eng, const struct lf_quota *q);
struct lf_quota lf_engine_quota(const struct lf_engine *eng); /* the limits in force */
struct lf_quota lf_engine_used(struct lf_engine *eng);

/* Over a limit: called once, in lf_engine_step, with a sentence; borrowed during the
 * call. Nothing starts any more; whoever is told ends the run. */
typedef void lf_over_fn(void *arg, const char *why);
void lf_engine_on_over(struct lf_engine *eng, lf_over_fn *over, void *arg);

enum lf_memory {
    LF_MEMORY_AMPLE,
    LF_MEMORY_SHORT, /* from 80 % of the limit: requests start one by one */
    LF_MEMORY_OUT    /* the limit is reached: transfers pause */
};
/* Between two steps: whoever holds memory that can be given back does that, and says so.
 * When it was not enough the run is over its limit. */
enum lf_memory lf_engine_memory(const struct lf_engine *eng);
void lf_engine_relieved(struct lf_engine *eng);
/* May so much more be allocated? Callable from everywhere. */
bool lf_engine_may_grow(struct lf_engine *eng, size_t more);
/* The end: no such limit any more. True when something was refused for it. */
bool lf_engine_lift_memory(struct lf_engine *eng);

/* ---- signals, for main ---- */

/* Signals do not keep the loop alive. `got` runs inside lf_engine_step. */
enum lf_err lf_engine_on_signal(struct lf_engine *eng, int signum,
                                void (*got)(void *arg, int signum), void *arg);

/* ---- admission ---- */

/* How fast one host and port may be asked. */
struct lf_rate {
    double interval; /* seconds between two requests; 0: no limit */
    double burst;    /* so many at once after a pause; 1 or more */
    bool automatic;  /* as fast as the host bears, which is found out: see pace.h */
};

/* Limits for the hosts that a pattern matches: a host, "host:port", or with "*" for any
 * characters. Of several the one with the most characters besides "*" holds. */
struct lf_host_rule {
    const char *pattern; /* in any case */
    bool has_per_host, has_rate;
    unsigned per_host;
    struct lf_rate rate;
};

struct lf_domain_conf {
    unsigned limit;                   /* transfers at once; 0: no limit */
    unsigned per_host;                /* of these to one host and port; 0: no limit */
    struct lf_rate rate;              /* for each host and port */
    const struct lf_host_rule *rules; /* copied; in place of per_host and rate */
    size_t nrules;
    bool policy; /* hosts are parked here, and retries have their budget here: a session,
                    not a group inside of one */
};

/* A request passes its domain, then that one's parent, up to the run's ceiling; it starts
 * when all agree. parent NULL: the run. A domain lives until its last request is freed.
 */
enum lf_err lf_domain_new(struct lf_engine *eng, struct lf_domain *parent,
                          const struct lf_domain_conf *conf, struct lf_domain **out);
void lf_domain_release(struct lf_domain *d);
const struct lf_domain_conf *lf_domain_limits(const struct lf_domain *d);
/* Could it, and all those above it, start another one? A host's limit is not asked. */
bool lf_domain_has_room(const struct lf_domain *d);
/* Is d `outer` or inside of it? */
bool lf_domain_within(const struct lf_domain *d, const struct lf_domain *outer);

struct lf_domain_stats {
    uint64_t requests, ok, failed; /* that ended, those of inner domains included */
    uint64_t retries, refused;     /* made; not made, since too many were */
    unsigned queued, active;       /* now */
};
struct lf_domain_stats lf_domain_stats(const struct lf_domain *d);

struct lf_host_stats {
    const char *name; /* "host" or "host:port"; borrowed during the call */
    unsigned queued, active;
    double parked; /* seconds for which nothing starts there yet; 0: not parked */
    double rate;   /* a second; 0: no limit */
};
typedef void lf_host_fn(void *arg, const struct lf_host_stats *s);
/* All hosts in use, or of which something is remembered; fn only looks. */
void lf_domain_each_host(const struct lf_domain *d, lf_host_fn *fn, void *arg);

/* ---- requests ---- */

struct lf_timeouts {
    double total, connect, headers, stall; /* seconds; LF_NEVER: none */
};

/* Attempts after the first, when that failed in a way that may pass: idempotent methods,
 * and what certainly never reached the server. Between two of them the request waits
 * backoff × factor^n seconds, but no more than max; a host that says Retry-After is
 * parked for so long. */
struct lf_retry {
    unsigned times; /* 0: none */
    double backoff, factor, max;
    bool jitter;     /* wait from 0 up to that, evenly spread, not all of it */
    bool any_method; /* POST and PATCH too */
    bool heed;       /* what Retry-After and the fields of rate limits say … */
    double heed_max; /* … up to so many seconds */
    uint64_t on[10]; /* bit n: status n is tried again */
};
void lf_retry_init(struct lf_retry *r); /* the defaults, with times 0 */
void lf_retry_on(struct lf_retry *r, int status);

struct lf_retry_note {
    const char *url;  /* without credentials; borrowed during the call, as … */
    unsigned attempt; /* the one that failed, from 1 */
    int status;       /* of its answer, when err is LF_OK */
    enum lf_err err;
    const char *message; /* … this; NULL: no err */
    double wait;         /* seconds until the next one, at least */
};

/* Who is told of further attempts; called inside lf_engine_step, touches only its own
 * memory. */
struct lf_retry_watch {
    void (*retrying)(struct lf_retry_watch *w, const struct lf_retry_note *note);
    void (*gone)(struct lf_retry_watch *w); /* the last call: the request is freed */
};

#define LF_BODY_UNKNOWN UINT64_MAX

struct lf_part { /* of a body: bytes, or else the file at `path` as a whole, which is */
    const char
        *bytes; /* opened when the request starts; one that cannot be read, or that */
    size_t len; /* becomes shorter meanwhile, fails it with LF_EIO */
    const char *path;
};

/* How the connection is made. Connections are shared only among requests that say the
 * same. Strings: copied. */
struct lf_way {
    const char *proxy; /* a URL; "": none; NULL: what the environment says, hop by hop */
    const char *cert, *key;  /* PEM files; key NULL: it is in cert; cert NULL: none */
    const char *pin;         /* "sha256//BASE64;…": one must be the server's key */
    int tls_min;             /* 13: TLS 1.3; 0: TLS 1.2 */
    const char *unix_socket; /* path: connect there, whatever the URL's host is */
    const char *interface;   /* name or address to connect from */
    bool guard; /* only to public addresses; no proxy of the environment is used */
};

struct lf_opts {
    struct lf_domain *domain;         /* NULL: the run */
    const char *method;               /* "GET"; borrowed during lf_req_new */
    const struct lf_url *url;         /* copied */
    const struct lf_headers *headers; /* copied; complete: nothing else is sent but what
                                         HTTP itself needs (Host, Content-Length) */
    const char *body;                 /* borrowed until lf_req_free; NULL: none */
    size_t body_len;
    const struct lf_part *parts; /* instead of body: copied, but what they point at is
                                    borrowed until lf_req_free */
    size_t nparts;
    bool fed;         /* instead: lf_req_feed brings it while it is sent */
    uint64_t fed_len; /* how long that will be; LF_BODY_UNKNOWN: sent in chunks */
    struct lf_span user, pass;  /* answers Digest challenges of the URL's origin; copied;
                                   user.p NULL: nobody does */
    struct lf_timeouts timeout; /* per attempt, from admission */
    struct lf_retry retry;
    struct lf_retry_watch *watch; /* NULL: nobody; the request's when it could be made */
    double deadline;              /* seconds from submit, queueing included */
    unsigned redirects;           /* how many are followed */
    uint64_t max_body;            /* decoded bytes; UINT64_MAX: no limit */
    const char *types;            /* copied: of answers below 300, else they fail without
                                     their body: "text/html, text/plain"; NULL: any */
    bool decode;                  /* undo Content-Encoding */
    bool stream;      /* done() comes with the head, the body is read while it arrives */
    const char *save; /* copied: the body goes to this file; NULL: to memory */
    bool resume;      /* go on with a part that an earlier try left */
    const char *checksum; /* copied: "sha256:…" of the file; NULL: none */
    struct lf_jar
        *jar;       /* held: cookies to send and to keep; NULL: those of redirects only */
    bool verify;    /* check certificates */
    const char *ca; /* CA file instead of the engine's; copied */
    const char *http_version;         /* "1.1", "2", NULL: the best both know */
    int ip;                           /* 4 or 6: only addresses of that family; 0: both */
    const struct lf_headers *resolve; /* copied: host or host:port, "address,address" */
    struct lf_way way;
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
/* NULL when that can be a request's way, else why not: for who is told sooner. */
const char *lf_way_check(const struct lf_way *way);
/* Before submit: another proxy, as in lf_way. LF_EREQUEST: *why says what is wrong. */
enum lf_err lf_req_set_proxy(struct lf_req *req, const char *proxy, const char **why);
/* Before submit: the URL, without credentials and fragment; borrowed from the request. */
const char *lf_req_url(struct lf_req *req);
/* It was asked for at that time (lf_engine_now), before it is submitted: its deadline and
 * its time in the queue count from there. */
void lf_req_asked_at(struct lf_req *req, double when);
/* Queue it. `done` runs once, later, unless the request is cancelled or freed before. */
void lf_req_submit(struct lf_req *req, lf_done_fn *done, void *arg);
void lf_req_cancel(struct lf_req *req); /* at once on the wire; done() will not run */
void lf_req_free(struct lf_req *req);   /* cancels if need be; NULL is fine */
/* After done(): the caller may take `body.p` and lf_buf_init the buffer. */
struct lf_result *lf_req_result(struct lf_req *req);

/* ---- a body that is fed: a request with opts.fed ---- */

bool lf_req_fed(const struct lf_req *req); /* opts.fed was set */
/* Is there room for more? Not before the transport has begun to send. */
bool lf_req_wants(const struct lf_req *req);
/* Call wanted() once when lf_req_wants becomes true; it may come from inside the
 * transport and only marks work as ready. NULL: no more. */
void lf_req_on_wanted(struct lf_req *req, lf_done_fn *wanted, void *arg);
/* The next bytes, copied. What cannot be taken (memory, more than fed_len) fails the
 * request; when it has ended already they are dropped. */
void lf_req_feed(struct lf_req *req, const char *p, size_t n);
void lf_req_feed_end(struct lf_req *req);

/* ---- how far it is ---- */

struct lf_amounts { /* bytes of bodies; totals: LF_BODY_UNKNOWN when nobody says */
    uint64_t down, down_total; /* as on the wire; of a file that is resumed: all of it */
    uint64_t up, up_total;     /* as far as it was handed to the transport */
};
struct lf_amounts lf_req_amounts(const struct lf_req *req);
/* Give it up: done() comes with that error, in a later step. Nothing when it has ended.
 */
void lf_req_abort(struct lf_req *req, enum lf_err err, const char *why);

struct lf_download {
    const char *path;     /* borrowed: until the next step */
    uint64_t down, total; /* as in lf_amounts */
    uint64_t before;      /* of these an earlier try left */
    double started;       /* when the file was opened */
};
/* The files that are being written, oldest first: fills `out` up to max, returns how many
 * there are. */
unsigned lf_engine_downloads(struct lf_engine *eng, struct lf_download *out,
                             unsigned max);

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
    unsigned waiting, parked; /* now: requests for an attempt, hosts to be left alone */
    uint64_t retries, retries_refused;
    double limited_total, limited_host; /* seconds in which a request waited for … */
    double limited_rate, limited_parked, limited_memory;
    double backoff; /* … or for its next attempt, and nothing was queued */
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
