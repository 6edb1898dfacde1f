/* What went wrong, in a word for programs (kind) and a sentence for people. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <curl/curl.h>
#include "engine/req.h"

static const char *const phases[] = {"queue", "dns",     "connect", "tls",
                                     "send",  "headers", "body",    "done"};

/* For sentences: "timeout after 30 s waiting for headers". */
static const char *const doing[] = {"waiting in the queue", "resolving the name",
                                    "connecting",           "in the TLS handshake",
                                    "sending the request",  "waiting for headers",
                                    "reading the body",     "at the end"};

const char *lf_phase_name(enum lf_phase phase)
{
    return phases[phase];
}

/* On the way through a proxy both it and the server may be at fault. */
static bool may_be_proxy(const struct lf_req *req, enum lf_err err)
{
    bool on_wire = req->x.started > 0 && req->x.proxy;
    return on_wire && (err == LF_ETLS || err == LF_ETIMEOUT || err == LF_ECLOSED ||
                       err == LF_ETRUNCATED || err == LF_EPROTOCOL);
}

void lf_req_fail(struct lf_req *req, enum lf_err err, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    if (req->res.err)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < sizeof text && may_be_proxy(req, err))
        snprintf(text + n, sizeof text - (size_t)n, " (through the proxy %s)",
                 req->x.proxy->name);
    req->res.err = err;
    req->res.message = lf_arena_dup(&req->arena, text, strlen(text));
    if (!req->res.message)
        req->res.message = "out of memory";
}

void lf_req_add_why(struct lf_req *req, const char *why)
{
    struct lf_result *res = &req->res;
    size_t n = res->err ? strlen(res->message) + strlen(why) + sizeof "; " : 0;
    char *text = n ? lf_arena_alloc(&req->arena, n) : NULL;
    if (!text)
        return;
    snprintf(text, n, "%s; %s", res->message, why);
    res->message = text;
}

void lf_fail_timeout(struct lf_req *req, double seconds, const char *how)
{
    lf_req_fail(req, LF_ETIMEOUT, "%s %g s %s", how, seconds, doing[req->res.phase]);
}

/* ---- libcurl's codes ---- */

enum { TOO_LARGE = 100, SAYS_TOO_LARGE = 0x080600 }; /* CURLE_TOO_LARGE, from 8.6 on */

struct meaning {
    int code;
    enum lf_err err;
    bool retryable;
    const char *text; /* NULL: libcurl's own words */
};

static const struct meaning meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, LF_EDNS, true, "the name cannot be resolved"},
    {CURLE_COULDNT_RESOLVE_PROXY, LF_EPROXY, true, "the proxy's name cannot be resolved"},
    {CURLE_PROXY, LF_EPROXY, true, NULL},
    {CURLE_COULDNT_CONNECT, LF_ECONNECT, true, NULL},
    {CURLE_INTERFACE_FAILED, LF_ECONNECT, false, NULL},
    {CURLE_SSL_CONNECT_ERROR, LF_ETLS, false, NULL},
    {CURLE_PEER_FAILED_VERIFICATION, LF_ETLS, false, NULL},
    {CURLE_SSL_ENGINE_NOTFOUND, LF_ETLS, false, NULL},
    {CURLE_SSL_CERTPROBLEM, LF_ETLS, false, NULL},
    {CURLE_SSL_CIPHER, LF_ETLS, false, NULL},
    {CURLE_SSL_CACERT_BADFILE, LF_ETLS, false, NULL},
    {CURLE_SSL_ISSUER_ERROR, LF_ETLS, false, NULL},
    {CURLE_SSL_INVALIDCERTSTATUS, LF_ETLS, false, NULL},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, LF_ETLS, false, NULL},
    {CURLE_OPERATION_TIMEDOUT, LF_ETIMEOUT, true, NULL},
    {CURLE_GOT_NOTHING, LF_ECLOSED, true,
     "the server closed the connection without an answer"},
    {CURLE_SEND_ERROR, LF_ECLOSED, true, "the connection broke while sending"},
    {CURLE_RECV_ERROR, LF_ECLOSED, true, NULL},
    {CURLE_SEND_FAIL_REWIND, LF_ECLOSED, false,
     "the kept connection broke; the request may have been acted on and was not sent "
     "again"},
    {CURLE_PARTIAL_FILE, LF_ETRUNCATED, true, NULL},
    {CURLE_WEIRD_SERVER_REPLY, LF_EPROTOCOL, false, NULL},
    {CURLE_UNSUPPORTED_PROTOCOL, LF_EPROTOCOL, false, "the answer is not HTTP"},
    {CURLE_HTTP2, LF_EPROTOCOL, true, NULL},
    {CURLE_HTTP2_STREAM, LF_ECLOSED, true, NULL},
    {CURLE_URL_MALFORMAT, LF_EURL, false, NULL},
    {CURLE_OUT_OF_MEMORY, LF_ERESOURCE, false, "out of memory"},
    {TOO_LARGE, LF_ETOOLARGE, false, "the headers are too large"},
};

static const struct meaning *meaning_of(int code)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].code == code)
            return &meanings[i];
    return NULL;
}

/* Parts of the answer that libcurl checks itself; its code alone does not tell them
 * apart. */
static bool fail_from_detail(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    const char *d = x->detail;
    if (x->code == CURLE_RECV_ERROR && strstr(d, "chunk")) {
        lf_req_fail(req, LF_EPROTOCOL, "broken chunked encoding (%s)", d);
        req->res.retryable = true;
        return true;
    }
    if (strstr(d, "large response header") ||
        (x->code == CURLE_OUT_OF_MEMORY && x->phase == LF_PHASE_HEADERS &&
         curl_version_info(CURLVERSION_NOW)->version_num < SAYS_TOO_LARGE)) {
        /* before that libcurl called a header line over 100 KB "out of memory" */
        lf_req_fail(req, LF_ETOOLARGE, "the headers are too large");
        return true;
    }
    return false;
}

static void fail_truncated(struct lf_req *req)
{
    if (!req->x.head_done) /* an HTTP/2 connection that ended under the stream */
        lf_req_fail(req, LF_ECLOSED,
                    "the server closed the connection without an answer");
    else if (req->head.length >= 0)
        lf_req_fail(req, LF_ETRUNCATED, "the connection ended after %llu of %lld bytes",
                    (unsigned long long)req->x.bytes_down, (long long)req->head.length);
    else if (req->x.until_close)
        lf_req_fail(req, LF_ETRUNCATED,
                    "the connection was cut: TLS ended without close_notify, so that the "
                    "body may be short");
    else
        lf_req_fail(req, LF_ETRUNCATED,
                    "the connection ended before the last chunk of the body");
}

static void fail_closed(struct lf_req *req)
{
    if (req->x.head_done && strstr(req->x.detail, "unexpected eof")) {
        fail_truncated(req);
        return;
    }
    const char *what = strstr(req->x.detail, "reset") ? "was reset" : "broke";
    lf_req_fail(req, LF_ECLOSED, "the connection %s %s", what, doing[req->x.phase]);
}

static void fail_connect(struct lf_req *req)
{
    if (req->x.blocked[0]) {
        req->res.retryable = false;
        lf_req_fail(req, LF_EBLOCKED, "the guard refuses %s: not a public address",
                    req->x.blocked);
        return;
    }
    if (req->way.unix_socket) {
        lf_req_fail(req, LF_ECONNECT, "cannot connect to the unix socket %s: %s",
                    req->way.unix_socket,
                    req->x.os_errno ? strerror(req->x.os_errno) : req->x.detail);
        return;
    }
    struct lf_span host = lf_url_host(&req->url);
    const char *why = req->x.os_errno ? strerror(req->x.os_errno) : req->x.detail;
    lf_req_fail(req, LF_ECONNECT, "cannot connect to %.*s port %d: %s", (int)host.len,
                host.p, lf_url_port(&req->url), why);
}

void lf_fail_from_code(struct lf_req *req)
{
    const struct lf_xfer *x = &req->x;
    const struct meaning *m = meaning_of(x->code);
    if (req->res.err || fail_from_detail(req))
        return;
    req->res.retryable = m && m->retryable;
    if (lf_fail_tls(req) || lf_fail_proxy(req))
        return;
    switch (x->code) {
    case CURLE_COULDNT_CONNECT:
        fail_connect(req);
        return;
    case CURLE_PARTIAL_FILE:
        fail_truncated(req);
        return;
    case CURLE_RECV_ERROR:
        fail_closed(req);
        return;
    case CURLE_HTTP2: /* from 8 on also a connection that just ended: no word of why */
        if (x->head_done || *x->detail)
            break;
        fail_truncated(req);
        return;
    case CURLE_INTERFACE_FAILED:
        lf_req_fail(req, LF_ECONNECT,
                    "cannot connect from %s: no such interface or address",
                    req->way.interface ? req->way.interface : "here");
        return;
    case CURLE_OPERATION_TIMEDOUT:
        lf_fail_timeout(req, x->connect_timeout, "timeout after");
        return;
    default:
        break;
    }
    const char *text = m && m->text ? m->text : x->detail;
    if (!*text)
        text = curl_easy_strerror((CURLcode)x->code);
    lf_req_fail(req, m ? m->err : LF_EPROTOCOL, "%s", text);
}
