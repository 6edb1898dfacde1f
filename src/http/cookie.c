/* Cookies by the rules of RFC 6265bis §5.7 and §5.8: which are taken, which are sent. */
#include "http/cookie.h"

#include <string.h>
#include "http/cookie_parse.h"
#include "http/cookie_store.h"
#include "http/psl.h"
#include "http/url_host.h"

#define SPAN(s) ((struct lf_span){(s), sizeof(s) - 1})

/* --- a Set-Cookie --- */

static bool is_secure_url(const struct lf_url *url)
{
    return url->scheme == LF_URL_HTTPS || url->scheme == LF_URL_WSS;
}

struct setting {
    const struct lf_url *url;
    struct lf_set_cookie said;
    struct lf_cookie c;
    char domain[LF_COOKIE_ATTR_MAX + 1];
};

/* The Domain in lower case, NUL-ended. */
static const char *copy_domain(struct setting *s)
{
    struct lf_span d = s->said.domain;
    for (size_t i = 0; i < d.len; i++) {
        char ch = d.p[i];
        if ((unsigned char)ch >= 0x80)
            return "the Domain is not ASCII";
        s->domain[i] = ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch;
    }
    s->domain[d.len] = '\0';
    s->c.domain = (struct lf_span){s->domain, d.len};
    return NULL;
}

/* A Domain that nobody owns is refused, but may be what the host itself is. */
static const char *resolve_domain(struct setting *s, struct lf_span host)
{
    const char *why = copy_domain(s);
    if (why)
        return why;
    if (!s->c.domain.len) {
        s->c.domain = host;
        s->c.host_only = true;
        return NULL;
    }
    if (!lf_domain_match(host, s->c.domain))
        return "the Domain is not that of the host";
    if (lf_host_is_address(host) || !lf_psl_is_suffix(s->domain))
        return NULL;
    s->c.host_only = lf_span_eq(s->c.domain, host);
    return s->c.host_only ? NULL : "the Domain is a public suffix";
}

static const char *flaw_of_prefix(const struct setting *s)
{
    enum lf_cookie_prefix prefix = lf_cookie_prefix(s->c.name);
    if (prefix != LF_PREFIX_NONE && !s->c.secure)
        return "its prefix wants Secure";
    if (prefix != LF_PREFIX_HOST)
        return NULL;
    if (!s->c.host_only)
        return "__Host- allows no Domain";
    if (!s->said.has_path || !lf_span_eq(s->c.path, SPAN("/")))
        return "__Host- wants Path=/";
    return NULL;
}

/* Would an insecure origin hide a secure cookie? */
static bool overlays_secure(struct lf_jar *jar, const struct lf_cookie *c, int64_t now)
{
    const struct lf_bucket *b = lf_jar_find(jar, c->domain, now);
    for (size_t i = 0; b && i < b->n; i++) {
        const struct lf_cookie *old = &b->v[i]->c;
        if (old->secure && lf_span_eq(old->name, c->name) &&
            (lf_domain_match(old->domain, c->domain) ||
             lf_domain_match(c->domain, old->domain)) &&
            lf_path_match(c->path, old->path))
            return true;
    }
    return false;
}

static const char *flaw_of_security(struct lf_jar *jar, const struct setting *s,
                                    int64_t now)
{
    bool secure = is_secure_url(s->url);
    if (s->c.secure && !secure)
        return "it is Secure, the connection is not";
    if (s->c.same_site == LF_SAME_SITE_NONE && !s->c.secure)
        return "SameSite=None wants Secure";
    if (!s->c.secure && !secure && overlays_secure(jar, &s->c, now))
        return "there is a Secure one of that name";
    return NULL;
}

/* Fill s->c; the reason to ignore the cookie, or NULL. */
static const char *resolve(struct lf_jar *jar, struct setting *s, struct lf_buf *host,
                           int64_t now)
{
    const struct lf_set_cookie *said = &s->said;
    struct lf_span host_span = {host->p, host->len};
    s->c = (struct lf_cookie){
        .name = said->name,
        .value = said->value,
        .path = said->path.len ? said->path : lf_default_path(lf_url_path(s->url)),
        .expires = said->expires,
        .created = now,
        .used = now,
        .secure = said->secure,
        .http_only = said->http_only,
        .same_site = said->same_site};
    const char *why = resolve_domain(s, host_span);
    if (!why)
        why = flaw_of_security(jar, s, now);
    return why ? why : flaw_of_prefix(s);
}

/* The host with a NUL behind it, which the URL has not. */
static enum lf_err copy_host(struct lf_buf *host, const struct lf_url *url)
{
    struct lf_span h = lf_url_host(url);
    lf_buf_init(host, LF_BUF_MAX);
    return h.len ? lf_buf_add(host, h.p, h.len) : LF_EURL;
}

enum lf_err lf_jar_set(struct lf_jar *jar, const struct lf_url *url, const char *value,
                       size_t n, int64_t now, const char **why)
{
    const char *unused;
    struct setting s = {.url = url};
    struct lf_buf host;
    why = why ? why : &unused;
    *why = NULL;
    if (!lf_set_cookie_parse(&s.said, value, n, now, why))
        return LF_OK;
    enum lf_err err = copy_host(&host, url);
    if (err == LF_EURL) {
        *why = "the URL has no host";
        err = LF_OK;
    } else if (!err) {
        *why = resolve(jar, &s, &host, now);
        if (!*why)
            err = lf_jar_put(jar, &s.c, now);
    }
    lf_buf_free(&host);
    return err;
}

/* --- the Cookie header --- */

static bool is_for(const struct lf_cookie *c, struct lf_span host, struct lf_span path,
                   bool secure)
{
    if (c->secure && !secure)
        return false;
    bool here =
        c->host_only ? lf_span_eq(c->domain, host) : lf_domain_match(host, c->domain);
    return here && lf_path_match(path, c->path);
}

static enum lf_err add_pair(struct lf_buf *out, const struct lf_cookie *c, bool first)
{
    enum lf_err err = first ? LF_OK : lf_buf_adds(out, "; ");
    if (!err && c->name.len) {
        err = lf_buf_add(out, c->name.p, c->name.len);
        if (!err)
            err = lf_buf_addc(out, '=');
    }
    return err ? err : lf_buf_add(out, c->value.p, c->value.len);
}

static enum lf_err send_bucket(struct lf_jar *jar, const struct lf_bucket *b,
                               const struct lf_url *url, struct lf_span host, int64_t now,
                               struct lf_buf *out)
{
    struct lf_span path = lf_url_path(url);
    bool secure = is_secure_url(url), first = true;
    for (size_t i = 0; i < b->n; i++) {
        const struct lf_cookie *c = &b->v[i]->c;
        if (!is_for(c, host, path, secure))
            continue;
        enum lf_err err = add_pair(out, c, first);
        if (err)
            return err;
        first = false;
        lf_jar_touch(jar, b->v[i], now);
    }
    return LF_OK;
}

enum lf_err lf_jar_header(struct lf_jar *jar, const struct lf_url *url, int64_t now,
                          struct lf_buf *out)
{
    struct lf_buf host;
    if (!lf_jar_count(jar))
        return LF_OK;
    enum lf_err err = copy_host(&host, url);
    if (!err) {
        struct lf_span h = {host.p, host.len};
        const struct lf_bucket *b = lf_jar_find(jar, h, now);
        err = b ? send_bucket(jar, b, url, h, now, out) : LF_OK;
    }
    lf_buf_free(&host);
    return err == LF_EURL ? LF_OK : err;
}

/* --- by hand --- */

enum lf_err lf_cookie_domain(struct lf_buf *out, const char *s, size_t n)
{
    const char *why;
    if (n && *s == '.')
        s++, n--;
    /* A host with an empty first label would lose it when it is read back from a file. */
    return n && *s != '.' ? lf_url_host_add(out, s, n, true, &why) : LF_EURL;
}

/* What RFC 6265bis would not read back, or not read back as the same. */
static const char *flaw_by_hand(const struct lf_cookie *c)
{
    if (c->name.len + c->value.len == 0)
        return "it has neither a name nor a value";
    if (c->name.len + c->value.len > LF_COOKIE_MAX)
        return "name and value have more than 4096 bytes";
    if (lf_cookie_has_control(c->name) || lf_cookie_has_control(c->value) ||
        lf_cookie_has_control(c->path))
        return "it contains a control character";
    if ((c->name.len &&
         (memchr(c->name.p, ';', c->name.len) || memchr(c->name.p, '=', c->name.len))) ||
        (c->value.len && memchr(c->value.p, ';', c->value.len)))
        return "there is a ';' in it, or a '=' in the name";
    if (c->path.len == 0 || *c->path.p != '/')
        return "the path does not begin with '/'";
    if (c->path.len > LF_COOKIE_ATTR_MAX)
        return "the path has more than 1024 bytes";
    return NULL;
}

enum lf_err lf_jar_add(struct lf_jar *jar, const struct lf_cookie *c, int64_t now,
                       const char **why)
{
    const char *unused;
    struct lf_cookie copy = *c;
    struct lf_buf domain;
    why = why ? why : &unused;
    *why = flaw_by_hand(c);
    if (*why)
        return LF_EREQUEST;
    lf_buf_init(&domain, LF_COOKIE_ATTR_MAX);
    enum lf_err err = lf_cookie_domain(&domain, c->domain.p, c->domain.len);
    if (!err) {
        copy.domain = (struct lf_span){domain.p, domain.len};
        copy.host_only = c->host_only ||
                         (!lf_host_is_address(copy.domain) && lf_psl_is_suffix(domain.p));
        copy.created = copy.used = now;
        err = lf_jar_put(jar, &copy, now);
    } else if (err != LF_ERESOURCE) {
        *why = "the domain is not a host";
        err = LF_EREQUEST;
    }
    lf_buf_free(&domain);
    return err;
}
