/* Proxy URLs, and the proxy environment as curl reads it. */
#include "http/proxy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "http/address.h"
#include "http/percent.h"

enum { MAX_PROXY_URL = 8192, WHY = 160 };

static const struct scheme {
    const char *name;
    enum lf_proxy_scheme scheme;
    int port;
} schemes[] = {
    {"http", LF_PROXY_HTTP, 80},       {"https", LF_PROXY_HTTPS, 443},
    {"socks4", LF_PROXY_SOCKS4, 1080}, {"socks4a", LF_PROXY_SOCKS4A, 1080},
    {"socks5", LF_PROXY_SOCKS5, 1080}, {"socks5h", LF_PROXY_SOCKS5H, 1080},
};

bool lf_proxy_is_http(const struct lf_proxy *p)
{
    return p->scheme <= LF_PROXY_HTTPS;
}

bool lf_proxy_finds_names(const struct lf_proxy *p)
{
    return p->scheme != LF_PROXY_SOCKS4 && p->scheme != LF_PROXY_SOCKS5;
}

/* ---- a proxy's URL ---- */

/* The pieces of "scheme://user:pass@host:port/…". */
struct pieces {
    const struct scheme *scheme;
    struct lf_span user, pass; /* still percent-encoded; p NULL: none */
    struct lf_span host;       /* as written */
    int port;
};

static const struct scheme *scheme_of(const char *s, size_t n)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strlen(schemes[i].name) == n && strncasecmp(schemes[i].name, s, n) == 0)
            return &schemes[i];
    return NULL;
}

static void split_userinfo(struct pieces *p, const char **s, const char *end)
{
    const char *at = memrchr(*s, '@', (size_t)(end - *s));
    if (!at)
        return;
    const char *colon = memchr(*s, ':', (size_t)(at - *s));
    p->user = (struct lf_span){*s, (size_t)((colon ? colon : at) - *s)};
    p->pass = colon ? (struct lf_span){colon + 1, (size_t)(at - colon - 1)}
                    : (struct lf_span){"", 0};
    *s = at + 1;
}

static bool split_port(struct pieces *p, const char *s, const char *end)
{
    const char *colon = memrchr(s, ':', (size_t)(end - s));
    long port = 0;
    p->host = (struct lf_span){s, (size_t)(end - s)};
    p->port = p->scheme->port;
    if (!colon || memchr(colon, ']', (size_t)(end - colon)))
        return true;
    p->host.len = (size_t)(colon - s);
    for (const char *d = colon + 1; d < end; d++) {
        if (!isdigit((unsigned char)*d) || port > 65535)
            return false;
        port = port * 10 + (*d - '0');
    }
    if (end > colon + 1)
        p->port = (int)port;
    return p->port > 0 && p->port <= 65535;
}

static const char *split(struct pieces *p, const char *s, size_t n)
{
    const char *end = s + n, *slashes = memmem(s, n, "://", 3);
    p->scheme = &schemes[0];
    if (slashes) {
        p->scheme = scheme_of(s, (size_t)(slashes - s));
        s = slashes + 3;
    }
    if (!p->scheme)
        return "its scheme must be http, https, socks4, socks4a, socks5 or socks5h";
    for (const char *c = s; c < end; c++)
        if (strchr("/?#", *c)) {
            end = c;
            break;
        }
    split_userinfo(p, &s, end);
    return split_port(p, s, end) ? NULL : "its port is not a number from 1 to 65535";
}

/* Append the decoded text and a NUL, which it must not hold itself. */
static enum lf_err add_decoded(struct lf_buf *out, struct lf_span s, const char **why)
{
    size_t from = out->len;
    enum lf_err err = lf_percent_decode(out, s.p, s.len);
    if (err)
        return err;
    *why = "its user or password holds a control character";
    for (size_t i = from; i < out->len; i++)
        if ((unsigned char)out->p[i] < ' ' || out->p[i] == 127)
            return LF_EURL;
    return lf_buf_addc(out, '\0');
}

/* Lower case, IDNA, addresses in their one form: as for any other host. */
static enum lf_err add_host(struct lf_buf *out, struct lf_span host, const char **why)
{
    struct lf_url u = LF_URL_INIT;
    struct lf_buf text;
    lf_buf_init(&text, MAX_PROXY_URL);
    enum lf_err err = lf_buf_addf(&text, "http://%.*s/", (int)host.len, host.p);
    if (!err)
        err = lf_url_parse(&u, text.p, text.len, NULL, why);
    if (!err)
        err = lf_buf_add(out, lf_url_host(&u).p, lf_url_host(&u).len);
    lf_url_free(&u);
    lf_buf_free(&text);
    return err ? err : lf_buf_addc(out, '\0');
}

/* host NUL name NUL [user NUL pass NUL] */
static enum lf_err lay_out(const struct pieces *p, struct lf_buf *out, const char **why)
{
    char host[256];
    enum lf_err err = add_host(out, p->host, why);
    if (err)
        return err;
    *why = "its host is too long";
    if (out->len > sizeof host)
        return LF_EURL;
    memcpy(host, out->p, out->len);
    err = lf_buf_addf(out, "%s://%s:%d", p->scheme->name, host, p->port);
    if (!err)
        err = lf_buf_addc(out, '\0');
    if (!err && p->user.p)
        err = add_decoded(out, p->user, why);
    if (!err && p->user.p)
        err = add_decoded(out, p->pass, why);
    return err;
}

static struct lf_proxy *build(const struct pieces *p, const struct lf_buf *laid)
{
    struct lf_proxy *proxy = calloc(1, sizeof *proxy + laid->len);
    if (!proxy)
        return NULL;
    memcpy(proxy->text, laid->p, laid->len);
    proxy->scheme = p->scheme->scheme;
    proxy->port = p->port;
    proxy->host = proxy->text;
    proxy->name = proxy->host + strlen(proxy->host) + 1;
    if (p->user.p) {
        proxy->user = proxy->name + strlen(proxy->name) + 1;
        proxy->pass = proxy->user + strlen(proxy->user) + 1;
    }
    return proxy;
}

enum lf_err lf_proxy_new(const char *s, size_t n, struct lf_proxy **out, const char **why)
{
    struct pieces p = {0};
    struct lf_buf laid;
    *why = "it is longer than 8 KB, or holds a NUL";
    if (n > MAX_PROXY_URL / 2 || memchr(s, '\0', n))
        return LF_EURL;
    *why = split(&p, s, n);
    if (*why)
        return LF_EURL;
    lf_buf_init(&laid, 4 * MAX_PROXY_URL);
    enum lf_err err = lay_out(&p, &laid, why);
    *out = err ? NULL : build(&p, &laid);
    if (!err && !*out)
        err = LF_ERESOURCE;
    lf_buf_free(&laid);
    *why = err == LF_ERESOURCE ? "out of memory" : *why;
    if (!err && lf_proxy_is_http(*out) && (*out)->user && strchr((*out)->user, ':')) {
        *why = "its user name holds a ':' (RFC 7617)";
        lf_proxy_free(*out);
        *out = NULL;
        err = LF_EURL;
    }
    return err;
}

void lf_proxy_free(struct lf_proxy *p)
{
    free(p);
}

/* ---- no_proxy ---- */

static bool same(struct lf_span a, const char *b, size_t n)
{
    return a.len == n && strncasecmp(a.p, b, n) == 0;
}

static bool matches_name(struct lf_span word, const char *host, size_t n)
{
    if (word.len && *word.p == '.')
        word.p++, word.len--;
    if (word.len && word.p[word.len - 1] == '.')
        word.len--;
    if (!word.len || n < word.len)
        return false;
    return same(word, host + n - word.len, word.len) &&
           (n == word.len || host[n - word.len - 1] == '.');
}

static bool matches_address(struct lf_span word, const struct lf_address *a)
{
    const char *slash = memchr(word.p, '/', word.len);
    struct lf_address net;
    unsigned bits = a->family == AF_INET ? 32 : 128;
    if (slash) {
        bits = 0;
        for (const char *d = slash + 1; d < word.p + word.len; d++) {
            if (!isdigit((unsigned char)*d) || bits > 128)
                return false;
            bits = bits * 10 + (unsigned)(*d - '0');
        }
        if (slash + 1 == word.p + word.len)
            return false;
        word.len = (size_t)(slash - word.p);
    }
    return lf_address_parse(&net, word.p, word.len) && lf_address_in(a, &net, bits);
}

bool lf_no_proxy_has(const char *list, const char *host, size_t n)
{
    static const char between[] = ", \t";
    struct lf_address a;
    bool address = lf_address_parse(&a, host, n);
    if (n && host[n - 1] == '.')
        n--;
    for (const char *s = list + strspn(list, between); *s; s += strspn(s, between)) {
        struct lf_span word = {s, strcspn(s, between)};
        s += word.len;
        if (same(word, "*", 1) ||
            (address ? matches_address(word, &a) : matches_name(word, host, n)))
            return true;
    }
    return false;
}

/* ---- the environment ---- */

struct said {               /* what one of the variables says */
    struct lf_proxy *proxy; /* owned; NULL: nothing, or `why` */
    char why[WHY];
};

struct lf_proxies {
    struct said http, https;
    char *except; /* owned: no_proxy; NULL: none */
};

/* The first that is set and not empty. */
static const char *first_of(lf_getenv_fn *get, const char *const *names,
                            const char **which)
{
    for (; *names; names++) {
        const char *value = get(*names);
        *which = *names;
        if (value && *value)
            return value;
    }
    return NULL;
}

static bool read_one(lf_getenv_fn *get, const char *const *names, struct said *out)
{
    const char *which, *why, *value = first_of(get, names, &which);
    if (!value)
        return true;
    enum lf_err err = lf_proxy_new(value, strlen(value), &out->proxy, &why);
    if (err == LF_EURL)
        snprintf(out->why, sizeof out->why,
                 "the environment variable %s is no proxy URL: %s", which, why);
    return err != LF_ERESOURCE;
}

struct lf_proxies *lf_proxies_new(lf_getenv_fn *get)
{
    static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY", NULL};
    static const char *const no[] = {"no_proxy", "NO_PROXY", NULL};
    const char *which;
    struct lf_proxies *ps = calloc(1, sizeof *ps);
    if (!ps)
        return NULL;
    bool ok = read_one(get, http, &ps->http) && read_one(get, https, &ps->https);
    const char *except = first_of(get, no, &which);
    ps->except = except ? strdup(except) : NULL;
    if (!ok || (except && !ps->except)) {
        lf_proxies_free(ps);
        return NULL;
    }
    return ps;
}

void lf_proxies_free(struct lf_proxies *ps)
{
    if (!ps)
        return;
    lf_proxy_free(ps->http.proxy);
    lf_proxy_free(ps->https.proxy);
    free(ps->except);
    free(ps);
}

enum lf_err lf_proxies_get(const struct lf_proxies *ps, const struct lf_url *u,
                           const struct lf_proxy **out, const char **why)
{
    const struct said *said = u->scheme == LF_URL_HTTPS ? &ps->https : &ps->http;
    struct lf_span host = lf_url_host(u);
    *out = NULL;
    if ((!said->proxy && !*said->why) ||
        (ps->except && lf_no_proxy_has(ps->except, host.p, host.len)))
        return LF_OK;
    *why = said->why;
    *out = said->proxy;
    return said->proxy ? LF_OK : LF_EPROXY;
}
