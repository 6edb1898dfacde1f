/* robots.txt (RFC 9309): who may fetch what.
 *
 * Any bytes are safe to give and cost time linear in their number; 500 KiB are read, as
 * the RFC says, and 16,664 bytes of a line. Beyond the RFC: Crawl-delay, keys that are
 * misspelt in the usual ways, a blank in place of the colon.
 *
 * Rules and paths are compared as written and in the form of RFC 9309 §2.2.2 (escapes of
 * unreserved characters undone). Where the two differ, the answer is the stricter one: a
 * Disallow holds in either form, an Allow only in both. */
#ifndef LF_HTTP_ROBOTS_H
#define LF_HTTP_ROBOTS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "http/url.h"

enum { LF_ROBOTS_MAX = 500 << 10, LF_ROBOTS_LINE = 16664 };

struct lf_robots;

struct lf_robots_rule {
    bool allow;
    unsigned line;       /* of the file, from 1 */
    struct lf_span path; /* borrowed from the lf_robots: escapes in upper case */
};

/* *out is the caller's to free. LF_OK or LF_ERESOURCE: nothing is no robots.txt. */
enum lf_err lf_robots_parse(const char *text, size_t n, struct lf_robots **out);
void lf_robots_free(struct lf_robots *r);

/* May `agent` fetch the URL (absolute, or a path with query)? Of the agent what stands
 * before a '/' counts, its product token, in any case. /robots.txt itself always may be
 * fetched. *rule is the one that decided,
 * NULL when none did; it is borrowed from r. LF_EURL with *why as lf_url_parse;
 * LF_ERESOURCE. */
enum lf_err lf_robots_check(const struct lf_robots *r, struct lf_span agent,
                            struct lf_span url, bool *allowed,
                            const struct lf_robots_rule **rule, const char **why);

/* Seconds between two requests of that agent; false when nothing is said. */
bool lf_robots_delay(const struct lf_robots *r, struct lf_span agent, double *seconds);

/* The Sitemap lines as they stand, i from 0; false behind the last. */
bool lf_robots_sitemap(const struct lf_robots *r, size_t i, struct lf_span *url);

/* Bytes of memory it holds, about. */
size_t lf_robots_size(const struct lf_robots *r);

#endif
