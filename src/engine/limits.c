/* A request's limits of time: one timer, set to the earliest moment at which any of them
 * could be passed given what is known now. Looking too early costs a look; limits whose
 * clock has not started count from now. */
#include "engine/req.h"

static void add_limit(double *due, double from, double seconds)
{
    if (seconds < LF_NEVER && from + seconds < *due)
        *due = from + seconds;
}

static bool may_stall(const struct lf_xfer *x)
{
    return (x->phase == LF_PHASE_BODY || x->phase == LF_PHASE_SEND) && !x->paused &&
           !x->starved;
}

/* Admission comes after the name: until then the total is counted from the lookup. */
static double resolve_limit(const struct lf_req *req)
{
    const struct lf_timeouts *t = &req->timeout;
    return t->total < t->connect ? t->total : t->connect;
}

/* Its total runs: also between two hops, but not in a queue. */
static bool running(const struct lf_req *req)
{
    return req->admitted > 0 && req->state != REQ_QUEUED;
}

static double next_look(const struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    double due = LF_NEVER;
    add_limit(&due, req->submitted, req->deadline);
    if (req->state == REQ_WAITING)
        add_limit(&due, req->retry_at, 0);
    if (req->state == REQ_RESOLVING)
        add_limit(&due, req->resolve_began, resolve_limit(req));
    if (running(req))
        add_limit(&due, req->admitted, req->timeout.total);
    if (req->state != REQ_ACTIVE)
        return due;
    if (!x->connected)
        add_limit(&due, x->started, req->timeout.connect);
    if (!x->head_done)
        add_limit(&due, x->connected ? x->connected : req->eng->now,
                  req->timeout.headers);
    add_limit(&due, may_stall(x) ? req->active_at : req->eng->now, req->timeout.stall);
    return due;
}

void lf_limits_arm(struct lf_req *req)
{
    double due = next_look(req);
    if (due >= LF_NEVER)
        lf_timers_remove(&req->eng->timers, &req->timer);
    else if (!lf_timers_add(&req->eng->timers, &req->timer, due)) {
        lf_req_fail(req, LF_ERESOURCE, "out of memory"); /* rather than without limits */
        lf_req_break(req);
    }
}

static bool passed(const struct lf_req *req, double from, double seconds)
{
    return seconds < LF_NEVER && from + seconds <= req->eng->now;
}

/* Which limit was passed, if one was; fails the request. */
bool lf_limits_passed(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    bool active = req->state == REQ_ACTIVE;
    bool resolving = req->state == REQ_RESOLVING;
    req->res.phase = active ? x->phase : resolving ? LF_PHASE_DNS : LF_PHASE_QUEUE;
    if (passed(req, req->submitted, req->deadline))
        lf_fail_timeout(req, req->deadline, "deadline of");
    else if (resolving && passed(req, req->resolve_began, resolve_limit(req)))
        lf_fail_timeout(req, resolve_limit(req), "timeout after");
    else if (running(req) && passed(req, req->admitted, req->timeout.total))
        lf_fail_timeout(req, req->timeout.total, "timeout after");
    else if (!active)
        return false;
    else if (!x->connected && passed(req, x->started, req->timeout.connect))
        lf_fail_timeout(req, req->timeout.connect, "timeout after");
    else if (x->connected && !x->head_done &&
             passed(req, x->connected, req->timeout.headers))
        lf_fail_timeout(req, req->timeout.headers, "timeout after");
    else if (may_stall(x) && passed(req, req->active_at, req->timeout.stall))
        lf_fail_timeout(req, req->timeout.stall, "timeout: no data for");
    return req->res.err != LF_OK;
}
