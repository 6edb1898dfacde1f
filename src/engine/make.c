/* Making requests and giving them back: what is asked for is checked and copied once, and
 * ended requests of ordinary size are kept for the next. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "engine/req.h"

enum {
    KEEP = 16 << 10,   /* memory a buffer of a pooled request may hold on to */
    MAX_URL = 2 << 20, /* longer ones are refused */
    ZERO_FROM = offsetof(struct lf_req, domain),
};

void lf_opts_init(struct lf_opts *o)
{
    *o = (struct lf_opts){
        .method = "GET",
        .timeout = {.total = 30, .connect = 10, .headers = LF_NEVER, .stall = 20},
        .deadline = LF_NEVER,
        .redirects = 10,
        .fed_len = LF_BODY_UNKNOWN,
        .max_body = 32 << 20,
        .decode = true,
        .verify = true,
    };
    lf_retry_init(&o->retry);
}

/* ---- what can be sent ---- */

static bool known_sound(const struct lf_engine *eng, const struct lf_buf *block)
{
    return block->len == eng->sound.len &&
           (!block->len || memcmp(block->p, eng->sound.p, block->len) == 0);
}

/* Mostly the same as those of the request before. */
static enum lf_err check_headers(struct lf_engine *eng, const struct lf_opts *o,
                                 const char **why)
{
    struct lf_header f;
    if (!o->headers || known_sound(eng, &o->headers->block))
        return LF_OK;
    lf_buf_reset(&eng->sound);
    for (size_t at = 0;
         lf_headers_next(o->headers->block.p, o->headers->block.len, &at, &f);) {
        *why = "a header name is not a token (letters, digits and !#$%&'*+-.^_`|~)";
        if (!lf_token_valid(f.name, f.name_len))
            return LF_EREQUEST;
        *why = "a header value holds CR, LF or NUL";
        if (!lf_value_valid(f.value, f.value_len))
            return LF_EREQUEST;
        *why =
            "Content-Length and Transfer-Encoding follow from the body and cannot be set";
        if ((f.name_len == 14 && strncasecmp(f.name, "content-length", 14) == 0) ||
            (f.name_len == 17 && strncasecmp(f.name, "transfer-encoding", 17) == 0))
            return LF_EREQUEST;
    }
    if (o->headers->block.len <= KEEP &&
        lf_buf_add(&eng->sound, o->headers->block.p, o->headers->block.len))
        lf_buf_reset(&eng->sound);
    return LF_OK;
}

static enum lf_err check_opts(struct lf_engine *eng, const struct lf_opts *o,
                              const char **why)
{
    *why = "the method is not a token (letters, digits and !#$%&'*+-.^_`|~)";
    if (!lf_token_valid(o->method, strlen(o->method)))
        return LF_EREQUEST;
    *why = "CONNECT and TRACE cannot be sent";
    if (strcmp(o->method, "CONNECT") == 0 || strcmp(o->method, "TRACE") == 0)
        return LF_EREQUEST;
    *why = "a HEAD request has no body";
    if (strcmp(o->method, "HEAD") == 0 && (o->body || o->nparts || o->fed))
        return LF_EREQUEST;
    *why = lf_way_check(&o->way);
    if (*why)
        return LF_EREQUEST;
    *why = "only http and https URLs can be fetched";
    if (!lf_url_is_http(o->url))
        return LF_EURL;
    *why = "the URL is longer than 2 MB";
    if (o->url->href.len > MAX_URL)
        return LF_EURL;
    return check_headers(eng, o, why);
}

static void init_answer(struct lf_result *res)
{
    lf_headers_init(&res->headers);
    lf_buf_init(&res->body, 0);
}

static struct lf_req *obtain(struct lf_engine *eng)
{
    struct lf_list *n = lf_list_shift(&eng->pool);
    if (n) {
        eng->pooled--;
        return lf_container(n, struct lf_req, link);
    }
    struct lf_req *req = calloc(1, sizeof *req);
    if (!req)
        return NULL;
    lf_list_init(&req->link);
    req->eng = eng;
    req->url = LF_URL_INIT;
    lf_arena_init(&req->arena);
    lf_headers_init(&req->headers);
    lf_headers_init(&req->resolve);
    lf_buf_init(&req->cookie, LF_BUF_MAX);
    lf_buf_init(&req->addresses, LF_BUF_MAX);
    lf_buf_init(&req->proxy_addresses, LF_BUF_MAX);
    lf_buf_init(&req->isolation, LF_BUF_MAX);
    init_answer(&req->res);
    return req;
}

static const char *dup_or_null(struct lf_arena *a, const char *s)
{
    return s ? lf_arena_dup(a, s, strlen(s)) : NULL;
}

static bool copy_retry(struct lf_req *req, const struct lf_retry *from)
{
    struct lf_retry *to = lf_arena_alloc(&req->arena, sizeof *to);
    if (to)
        *to = *from;
    req->retry = to;
    return to != NULL;
}

static enum lf_err copy_opts(struct lf_req *req, const struct lf_opts *o)
{
    enum lf_err err = lf_url_copy(&req->url, o->url);
    if (!err && o->headers)
        err = lf_headers_copy(&req->headers, o->headers);
    req->method = dup_or_null(&req->arena, o->method);
    req->ca = dup_or_null(&req->arena, o->ca);
    req->http_version = dup_or_null(&req->arena, o->http_version);
    req->types = dup_or_null(&req->arena, o->types);
    if (!err && o->resolve)
        err = lf_headers_copy(&req->resolve, o->resolve);
    req->ip = o->ip;
    req->jar = o->jar ? lf_jar_hold(o->jar) : NULL;
    if (lf_domain_depth(req->domain) > FEW_TICKETS)
        req->admission.tickets = lf_arena_alloc(
            &req->arena, lf_domain_depth(req->domain) * sizeof(struct lf_ticket));
    if (!lf_body_init(&req->body, &req->arena, o) ||
        !lf_login_new(&req->arena, o, &req->login))
        return LF_ERESOURCE;
    if (err || !req->method || !req->admission.tickets || (o->ca && !req->ca) ||
        (o->http_version && !req->http_version) || (o->types && !req->types))
        return LF_ERESOURCE;
    if (o->retry.times && !copy_retry(req, &o->retry))
        return LF_ERESOURCE;
    req->timeout = o->timeout;
    req->deadline = o->deadline;
    req->redirects = req->max_redirects = o->redirects;
    req->max_body = o->max_body;
    /* a stream counts what has passed, not what waits */
    req->res.body.max =
        o->max_body < LF_BUF_MAX && !o->stream ? (size_t)o->max_body : LF_BUF_MAX;
    req->decode = o->decode;
    req->verify = o->verify;
    return LF_OK;
}

enum lf_err lf_req_new(struct lf_engine *eng, const struct lf_opts *o,
                       struct lf_req **out, const char **why)
{
    enum lf_err err = check_opts(eng, o, why);
    if (err)
        return err;
    *why = "out of memory";
    struct lf_req *req = obtain(eng);
    if (!req)
        return LF_ERESOURCE;
    eng->requests++;
    req->state = REQ_NEW;
    lf_stream_init(&req->stream, o->stream);
    req->timer = (struct lf_timer){.fire = lf_req_on_timer};
    req->domain = o->domain ? o->domain : eng->run;
    lf_domain_retain(req->domain);
    req->admission.tickets = req->admission.few;
    req->admission.level = 0;
    req->history_end = &req->res.history;
    lf_xfer_reset(&req->x);
    err = copy_opts(req, o);
    if (!err)
        err = lf_way_copy(req, &o->way, why);
    if (!err && o->save)
        err = lf_save_new(req, o, why);
    if (err) {
        lf_req_free(req);
        return err;
    }
    req->watch = o->watch;
    *out = req;
    return LF_OK;
}

/* ---- the end ---- */

static void free_history(struct lf_req *req)
{
    for (struct lf_hop *h = req->res.history; h; h = h->next)
        lf_headers_free(&h->headers);
}

static void destroy(struct lf_req *req)
{
    lf_arena_free(&req->arena);
    lf_url_free(&req->url);
    lf_headers_free(&req->headers);
    lf_headers_free(&req->resolve);
    lf_headers_free(&req->res.headers);
    lf_buf_free(&req->cookie);
    lf_buf_free(&req->addresses);
    lf_buf_free(&req->proxy_addresses);
    lf_buf_free(&req->isolation);
    lf_buf_free(&req->res.body);
    free(req);
}

/* Everything but the memory of its buffers is as in a new one. The answer's memory goes:
 * what is allocated again when an answer begins was in use a moment ago, while the
 * buffers of thousands of waiting requests would be cold. */
static void recycle(struct lf_req *req)
{
    struct lf_engine *eng = req->eng;
    lf_headers_free(&req->res.headers);
    lf_buf_free(&req->res.body);
    memset((char *)req + ZERO_FROM, 0, sizeof *req - ZERO_FROM);
    init_answer(&req->res);
    lf_headers_reset(&req->headers);
    lf_headers_reset(&req->resolve);
    lf_buf_reset(&req->cookie);
    lf_buf_reset(&req->addresses);
    lf_buf_reset(&req->proxy_addresses);
    lf_buf_reset(&req->isolation);
    lf_arena_reset(&req->arena);
    lf_list_prepend(&eng->pool, &req->link);
    eng->pooled++;
}

/* A request that grew large is not worth keeping. */
static bool worth_keeping(const struct lf_req *req)
{
    return req->eng->pooled < POOLED_REQS && req->headers.block.cap <= KEEP &&
           req->url.href.cap <= KEEP;
}

void lf_req_free(struct lf_req *req)
{
    if (!req)
        return;
    lf_req_cancel(req);
    lf_body_end(&req->body);
    lf_login_free(req->login);
    lf_stream_leave(&req->stream);
    lf_save_free(req->save);
    lf_jar_free(req->jar);
    lf_decoder_free(req->decoder);
    lf_proxy_free(req->own_proxy);
    if (req->watch)
        req->watch->gone(req->watch);
    free_history(req);
    lf_domain_release(req->domain);
    req->eng->requests--;
    if (worth_keeping(req))
        recycle(req);
    else
        destroy(req);
}

void lf_req_pool_drain(struct lf_engine *eng)
{
    for (struct lf_list *n = lf_list_shift(&eng->pool); n; n = lf_list_shift(&eng->pool))
        destroy(lf_container(n, struct lf_req, link));
    eng->pooled = 0;
}
