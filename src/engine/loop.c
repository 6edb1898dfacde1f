/* The event loop: libev, and what we know of each descriptor.
 *
 * libev's callbacks only queue what happened. It is handled in small batches afterwards,
 * by lf_loop_run, so that neither libcurl nor Lua ever runs inside a libev callback. */
#include "engine/internal.h"

#include <signal.h>
#include <stdlib.h>
#include "engine/alloc.h"

enum { CHUNK = 64 };

struct lf_fdw {
    ev_io io;
    struct lf_loop *loop; /* borrowed: outlives us */
    lf_fd_fn *fn;
    void *arg;     /* borrowed: until unwanted or forgotten */
    size_t queued; /* place in loop->events + 1; 0: not there */
    bool owned;    /* we open and close it: may be watched lazily */
    unsigned char want;
};

struct lf_sig {
    struct lf_list link;
    ev_signal w;
    void (*got)(void *arg, int signum);
    void *arg; /* borrowed: outlives the engine */
};

/* ---- descriptors ---- */

static void on_io(struct ev_loop *ev, ev_io *w, int revents)
{
    struct lf_fdw *f = lf_container(w, struct lf_fdw, io);
    struct lf_loop *loop = f->loop;
    if (!f->want) { /* an idle connection spoke or closed: once, then quiet */
        ev_io_stop(ev, w);
        return;
    }
    if (f->queued) {
        loop->events[f->queued - 1].revents |= revents;
        return;
    }
    if (loop->nevents == loop->cap) {
        size_t cap = loop->cap ? loop->cap * 2 : 256;
        struct lf_event *events = realloc(loop->events, cap * sizeof *events);
        if (!events)
            return; /* level-triggered: it comes again */
        loop->events = events;
        loop->cap = cap;
    }
    loop->events[loop->nevents++] = (struct lf_event){f, revents};
    f->queued = loop->nevents;
}

static void on_wake(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)revents;
    ev_timer_stop(ev, w);
    lf_container(w, struct lf_loop, wake)->armed = LF_NEVER;
}

static struct lf_fdw *find(const struct lf_loop *loop, int fd)
{
    size_t i = (size_t)fd / CHUNK;
    if (fd < 0 || i >= loop->nchunks || !loop->chunks[i])
        return NULL;
    return &loop->chunks[i][fd % CHUNK];
}

static struct lf_fdw *obtain(struct lf_loop *loop, int fd)
{
    size_t i = (size_t)fd / CHUNK;
    if (!lf_alloc_reserve((i + 1) * CHUNK))
        return NULL;
    if (i >= loop->nchunks) {
        struct lf_fdw **chunks = realloc(loop->chunks, (i + 1) * sizeof(void *));
        if (!chunks)
            return NULL;
        while (loop->nchunks <= i)
            chunks[loop->nchunks++] = NULL;
        loop->chunks = chunks;
    }
    if (!loop->chunks[i]) {
        loop->chunks[i] = calloc(CHUNK, sizeof(struct lf_fdw));
        if (!loop->chunks[i])
            return NULL;
        for (int k = 0; k < CHUNK; k++) {
            loop->chunks[i][k].loop = loop;
            ev_io_init(&loop->chunks[i][k].io, on_io, (int)i * CHUNK + k, 0);
        }
    }
    return &loop->chunks[i][fd % CHUNK];
}

static void unqueue(struct lf_fdw *f)
{
    if (f->queued)
        f->loop->events[f->queued - 1].fdw = NULL;
    f->queued = 0;
}

enum lf_err lf_loop_own(struct lf_loop *loop, int fd)
{
    struct lf_fdw *f = obtain(loop, fd);
    if (!f)
        return LF_ERESOURCE;
    ev_io_stop(loop->ev, &f->io); /* of a descriptor that was closed behind our back */
    unqueue(f);
    f->want = 0;
    f->owned = true;
    return LF_OK;
}

enum lf_err lf_loop_want(struct lf_loop *loop, int fd, int events, lf_fd_fn *fn,
                         void *arg)
{
    struct lf_fdw *f = obtain(loop, fd);
    if (!f)
        return LF_ERESOURCE;
    f->fn = fn;
    f->arg = arg;
    f->want = (unsigned char)events;
    if (ev_is_active(&f->io)) {
        if ((f->io.events & (EV_READ | EV_WRITE)) == events)
            return LF_OK;
        ev_io_stop(loop->ev, &f->io);
        ev_io_modify(&f->io, events); /* spares the epoll_ctl that ev_io_set forces */
    } else {
        ev_io_set(&f->io, fd, events);
    }
    ev_io_start(loop->ev, &f->io);
    return LF_OK;
}

void lf_loop_unwant(struct lf_loop *loop, int fd)
{
    struct lf_fdw *f = find(loop, fd);
    if (!f)
        return;
    f->want = 0;
    unqueue(f);
    /* libcurl 7.88 closes sockets that are still connecting without a word: only one that
     * was read from is an idle connection worth watching on */
    if (!f->owned || !(f->io.events & EV_READ))
        ev_io_stop(loop->ev, &f->io);
}

void lf_loop_forget(struct lf_loop *loop, int fd)
{
    struct lf_fdw *f = find(loop, fd);
    if (!f)
        return;
    ev_io_stop(loop->ev, &f->io);
    unqueue(f);
    f->want = 0;
    f->owned = false;
}

/* ---- the loop ---- */

enum lf_err lf_loop_init(struct lf_loop *loop)
{
    *loop = (struct lf_loop){.armed = LF_NEVER};
    lf_list_init(&loop->signals);
    if (!lf_alloc_reserve(0))
        return LF_ERESOURCE;
    ev_set_allocator(lf_alloc_for_loop);
    loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (!loop->ev)
        return LF_ERESOURCE;
    ev_timer_init(&loop->wake, on_wake, 0., 0.);
    return LF_OK;
}

void lf_loop_deinit(struct lf_loop *loop)
{
    if (!loop->ev)
        return;
    for (struct lf_list *n = lf_list_shift(&loop->signals); n;
         n = lf_list_shift(&loop->signals)) {
        struct lf_sig *s = lf_container(n, struct lf_sig, link);
        ev_ref(loop->ev);
        ev_signal_stop(loop->ev, &s->w);
        free(s);
    }
    ev_timer_stop(loop->ev, &loop->wake);
    for (size_t i = 0; i < loop->nchunks; i++) {
        for (int k = 0; loop->chunks[i] && k < CHUNK; k++)
            ev_io_stop(loop->ev, &loop->chunks[i][k].io);
        free(loop->chunks[i]);
    }
    free(loop->chunks);
    free(loop->events);
    ev_loop_destroy(loop->ev);
    loop->ev = NULL;
}

/* The wake timer may stand too early, never too late: it is moved only when it must be.
 */
static void arm(struct lf_loop *loop, double now, double due)
{
    if (due >= LF_NEVER || due >= loop->armed)
        return;
    double after = due > now ? due - now : 0;
    ev_timer_stop(loop->ev, &loop->wake);
    ev_now_update(loop->ev); /* libev counts from a time it read before Lua ran */
    ev_timer_set(&loop->wake, after, 0.);
    ev_timer_start(loop->ev, &loop->wake);
    loop->armed = due;
}

void lf_loop_poll(struct lf_loop *loop, double now, double due)
{
    loop->nevents = loop->at = 0;
    lf_alloc_reserve(loop->nchunks * CHUNK);
    if (due <= now) {
        ev_run(loop->ev, EVRUN_NOWAIT);
        return;
    }
    arm(loop, now, due);
    ev_run(loop->ev, EVRUN_ONCE);
}

bool lf_loop_pending(const struct lf_loop *loop)
{
    return loop->at < loop->nevents;
}

bool lf_loop_run(struct lf_loop *loop, int max)
{
    bool any = false;
    while (max > 0 && loop->at < loop->nevents) {
        struct lf_event e = loop->events[loop->at++];
        if (!e.fdw)
            continue;
        e.fdw->queued = 0;
        e.fdw->fn(e.fdw->arg, e.fdw->io.fd, e.revents);
        any = true;
        max--;
    }
    return any;
}

/* ---- signals ---- */

static void on_signal(struct ev_loop *ev, ev_signal *w, int revents)
{
    struct lf_sig *s = lf_container(w, struct lf_sig, w);
    (void)revents;
    (void)ev;
    s->got(s->arg, w->signum);
}

enum lf_err lf_engine_on_signal(struct lf_engine *eng, int signum,
                                void (*got)(void *arg, int signum), void *arg)
{
    struct lf_sig *s = lf_alloc_reserve(0) ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return LF_ERESOURCE;
    s->got = got;
    s->arg = arg;
    ev_signal_init(&s->w, on_signal, signum);
    ev_signal_start(eng->loop.ev, &s->w);
    ev_unref(eng->loop.ev);
    lf_list_append(&eng->loop.signals, &s->link);
    return LF_OK;
}

/* ---- descriptors of modules ---- */

struct lf_watch {
    ev_io io;
    struct lf_engine *eng; /* borrowed: outlives us */
    void (*ready)(void *arg, int events);
    void *arg; /* borrowed: until freed */
    int events;
};

static void on_watch(struct ev_loop *ev, ev_io *w, int revents)
{
    struct lf_watch *watch = lf_container(w, struct lf_watch, io);
    (void)ev;
    watch->ready(watch->arg, ((revents & EV_READ) ? LF_READ : 0) |
                                 ((revents & EV_WRITE) ? LF_WRITE : 0));
}

struct lf_watch *lf_watch_new(struct lf_engine *eng, int fd, int events,
                              void (*ready)(void *arg, int events), void *arg)
{
    struct lf_watch *w = lf_alloc_reserve((size_t)fd + 1) ? calloc(1, sizeof *w) : NULL;
    if (!w)
        return NULL;
    w->eng = eng;
    w->ready = ready;
    w->arg = arg;
    ev_io_init(&w->io, on_watch, fd, 0);
    lf_watch_set(w, events);
    return w;
}

void lf_watch_set(struct lf_watch *w, int events)
{
    struct lf_loop *loop = &w->eng->loop;
    if (w->events == events)
        return;
    ev_io_stop(loop->ev, &w->io);
    loop->watching -= w->events != 0;
    w->events = events;
    if (!events)
        return;
    loop->watching++;
    ev_io_modify(&w->io, ((events & LF_READ) ? EV_READ : 0) |
                             ((events & LF_WRITE) ? EV_WRITE : 0));
    ev_io_start(loop->ev, &w->io);
}

void lf_watch_free(struct lf_watch *w)
{
    if (!w)
        return;
    lf_watch_set(w, 0);
    free(w);
}
