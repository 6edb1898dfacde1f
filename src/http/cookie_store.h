/* Where a jar keeps its cookies, for cookie.c. Hosts and domains are followed by a NUL.
 */
#ifndef LF_HTTP_COOKIE_STORE_H
#define LF_HTTP_COOKIE_STORE_H

#include "base/list.h"
#include "http/cookie.h"

struct lf_entry {
    struct lf_cookie c; /* spans point into text */
    struct lf_list lru; /* of all cookies of the jar, least recently used first */
    uint64_t seq;       /* age in the jar; kept when the cookie is set again */
    char text[];
};

/* The cookies of a registrable domain; of a host that has none, its own. */
struct lf_bucket {
    struct lf_bucket *next; /* owned: of the same head */
    struct lf_entry **v;    /* owned, in the order of sending */
    size_t n, cap;
    uint32_t hash;
    size_t key_len;
    char key[];
};

/* Where the cookies for the host are, those that expired removed; NULL: none. Valid
 * until the jar changes. */
struct lf_bucket *lf_jar_find(struct lf_jar *jar, struct lf_span host, int64_t now);

/* It is sent. */
void lf_jar_touch(struct lf_jar *jar, struct lf_entry *e, int64_t now);

/* Put a copy in, or remove its like when it has expired; keeps the limits. */
enum lf_err lf_jar_put(struct lf_jar *jar, const struct lf_cookie *c, int64_t now);

#endif
