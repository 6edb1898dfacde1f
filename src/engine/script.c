/* The scripted transport: answers come from a function, after a delay, without sockets.
 * For tests of everything that stands above the transport. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/req.h"

enum { PIECE = 16 << 10 };

struct play { /* an answer on its way */
    struct lf_list link;
    struct script *script; /* borrowed: outlives us */
    struct lf_xfer *x;     /* borrowed: until it has ended */
    struct lf_script_answer answer;
    size_t fed; /* bytes of its body that were brought */
    bool answered;
    struct lf_timer timer;
};

struct script {
    struct lf_transport base;
    struct lf_engine *eng;  /* borrowed: outlives us */
    struct lf_list started; /* owned: plays nobody has looked at yet */
    struct lf_list waiting; /* owned: plays whose answer will come */
};

static void drop(struct play *p)
{
    lf_timers_remove(&p->script->eng->timers, &p->timer);
    lf_list_remove(&p->link);
    p->x->handle = NULL;
    free(p);
}

static bool feed_head(struct lf_xfer *x, const struct lf_script_answer *a)
{
    char status[32];
    int n = snprintf(status, sizeof status, "HTTP/1.1 %d\r\n", a->status);
    if (!lf_req_on_line(x, status, (size_t)n))
        return false;
    for (const char *at = a->head ? a->head : "", *eol; (eol = strstr(at, "\r\n"));
         at = eol + 2)
        if (!lf_req_on_line(x, at, (size_t)(eol + 2 - at)))
            return false;
    return lf_req_on_line(x, "\r\n", 2);
}

static bool answer(struct script *s, struct lf_xfer *x, const struct lf_script_answer *a)
{
    x->sent = true;
    x->timings.total = s->eng->now - x->started;
    if (a->err) {
        lf_req_on_error(x, a->err, "scripted failure");
        lf_container(x, struct lf_req, x)->res.retryable =
            a->err == LF_EDNS || a->err == LF_ECONNECT || a->err == LF_ECLOSED ||
            a->err == LF_ETRUNCATED || a->err == LF_ETIMEOUT;
    }
    return !a->err && feed_head(x, a);
}

/* False: it pauses. */
static bool feed_body(struct play *p)
{
    const struct lf_script_answer *a = &p->answer;
    while (p->fed < a->body_len) {
        size_t n = a->body_len - p->fed < PIECE ? a->body_len - p->fed : PIECE;
        enum lf_body_take take = lf_req_on_body(p->x, a->body + p->fed, n);
        if (take == LF_BODY_PAUSE)
            return false;
        if (take == LF_BODY_REFUSED)
            return true;
        p->fed += n;
    }
    return true;
}

static void end(struct play *p)
{
    struct lf_xfer *x = p->x;
    drop(p);
    lf_req_on_end(x);
}

static void ask(struct script *s, struct play *p)
{
    p->answer = (struct lf_script_answer){.status = 404};
    if (s->eng->script_fn)
        s->eng->script_fn(s->eng->script_arg, p->x->method, p->x->target_url, &p->answer);
}

static void on_due(struct lf_timer *t)
{
    struct play *p = lf_container(t, struct play, timer);
    bool sound = p->answered || answer(p->script, p->x, &p->answer);
    p->answered = true;
    if (!sound || feed_body(p))
        end(p);
}

static bool script_kick(struct lf_transport *tp, bool all)
{
    (void)all;
    struct script *s = lf_container(tp, struct script, base);
    bool any = false;
    for (struct lf_list *n = lf_list_shift(&s->started); n;
         n = lf_list_shift(&s->started)) {
        struct play *p = lf_container(n, struct play, link);
        lf_list_append(&s->waiting, &p->link);
        ask(s, p);
        p->x->connected = s->eng->now;
        p->x->phase = LF_PHASE_HEADERS;
        lf_limits_arm(lf_container(p->x, struct lf_req, x));
        any = true;
        if (p->answer.delay >= LF_NEVER)
            continue;
        if (!lf_timers_add(&s->eng->timers, &p->timer, s->eng->now + p->answer.delay))
            on_due(&p->timer);
    }
    return any;
}

static enum lf_err script_start(struct lf_transport *tp, struct lf_xfer *x)
{
    struct script *s = lf_container(tp, struct script, base);
    struct play *p = calloc(1, sizeof *p);
    if (!p)
        return LF_ERESOURCE;
    p->script = s;
    p->x = x;
    p->timer.fire = on_due;
    x->handle = p;
    lf_list_append(&s->started, &p->link);
    return LF_OK;
}

static void script_cancel(struct lf_transport *tp, struct lf_xfer *x, bool keep)
{
    (void)tp, (void)keep;
    if (x->handle)
        drop(x->handle);
}

static void script_resume(struct lf_transport *tp, struct lf_xfer *x)
{
    (void)tp;
    struct play *p = x->handle;
    if (p && !lf_timers_add(&p->script->eng->timers, &p->timer, p->script->eng->now))
        on_due(&p->timer);
}

static void script_free(struct lf_transport *tp)
{
    free(lf_container(tp, struct script, base));
}

struct lf_transport *lf_script_new(struct lf_engine *eng)
{
    struct script *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->base = (struct lf_transport){script_start, script_cancel, script_resume,
                                    script_kick, script_free};
    s->eng = eng;
    lf_list_init(&s->started);
    lf_list_init(&s->waiting);
    return &s->base;
}

void lf_script_set(struct lf_engine *eng, lf_script_fn *fn, void *arg)
{
    eng->script_fn = fn;
    eng->script_arg = arg;
}
