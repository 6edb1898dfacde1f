/* How far a request is, for who watches it: bytes that went and came, and the files that
 * are being written. Only looks; the one thing it does is to give a request up. */
#include <string.h>
#include "engine/req.h"

static uint64_t length_of(const struct lf_req *req)
{
    bool none = strcmp(req->method, "HEAD") == 0 || req->res.status == 204 ||
                req->res.status == 304;
    if (!req->x.head_done || req->head.redirect || (req->head.length < 0 && !none))
        return LF_BODY_UNKNOWN;
    return none ? 0 : (uint64_t)req->head.length;
}

struct lf_amounts lf_req_amounts(const struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    struct lf_amounts a = {
        .down = req->head.redirect ? 0 : x->bytes_down,
        .down_total = length_of(req),
        .up = x->body_sent,
        .up_total = x->body ? x->body_len : 0,
    };
    if (lf_save_active(req->save))
        lf_save_amounts(req->save, !req->decoder, &a);
    return a;
}

void lf_req_abort(struct lf_req *req, enum lf_err err, const char *why)
{
    if (req->state == REQ_NEW || req->state == REQ_SAVING || req->state == REQ_ENDED)
        return;
    lf_req_fail(req, err, "%s", why);
    req->res.retryable = false; /* nor is another attempt wanted */
    lf_retry_drop(req);
    if (req->state != REQ_FINISHED)
        lf_req_break(req);
}

/* One that has ended is nobody's download any more, though its result may still wait. */
unsigned lf_engine_downloads(struct lf_engine *eng, struct lf_download *out, unsigned max)
{
    unsigned n = 0;
    for (struct lf_list *l = eng->saves.next; l != &eng->saves; l = l->next) {
        struct lf_download d;
        const struct lf_req *req = lf_save_of_link(l, &d);
        if (req->state == REQ_ENDED || n++ >= max)
            continue;
        struct lf_amounts a = lf_req_amounts(req);
        d.down = a.down;
        d.total = a.down_total;
        out[n - 1] = d;
    }
    return n;
}
