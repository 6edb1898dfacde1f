/* A cookie jar by RFC 6265bis, for the client of a program rather than a browser:
 * SameSite is kept but limits nothing, since there is no page that a request could belong
 * to.
 *
 * Times are whole seconds since 1970 and always come in as `now`; the jar asks no clock.
 * Hosts come from URLs, so that they are in lower case and IDNA is done. Nothing here
 * does I/O but load and save. A jar is counted and belongs to one thread. */
#ifndef LF_HTTP_COOKIE_H
#define LF_HTTP_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "http/url.h"

enum {
    LF_COOKIE_MAX = 4096,      /* bytes of name and value together */
    LF_COOKIE_ATTR_MAX = 1024, /* bytes of an attribute's value */
    LF_COOKIES_PER_DOMAIN = 50,
    LF_COOKIES_PER_JAR = 3000,
};
#define LF_COOKIE_LIFE    ((int64_t)400 * 86400) /* the most a server can ask for */
#define LF_COOKIE_SESSION INT64_MAX              /* `expires` of a session's cookie */

enum lf_same_site {
    LF_SAME_SITE_UNSET,
    LF_SAME_SITE_NONE,
    LF_SAME_SITE_LAX,
    LF_SAME_SITE_STRICT,
    LF_SAME_SITE_COUNT
};

/* In a jar: borrowed from it until it changes; strings end with a NUL and hold none. */
struct lf_cookie {
    struct lf_span name, value; /* either may be empty, not both */
    struct lf_span domain;      /* without a dot in front */
    struct lf_span path;        /* begins with '/' */
    int64_t expires;            /* or LF_COOKIE_SESSION */
    int64_t created, used;      /* first set, last set or sent */
    bool host_only;             /* to this host, not to those below */
    bool secure, http_only;
    uint8_t same_site; /* enum lf_same_site */
};

struct lf_jar;

struct lf_jar *lf_jar_new(void); /* NULL: no memory. An empty jar costs some 80 bytes */
struct lf_jar *lf_jar_hold(struct lf_jar *jar);
void lf_jar_free(struct lf_jar *jar); /* lets go; the last one frees */

/* Take one Set-Cookie value of a response from `url`. LF_OK or LF_ERESOURCE; *why (may be
 * NULL) says in a static phrase why the cookie was ignored, NULL when it was taken (or
 * removed: one that has expired removes its like). */
enum lf_err lf_jar_set(struct lf_jar *jar, const struct lf_url *url, const char *value,
                       size_t n, int64_t now, const char **why);

/* Append the value of the Cookie header for a request to `url`, nothing when there is
 * none: longer paths first, then older cookies. Secure ones go over https and wss only,
 * be the host localhost or not. */
enum lf_err lf_jar_header(struct lf_jar *jar, const struct lf_url *url, int64_t now,
                          struct lf_buf *out);

/* Put a cookie in by hand: copied, with created and used as `now`. The domain may be
 * written in any way a host can, with a dot in front; a public suffix is host-only. One
 * that has expired removes its like. LF_EREQUEST with *why a static phrase about what
 * cannot be a cookie; LF_ERESOURCE. */
enum lf_err lf_jar_add(struct lf_jar *jar, const struct lf_cookie *c, int64_t now,
                       const char **why);

/* Copies of all cookies that have not expired, oldest first: *list has *n and lies, with
 * all it points to, in `out`, which is empty and stays the caller's. LF_ERESOURCE. */
enum lf_err lf_jar_list(struct lf_jar *jar, int64_t now, struct lf_buf *out,
                        const struct lf_cookie **list, size_t *n);
size_t lf_jar_count(const struct lf_jar *jar);   /* expired ones may be among them */
size_t lf_jar_evicted(const struct lf_jar *jar); /* how many had to make room so far */

/* Remove all cookies of that domain, path and name; a part whose p is NULL is any. The
 * domain is as in struct lf_cookie. Returns their number. */
size_t lf_jar_delete(struct lf_jar *jar, struct lf_span domain, struct lf_span path,
                     struct lf_span name);
void lf_jar_clear(struct lf_jar *jar);

/* The host of a domain as people write it (".Bücher.example"), appended in the form that
 * cookies have. LF_OK, LF_EURL, LF_ERESOURCE. */
enum lf_err lf_cookie_domain(struct lf_buf *out, const char *s, size_t n);

/* --- Netscape's file format, as curl and wget write it --- */

struct lf_jar_report {
    struct lf_buf *why; /* borrowed: gets what went wrong, naming file and line */
    size_t cookies;     /* read or written */
    size_t left_out;    /* lines or cookies that were not */
};

/* Add the cookies of a file. LF_OK; LF_EIO: it cannot be read; LF_EPARSE: some lines are
 * no cookies, all others are in the jar; LF_ETOOLARGE: they are, but the jar did not hold
 * all; LF_ERESOURCE. Expired ones are skipped. An expiry beyond LF_COOKIE_LIFE is kept.
 */
enum lf_err lf_jar_load(struct lf_jar *jar, const char *path, int64_t now,
                        struct lf_jar_report *r);

/* Write all cookies that have not expired, those of the session too: to a temporary file
 * beside it that only the owner may read, and renamed when whole. SameSite and times of
 * creation have no place in the format; neither have cookies without a name or with a
 * tab, which are left out and counted. LF_OK, LF_EIO, LF_ERESOURCE. */
enum lf_err lf_jar_save(struct lf_jar *jar, const char *path, int64_t now,
                        struct lf_jar_report *r);

#endif
