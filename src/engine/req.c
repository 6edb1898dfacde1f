/* One logical request: admission, exchange, decoding, redirects, limits of time.
 *
 * lf_req_on_* come from inside libcurl's callbacks and touch our memory only. Whatever
 * has ended is put into eng->finished and looked at by lf_req_finish, outside of all
 * callbacks. */
#include "engine/req.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <curl/curl.h>

/* Bytes of a redirect's body that are read and thrown away; then a new connection is
 * cheaper. */
enum { MAX_DISCARD = 256 << 10 };

enum { MAX_REPLAYS = 10 }; /* a busy server ends one connection after the other */

static void to_finished(struct lf_req *req)
{
    req->eng->waiting -= req->state == REQ_WAITING;
    req->state = REQ_FINISHED;
    lf_list_append(&req->eng->finished, &req->x.link);
}

static void stop_resolving(struct lf_req *req)
{
    if (req->lookup.name)
        req->eng->resolving--;
    lf_names_cancel(&req->lookup);
    if (req->state == REQ_RESOLVING)
        lf_list_remove(&req->lookup.link); /* from eng->resolved */
}

/* It has failed, wherever it is: out of everything it waits in. */
void lf_req_break(struct lf_req *req)
{
    if (req->state == REQ_ACTIVE)
        req->eng->transport->cancel(req->eng->transport, &req->x, true);
    else if (req->state == REQ_QUEUED)
        lf_admit_leave(req); /* or it would still be admitted */
    stop_resolving(req);
    to_finished(req);
}

/* ---- from the transport ---- */

bool lf_req_on_line(struct lf_xfer *x, const char *line, size_t n)
{
    struct lf_req *req = lf_container(x, struct lf_req, x);
    req->active_at = req->eng->now;
    return lf_head_line(req, line, n);
}

static enum lf_err save(struct lf_req *req, const char *p, size_t n)
{
    if (lf_save_size(req->save) + n > req->max_body) {
        lf_req_fail(req, LF_ETOOLARGE,
                    "the body is larger than max_body (%llu bytes) allows",
                    (unsigned long long)req->max_body);
        return LF_ETOOLARGE;
    }
    return lf_save_write(req, p, n) ? LF_OK : LF_EIO;
}

static enum lf_err store(void *arg, const char *p, size_t n)
{
    struct lf_req *req = arg;
    if (!lf_quota_store(req->eng, n)) {
        lf_req_fail(req, LF_ERESOURCE, "the run has no memory left for the body");
        return LF_ERESOURCE;
    }
    if (lf_save_active(req->save))
        return save(req, p, n);
    enum lf_err err =
        req->stream.on ? lf_stream_store(req, p, n) : lf_buf_add(&req->res.body, p, n);
    if (err == LF_ETOOLARGE)
        lf_req_fail(req, err, "the body is larger than max_body (%llu bytes) allows",
                    (unsigned long long)req->max_body);
    else if (err)
        lf_req_fail(req, err, "out of memory for the body");
    return err;
}

static bool discard(struct lf_req *req, size_t n)
{
    req->head.discarded += n;
    req->head.enough = req->head.discarded > MAX_DISCARD;
    return !req->head.enough;
}

static bool take(struct lf_req *req, const char *p, size_t n)
{
    struct lf_xfer *x = &req->x;
    x->bytes_down += n;
    if (!x->head_done) {
        lf_req_fail(req, LF_EPROTOCOL, "the answer is not HTTP");
        return false;
    }
    if (req->head.redirect || req->head.again)
        return discard(req, n);
    if (!req->decoder)
        return store(req, p, n) == LF_OK;
    enum lf_err err = lf_decoder_feed(req->decoder, p, n, store, req);
    if (err)
        lf_req_fail(req, err, "%s", lf_decoder_why(req->decoder));
    return !err;
}

enum lf_body_take lf_req_on_body(struct lf_xfer *x, const char *p, size_t n)
{
    struct lf_req *req = lf_container(x, struct lf_req, x);
    req->active_at = req->eng->now;
    if (lf_stream_full(req) || lf_quota_pauses(req)) {
        x->paused = true;
        return LF_BODY_PAUSE;
    }
    return take(req, p, n) ? LF_BODY_TAKEN : LF_BODY_REFUSED;
}

void lf_req_on_progress(struct lf_xfer *x)
{
    struct lf_req *req = lf_container(x, struct lf_req, x);
    req->active_at = req->eng->now;
}

void lf_req_on_error(struct lf_xfer *x, enum lf_err err, const char *why)
{
    lf_req_fail(lf_container(x, struct lf_req, x), err, "%s", why);
}

void lf_req_on_end(struct lf_xfer *x)
{
    to_finished(lf_container(x, struct lf_req, x));
}

/* ---- one hop: from its URL to a slot ---- */

static enum lf_err set_target(struct lf_req *req)
{
    struct lf_buf plain;
    enum lf_err err;
    req->x.target_url = req->url.href.p;
    if (!lf_url_has_userinfo(&req->url))
        return LF_OK;
    lf_buf_init(&plain, LF_URL_MAX);
    err = lf_url_without_userinfo(&req->url, true, &plain);
    if (!err)
        req->x.target_url = lf_arena_dup(&req->arena, plain.p, plain.len);
    lf_buf_free(&plain);
    return req->x.target_url ? err : LF_ERESOURCE;
}

/* What the jar has for this URL, behind what the script asked to send. */
static enum lf_err set_cookie(struct lf_req *req)
{
    struct lf_header own;
    lf_buf_reset(&req->cookie);
    if (!req->jar)
        return LF_OK;
    bool has = lf_headers_get(&req->headers, "cookie", &own) && own.value_len;
    enum lf_err err = has ? lf_buf_addf(&req->cookie, "%s; ", own.value) : LF_OK;
    size_t before = req->cookie.len;
    if (!err)
        err = lf_jar_header(req->jar, &req->url, time(NULL), &req->cookie);
    if (req->cookie.len == before)
        lf_buf_reset(&req->cookie); /* nothing to add */
    return err;
}

static void prepare_hop(struct lf_req *req)
{
    struct lf_xfer *x = &req->x;
    const char *m = req->method;
    const char *target = x->target_url;
    lf_xfer_reset(x);
    x->url = &req->url;
    x->target_url = target;
    x->method = m;
    x->headers = &req->headers;
    x->cookie = req->cookie.len ? req->cookie.p : NULL;
    x->body = lf_body_any(&req->body);
    x->body_len = req->body.len;
    x->replayable = strcmp(m, "POST") != 0 && strcmp(m, "PATCH") != 0;
    x->verify = req->verify;
    x->ca = req->ca;
    x->http_version = req->http_version;
    x->way = &req->way;
    x->guarded = req->way.guard && !lf_engine_spares(req->eng, req->host, req->host_len);
    x->host_hash = lf_host_hash(req->host, req->host_len);
    x->connect_timeout = req->timeout.connect;
    x->may_pause = req->stream.on;
    x->phase = LF_PHASE_DNS;
    lf_head_reset(&req->head);
    lf_decoder_free(req->decoder);
    req->decoder = NULL;
    lf_buf_reset(&req->res.body);
    req->active_at = req->eng->now;
}

/* The exchange is described before anything is waited for, so that whatever fails has a
 * URL and a phase of its own. */
static void resolve(struct lf_req *req)
{
    req->x.started = 0; /* the exchange before was counted */
    req->host = lf_url_authority(&req->url).p;
    req->host_len = lf_url_authority(&req->url).len;
    req->resolve_began = req->eng->now;
    if (set_target(req) || set_cookie(req)) {
        lf_req_fail(req, LF_ERESOURCE, "out of memory");
        to_finished(req);
        return;
    }
    prepare_hop(req);
    if (!lf_resolve_begin(req))
        to_finished(req);
    else if (req->state == REQ_RESOLVING)
        lf_limits_arm(req);
}

void lf_req_resolved(struct lf_req *req)
{
    req->x.isolation = req->isolation.len ? req->isolation.p : NULL;
    req->x.addresses = req->addresses.len ? req->addresses.p : NULL;
    req->x.proxy = req->proxy;
    req->x.proxy_addresses = req->proxy_addresses.len ? req->proxy_addresses.p : NULL;
    req->state = REQ_QUEUED;
    req->queued_at = req->eng->now;
    if (lf_admit(req, req->admitted > 0))
        lf_req_admission_failed(req);
    else if (req->state == REQ_QUEUED)
        lf_limits_arm(req);
}

void lf_req_resolve_all(struct lf_engine *eng)
{
    for (struct lf_list *n = lf_list_shift(&eng->resolved); n;
         n = lf_list_shift(&eng->resolved)) {
        struct lf_req *req =
            lf_container(lf_container(n, struct lf_lookup, link), struct lf_req, lookup);
        req->resolve_took += eng->now - req->resolve_began;
        resolve(req);
    }
}

static enum lf_err transport_start(struct lf_req *req)
{
    struct lf_engine *eng = req->eng;
    if (!eng->transport)
        eng->transport = eng->scripted ? lf_script_new(eng) : lf_lanes_new(eng);
    if (!eng->transport)
        return LF_ERESOURCE;
    return eng->transport->start(eng->transport, &req->x);
}

void lf_req_admitted(struct lf_req *req)
{
    struct lf_engine *eng = req->eng;
    assert(req->state == REQ_QUEUED);
    lf_engine_tick(eng);
    /* what the next hop of a redirect waits here is no part of its time either */
    req->admitted =
        req->admitted > 0 ? req->admitted + eng->now - req->queued_at : eng->now;
    req->state = REQ_ACTIVE;
    if (!lf_body_begin(req)) {
        to_finished(req);
        return;
    }
    req->x.started = req->active_at = eng->now;
    eng->stats.active++;
    if (eng->stats.active > eng->stats.peak_active)
        eng->stats.peak_active = eng->stats.active;
    eng->stats.transfers++;
    if (transport_start(req) == LF_OK) {
        lf_limits_arm(req);
        return;
    }
    eng->stats.active--;
    req->x.started = 0;
    lf_req_fail(req, LF_ERESOURCE,
                "the transfer cannot be started: out of memory or descriptors");
    to_finished(req);
}

void lf_req_admission_failed(struct lf_req *req)
{
    lf_req_fail(req, LF_ERESOURCE, "out of memory");
    to_finished(req);
}

/* ---- time ---- */

/* The wait before another attempt is over. */
static void try_again(struct lf_req *req)
{
    req->eng->waiting--;
    req->asked = req->eng->now;
    if (lf_retry_reset(req))
        resolve(req);
    else
        to_finished(req);
}

void lf_req_on_timer(struct lf_timer *t)
{
    struct lf_req *req = lf_container(t, struct lf_req, timer);
    if (req->state == REQ_FINISHED)
        return;
    if (lf_limits_passed(req)) {
        req->res.retryable = true;
        lf_req_break(req);
    } else if (req->state == REQ_WAITING && req->retry_at <= req->eng->now) {
        try_again(req);
    } else {
        lf_limits_arm(req);
    }
}

/* ---- the end ---- */

static void check_whole(struct lf_req *req)
{
    struct lf_xfer *x = &req->x;
    if (req->res.err || req->head.enough)
        return;
    if (x->code) {
        lf_fail_from_code(req);
        return;
    }
    if (!x->head_done) {
        req->res.retryable = true;
        lf_req_fail(req, LF_ECLOSED, "the server closed the connection in the headers");
        return;
    }
    if (req->decoder && lf_decoder_finish(req->decoder)) {
        req->res.retryable = true;
        lf_req_fail(req, LF_EDECODE, "%s", lf_decoder_why(req->decoder));
    }
}

/* Bucket i ends at 10 µs × 1.08^i. */
static unsigned latency_bucket(double seconds)
{
    if (seconds <= 10e-6)
        return 0;
    double i = ceil(log(seconds / 10e-6) / log(1.08));
    return i < LF_LATENCY_BUCKETS - 1 ? (unsigned)i : LF_LATENCY_BUCKETS - 1;
}

static void count_transfer(struct lf_engine *eng, const struct lf_xfer *x)
{
    struct lf_stats *s = &eng->stats;
    s->active--;
    s->bytes_down += x->bytes_down;
    s->bytes_up += x->bytes_up;
    x->reused ? s->conns_reused++ : (s->conns_opened += x->sent);
    s->latency[latency_bucket(x->timings.total)]++;
}

static void count_request(struct lf_engine *eng, struct lf_domain *domain,
                          const struct lf_result *res)
{
    struct lf_stats *s = &eng->stats;
    bool ok = !res->err && res->status < 400;
    s->requests++;
    ok ? s->ok++ : s->failed++;
    lf_domain_count(domain, ok);
    s->by_err[res->err ? res->err : ok ? LF_OK : LF_EHTTP]++;
    if (!res->err && res->status / 100 < 6)
        s->by_status[res->status / 100]++;
}

void lf_req_fill_result(struct lf_req *req)
{
    struct lf_result *res = &req->res;
    const struct lf_xfer *x = &req->x;
    double now = req->eng->now;
    bool started = req->admitted > 0;
    res->url = x->target_url;
    res->method = req->method;
    res->attempts = req->tries + started;
    res->code = x->code;
    res->sent = x->sent;
    res->reused = x->reused;
    if (!res->err && lf_save_active(req->save)) {
        res->path = lf_save_path(req->save);
        res->size = lf_save_size(req->save);
    }
    if (x->started > 0)
        res->phase = res->err ? x->phase : LF_PHASE_DONE;
    memcpy(res->remote_ip, x->remote_ip, sizeof res->remote_ip);
    res->timings = x->timings;
    res->timings.dns += req->resolve_took;
    res->timings.queue = (started ? req->admitted : now) - req->asked;
    res->timings.total = started ? now - req->admitted : 0;
    if (res->timings.total < res->timings.first_byte) /* libcurl's clock is read later */
        res->timings.total = res->timings.first_byte;
}

static void tell(struct lf_req *req)
{
    lf_list_remove(&req->stream.news);
    req->stream.told = true;
    req->done(req, req->arg);
}

static void conclude(struct lf_req *req)
{
    struct lf_engine *eng = req->eng;
    lf_timers_remove(&eng->timers, &req->timer);
    lf_admit_leave(req);
    lf_body_end(&req->body);
    lf_req_fill_result(req);
    count_request(eng, req->domain, &req->res);
    req->state = REQ_ENDED;
    lf_stream_end(req);
    if (req->stream.on && req->stream.told)
        lf_stream_news(req);
    else
        tell(req);
}

void lf_req_saved(struct lf_req *req)
{
    conclude(req);
}

static bool goes_on(struct lf_req *req)
{
    if (req->res.err)
        return false;
    if (req->save && lf_save_restarts(req))
        return true;
    if (!req->head.redirect || !lf_redirect_prepare(req))
        return false;
    req->eng->stats.redirects += req->res.status != 401; /* else a challenge */
    return true;
}

/* libcurl gives up what it repeats at the sixth time, with these words (unless it said
 * something else before): what it was about to repeat is repeated by us. */
static bool gave_up_counting(const struct lf_xfer *x)
{
    return strstr(x->detail, "Connection died, tried") != NULL;
}

/* libcurl itself repeats what was lost with a kept HTTP/1.1 connection, but not what an
 * HTTP/2 connection takes along when it ends (GOAWAY). */
static bool lost_on_kept_connection(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    bool lost = x->code == CURLE_SEND_ERROR || x->code == CURLE_RECV_ERROR ||
                x->code == CURLE_HTTP2 || x->code == CURLE_HTTP2_STREAM ||
                x->code == CURLE_PARTIAL_FILE;
    if (!lost || req->res.err || x->head_done || x->body || !x->replayable ||
        (x->sent && !x->reused && !gave_up_counting(x)) || req->replays >= MAX_REPLAYS)
        return false;
    req->replays++;
    return true;
}

/* The exchange is over, and there will be another attempt: its host is parked, or the
 * request waits by itself. */
static void wait_for_retry(struct lf_req *req)
{
    lf_admit_leave(req);
    req->x.started = 0;
    req->admitted = 0; /* the wait is no part of an attempt's time */
    req->head.again = false;
    req->state = REQ_WAITING;
    req->eng->waiting++;
    lf_limits_arm(req);
}

static bool retries(struct lf_req *req)
{
    if (!req->head.again)
        return req->res.err && lf_retry_failed(req);
    if (req->submitted + req->deadline > req->eng->now)
        return true;    /* its body may well have broken off */
    lf_retry_drop(req); /* too late; but the body of this answer is gone */
    lf_fail_timeout(req, req->deadline, "deadline of");
    return false;
}

/* An exchange, or the waiting for one, is over: go on to the next hop or be done. */
static void finish(struct lf_req *req)
{
    bool started = req->x.started > 0;
    bool again = started && lost_on_kept_connection(req);
    if (started) {
        if (!again)
            check_whole(req);
        lf_retry_learn(req);
        count_transfer(req->eng, &req->x);
    }
    if (!again && retries(req)) {
        wait_for_retry(req);
    } else if (again || goes_on(req)) {
        lf_admit_leave(req);
        resolve(req);
    } else if (!req->res.err && lf_save_active(req->save) && lf_save_finish(req)) {
        lf_timers_remove(&req->eng->timers, &req->timer);
        req->state = REQ_SAVING;
    } else {
        conclude(req);
    }
}

bool lf_req_finish_all(struct lf_engine *eng)
{
    bool any = false;
    for (struct lf_list *n = lf_list_shift(&eng->finished); n;
         n = lf_list_shift(&eng->finished)) {
        finish(lf_container(lf_container(n, struct lf_xfer, link), struct lf_req, x));
        any = true;
    }
    return any;
}

/* ---- submit and cancel ---- */

void lf_req_asked_at(struct lf_req *req, double when)
{
    req->submitted = when;
}

void lf_req_submit(struct lf_req *req, lf_done_fn *done, void *arg)
{
    lf_engine_tick(req->eng);
    req->done = done;
    req->arg = arg;
    if (!req->submitted)
        req->submitted = req->eng->now;
    req->asked = req->submitted;
    resolve(req);
}

void lf_req_cancel(struct lf_req *req)
{
    struct lf_engine *eng = req->eng;
    bool counted = req->x.started > 0 && req->state != REQ_SAVING;
    if (req->state == REQ_NEW || req->state == REQ_ENDED)
        return;
    if (req->state == REQ_ACTIVE)
        eng->transport->cancel(eng->transport, &req->x, false);
    if (counted)
        eng->stats.active--;
    stop_resolving(req);
    lf_body_end(&req->body);
    lf_stream_leave(&req->stream);
    lf_save_free(req->save);
    req->save = NULL;
    lf_stream_end(req);
    lf_list_remove(&req->x.link);
    lf_timers_remove(&eng->timers, &req->timer);
    lf_admit_leave(req);
    eng->waiting -= req->state == REQ_WAITING;
    req->state = REQ_ENDED;
}

struct lf_result *lf_req_result(struct lf_req *req)
{
    return &req->res;
}
