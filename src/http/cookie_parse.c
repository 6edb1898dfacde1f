/* Reading Set-Cookie (RFC 6265bis §5.6), and matching domains and paths (§5.1). Knows no
 * jar and allocates nothing. */
#include "http/cookie_parse.h"

#include <string.h>
#include <strings.h>
#include "http/date.h"

struct attr {
    struct lf_span name, value;
};

static struct lf_span trim(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (struct lf_span){p, (size_t)(end - p)};
}

/* Take "name=value" off *at, up to the ';'; *bare tells that there is no '='. */
static struct attr take_pair(const char **at, const char *end, bool *bare)
{
    struct attr a;
    const char *from = *at;
    const char *semi = memchr(from, ';', (size_t)(end - from));
    const char *stop = semi ? semi : end;
    const char *eq = memchr(from, '=', (size_t)(stop - from));
    *bare = !eq;
    a.name = trim(from, eq ? eq : stop);
    a.value = trim(eq ? eq + 1 : stop, stop);
    *at = semi ? semi + 1 : end;
    return a;
}

static bool span_is(struct lf_span s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

/* --- attributes --- */

struct reading {
    struct lf_set_cookie *c;
    int64_t now;
    bool has_max_age; /* counts more than Expires, wherever it stands */
};

static int64_t capped(int64_t expires, int64_t now)
{
    int64_t last = now + LF_COOKIE_LIFE;
    return expires <= now ? INT64_MIN : expires < last ? expires : last;
}

static void on_expires(struct reading *r, struct lf_span v)
{
    int64_t t;
    if (!r->has_max_age && lf_date_parse_cookie(v.p, v.len, &t))
        r->c->expires = capped(t, r->now);
}

static void on_max_age(struct reading *r, struct lf_span v)
{
    bool minus = v.len && *v.p == '-';
    int64_t age = 0;
    if (v.len == (size_t)minus)
        return;
    for (size_t i = minus; i < v.len; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return;
        if (age < LF_COOKIE_LIFE)
            age = age * 10 + (v.p[i] - '0');
    }
    r->has_max_age = true;
    r->c->expires = minus ? INT64_MIN : capped(r->now + age, r->now);
}

static void on_domain(struct reading *r, struct lf_span v)
{
    if (v.len && *v.p == '.')
        v = (struct lf_span){v.p + 1, v.len - 1};
    r->c->domain = v;
}

static void on_path(struct reading *r, struct lf_span v)
{
    r->c->has_path = true;
    r->c->path = v.len && *v.p == '/' ? v : (struct lf_span){NULL, 0};
}

static void on_secure(struct reading *r, struct lf_span v)
{
    (void)v;
    r->c->secure = true;
}

static void on_http_only(struct reading *r, struct lf_span v)
{
    (void)v;
    r->c->http_only = true;
}

static void on_same_site(struct reading *r, struct lf_span v)
{
    r->c->same_site = span_is(v, "none")     ? LF_SAME_SITE_NONE
                      : span_is(v, "lax")    ? LF_SAME_SITE_LAX
                      : span_is(v, "strict") ? LF_SAME_SITE_STRICT
                                             : LF_SAME_SITE_UNSET;
}

static const struct {
    const char *name;
    void (*read)(struct reading *r, struct lf_span value);
} attributes[] = {
    {"expires", on_expires},    {"max-age", on_max_age}, {"domain", on_domain},
    {"path", on_path},          {"secure", on_secure},   {"httponly", on_http_only},
    {"samesite", on_same_site},
};

static void read_attribute(struct reading *r, const struct attr *a)
{
    if (a->value.len > LF_COOKIE_ATTR_MAX)
        return;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (span_is(a->name, attributes[i].name))
            attributes[i].read(r, a->value);
}

bool lf_cookie_has_control(struct lf_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

enum lf_cookie_prefix lf_cookie_prefix(struct lf_span s)
{
    if (s.len >= 9 && strncasecmp(s.p, "__Secure-", 9) == 0)
        return LF_PREFIX_SECURE;
    if (s.len >= 7 && strncasecmp(s.p, "__Host-", 7) == 0)
        return LF_PREFIX_HOST;
    return LF_PREFIX_NONE;
}

static const char *flaw_of_pair(const struct lf_set_cookie *c)
{
    if (c->name.len + c->value.len == 0)
        return "it has neither a name nor a value";
    if (c->name.len + c->value.len > LF_COOKIE_MAX)
        return "name and value have more than 4096 bytes";
    if (!c->name.len && lf_cookie_prefix(c->value))
        return "it has no name, and a value that looks like a prefixed one";
    return NULL;
}

bool lf_set_cookie_parse(struct lf_set_cookie *c, const char *s, size_t n, int64_t now,
                         const char **why)
{
    const char *at = s, *end = s + n;
    struct reading r = {c, now, false};
    bool bare;
    if (lf_cookie_has_control((struct lf_span){s, n})) {
        *why = "it contains a control character";
        return false;
    }
    struct attr a = take_pair(&at, end, &bare);
    *c = (struct lf_set_cookie){.expires = LF_COOKIE_SESSION};
    c->name = bare ? (struct lf_span){a.name.p, 0} : a.name;
    c->value = bare ? a.name : a.value;
    *why = flaw_of_pair(c);
    if (*why)
        return false;
    while (at < end) {
        a = take_pair(&at, end, &bare);
        read_attribute(&r, &a);
    }
    return true;
}

/* --- matching --- */

bool lf_span_eq(struct lf_span a, struct lf_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* In a parsed URL every host that ends in a number is an IPv4 address. */
bool lf_host_is_address(struct lf_span host)
{
    if (host.len == 0 || *host.p == '[')
        return host.len > 0;
    for (size_t i = host.len; i-- > 0 && host.p[i] != '.';)
        if (host.p[i] < '0' || host.p[i] > '9')
            return false;
    return host.p[host.len - 1] != '.';
}

bool lf_domain_match(struct lf_span host, struct lf_span domain)
{
    if (lf_span_eq(host, domain))
        return true;
    if (domain.len == 0 || host.len <= domain.len || lf_host_is_address(host))
        return false;
    const char *tail = host.p + (host.len - domain.len);
    return tail[-1] == '.' && memcmp(tail, domain.p, domain.len) == 0;
}

bool lf_path_match(struct lf_span path, struct lf_span cookie_path)
{
    size_t n = cookie_path.len;
    if (path.len < n || memcmp(path.p, cookie_path.p, n) != 0)
        return false;
    return path.len == n || (n && cookie_path.p[n - 1] == '/') || path.p[n] == '/';
}

struct lf_span lf_default_path(struct lf_span url_path)
{
    const char *slash = url_path.len ? memrchr(url_path.p, '/', url_path.len) : NULL;
    if (!slash || slash == url_path.p || *url_path.p != '/')
        return (struct lf_span){"/", 1};
    return (struct lf_span){url_path.p, (size_t)(slash - url_path.p)};
}
