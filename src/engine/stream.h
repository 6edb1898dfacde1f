/* The body of a request with opts.stream, as the files of the engine see it: it is handed
 * over while it arrives, and the transfer pauses while nobody reads. */
#ifndef LF_ENGINE_STREAM_H
#define LF_ENGINE_STREAM_H

#include "engine/engine.h"
#include "engine/xfer.h"

struct lf_stream {
    bool on;             /* asked for */
    bool told;           /* done() was called for the head */
    bool over;           /* nothing more will come */
    size_t taken;        /* bytes of res.body that were consumed */
    uint64_t total;      /* decoded bytes so far */
    lf_done_fn *ready;   /* whoever waits for more; NULL: nobody */
    void *arg;           /* borrowed: the waiter's */
    struct lf_list news; /* in eng->news: the head, more, or the end is there */
    struct lf_list thaw; /* in eng->thaw: may go on */
};

void lf_stream_init(struct lf_stream *s, bool on);
void lf_stream_leave(struct lf_stream *s); /* out of all lists */

/* Inside libcurl's callbacks. */
bool lf_stream_full(const struct lf_req *req);
enum lf_err lf_stream_store(struct lf_req *req, const char *p, size_t n);
void lf_stream_news(struct lf_req *req);
void lf_stream_end(struct lf_req *req); /* nothing more will come */

/* In lf_engine_step. */
void lf_stream_tell_all(struct lf_engine *eng); /* calls done() or ready() */
void lf_stream_thaw_all(struct lf_engine *eng); /* let paused transfers go on */

#endif
