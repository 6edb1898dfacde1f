/* Retry: which answers and errors may pass, whether the request may be sent again, the
 * budget, the time to wait. */
#include "engine/retry.h"

#include <math.h>
#include <string.h>
#include <time.h>
#include "engine/req.h"
#include "http/throttle.h"

#define PARK_MOST 120.0 /* seconds, where the request says nothing */

void lf_retry_init(struct lf_retry *r)
{
    static const int statuses[] = {408, 429, 500, 502, 503, 504};
    *r = (struct lf_retry){.backoff = 0.5,
                           .factor = 2,
                           .max = 30,
                           .jitter = true,
                           .heed = true,
                           .heed_max = PARK_MOST};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        lf_retry_on(r, statuses[i]);
}

void lf_retry_on(struct lf_retry *r, int status)
{
    r->on[status / 64] |= 1ull << (status % 64);
}

static bool is_on(const struct lf_retry *r, int status)
{
    return status < 64 * (int)(sizeof r->on / sizeof *r->on) &&
           r->on[status / 64] & 1ull << (status % 64);
}

/* ---- may it be sent again? ---- */

/* RFC 9110 §9.2.2 */
static bool idempotent(const char *method)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

static bool may_repeat(struct lf_req *req, bool sent)
{
    const struct lf_retry *r = req->retry;
    if (!r || req->tries >= r->times || req->stream.told)
        return false;
    return !sent || r->any_method || idempotent(req->method);
}

/* Waiting makes no sense when the time that is left is shorter. */
static bool in_time(const struct lf_req *req, double seconds)
{
    return req->deadline >= LF_NEVER ||
           req->eng->now + seconds < req->submitted + req->deadline;
}

static double backoff(const struct lf_req *req)
{
    const struct lf_retry *r = req->retry;
    double grown = fmin(pow(r->factor, req->tries), LF_NEVER); /* 0 × infinity is no 0 */
    double most = fmin(r->backoff * grown, r->max);
    return r->jitter ? most * lf_engine_random(req->eng) : most;
}

static void tell(struct lf_req *req, double wait)
{
    const struct lf_result *res = &req->res;
    const struct lf_retry_note note = {.url = req->x.target_url,
                                       .attempt = req->tries,
                                       .status = res->status,
                                       .err = res->err,
                                       .message = res->message,
                                       .wait = wait};
    req->watch->retrying(req->watch, &note);
}

/* `wait` seconds from now, if the time and the budget are there. */
static bool plan(struct lf_req *req, double wait)
{
    if (!in_time(req, wait))
        return false;
    if (!lf_domain_spend_retry(req->domain)) {
        req->eng->stats.retries_refused++;
        lf_req_add_why(req, "not tried again: too many retries were made already");
        return false;
    }
    req->eng->stats.retries++;
    req->tries++;
    req->retry_at = req->eng->now + wait;
    if (req->watch)
        tell(req, wait > req->rest ? wait : req->rest);
    return true;
}

/* ---- what an answer says ---- */

/* For how long the host wants to be left alone; false: it does not say so. */
static bool wants_rest(const struct lf_req *req, double *seconds, const char **why)
{
    const struct lf_headers *h = &req->res.headers;
    int status = req->res.status;
    int64_t now = time(NULL);
    *why = status == 429 ? "429, Retry-After" : "503, Retry-After";
    if ((status == 429 || status == 503) && lf_retry_after(h, now, seconds))
        return true;
    *why = "its rate limit is used up";
    return lf_rate_exhausted(h, now, seconds);
}

static bool heeds(const struct lf_req *req)
{
    return req->retry ? req->retry->heed : lf_admit_paced(req);
}

void lf_retry_listen(struct lf_req *req)
{
    double seconds = 0;
    const char *why;
    req->rest = 0;
    if (!heeds(req) || !wants_rest(req, &seconds, &why) || seconds <= 0)
        return;
    req->rest = fmin(seconds, req->retry ? req->retry->heed_max : PARK_MOST);
    lf_admit_park(req, req->rest, why);
}

bool lf_retry_answered(struct lf_req *req)
{
    int status = req->res.status;
    if (!may_repeat(req, true) || !is_on(req->retry, status))
        return false;
    if (!lf_body_again(&req->body))
        return false;
    /* a parked host is waited for in its queue */
    return req->rest > 0 ? in_time(req, req->rest) && plan(req, 0)
                         : plan(req, backoff(req));
}

void lf_retry_drop(struct lf_req *req)
{
    req->tries -= req->head.again;
    req->head.again = false;
}

bool lf_retry_failed(struct lf_req *req)
{
    struct lf_result *res = &req->res;
    bool sent = req->x.started > 0 && req->x.sent;
    if (!res->retryable || !may_repeat(req, sent))
        return false;
    if (!lf_body_again(&req->body)) {
        lf_req_add_why(req, "not tried again: the body came from a function");
        return false;
    }
    return plan(req, backoff(req));
}

void lf_retry_learn(struct lf_req *req)
{
    const struct lf_result *res = &req->res;
    bool broken = res->err == LF_ECLOSED || res->err == LF_ETIMEOUT ||
                  res->err == LF_ECONNECT || res->err == LF_ETRUNCATED;
    bool refused = req->x.head_done && (res->status == 429 || res->status == 503);
    if (refused)
        lf_admit_answer(req, LF_SIGN_REFUSED, req->rest);
    else if (broken)
        lf_admit_answer(req, LF_SIGN_BROKEN, 0);
    else if (req->x.head_done)
        lf_admit_answer(req, LF_SIGN_WELL, 0);
}

/* ---- once more ---- */

bool lf_retry_reset(struct lf_req *req)
{
    struct lf_result *res = &req->res;
    res->err = LF_OK;
    res->message = NULL;
    res->retryable = res->sent = false;
    res->status = 0;
    lf_headers_reset(&res->headers);
    req->replays = 0;
    req->rest = 0;
    if (req->save && lf_save_again(req)) {
        lf_req_fail(req, LF_ERESOURCE, "out of memory");
        return false;
    }
    return lf_login_sign(req);
}
