/* A lane: one curl_multi on the engine's loop, with handles of its own. libcurl looks at
 * all connections to a host for every request, so that many lanes with few transfers each
 * cost less than one with many. */
#ifndef LF_ENGINE_LANE_H
#define LF_ENGINE_LANE_H

#include <curl/curl.h>
#include "engine/internal.h"

struct lf_lane {
    struct lf_engine *eng; /* borrowed: outlives us */
    CURLM *multi;          /* owned */
    CURLSH *share;         /* borrowed: outlives us */
    struct lf_timer timer; /* libcurl's next time-out */
    bool kick;             /* it asked for a call without delay */
    struct lf_list active; /* exchanges on the wire */
    struct lf_list idle;   /* owned: plain handles for re-use, the last one first */
};

/* An easy handle and what it sends at the moment. */
struct lf_handle {
    struct lf_list link;       /* in lane->idle */
    struct lf_lane *lane;      /* borrowed: outlives us */
    struct lf_xfer *x;         /* borrowed: until it has ended; NULL when idle */
    CURL *easy;                /* owned */
    bool plain;                /* carried nothing that another request must not inherit */
    struct lf_buf sent;        /* the header block that `fields` was made from */
    struct curl_slist *fields; /* owned */
    char error[CURL_ERROR_SIZE];
};

/* setup.c */
struct lf_handle *lf_handle_new(struct lf_lane *lane);
void lf_handle_free(struct lf_handle *h);
enum lf_err lf_handle_set(struct lf_handle *h, struct lf_xfer *x);

#endif
