/* What can be asked of a parsed URL: its parts, its origin, other forms of it. */
#include "http/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "http/percent.h"

static const struct {
    const char name[6];
    uint8_t len;
    int16_t port;
} schemes[] = {
    [LF_URL_OTHER] = {"", 0, -1},       [LF_URL_HTTP] = {"http", 4, 80},
    [LF_URL_HTTPS] = {"https", 5, 443}, [LF_URL_WS] = {"ws", 2, 80},
    [LF_URL_WSS] = {"wss", 3, 443},     [LF_URL_FTP] = {"ftp", 3, 21},
    [LF_URL_FILE] = {"file", 4, -1},
};

enum lf_url_scheme lf_url_scheme_of(const char *s, size_t n)
{
    for (enum lf_url_scheme i = LF_URL_HTTP; i <= LF_URL_FILE; i++)
        if (n == schemes[i].len && strncasecmp(s, schemes[i].name, n) == 0)
            return i;
    return LF_URL_OTHER;
}

int lf_url_default_port(enum lf_url_scheme scheme)
{
    return schemes[scheme].port;
}

static struct lf_span span(const struct lf_url *u, size_t from, size_t to)
{
    return (struct lf_span){u->href.p + from, to - from};
}

static const struct lf_span absent = {NULL, 0};

static size_t before(uint32_t mark, size_t otherwise)
{
    return mark == LF_URL_NONE ? otherwise : mark;
}

static size_t target_end(const struct lf_url *u)
{
    return before(u->fragment_start, u->href.len);
}

struct lf_span lf_url_scheme_name(const struct lf_url *u)
{
    return span(u, 0, u->scheme_end);
}

struct lf_span lf_url_username(const struct lf_url *u)
{
    size_t from = u->scheme_end + 3;
    return u->has_host && u->user_end > from ? span(u, from, u->user_end) : absent;
}

struct lf_span lf_url_password(const struct lf_url *u)
{
    bool some = u->host_start - u->user_end > 1; /* more than the '@' */
    return some ? span(u, u->user_end + 1, u->host_start - 1) : absent;
}

struct lf_span lf_url_host(const struct lf_url *u)
{
    return u->has_host ? span(u, u->host_start, u->host_end) : absent;
}

struct lf_span lf_url_path(const struct lf_url *u)
{
    return span(u, u->path_start, before(u->query_start, target_end(u)));
}

struct lf_span lf_url_query(const struct lf_url *u)
{
    bool none = u->query_start == LF_URL_NONE;
    return none ? absent : span(u, u->query_start + 1, target_end(u));
}

struct lf_span lf_url_fragment(const struct lf_url *u)
{
    bool none = u->fragment_start == LF_URL_NONE;
    return none ? absent : span(u, u->fragment_start + 1, u->href.len);
}

struct lf_span lf_url_authority(const struct lf_url *u)
{
    return u->has_host ? span(u, u->host_start, u->path_start) : absent;
}

struct lf_span lf_url_target(const struct lf_url *u)
{
    return span(u, u->path_start, target_end(u));
}

struct lf_span lf_url_without_fragment(const struct lf_url *u)
{
    return span(u, 0, target_end(u));
}

int lf_url_port(const struct lf_url *u)
{
    return u->port >= 0 ? u->port : schemes[u->scheme].port;
}

bool lf_url_is_http(const struct lf_url *u)
{
    return u->scheme == LF_URL_HTTP || u->scheme == LF_URL_HTTPS;
}

bool lf_url_has_userinfo(const struct lf_url *u)
{
    return u->host_start > u->user_end;
}

static bool has_origin(const struct lf_url *u)
{
    return u->scheme != LF_URL_OTHER && u->scheme != LF_URL_FILE;
}

bool lf_url_same_origin(const struct lf_url *a, const struct lf_url *b)
{
    if (!has_origin(a) || a->scheme != b->scheme)
        return false;
    struct lf_span x = lf_url_authority(a), y = lf_url_authority(b);
    return x.p && y.p && x.len == y.len && memcmp(x.p, y.p, x.len) == 0;
}

/* A blob URL has the origin of the http URL that is its path. */
static enum lf_err blob_origin(const struct lf_url *u, struct lf_buf *out, bool *opaque)
{
    struct lf_span path = lf_url_path(u);
    struct lf_url inner = LF_URL_INIT;
    const char *why;
    enum lf_err err = lf_url_parse(&inner, path.p, path.len, NULL, &why);
    if (!err && lf_url_is_http(&inner))
        err = lf_url_origin(&inner, out, opaque);
    lf_url_free(&inner);
    return err == LF_EURL ? LF_OK : err;
}

enum lf_err lf_url_origin(const struct lf_url *u, struct lf_buf *out, bool *opaque)
{
    *opaque = !has_origin(u);
    if (u->scheme_end == 4 && memcmp(u->href.p, "blob", 4) == 0)
        return blob_origin(u, out, opaque);
    if (*opaque)
        return LF_OK;
    struct lf_span host = lf_url_authority(u);
    enum lf_err err = lf_buf_reserve(out, u->scheme_end + 3 + host.len);
    if (!err)
        err = lf_buf_add(out, u->href.p, u->scheme_end + 3);
    return err ? err : lf_buf_add(out, host.p, host.len);
}

enum lf_err lf_url_without_userinfo(const struct lf_url *u, bool fragment,
                                    struct lf_buf *out)
{
    size_t from = u->has_host ? u->scheme_end + 3 : u->host_start;
    size_t end = fragment ? u->href.len : target_end(u);
    enum lf_err err = lf_buf_add(out, u->href.p, from);
    return err ? err : lf_buf_add(out, u->href.p + u->host_start, end - u->host_start);
}

enum lf_err lf_url_copy(struct lf_url *to, const struct lf_url *from)
{
    struct lf_buf href = to->href;
    href.max = LF_URL_MAX;
    lf_buf_reset(&href);
    enum lf_err err = lf_buf_add(&href, from->href.p, from->href.len);
    *to = err ? LF_URL_INIT : *from;
    to->href = href;
    return err;
}

void lf_url_free(struct lf_url *u)
{
    if (u)
        free(u->href.p);
    if (u)
        *u = LF_URL_INIT;
}

/* -- canonical form -- */

/* Append s with its escapes in upper case, and undone where none is needed. One that
 * is a hex digit behind a '%' that starts no escape stays: undone, they could make one.
 */
static enum lf_err add_normal(struct lf_buf *out, const char *s, size_t n)
{
    enum lf_err err = lf_buf_reserve(out, n);
    if (err)
        return err;
    char *w = out->p + out->len;
    const char *stray = NULL;
    for (const char *end = s + n; s < end;) {
        int byte = lf_percent_byte(s, end);
        if (byte < 0) {
            if (*s == '%')
                stray = w;
            else if (!isxdigit((unsigned char)*s))
                stray = NULL;
            *w++ = *s++;
            continue;
        }
        if (!isxdigit(byte))
            stray = NULL;
        bool near = stray && w - stray <= 2;
        if (near || lf_percent_sets[byte] & LF_PERCENT_RESERVED)
            w = lf_percent_put_escape(w, (unsigned char)byte);
        else
            *w++ = (char)byte;
        s += 3;
    }
    *w = '\0';
    out->len = (size_t)(w - out->p);
    return LF_OK;
}

/* A piece of a query between '&', with its place to keep the sort stable. */
struct piece {
    const char *p;
    size_t len, name_len;
};

static int by_name(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    size_t n = x->name_len < y->name_len ? x->name_len : y->name_len;
    int order = memcmp(x->p, y->p, n);
    if (order)
        return order;
    if (x->name_len != y->name_len)
        return x->name_len < y->name_len ? -1 : 1;
    return x->p < y->p ? -1 : x->p > y->p;
}

static struct piece next_piece(const char *s, const char *end)
{
    const char *amp = memchr(s, '&', (size_t)(end - s));
    size_t len = (size_t)((amp ? amp : end) - s);
    const char *eq = memchr(s, '=', len);
    return (struct piece){s, len, eq ? (size_t)(eq - s) : len};
}

/* Bring the pieces of the query q into order; written over q. */
static enum lf_err sort_pieces(char *q, size_t n)
{
    size_t count = 1;
    for (size_t i = 0; i < n; i++)
        count += q[i] == '&';
    struct piece *pieces = malloc(count * sizeof *pieces);
    char *copy = malloc(n + 1);
    if (pieces && copy) {
        memcpy(copy, q, n);
        const char *s = copy;
        for (size_t i = 0; i < count; i++) {
            pieces[i] = next_piece(s, copy + n);
            s += pieces[i].len + 1;
        }
        qsort(pieces, count, sizeof *pieces, by_name);
        for (size_t i = 0; i < count; i++) {
            q = mempcpy(q, pieces[i].p, pieces[i].len);
            if (i + 1 < count)
                *q++ = '&';
        }
    }
    enum lf_err err = pieces && copy ? LF_OK : LF_ERESOURCE;
    free(copy);
    free(pieces);
    return err;
}

enum lf_err lf_url_canonical(const struct lf_url *u, bool sort_query, struct lf_buf *out)
{
    struct lf_span path = lf_url_path(u), query = lf_url_query(u);
    enum lf_err err = lf_buf_add(out, u->href.p, u->path_start);
    /* Escapes in other paths have no agreed meaning; "%43|" would become a drive. */
    bool normal = !u->opaque && u->scheme != LF_URL_FILE;
    if (!err)
        err = normal ? add_normal(out, path.p, path.len)
                     : lf_buf_add(out, path.p, path.len);
    if (err || !query.p)
        return err;
    err = lf_buf_addc(out, '?');
    size_t from = out->len;
    if (!err)
        err = add_normal(out, query.p, query.len);
    if (!err && sort_query)
        err = sort_pieces(out->p + from, out->len - from);
    return err;
}

void lf_url_shown(const char *s, size_t n, struct lf_span part[2])
{
    const char *slashes = memmem(s, n, "//", 2);
    const char *at = memrchr(s, '@', n);
    size_t keep = slashes && at && slashes < at ? (size_t)(slashes - s) + 2 : 0;
    size_t from = at ? (size_t)(at - s) + 1 : 0;
    part[0] = (struct lf_span){s, keep};
    part[1] = (struct lf_span){s + from, n - from};
}

enum lf_err lf_url_redact(const char *s, size_t n, struct lf_buf *out)
{
    struct lf_span part[2];
    lf_url_shown(s, n, part);
    enum lf_err err = lf_buf_add(out, part[0].p, part[0].len);
    return err ? err : lf_buf_add(out, part[1].p, part[1].len);
}
