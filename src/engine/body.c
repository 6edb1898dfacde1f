/* Reading a request's body for the transport: from memory, from files with constant
 * memory, or out of a buffer that somebody fills while it empties. */
#include "engine/body.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "engine/req.h"

enum {
    LOW = 64 << 10,     /* bytes of a fed body below which more is wanted */
    COMPACT = 32 << 10, /* sent bytes at the front that are worth a move */
};

/* ---- making ---- */

static bool copy_parts(struct lf_body *b, struct lf_arena *arena, const struct lf_opts *o)
{
    b->pieces = lf_arena_alloc(arena, o->nparts * sizeof *b->pieces);
    if (!b->pieces)
        return false;
    b->npieces = o->nparts;
    for (size_t i = 0; i < o->nparts; i++) {
        const struct lf_part *p = &o->parts[i];
        b->pieces[i] = (struct lf_piece){p->bytes, p->path, p->len, -1};
        b->files |= p->path != NULL;
        b->len += p->path ? 0 : p->len;
    }
    return true;
}

static bool make_feed(struct lf_body *b, struct lf_arena *arena, const struct lf_opts *o)
{
    b->feed = lf_arena_alloc(arena, sizeof *b->feed);
    if (!b->feed)
        return false;
    *b->feed = (struct lf_feed){.taken = 0};
    lf_buf_init(&b->feed->buf, LF_BUF_MAX);
    b->len = o->fed_len;
    return true;
}

bool lf_body_init(struct lf_body *b, struct lf_arena *arena, const struct lf_opts *o)
{
    if (o->fed)
        return make_feed(b, arena, o);
    if (o->nparts)
        return copy_parts(b, arena, o);
    if (!o->body)
        return true;
    b->one = (struct lf_piece){o->body, NULL, o->body_len, -1};
    b->pieces = &b->one;
    b->npieces = 1;
    b->len = o->body_len;
    return true;
}

/* ---- files ---- */

/* A pipe would block the loop, and nobody knows its length. */
static const char *open_piece(struct lf_piece *p)
{
    struct stat st;
    p->fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (p->fd < 0 || fstat(p->fd, &st))
        return strerror(errno);
    if (S_ISDIR(st.st_mode))
        return strerror(EISDIR);
    if (!S_ISREG(st.st_mode))
        return "it is not a regular file";
    p->len = (uint64_t)st.st_size;
    return NULL;
}

bool lf_body_begin(struct lf_req *req)
{
    struct lf_body *b = &req->body;
    b->at = 0;
    b->off = 0;
    for (size_t i = 0; b->files && i < b->npieces; i++) {
        struct lf_piece *p = &b->pieces[i];
        if (!p->path || p->fd >= 0)
            continue;
        const char *why = open_piece(p);
        if (why) {
            bool full = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
            lf_req_fail(req, p->fd < 0 && full ? LF_ERESOURCE : LF_EIO,
                        "cannot read %.300s: %s", p->path, why);
            return false;
        }
        b->len += p->len;
    }
    req->x.body_len = b->len;
    return true;
}

void lf_body_end(struct lf_body *b)
{
    for (size_t i = 0; b->files && i < b->npieces; i++) {
        struct lf_piece *p = &b->pieces[i];
        if (p->fd < 0)
            continue;
        close(p->fd);
        p->fd = -1;
    }
    if (b->feed) {
        b->feed->ended = true;
        b->feed->wanted = NULL;
        b->feed->taken = 0;
        lf_buf_free(&b->feed->buf);
    }
}

void lf_body_drop(struct lf_body *b)
{
    lf_body_end(b);
    *b = (struct lf_body){.pieces = NULL};
}

bool lf_body_again(const struct lf_body *b)
{
    return !b->feed || !b->feed->sent;
}

/* ---- for the transport ---- */

static bool read_file(struct lf_req *req, const struct lf_piece *from, char *p, size_t n)
{
    uint64_t off = req->body.off;
    while (n) {
        ssize_t got = pread(from->fd, p, n, (off_t)off);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            lf_req_fail(req, LF_EIO, "cannot read %.300s: %s", from->path,
                        got ? strerror(errno) : "it became shorter while it was sent");
            return false;
        }
        p += got;
        off += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

static bool read_piece(struct lf_req *req, const struct lf_piece *from, char *p, size_t n)
{
    if (from->path)
        return read_file(req, from, p, n);
    if (n)
        memcpy(p, from->bytes + req->body.off, n);
    return true;
}

static ssize_t read_pieces(struct lf_req *req, char *p, size_t n)
{
    struct lf_body *b = &req->body;
    size_t done = 0;
    while (done < n && b->at < b->npieces) {
        const struct lf_piece *from = &b->pieces[b->at];
        uint64_t left = from->len - b->off;
        size_t some = left < n - done ? (size_t)left : n - done;
        if (!read_piece(req, from, p + done, some))
            return LF_SEND_ABORT;
        done += some;
        b->off += some;
        if (b->off < from->len)
            break;
        b->at++;
        b->off = 0;
    }
    return (ssize_t)done;
}

static size_t waiting(const struct lf_feed *f)
{
    return f->buf.len - f->taken;
}

/* Sent bytes make room before new ones need more. */
static void compact(struct lf_feed *f)
{
    size_t left = waiting(f);
    if (f->taken < COMPACT && left)
        return;
    if (left)
        memmove(f->buf.p, f->buf.p + f->taken, left);
    f->buf.len = left;
    f->taken = 0;
}

static void ask_for_more(struct lf_req *req)
{
    struct lf_feed *f = req->body.feed;
    lf_done_fn *wanted = f->wanted;
    if (!wanted || !lf_req_wants(req))
        return;
    f->wanted = NULL;
    wanted(req, f->arg);
}

static ssize_t read_feed(struct lf_req *req, char *p, size_t n)
{
    struct lf_feed *f = req->body.feed;
    if (n > waiting(f))
        n = waiting(f);
    if (n)
        memcpy(p, f->buf.p + f->taken, n);
    f->taken += n;
    f->sent |= n > 0;
    if (n)
        compact(f);
    f->asked = true;
    ask_for_more(req);
    return n || f->ended ? (ssize_t)n : LF_SEND_PAUSE;
}

ssize_t lf_req_on_read(struct lf_xfer *x, char *p, size_t n)
{
    struct lf_req *req = lf_container(x, struct lf_req, x);
    bool kept =
        req->body.feed && req->head.again; /* for the next attempt: it comes once */
    if (req->res.err || kept)
        return LF_SEND_ABORT;
    ssize_t got = req->body.feed ? read_feed(req, p, n) : read_pieces(req, p, n);
    x->starved = got == LF_SEND_PAUSE;
    if (got < 0)
        return got;
    x->body_sent += (uint64_t)got;
    x->bytes_up += (uint64_t)got;
    if (!x->head_done)
        x->phase = got && x->body_sent < x->body_len ? LF_PHASE_SEND : LF_PHASE_HEADERS;
    lf_req_on_progress(x);
    return got;
}

/* libcurl would re-send any body on a kept connection that turned out dead. A POST goes
 * out once: refusing makes it error 65. */
bool lf_req_on_rewind(struct lf_xfer *x)
{
    struct lf_req *req = lf_container(x, struct lf_req, x);
    if (!x->replayable || !lf_body_again(&req->body))
        return false;
    req->body.at = 0;
    req->body.off = 0;
    x->body_sent = 0;
    return true;
}

/* ---- for whoever feeds ---- */

bool lf_req_fed(const struct lf_req *req)
{
    return req->body.feed != NULL;
}

bool lf_req_wants(const struct lf_req *req)
{
    const struct lf_feed *f = req->body.feed;
    return f && f->asked && !f->ended && !req->res.err && waiting(f) < LOW;
}

void lf_req_on_wanted(struct lf_req *req, lf_done_fn *wanted, void *arg)
{
    struct lf_feed *f = req->body.feed;
    if (!f)
        return;
    f->wanted = wanted;
    f->arg = arg;
}

/* The transport comes back for more, or to hear of the failure. */
static void go_on(struct lf_req *req)
{
    if (!req->x.starved)
        return;
    req->x.starved = false;
    if (lf_list_empty(&req->stream.thaw))
        lf_list_append(&req->eng->thaw, &req->stream.thaw);
}

static bool over(const struct lf_req *req)
{
    const struct lf_feed *f = req->body.feed;
    return !f || f->ended || req->res.err || req->state == REQ_ENDED;
}

void lf_req_feed(struct lf_req *req, const char *p, size_t n)
{
    struct lf_feed *f = req->body.feed;
    uint64_t len = req->body.len;
    if (over(req) || !n)
        return;
    if (len != LF_BODY_UNKNOWN && n > len - f->given)
        lf_req_fail(req, LF_EREQUEST,
                    "the body is longer than the %llu bytes it was to "
                    "have",
                    (unsigned long long)len);
    else if (lf_buf_add(&f->buf, p, n))
        lf_req_fail(req, LF_ERESOURCE, "out of memory for the body");
    else
        f->given += n;
    go_on(req);
}

void lf_req_feed_end(struct lf_req *req)
{
    struct lf_feed *f = req->body.feed;
    uint64_t len = req->body.len;
    if (over(req))
        return;
    f->ended = true;
    if (len != LF_BODY_UNKNOWN && f->given < len)
        lf_req_fail(req, LF_EREQUEST, "the body ended after %llu of %llu bytes",
                    (unsigned long long)f->given, (unsigned long long)len);
    go_on(req);
}
