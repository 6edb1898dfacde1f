/* conn.h: four phases, each a function that says whether to go on, to wait for the next
 * event, or that the connection is over. Only `advance` frees, so no phase ever touches
 * a connection that is gone. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "scene.h"
#include "tally.h"

#define LINGER_MS  2000      /* how long we wait for the peer's end after ours */
#define TURN_BYTES (1 << 20) /* then the others get their turn */

enum phase { READ_HEAD, READ_BODY, PLAY, LINGER };
enum progress { GO_ON, BLOCKED, GONE };

struct conn {
    struct watch watch;
    struct timer timer;
    struct conn *next, **link; /* in the list of all */
    enum phase phase;
    bool readable;   /* the socket may hold more (it is edge triggered) */
    bool left;       /* the peer has closed its side */
    bool hanging;    /* nothing happens until the peer goes */
    bool stale;      /* the next request gets no answer */
    struct bytes in; /* from the head of the current request on */
    size_t head_len;
    struct body body;
    struct bytes kept;         /* the body, for scenes that want it */
    const struct scene *scene; /* borrowed: the table is static */
    struct reply reply;
};

struct totals totals;
static struct conn *all;

static void conn_free(struct conn *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    loop_disarm(&c->timer);
    close(c->watch.fd);
    bytes_free(&c->in);
    bytes_free(&c->kept);
    bytes_free(&c->reply.text);
    free(c);
    totals.open--;
}

/* More input into c->in. */
static enum progress fill(struct conn *c)
{
    static char scratch[1 << 16];
    if (!c->readable)
        return BLOCKED;
    ssize_t n = recv(c->watch.fd, scratch, sizeof scratch, 0);
    if (n < 0 && errno == EINTR)
        return GO_ON;
    if (n < 0 && errno == EAGAIN) {
        c->readable = false;
        return BLOCKED;
    }
    if (n <= 0)
        return GONE;
    bytes_add(&c->in, scratch, (size_t)n);
    totals.bytes_in += (uint64_t)n;
    c->readable = c->left || (size_t)n == sizeof scratch;
    return GO_ON;
}

static void write_reply(struct conn *c, const struct request *req)
{
    struct reply *r = &c->reply;
    struct bytes key = {0};
    reply_begin(r);
    r->req = req;
    r->body = &c->kept;
    if (query_value(req->query, "key", 0, &key)) {
        bytes_add(&key, "", 1);
        r->seen = slice_is(req->path, "/count") ? 0 : tally_add(req->path, key.p);
        bytes_free(&key);
    }
    if (c->stale)
        end(r, CLOSE);
    else
        scene_play(c->scene, r);
    c->stale = r->stale;
    r->req = NULL;
}

static void start_reply(struct conn *c, const struct request *req)
{
    totals.requests++;
    write_reply(c, req);
    bytes_drop(&c->in, 0, c->head_len);
    c->phase = PLAY;
}

static void refuse_request(struct conn *c)
{
    struct reply *r = &c->reply;
    reply_begin(r);
    say(r, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    end(r, CLOSE);
    c->phase = PLAY;
}

static void invite_body(struct conn *c)
{
    static const char invitation[] = "HTTP/1.1 100 Continue\r\n\r\n";
    ssize_t n = send(c->watch.fd, invitation, sizeof invitation - 1, MSG_NOSIGNAL);
    totals.bytes_out += n > 0 ? (uint64_t)n : 0;
}

static enum progress read_head(struct conn *c)
{
    struct request req;
    long n = c->in.len ? request_parse(&req, c->in.p, c->in.len) : 0;
    if (n == 0)
        return fill(c);
    if (n < 0) {
        refuse_request(c);
        return GO_ON;
    }
    c->head_len = (size_t)n;
    c->scene = scene_find(&req);
    c->kept.len = 0;
    body_begin(&c->body, &req);
    if (c->body.done || (c->scene->flags & EARLY)) {
        start_reply(c, &req);
        return GO_ON;
    }
    if (req.expects_continue)
        invite_body(c);
    c->phase = READ_BODY;
    return GO_ON;
}

/* The body is taken out of c->in as it comes, so the head stays where it is. */
static enum progress read_body(struct conn *c)
{
    struct bytes *keep = c->scene->flags & KEEPS_BODY ? &c->kept : NULL;
    char *at = c->in.p + c->head_len;
    size_t used = body_feed(&c->body, at, c->in.len - c->head_len, keep);
    bytes_drop(&c->in, c->head_len, used);
    if (c->body.bad) {
        refuse_request(c);
        return GO_ON;
    }
    if (!c->body.done)
        return fill(c);
    struct request req;
    request_parse(&req, c->in.p, c->head_len);
    req.length = c->body.seen;
    start_reply(c, &req);
    return GO_ON;
}

static bool more_follows(const struct reply *r, const struct step *s)
{
    bool next_sends = r->at + 1 < r->nsteps && r->steps[r->at + 1].kind == SEND;
    return !s->ms && (next_sends || s->left > s->len - s->at);
}

static enum progress do_send(struct conn *c, struct step *s)
{
    struct reply *r = &c->reply;
    if (!s->left) {
        r->at++;
        return GO_ON;
    }
    size_t n = s->len - s->at;
    n = n > s->piece ? s->piece : n;
    n = n > s->left ? (size_t)s->left : n;
    const char *unit = s->fixed ? s->fixed : r->text.p + s->off;
    int flags = MSG_NOSIGNAL | (more_follows(r, s) ? MSG_MORE : 0);
    ssize_t sent = send(c->watch.fd, unit + s->at, n, flags);
    if (sent < 0)
        return errno == EAGAIN ? BLOCKED : errno == EINTR ? GO_ON : GONE;
    totals.bytes_out += (uint64_t)sent;
    s->at = (s->at + (size_t)sent) % s->len;
    if (s->left != FOR_EVER)
        s->left -= (uint64_t)sent;
    if (s->ms)
        loop_arm(&c->timer, s->ms);
    return GO_ON;
}

static enum progress do_wait(struct conn *c, struct step *s)
{
    c->reply.at++;
    loop_arm(&c->timer, s->ms);
    return GO_ON;
}

static enum progress keep_alive(struct conn *c)
{
    if (c->kept.cap > 4096)
        bytes_free(&c->kept);
    if (!c->in.len && c->in.cap > 4096)
        bytes_free(&c->in);
    c->phase = READ_HEAD;
    return GO_ON;
}

/* First our end, then we wait for theirs: closing with unread input would turn into a
 * reset and might take the answer with it. */
static enum progress begin_linger(struct conn *c)
{
    shutdown(c->watch.fd, SHUT_WR);
    loop_arm(&c->timer, LINGER_MS);
    c->phase = LINGER;
    return GO_ON;
}

static enum progress do_end(struct conn *c, struct step *s)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    switch (s->ending) {
    case KEEP:
        return keep_alive(c);
    case CLOSE:
        return begin_linger(c);
    case RESET:
        setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        return GONE;
    case HANG:
        c->hanging = true;
        return GO_ON;
    }
    return GONE;
}

static enum progress play(struct conn *c)
{
    static enum progress (*const doers[])(struct conn *, struct step *) = {
        [SEND] = do_send,
        [WAIT] = do_wait,
        [END] = do_end,
    };
    struct step keep = {.kind = END, .ending = KEEP};
    uint64_t turn_ends = totals.bytes_out + TURN_BYTES;
    while (c->phase == PLAY) {
        if (c->timer.slot || c->hanging)
            return c->left ? GONE : BLOCKED;
        struct reply *r = &c->reply;
        struct step *s = r->at < r->nsteps ? &r->steps[r->at] : &keep;
        enum progress p = doers[s->kind](c, s);
        if (p != GO_ON)
            return p;
        if (totals.bytes_out > turn_ends && !c->timer.slot && c->phase == PLAY) {
            loop_arm(&c->timer, 0);
            return BLOCKED;
        }
    }
    return GO_ON;
}

static enum progress linger(struct conn *c)
{
    c->in.len = 0;
    return fill(c);
}

static void advance(struct conn *c)
{
    static enum progress (*const phases[])(struct conn *) = {
        [READ_HEAD] = read_head,
        [READ_BODY] = read_body,
        [PLAY] = play,
        [LINGER] = linger,
    };
    enum progress p = GO_ON;
    while (p == GO_ON)
        p = phases[c->phase](c);
    if (p == GONE)
        conn_free(c);
}

static void on_ready(struct watch *w, uint32_t events)
{
    struct conn *c = loop_container(w, struct conn, watch);
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->left = true;
    if (c->left || (events & EPOLLIN))
        c->readable = true;
    advance(c);
}

static void on_timer(struct timer *t)
{
    struct conn *c = loop_container(t, struct conn, timer);
    if (c->phase == LINGER)
        conn_free(c);
    else
        advance(c);
}

void conn_open(int fd)
{
    struct conn *c = must_alloc(sizeof *c);
    c->watch = (struct watch){fd, on_ready};
    c->timer.fire = on_timer;
    c->next = all;
    c->link = &all;
    if (all)
        all->link = &c->next;
    all = c;
    totals.accepted++;
    if (++totals.open > totals.peak_open)
        totals.peak_open = totals.open;
    if (!loop_watch(&c->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET))
        conn_free(c);
}

void conn_close_all(void)
{
    while (all)
        conn_free(all);
}
