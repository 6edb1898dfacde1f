/* One logical request, as the files of the engine see it. */
#ifndef LF_ENGINE_REQ_H
#define LF_ENGINE_REQ_H

#include "engine/internal.h"
#include "engine/save.h"
#include "engine/body.h"
#include "engine/login.h"
#include "engine/retry.h"
#include "engine/stream.h"
#include "http/decode.h"

enum lf_req_state {
    REQ_NEW,
    REQ_RESOLVING, /* waits for an address */
    REQ_QUEUED,    /* waits for admission */
    REQ_ACTIVE,    /* an exchange is on the wire */
    REQ_FINISHED,  /* in eng->finished, not yet looked at */
    REQ_SAVING,    /* its file is being finished */
    REQ_WAITING,   /* for its next attempt */
    REQ_ENDED      /* done() was called, or it was cancelled */
};

/* What is known of the answer while its header lines come in (head.c). */
struct lf_head {
    unsigned blocks, trailer_bytes, bytes;
    size_t last;    /* where the newest field begins in the block, for folded lines */
    int64_t length; /* Content-Length, -1: none */
    bool chunked, encoded; /* Transfer-Encoding, Content-Encoding */
    unsigned located;      /* how many Location */
    bool redirect;         /* it will be followed: the body is of no interest */
    bool again;            /* the request is tried again: neither is it here */
    bool enough;           /* we broke the exchange off and are content */
    uint64_t discarded;
};

struct lf_req {
    /* what stays in the pool, with its memory */
    struct lf_list link;           /* in eng->pool when it is nobody's */
    struct lf_engine *eng;         /* borrowed: outlives us */
    struct lf_arena arena;         /* all that lives as long as the request */
    struct lf_url url;             /* of the current hop */
    struct lf_headers headers;     /* to send */
    struct lf_headers resolve;     /* host or host:port → addresses */
    struct lf_buf cookie;          /* what x.cookie points at */
    struct lf_buf addresses;       /* what x.addresses points at */
    struct lf_buf proxy_addresses; /* what x.proxy_addresses points at */
    struct lf_buf isolation;       /* what x.isolation points at */

    /* what is set for every request or hop */
    struct lf_admission admission;
    struct lf_xfer x;

    /* what was asked for; all from here on is zero in a new one */
    struct lf_domain *domain; /* owned reference */
    enum lf_req_state state;
    const char *host; /* borrowed from url: the key of per-host limits */
    size_t host_len;
    const char *method; /* arena */
    struct lf_body body;
    struct lf_login *login; /* arena, owned; NULL: none, or another origin by now */
    struct lf_timeouts timeout;
    int ip;
    double deadline;
    unsigned redirects;           /* still allowed */
    unsigned replays;             /* how often it was lost with a kept connection */
    const struct lf_retry *retry; /* arena; NULL: one attempt */
    struct lf_retry_watch *watch; /* owned until its gone(); NULL: nobody */
    unsigned tries;               /* attempts that were given up */
    double retry_at;              /* when the next one begins */
    double rest;                  /* for how long the host asked to be left alone */
    unsigned max_redirects;
    uint64_t max_body;
    bool decode, verify;
    const char *ca, *http_version, *types; /* arena */
    struct lf_way way;                     /* arena */
    struct lf_proxy *own_proxy;   /* owned: way.proxy; NULL: none, or the environment's */
    const struct lf_proxy *proxy; /* of the current hop; borrowed; NULL: none */

    /* how it goes */
    struct lf_timer timer; /* the earliest moment at which a limit could be passed */
    double submitted, admitted, active_at;
    double queued_at; /* for the current hop */
    double asked; /* when this attempt was: `submitted`, or the end of the wait before */
    struct lf_lookup lookup;
    double resolve_began, resolve_took;
    struct lf_jar *jar; /* held; NULL: none yet */
    struct lf_head head;
    struct lf_decoder *decoder; /* owned */
    struct lf_stream stream;
    struct lf_save *save; /* owned; NULL: the body is not saved */
    struct lf_hop **history_end;
    const char *first_url; /* arena; NULL before the first redirect */
    struct lf_result res;
    lf_done_fn *done;
    void *arg; /* borrowed: the caller's */
};

/* The request has failed: a sentence without the URL. Keeps an earlier failure. */
void lf_req_fail(struct lf_req *req, enum lf_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Say more of a failure: why nothing was done about it. */
void lf_req_add_why(struct lf_req *req, const char *why);

void lf_req_admission_failed(struct lf_req *req);
void lf_req_on_timer(struct lf_timer *t);
void lf_req_break(struct lf_req *req); /* lf_req_fail was called; ends in a later step */
void lf_req_fill_result(struct lf_req *req);

/* limits.c */
void lf_limits_arm(struct lf_req *req);    /* (re)set the timer */
bool lf_limits_passed(struct lf_req *req); /* fails the request when one was */

/* resolve.c: find the addresses of the request's host; then lf_req_resolved is called, at
 * once or later. False when it failed (lf_req_fail was called). */
bool lf_resolve_begin(struct lf_req *req);
void lf_req_resolved(struct lf_req *req);

/* way.c */
enum lf_err lf_way_copy(struct lf_req *req, const struct lf_way *way, const char **why);
bool lf_way_choose(
    struct lf_req *req); /* the hop's proxy; false: lf_req_fail was called */
enum lf_err lf_way_isolate(struct lf_req *req, struct lf_buf *out);

/* head.c */
void lf_head_reset(struct lf_head *h);
bool lf_head_line(struct lf_req *req, const char *line, size_t n);

/* redirect.c: prepare the next hop; false when it failed (lf_req_fail was called). */
bool lf_redirect_wanted(const struct lf_req *req);
bool lf_redirect_prepare(struct lf_req *req);

/* fail.c: what libcurl's code means. */
void lf_fail_from_code(struct lf_req *req);
void lf_fail_timeout(struct lf_req *req, double seconds, const char *how);

/* fail_proxy.c, fail_tls.c: the same for what is theirs; false when it is not. */
bool lf_fail_proxy(struct lf_req *req);
void lf_fail_proxy_status(struct lf_req *req, int status);
bool lf_fail_tls(struct lf_req *req);

#endif
