/* Redirects are ours: one hop, one exchange. The method changes as browsers do it (Fetch
 * standard, HTTP-redirect fetch), and to another origin go only the headers of a list. */
#include <string.h>
#include <strings.h>
#include "engine/req.h"

bool lf_redirect_wanted(const struct lf_req *req)
{
    struct lf_header f;
    switch (req->res.status) {
    case 401:
        return lf_login_wanted(req);
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        /* An empty Location leads nowhere: the answer is handed over as it is. */
        return req->max_redirects && lf_headers_get(&req->res.headers, "location", &f) &&
               f.value_len;
    default:
        return false;
    }
}

static bool drops_body(const struct lf_req *req)
{
    int status = req->res.status;
    if (status == 303)
        return strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0;
    return (status == 301 || status == 302) && strcmp(req->method, "POST") == 0;
}

static bool prefixed(const struct lf_header *f, const char *prefix)
{
    return strncasecmp(f->name, prefix, strlen(prefix)) == 0;
}

static bool about_body(const struct lf_header *f)
{
    return prefixed(f, "content-");
}

/* What another origin may see. Everything else may be a secret: Authorization, Cookie,
 * X-Api-Key, or a Host that would be wrong there. */
static bool may_cross(const struct lf_header *f)
{
    static const char *const names[] = {"user-agent", "range", "if-range"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(f->name, names[i]) == 0)
            return true;
    return prefixed(f, "accept") || about_body(f);
}

static enum lf_err filter_headers(struct lf_req *req, bool crosses, bool no_body)
{
    struct lf_headers kept;
    struct lf_header f;
    enum lf_err err = LF_OK;
    lf_headers_init(&kept);
    for (size_t at = 0; !err && lf_headers_next(req->headers.block.p,
                                                req->headers.block.len, &at, &f);) {
        if ((no_body && about_body(&f)) || (crosses && !may_cross(&f)))
            continue;
        err = lf_headers_add(&kept, f.name, f.name_len, f.value, f.value_len);
    }
    if (!err)
        err = lf_headers_copy(&req->headers, &kept);
    lf_headers_free(&kept);
    return err;
}

static bool remember_hop(struct lf_req *req)
{
    struct lf_hop *hop = lf_arena_alloc(&req->arena, sizeof *hop);
    char *url = lf_arena_dup(&req->arena, req->x.target_url, strlen(req->x.target_url));
    if (!hop || !url)
        return false;
    *hop = (struct lf_hop){.url = url, .method = req->method, .status = req->res.status};
    hop->headers = req->res.headers; /* moved */
    lf_headers_init(&req->res.headers);
    *req->history_end = hop;
    req->history_end = &hop->next;
    if (!req->res.hops++)
        req->first_url = url;
    return true;
}

/* The fragment goes on unless the new URL has its own (RFC 9110 §10.2.2). */
static enum lf_err inherit_fragment(struct lf_url *to, const struct lf_url *from)
{
    struct lf_span old = lf_url_fragment(from), own = lf_url_fragment(to);
    struct lf_url whole = LF_URL_INIT;
    struct lf_buf text;
    const char *why;
    if (own.p || !old.p)
        return LF_OK;
    lf_buf_init(&text, LF_URL_MAX);
    enum lf_err err = lf_buf_add(&text, to->href.p, to->href.len);
    if (!err)
        err = lf_buf_addc(&text, '#');
    if (!err)
        err = lf_buf_add(&text, old.p, old.len);
    if (!err)
        err = lf_url_parse(&whole, text.p, text.len, NULL, &why);
    lf_buf_free(&text);
    if (err)
        return err;
    lf_url_free(to);
    *to = whole;
    return LF_OK;
}

static bool follow(struct lf_req *req, struct lf_url *next)
{
    bool crosses = !lf_url_same_origin(&req->url, next);
    bool no_body = drops_body(req);
    enum lf_err err = inherit_fragment(next, &req->url);
    if (!err)
        err = filter_headers(req, crosses, no_body);
    if (err || !remember_hop(req)) {
        lf_url_free(next);
        lf_req_fail(req, LF_ERESOURCE, "out of memory");
        return false;
    }
    if (no_body) {
        req->method = "GET";
        lf_body_drop(&req->body);
    }
    lf_url_free(&req->url);
    req->url = *next;
    req->redirects--;
    if (crosses) { /* for good: also when it comes back */
        lf_login_free(req->login);
        req->login = NULL;
    }
    return lf_login_sign(req);
}

/* The sentence names where it would have gone, but no password. */
static void fail_at(struct lf_req *req, const struct lf_header *location, const char *why)
{
    struct lf_buf to;
    lf_buf_init(&to, LF_BUF_MAX);
    size_t n = location->value_len;
    const char *p = lf_url_redact(location->value, n, &to) ? "?" : to.p ? to.p : "";
    if (!req->redirects)
        lf_req_fail(req, LF_EREDIRECT,
                    "stopped after %u redirects, the next one was to %.200s",
                    req->max_redirects, p);
    else
        lf_req_fail(req, LF_EREDIRECT, "refused to follow a redirect to %.200s (%s)", p,
                    why);
    lf_buf_free(&to);
}

bool lf_redirect_prepare(struct lf_req *req)
{
    struct lf_header f;
    struct lf_url next = LF_URL_INIT;
    const char *why = "out of memory";
    if (req->res.status == 401)
        return lf_login_prepare(req);
    lf_headers_get(&req->res.headers, "location", &f);
    if (!req->redirects) {
        fail_at(req, &f, "too many redirects");
        return false;
    }
    enum lf_err err = lf_url_parse(&next, f.value, f.value_len, &req->url, &why);
    if (err == LF_ERESOURCE) {
        lf_req_fail(req, err, "out of memory");
        return false;
    }
    if (err || !lf_url_is_http(&next)) {
        fail_at(req, &f, err ? why : "not http or https");
        lf_url_free(&next);
        return false;
    }
    if (!drops_body(req) && !lf_body_again(&req->body)) {
        fail_at(req, &f, "the body came from a function and cannot be sent again");
        lf_url_free(&next);
        return false;
    }
    return follow(req, &next);
}
