/* A lane: one curl_multi on the engine's loop, with handles of its own. libcurl looks at
 * all connections to a host for every request, so that many lanes with few transfers each
 * cost less than one with many. */
#ifndef LF_ENGINE_LANE_H
#define LF_ENGINE_LANE_H

#include <curl/curl.h>
#include "engine/internal.h"
#include "engine/tls.h"

struct lf_lanes;

enum { LF_LANE_FED = 128 };

struct lf_fed {
    uint32_t host, id;
    double at;
};

struct lf_lane {
    struct lf_lanes *lanes; /* borrowed: outlives us */
    struct lf_engine *eng;  /* borrowed: outlives us */
    CURLM *multi;           /* owned */
    struct lf_timer timer;  /* libcurl's next time-out */
    bool kick;              /* in lanes->kicked: it asked for a call without delay */
    struct lf_list kick_link;
    struct lf_list active; /* exchanges on the wire */
    struct lf_list idle;   /* owned: plain handles for re-use, the last one first */
    struct lf_fed fed[LF_LANE_FED]; /* addresses that libcurl's cache holds, by host */
    unsigned nactive, slot; /* slot: place in lanes->slots, or NO_SLOT when isolated */
    double idle_since;
    struct lf_list link; /* in lanes->isolated */
    char *isolation;     /* owned; NULL: open to all */
    CURLSH *sessions; /* owned: TLS sessions of an isolated lane; NULL: the common ones.
                         A resumed session skips what this class wants to be checked. */
};

/* What the lanes have in common. */
struct lf_shared {
    CURLSH *share;      /* owned: TLS sessions, which 7.88 would keep per handle */
    struct lf_tls *tls; /* owned: certificate stores */
};
struct lf_shared *lf_lane_shared(struct lf_lane *lane);
CURLSH *lf_lane_sessions(struct lf_lane *lane); /* where its TLS sessions are kept */

/* An easy handle and what it sends at the moment. */
struct lf_handle {
    struct lf_list link;  /* in lane->idle */
    struct lf_lane *lane; /* borrowed: outlives us */
    struct lf_xfer *x;    /* borrowed: until it has ended; NULL when idle */
    CURL *easy;           /* owned */
    bool plain;           /* carried nothing that another request must not inherit */
    struct lf_buf sent;   /* the header block that `fields` was made from */
    int sent_method;      /* … and what the method and the body added to it */
    struct curl_slist *resolve; /* owned: the addresses it was told, until it has ended */
    struct curl_slist *fields;  /* owned */
    CURLU *url;                 /* owned: what it asks for … */
    uint8_t scheme;             /* … of which these stay when only the path changes */
    struct lf_buf origin, part;
    struct lf_buf target; /* path and query of `url` */
    struct lf_handle_said {
        long version, pipewait, connect_ms, buffer;
        bool get; /* a plain GET that may be repeated */
    } said;       /* what libcurl was told last */
    char error[CURL_ERROR_SIZE];
};

/* setup.c */
struct lf_handle *lf_handle_new(struct lf_lane *lane);
void lf_handle_free(struct lf_handle *h);
enum lf_err lf_handle_set(struct lf_handle *h, struct lf_xfer *x);

#endif
