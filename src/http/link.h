/* The Link header (RFC 8288): targets, relations and parameters.
 *
 *     struct lf_link link;
 *     lf_link_init(&link);
 *     for (const char *at = value; (err = lf_link_next(&link, &at, end)) == LF_OK;)
 *         …
 *     lf_link_free(&link); */
#ifndef LF_HTTP_LINK_H
#define LF_HTTP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "http/headers.h"
#include "http/url.h"

struct lf_link {
    struct lf_span target;    /* as written, relative to the page's URL; borrowed from the
                                 value; may be empty */
    struct lf_headers params; /* owned: names in lower case; values without quotes, those
                                 of "title*" and the like decoded to UTF-8 and under the
                                 name without the star; of equal names the first */
};

void lf_link_init(struct lf_link *l);
void lf_link_free(struct lf_link *l);

/* Take the next link off *at; what l held is replaced. LF_EPARSE at the end, and where
 * the value is no Link header any more (RFC 8288 B.2); LF_ERESOURCE. A value that names
 * several links and several header fields joined by ", " are the same. */
enum lf_err lf_link_next(struct lf_link *l, const char **at, const char *end);

/* The relations of its "rel", one word after the other: start with *at = 0. */
bool lf_link_next_rel(const struct lf_link *l, size_t *at, struct lf_span *rel);
bool lf_link_has_rel(const struct lf_link *l, const char *rel); /* case is ignored */

#endif
