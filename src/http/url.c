/* The basic URL parser. The standard's state machine goes code point by code point; here
 * query and fragment are cut off first, since no state before them reads '?' or '#', and
 * each of the remaining states takes its whole stretch at once. The output is written
 * straight into the serialized URL: its size is known to be enough from one look over the
 * input (see room_for), so that writing checks nothing. */
#include "http/url.h"

#include <string.h>
#include "http/percent.h"
#include "http/url_host.h"
#include "http/url_input.h"

#define WHY_NO_BASE     "it has no scheme, and there is no base URL"
#define WHY_OPAQUE_BASE "it has no scheme, and the base URL has no path to start from"
#define WHY_NO_HOST     "the host is missing"
#define WHY_PORT        "the port is not a number from 0 to 65535"
#define WHY_LENGTH      "it is too long"

struct parse {
    struct lf_url *u;
    size_t most; /* bytes that href may need in all; it may have room for more */
    const struct lf_url *base;    /* or NULL */
    const char *s, *end;          /* what is not parsed yet, query and fragment cut off */
    const char *query, *fragment; /* behind '?' and '#', or NULL */
    size_t query_len, fragment_len;
    bool special;
    const char **why;
};

static enum lf_err bad(struct parse *p, const char *phrase)
{
    *p->why = phrase;
    return LF_EURL;
}

/* -- output -- */

static char *out_at(struct parse *p)
{
    return p->u->href.p + p->u->href.len;
}

static uint32_t out_len(struct parse *p)
{
    return (uint32_t)p->u->href.len;
}

static void out_to(struct parse *p, const char *w)
{
    p->u->href.len = (size_t)(w - p->u->href.p);
}

static void put(struct parse *p, const char *s, size_t n)
{
    memcpy(out_at(p), s, n);
    p->u->href.len += n;
}

static void put_encoded(struct parse *p, const char *s, size_t n, enum lf_percent_set set)
{
    out_to(p, lf_percent_put(out_at(p), s, n, set));
}

/* -- schemes -- */

static bool is_alpha(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Take "scheme:" off the input, lowered into the output; false when there is none. */
static bool take_scheme(struct parse *p)
{
    const char *s = p->s;
    char *w = out_at(p);
    if (s == p->end || !is_alpha(*s))
        return false;
    for (; s < p->end && *s != ':'; s++) {
        bool alpha = is_alpha(*s);
        if (!alpha && !is_digit(*s) && *s != '+' && *s != '-' && *s != '.')
            return false;
        *w++ = alpha ? (char)(*s | 0x20) : *s;
    }
    if (s == p->end)
        return false;
    struct lf_url *u = p->u;
    u->scheme_end = (uint32_t)(w - u->href.p);
    u->scheme = lf_url_scheme_of(u->href.p, u->scheme_end);
    *w++ = ':';
    out_to(p, w);
    p->s = s + 1;
    return true;
}

/* -- path -- */

static bool is_slash(const struct parse *p, char c)
{
    return c == '/' || (c == '\\' && p->special);
}

/* Does s begin with a Windows drive letter, "c:" or "c|", as a whole segment? */
static bool starts_with_drive(const char *s, const char *end)
{
    return end - s >= 2 && is_alpha(s[0]) && (s[1] == ':' || s[1] == '|') &&
           (end - s == 2 || s[2] == '/' || s[2] == '\\');
}

/* "Shorten a path": drop the last segment, except a drive letter of file URLs. */
static void drop_segment(struct parse *p)
{
    const char *path = p->u->href.p + p->u->path_start;
    size_t n = p->u->href.len - p->u->path_start;
    bool drive =
        p->u->scheme == LF_URL_FILE && n == 3 && is_alpha(path[1]) && path[2] == ':';
    const char *slash = n && !drive ? memrchr(path, '/', n) : NULL;
    if (slash)
        out_to(p, slash);
}

/* The length of the dot at s, which may be written %2e; 0 for anything else. */
static size_t dot_len(const char *s, const char *end)
{
    if (s == end)
        return 0;
    return *s == '.' ? 1 : lf_percent_byte(s, end) == '.' ? 3 : 0;
}

/* How many dots the segment is made of: 1 and 2 have a meaning, the rest is 0. */
static int dots(const char *s, const char *end)
{
    size_t first = dot_len(s, end);
    if (!first)
        return 0;
    size_t second = dot_len(s + first, end);
    if (s + first + second != end)
        return 0;
    return second ? 2 : 1;
}

/* Copy a segment up to its slash or the end, encoded, behind a '/'. */
static const char *put_segment(struct parse *p, const char *s)
{
    char *w = out_at(p);
    const char *end = p->end;
    *w++ = '/';
    for (; s < end && !is_slash(p, *s); s++) {
        if (lf_percent_sets[(unsigned char)*s] & LF_PERCENT_PATH)
            w = lf_percent_put(w, s, 1, LF_PERCENT_PATH);
        else
            *w++ = *s;
    }
    out_to(p, w);
    return s;
}

/* "Path state" from s, the first byte of a segment, to the end of the path. */
static void put_path(struct parse *p, const char *s)
{
    for (;;) {
        size_t before = p->u->href.len;
        const char *stop = put_segment(p, s);
        int n = s < stop && (*s == '.' || *s == '%') ? dots(s, stop) : 0;
        if (n) {
            p->u->href.len = before;
            if (n == 2)
                drop_segment(p);
            if (stop == p->end)
                put(p, "/", 1);
        } else if (p->u->scheme == LF_URL_FILE && before == p->u->path_start &&
                   stop - s == 2 && starts_with_drive(s, stop)) {
            p->u->href.p[before + 2] = ':';
        }
        if (stop == p->end)
            return;
        s = stop + 1;
    }
}

/* "Path start state": the path behind an authority. */
static void put_path_start(struct parse *p)
{
    p->u->path_start = out_len(p);
    if (p->s == p->end && !p->special)
        return;
    if (p->s < p->end && is_slash(p, *p->s))
        p->s++;
    put_path(p, p->s);
}

/* The last space of an opaque path is escaped when more follows: it could be trimmed. */
static void put_opaque_path(struct parse *p)
{
    size_t n = (size_t)(p->end - p->s);
    bool space = n && p->s[n - 1] == ' ' && (p->query || p->fragment);
    p->u->opaque = true;
    p->u->path_start = out_len(p);
    put_encoded(p, p->s, n - space, LF_PERCENT_C0);
    if (space)
        put(p, "%20", 3);
}

/* -- authority -- */

static enum lf_err put_userinfo(struct parse *p, const char *s, const char *end)
{
    const char *colon = memchr(s, ':', (size_t)(end - s));
    size_t user = (size_t)((colon ? colon : end) - s);
    size_t pass = colon ? (size_t)(end - colon - 1) : 0;
    /* room_for leaves out of account what only this set escapes. */
    p->most += 2 * (user + pass);
    enum lf_err err = lf_buf_reserve(&p->u->href, p->most - p->u->href.len);
    if (err)
        return err;
    put_encoded(p, s, user, LF_PERCENT_USERINFO);
    p->u->user_end = out_len(p);
    if (pass) {
        put(p, ":", 1);
        put_encoded(p, colon + 1, pass, LF_PERCENT_USERINFO);
    }
    if (user || pass)
        put(p, "@", 1);
    return LF_OK;
}

static enum lf_err put_port(struct parse *p, const char *s, const char *end)
{
    int32_t port = 0;
    if (s == end)
        return LF_OK;
    for (; s < end; s++) {
        if (!is_digit(*s))
            return bad(p, WHY_PORT);
        port = port * 10 + (*s - '0');
        if (port > 65535)
            return bad(p, WHY_PORT);
    }
    if (port == lf_url_default_port(p->u->scheme))
        return LF_OK;
    char text[8], *w = text + sizeof text;
    p->u->port = port;
    do
        *--w = (char)('0' + port % 10);
    while (port /= 10);
    *--w = ':';
    put(p, w, (size_t)(text + sizeof text - w));
    return LF_OK;
}

/* Add the host; it may be longer than its source (addresses, punycode). */
static enum lf_err put_host(struct parse *p, const char *s, size_t n)
{
    struct lf_buf *href = &p->u->href;
    size_t before = href->len;
    enum lf_err err = n ? lf_url_host_add(href, s, n, p->special, p->why) : LF_OK;
    p->u->host_end = out_len(p);
    if (href->len - before > n)
        p->most += href->len - before - n;
    return err ? err : lf_buf_reserve(href, p->most - href->len);
}

/* The ':' before the port, or the end; colons within brackets belong to the host. */
static const char *host_end(const char *s, const char *end)
{
    bool brackets = false;
    for (; s < end && (*s != ':' || brackets); s++) {
        if (*s == '[')
            brackets = true;
        else if (*s == ']')
            brackets = false;
    }
    return s;
}

static void open_authority(struct parse *p)
{
    put(p, "//", 2);
    p->u->has_host = true;
    p->u->user_end = p->u->host_start = p->u->host_end = out_len(p);
}

/* "Authority state" and all behind it. */
static enum lf_err put_authority(struct parse *p)
{
    const char *end = p->s;
    while (end < p->end && !is_slash(p, *end))
        end++;
    open_authority(p);
    const char *at = memrchr(p->s, '@', (size_t)(end - p->s));
    enum lf_err err = at ? put_userinfo(p, p->s, at) : LF_OK;
    if (err)
        return err;
    p->u->host_start = out_len(p);
    const char *host = at ? at + 1 : p->s, *stop = host_end(host, end);
    if (host == stop && (p->special || at || stop < end))
        return bad(p, WHY_NO_HOST);
    err = put_host(p, host, (size_t)(stop - host));
    if (!err && stop < end)
        err = put_port(p, stop + 1, end);
    p->s = end;
    if (!err)
        put_path_start(p);
    return err;
}

/* -- relative to a base -- */

/* Start with the base's scheme, authority and the first n bytes of its path. */
static void put_base(struct parse *p, size_t n)
{
    const struct lf_url *b = p->base;
    struct lf_buf href = p->u->href;
    *p->u = *b;
    p->u->href = href;
    p->u->query_start = p->u->fragment_start = LF_URL_NONE;
    p->u->href.len = 0;
    /* A "/." between host and path is put in anew where it is needed. */
    size_t head = b->has_host ? b->path_start : b->host_end;
    put(p, b->href.p, head);
    p->u->path_start = (uint32_t)head;
    put(p, b->href.p + b->path_start, n);
    p->special = b->scheme != LF_URL_OTHER;
}

/* Nothing but perhaps '?' and '#': path and, without '?', query are the base's. */
static void inherit_query(struct parse *p)
{
    struct lf_span q = lf_url_query(p->base);
    if (p->query)
        return;
    p->query = q.p;
    p->query_len = q.len;
}

/* "Relative state" and "relative slash state". */
static enum lf_err put_relative(struct parse *p)
{
    size_t path_len = lf_url_path(p->base).len;
    if (p->s == p->end) {
        put_base(p, path_len);
        inherit_query(p);
        return LF_OK;
    }
    p->special = p->base->scheme != LF_URL_OTHER;
    if (!is_slash(p, *p->s)) {
        put_base(p, path_len);
        drop_segment(p);
        put_path(p, p->s);
        return LF_OK;
    }
    if (p->s + 1 == p->end || !is_slash(p, p->s[1])) {
        put_base(p, 0);
        put_path(p, p->s + 1);
        return LF_OK;
    }
    p->u->scheme = p->base->scheme;
    p->u->scheme_end = p->base->scheme_end;
    p->u->href.len = 0;
    put(p, p->base->href.p, p->base->scheme_end + 1);
    p->s += 2;
    while (p->special && p->s < p->end && is_slash(p, *p->s))
        p->s++;
    return put_authority(p);
}

/* -- file URLs -- */

static bool file_base(const struct parse *p)
{
    return p->base && p->base->scheme == LF_URL_FILE;
}

/* "File host state", behind "file://". */
static enum lf_err put_file_host(struct parse *p)
{
    const char *end = p->s;
    while (end < p->end && !is_slash(p, *end))
        end++;
    /* A drive letter there is the start of the path. */
    size_t n = starts_with_drive(p->s, end) ? 0 : (size_t)(end - p->s);
    open_authority(p);
    enum lf_err err = put_host(p, p->s, n);
    if (err)
        return err;
    struct lf_url *u = p->u;
    if (u->host_end - u->host_start == 9 &&
        memcmp(u->href.p + u->host_start, "localhost", 9) == 0) {
        u->host_end = u->host_start;
        u->href.len = u->host_start;
    }
    p->s += n;
    put_path_start(p);
    return LF_OK;
}

/* "File slash state" with one slash taken: the drive of the base stays. */
static void put_file_absolute(struct parse *p)
{
    struct lf_span path = {NULL, 0};
    if (file_base(p)) {
        path = lf_url_path(p->base);
        bool drive = path.len >= 3 && path.p[2] == ':' &&
                     starts_with_drive(path.p + 1, path.p + path.len);
        put_base(p, drive && !starts_with_drive(p->s, p->end) ? 3 : 0);
    } else {
        open_authority(p);
        p->u->path_start = out_len(p);
    }
    put_path(p, p->s);
}

/* "File state", behind "file:" or relative to a file URL. */
static enum lf_err put_file(struct parse *p)
{
    bool slash = p->s < p->end && is_slash(p, *p->s);
    if (slash && p->end - p->s > 1 && is_slash(p, p->s[1])) {
        p->s += 2;
        return put_file_host(p);
    }
    if (slash) {
        p->s++;
        put_file_absolute(p);
        return LF_OK;
    }
    if (!file_base(p)) {
        open_authority(p);
        p->u->path_start = out_len(p);
        put_path(p, p->s);
        return LF_OK;
    }
    bool drive = starts_with_drive(p->s, p->end);
    put_base(p, drive ? 0 : lf_url_path(p->base).len);
    if (p->s == p->end) {
        inherit_query(p);
        return LF_OK;
    }
    if (!drive)
        drop_segment(p);
    put_path(p, p->s);
    return LF_OK;
}

/* -- the whole -- */

static enum lf_err put_without_scheme(struct parse *p)
{
    if (!p->base)
        return bad(p, WHY_NO_BASE);
    if (p->base->opaque) {
        if (p->s < p->end || p->query || !p->fragment)
            return bad(p, WHY_OPAQUE_BASE);
        put_base(p, lf_url_path(p->base).len);
        inherit_query(p);
        return LF_OK;
    }
    if (p->base->scheme != LF_URL_FILE)
        return put_relative(p);
    p->special = true;
    p->u->scheme = LF_URL_FILE;
    p->u->scheme_end = 4;
    put(p, "file:", 5);
    return put_file(p);
}

static enum lf_err put_with_scheme(struct parse *p)
{
    size_t slashes = 0, left = (size_t)(p->end - p->s);
    p->special = p->u->scheme != LF_URL_OTHER;
    if (p->u->scheme == LF_URL_FILE)
        return put_file(p);
    while (slashes < left && is_slash(p, p->s[slashes]))
        slashes++;
    if (p->special) {
        bool authority = left >= 2 && p->s[0] == '/' && p->s[1] == '/';
        if (!authority && p->base && p->base->scheme == p->u->scheme)
            return put_relative(p);
        p->s += slashes;
        return put_authority(p);
    }
    p->u->user_end = p->u->host_start = p->u->host_end = out_len(p);
    if (slashes >= 2) {
        p->s += 2;
        return put_authority(p);
    }
    if (slashes)
        put_path_start(p);
    else
        put_opaque_path(p);
    return LF_OK;
}

/* A path that begins with "//" would read as an authority. */
static void guard_path(struct parse *p)
{
    struct lf_url *u = p->u;
    size_t n = u->href.len - u->path_start;
    if (u->has_host || u->opaque || n < 2)
        return;
    if (memcmp(u->href.p + u->path_start, "//", 2) != 0)
        return;
    put(p, "/.", 2);
    char *path = u->href.p + u->path_start;
    memmove(path + 2, path, n);
    path[1] = '.';
    u->path_start += 2;
}

static void put_query_and_fragment(struct parse *p)
{
    struct lf_url *u = p->u;
    if (p->query) {
        u->query_start = out_len(p);
        put(p, "?", 1);
        put_encoded(p, p->query, p->query_len,
                    p->special ? LF_PERCENT_SPECIAL_QUERY : LF_PERCENT_QUERY);
    }
    if (p->fragment) {
        u->fragment_start = out_len(p);
        put(p, "#", 1);
        put_encoded(p, p->fragment, p->fragment_len, LF_PERCENT_FRAGMENT);
    }
    *out_at(p) = '\0';
}

static void cut_query_and_fragment(struct parse *p)
{
    const char *hash = memchr(p->s, '#', (size_t)(p->end - p->s));
    if (hash) {
        p->fragment = hash + 1;
        p->fragment_len = (size_t)(p->end - p->fragment);
        p->end = hash;
    }
    const char *mark = memchr(p->s, '?', (size_t)(p->end - p->s));
    if (mark) {
        p->query = mark + 1;
        p->query_len = (size_t)(p->end - p->query);
        p->end = mark;
    }
}

/* Parse input that is valid UTF-8 without tabs and line ends. */
static enum lf_err parse_clean(struct parse *p)
{
    cut_query_and_fragment(p);
    enum lf_err err = take_scheme(p) ? put_with_scheme(p) : put_without_scheme(p);
    if (err)
        return err;
    guard_path(p);
    put_query_and_fragment(p);
    return LF_OK;
}

/* Reserve what the serialized URL can need at most: every byte escaped, and the added
 * "//", '/', "/.", "?", "#" and NUL. The host and userinfo see to themselves. */
static enum lf_err room_for(struct parse *p, unsigned found)
{
    size_t n = (size_t)(p->end - p->s) * (found & LF_URL_ESCAPE ? 3 : 1) + 32;
    p->most = n + (p->base ? p->base->href.len : 0);
    return lf_buf_reserve(&p->u->href, p->most);
}

enum lf_err lf_url_parse(struct lf_url *u, const char *s, size_t n,
                         const struct lf_url *base, const char **why)
{
    struct lf_buf href = u->href, cleaned;
    *u = LF_URL_INIT;
    u->href = href;
    u->href.max = LF_URL_MAX;
    u->href.len = 0;
    u->port = -1;
    u->query_start = u->fragment_start = LF_URL_NONE;
    lf_url_trim(&s, &n);
    struct parse p = {.u = u, .base = base, .s = s, .end = s + n, .why = why};
    unsigned found = lf_url_look_over(s, n);
    lf_buf_init(&cleaned, LF_URL_MAX);
    enum lf_err err = n > LF_URL_MAX ? LF_ETOOLARGE : LF_OK;
    if (!err && found & LF_URL_UNCLEAN)
        err = lf_url_clean(&cleaned, s, n);
    if (cleaned.p) {
        p.s = cleaned.p;
        p.end = p.s + cleaned.len;
    }
    if (!err)
        err = room_for(&p, found);
    if (!err)
        err = parse_clean(&p);
    lf_buf_free(&cleaned);
    if (err) {
        lf_buf_free(&u->href);
        *u = LF_URL_INIT;
    }
    return err == LF_ETOOLARGE ? bad(&p, WHY_LENGTH) : err;
}
