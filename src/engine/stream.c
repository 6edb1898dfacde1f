/* Streaming with backpressure: between a high and a low mark the transfer pauses, and its
 * clocks stand still. */
#include "engine/stream.h"

#include <string.h>
#include "engine/req.h"

enum {
    HIGH = 256 << 10,   /* decoded bytes that may wait before the transfer pauses */
    LOW = 64 << 10,     /* … and at which it goes on */
    SCARCE = 16 << 10,  /* decoded bytes that may wait when memory is short */
    BURST = 64 << 20,   /* what a single piece may expand to: more is a bomb */
    COMPACT = 32 << 10, /* consumed bytes at the front that are worth a move */
};

void lf_stream_init(struct lf_stream *s, bool on)
{
    *s = (struct lf_stream){.on = on};
    lf_list_init(&s->news);
    lf_list_init(&s->thaw);
}

void lf_stream_leave(struct lf_stream *s)
{
    lf_list_remove(&s->news);
    lf_list_remove(&s->thaw);
    s->ready = NULL;
}

static size_t waiting(const struct lf_req *req)
{
    return req->res.body.len - req->stream.taken;
}

bool lf_stream_full(const struct lf_req *req)
{
    return req->stream.on && waiting(req) >= (req->eng->usage.memory ? SCARCE : HIGH);
}

void lf_stream_news(struct lf_req *req)
{
    if (lf_list_empty(&req->stream.news))
        lf_list_append(&req->eng->news, &req->stream.news);
}

void lf_stream_end(struct lf_req *req)
{
    struct lf_stream *s = &req->stream;
    if (s->on && s->told && !s->over)
        req->eng->usage.reading--;
    s->over = true;
}

/* Consumed bytes make room before new ones need more. */
static void compact(struct lf_req *req)
{
    struct lf_buf *b = &req->res.body;
    size_t left = waiting(req);
    if (req->stream.taken < COMPACT && left)
        return;
    if (left)
        memmove(b->p, b->p + req->stream.taken, left);
    b->len = left;
    req->stream.taken = 0;
}

enum lf_err lf_stream_store(struct lf_req *req, const char *p, size_t n)
{
    struct lf_stream *s = &req->stream;
    s->total += n;
    if (s->total > req->max_body)
        return LF_ETOOLARGE;
    if (s->taken)
        compact(req);
    if (waiting(req) + n > BURST)
        return LF_ETOOLARGE;
    lf_stream_news(req);
    return lf_buf_add(&req->res.body, p, n);
}

void lf_stream_tell_all(struct lf_engine *eng)
{
    struct lf_list now;
    lf_list_init(&now);
    lf_list_splice(&now, &eng->news);
    for (struct lf_list *n = lf_list_shift(&now); n; n = lf_list_shift(&now)) {
        struct lf_stream *s = lf_container(n, struct lf_stream, news);
        struct lf_req *req = lf_container(s, struct lf_req, stream);
        lf_done_fn *ready = s->ready;
        if (!s->told) {
            s->told = true;
            eng->usage.reading += !s->over;
            eng->owed |= eng->usage.memory != LF_MEMORY_AMPLE; /* fewer in flight */
            req->res.streaming = true;
            lf_req_fill_result(req);
            req->done(req, req->arg);
        } else if (ready) {
            s->ready = NULL;
            ready(req, s->arg);
        }
    }
}

void lf_stream_thaw_all(struct lf_engine *eng)
{
    for (struct lf_list *n = lf_list_shift(&eng->thaw); n;
         n = lf_list_shift(&eng->thaw)) {
        struct lf_stream *s = lf_container(n, struct lf_stream, thaw);
        struct lf_req *req = lf_container(s, struct lf_req, stream);
        req->x.paused = false;
        req->active_at = eng->now;
        lf_limits_arm(req);
        eng->transport->resume(eng->transport, &req->x);
    }
}

/* ---- for whoever reads ---- */

bool lf_req_streams(const struct lf_req *req)
{
    return req->stream.on;
}

size_t lf_req_peek(struct lf_req *req, const char **p)
{
    *p = req->res.body.p ? req->res.body.p + req->stream.taken : "";
    return waiting(req);
}

void lf_req_consume(struct lf_req *req, size_t n)
{
    req->stream.taken += n;
    if (!waiting(req)) {
        lf_buf_reset(&req->res.body);
        req->stream.taken = 0;
    }
    if (req->x.paused && waiting(req) <= LOW && lf_list_empty(&req->stream.thaw))
        lf_list_append(&req->eng->thaw, &req->stream.thaw);
}

bool lf_req_body_over(const struct lf_req *req)
{
    return req->stream.over;
}

void lf_req_on_ready(struct lf_req *req, lf_done_fn *ready, void *arg)
{
    req->stream.ready = ready;
    req->stream.arg = arg;
    if (ready && (req->stream.over || waiting(req)))
        lf_stream_news(req);
}
