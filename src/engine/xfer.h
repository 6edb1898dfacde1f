/* One exchange on the wire: one hop of one attempt. The seam between the request, which
 * decides, and the transport, which carries: libcurl (lane.c) or a script (script.c).
 *
 * The request fills the first part and starts it. The transport calls lf_req_on_*; after
 * lf_req_on_end or a cancel it knows the exchange no more. */
#ifndef LF_ENGINE_XFER_H
#define LF_ENGINE_XFER_H

#include <stddef.h>
#include <string.h>
#include <sys/types.h>
#include "engine/engine.h"
#include "http/address.h"
#include "http/proxy.h"

struct lf_xfer {
    struct lf_list link; /* for the transport, then for the engine's finished list */

    /* what to send: borrowed until it has ended */
    const struct lf_url *url;
    const char *target_url; /* without credentials and fragment */
    const char *method;
    const struct lf_headers *headers;
    const char *cookie; /* the Cookie header with what the jar has; NULL: as in headers */
    bool body;          /* there is one: lf_req_on_read brings it */
    uint64_t body_len;  /* LF_BODY_UNKNOWN: in chunks */
    bool replayable;    /* may be sent again when a kept connection turns out dead */
    bool verify;
    const char *ca, *http_version;
    const struct lf_way *way;
    bool guarded;                 /* only to a public address */
    const struct lf_proxy *proxy; /* NULL: none */
    const char
        *isolation; /* shares connections with equals only; NULL: with all plain ones */
    uint32_t host_hash;    /* of host and port: its home lane */
    const char *addresses; /* "host:port:address,address" for libcurl; NULL: a literal */
    const char *proxy_addresses; /* the same for the proxy */
    uint32_t addresses_id;       /* another one for other addresses */
    bool several;                /* of them */
    double connect_timeout;

    /* where it is */
    bool one_lane; /* it may share an HTTP/2 connection: waits for one rather than open */
    enum lf_phase phase;
    uint64_t body_sent;
    bool head_done;             /* the blank line was seen */
    bool until_close;           /* nothing but the end of the connection ends the body */
    struct lf_tls_end *tls_end; /* the transport's, for such a body: owned reference */
    bool may_pause, paused;
    bool starved; /* a fed body has nothing to send just now: resume when it has */
    double started, connected;

    /* how it ended */
    enum lf_err err;     /* decided by us; LF_OK: see code */
    int code;            /* libcurl's */
    int os_errno;        /* of a connect that failed */
    int verify_code;     /* of OpenSSL: what is wrong with the certificate; 0: nothing */
    int connect_status;  /* the proxy's answer to CONNECT; 0: none */
    int proxy_code;      /* libcurl's reason why a SOCKS proxy failed; 0: none */
    unsigned handshakes; /* TLS handshakes begun: with an https proxy, then the server */
    bool reused, sent;
    struct lf_timings timings;
    uint64_t bytes_down, bytes_up;

    void *handle; /* the transport's; NULL when not started */

    /* mostly "": the last, and hardly touched, so that they stay out of the caches */
    char remote_ip[46];
    char blocked[LF_ADDRESS_TEXT]; /* the last address that the guard refused */
    char detail[160];              /* the transport's own words */
};

static inline void lf_xfer_reset(struct lf_xfer *x)
{
    memset(x, 0, offsetof(struct lf_xfer, remote_ip));
    memset(x->remote_ip, 0, sizeof x->remote_ip);
    x->blocked[0] = x->detail[0] = '\0';
    lf_list_init(&x->link);
}

/* Is the TLS handshake that was begun last one with the proxy itself? */
static inline bool lf_xfer_in_proxy_tls(const struct lf_xfer *x)
{
    return x->proxy && x->proxy->scheme == LF_PROXY_HTTPS && x->handshakes == 1;
}

struct lf_transport {
    enum lf_err (*start)(struct lf_transport *tp, struct lf_xfer *x);
    /* `keep`: what is known of it by now is wanted. */
    void (*cancel)(struct lf_transport *tp, struct lf_xfer *x, bool keep);
    /* Go on after LF_BODY_PAUSE; the body may come before this returns. */
    void (*resume)(struct lf_transport *tp, struct lf_xfer *x);
    /* Do what was asked for without delay; `all`: look at every timer, asked for or not.
     * True when something was done. */
    bool (*kick)(struct lf_transport *tp, bool all);
    void (*free)(struct lf_transport *tp);
};

/* From the transport, inside its callbacks: our memory only. False: give up, err is set.
 */
bool lf_req_on_line(struct lf_xfer *x, const char *line, size_t n);
enum lf_body_take {
    LF_BODY_TAKEN,
    LF_BODY_PAUSE, /* nothing was taken: bring it again after resume */
    LF_BODY_REFUSED,
};
enum lf_body_take lf_req_on_body(struct lf_xfer *x, const char *p, size_t n);
/* Up to n bytes to send; 0: that was all. */
enum { LF_SEND_PAUSE = -1, LF_SEND_ABORT = -2 };
ssize_t lf_req_on_read(struct lf_xfer *x, char *p, size_t n);
bool lf_req_on_rewind(struct lf_xfer *x); /* send it from the front; false: it must not */
/* Bytes went out, or the connection stands: the stall clock starts anew. */
void lf_req_on_progress(struct lf_xfer *x);
void lf_req_on_error(struct lf_xfer *x, enum lf_err err, const char *why);
/* The exchange ended; called outside of any libcurl callback. */
void lf_req_on_end(struct lf_xfer *x);

#endif
