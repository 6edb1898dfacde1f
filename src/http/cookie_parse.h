/* The Set-Cookie value and the two matches of RFC 6265bis, for cookie.c. */
#ifndef LF_HTTP_COOKIE_PARSE_H
#define LF_HTTP_COOKIE_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include "http/cookie.h"

/* What a Set-Cookie says; spans are borrowed from it. */
struct lf_set_cookie {
    struct lf_span name, value;
    struct lf_span domain; /* as written, without the first dot; empty: host-only */
    struct lf_span path;   /* empty: the default path */
    bool has_path;         /* there was an attribute Path, whatever it said */
    bool secure, http_only;
    uint8_t same_site;
    int64_t expires; /* INT64_MIN: it has expired */
};

/* §5.6. False with *why, a static phrase, when all of it is to be ignored. */
bool lf_set_cookie_parse(struct lf_set_cookie *c, const char *s, size_t n, int64_t now,
                         const char **why);

/* Does it hold a byte that no cookie may have: a control other than tab? */
bool lf_cookie_has_control(struct lf_span s);

/* §5.8.3 "__Secure-" and "__Host-", in any case: the longest of the two that s begins
 * with. */
enum lf_cookie_prefix { LF_PREFIX_NONE, LF_PREFIX_SECURE, LF_PREFIX_HOST };
enum lf_cookie_prefix lf_cookie_prefix(struct lf_span s);

bool lf_span_eq(struct lf_span a, struct lf_span b);

/* §5.1.3: is the host this domain, or below it? Both in canonical form. */
bool lf_domain_match(struct lf_span host, struct lf_span domain);
bool lf_host_is_address(struct lf_span host);

/* §5.1.4 */
bool lf_path_match(struct lf_span path, struct lf_span cookie_path);
struct lf_span lf_default_path(struct lf_span url_path);

#endif
