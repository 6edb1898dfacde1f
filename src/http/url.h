/* URLs as browsers read them: the basic URL parser of the WHATWG URL standard (§4.4),
 * used alike for what scripts give, for redirects and for what libcurl is told.
 *
 * A struct lf_url holds one string, the serialized URL, and where its parts begin. Zero
 * it (LF_URL_INIT) before its first use; parsing into it again re-uses its memory, so
 * that a kept lf_url parses without allocation and a fresh one with one. It may be moved
 * by assignment. Spans point into the string: they are void after the next parse or free.
 */
#ifndef LF_HTTP_URL_H
#define LF_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* Schemes the standard calls special. */
enum lf_url_scheme {
    LF_URL_OTHER,
    LF_URL_HTTP,
    LF_URL_HTTPS,
    LF_URL_WS,
    LF_URL_WSS,
    LF_URL_FTP,
    LF_URL_FILE
};

#define LF_URL_NONE UINT32_MAX         /* there is no such part */
#define LF_URL_MAX  ((size_t)64 << 20) /* bytes a serialized URL may have */
#define LF_URL_INIT ((struct lf_url){.href = {.max = LF_URL_MAX}})

/* https://user:pass@example.com:8080/path?query#fragment
 *      |      |    ||          |   |    |     `fragment_start
 *      |      |    ||          |   |    `query_start
 *      |      |    ||          |   `path_start
 *      |      |    ||          `host_end
 *      |      |    |`host_start
 *      |      `user_end
 *      `scheme_end
 * Without "//" user_end, host_start and host_end stand after the ':' of the scheme. */
struct lf_url {
    struct lf_buf href; /* owned: the serialized URL, ended by a NUL */
    uint32_t scheme_end, user_end, host_start, host_end, path_start;
    uint32_t query_start, fragment_start; /* of '?' and '#', or LF_URL_NONE */
    int32_t port;                         /* -1: none, or the scheme's default */
    uint8_t scheme;                       /* enum lf_url_scheme */
    bool has_host;                        /* it has "//"; the host may be empty */
    bool opaque;                          /* "mailto:x": the path is no list */
};

struct lf_span {
    const char *p; /* NULL: the part is absent */
    size_t len;
};

/* Parse s, relative to base unless that is NULL. u is neither base nor s's memory.
 * LF_OK; LF_EURL with *why a static phrase like "the port is not a number from 0 to
 * 65535"; LF_ERESOURCE. After a failure u is empty: it may be parsed into or freed. */
enum lf_err lf_url_parse(struct lf_url *u, const char *s, size_t n,
                         const struct lf_url *base, const char **why);
enum lf_err lf_url_copy(struct lf_url *to, const struct lf_url *from);
void lf_url_free(struct lf_url *u); /* u is as LF_URL_INIT */

/* The parts, without the punctuation around them and percent-encoded as in the URL. A
 * host that is an IPv6 address keeps its brackets. `username` and `password` are absent
 * when empty, `host` when the URL has no "//"; `path` is never absent. */
struct lf_span lf_url_scheme_name(const struct lf_url *u);
struct lf_span lf_url_username(const struct lf_url *u);
struct lf_span lf_url_password(const struct lf_url *u);
struct lf_span lf_url_host(const struct lf_url *u);
struct lf_span lf_url_path(const struct lf_url *u);
struct lf_span lf_url_query(const struct lf_url *u);
struct lf_span lf_url_fragment(const struct lf_url *u);

/* "host:port" without userinfo and without the default port, as in the Host header. */
struct lf_span lf_url_authority(const struct lf_url *u);
/* Path and query, as in the request line of HTTP. */
struct lf_span lf_url_target(const struct lf_url *u);
/* All but the fragment; starts at href. */
struct lf_span lf_url_without_fragment(const struct lf_url *u);

/* The special scheme of that name in any case, or LF_URL_OTHER. */
enum lf_url_scheme lf_url_scheme_of(const char *s, size_t n);
int lf_url_default_port(enum lf_url_scheme scheme); /* -1: none */

/* The port, or the default of the scheme; -1 when there is none. */
int lf_url_port(const struct lf_url *u);
bool lf_url_is_http(const struct lf_url *u); /* http or https */
bool lf_url_has_userinfo(const struct lf_url *u);

/* §4.7: same scheme, host and port. False for schemes without an origin such as file. */
bool lf_url_same_origin(const struct lf_url *a, const struct lf_url *b);

/* Append "https://host:port" without a default port. *opaque tells that the URL has no
 * origin ("null" in the standard); nothing is appended then. */
enum lf_err lf_url_origin(const struct lf_url *u, struct lf_buf *out, bool *opaque);
/* Append the URL without user, password and, when asked, fragment. */
enum lf_err lf_url_without_userinfo(const struct lf_url *u, bool fragment,
                                    struct lf_buf *out);

/* What may be shown of a text that is no URL: the parts around what may be a user and a
 * password in it. */
void lf_url_shown(const char *s, size_t n, struct lf_span part[2]);
/* Append them. */
enum lf_err lf_url_redact(const char *s, size_t n, struct lf_buf *out);

/* Append the form two URLs are compared in: no fragment, escapes in upper case, no escape
 * for what needs none (RFC 3986 §6.2.2); with sort_query the pieces between '&' of the
 * query in byte order of their names, equal names in the order they had. */
enum lf_err lf_url_canonical(const struct lf_url *u, bool sort_query, struct lf_buf *out);

#endif
