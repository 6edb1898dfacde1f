/* What a server says about when it may be asked again: Retry-After (RFC 9110 §10.2.3) and
 * the fields for rate limits that are in use: RateLimit-Remaining and -Reset, RateLimit
 * (draft-ietf-httpapi-ratelimit-headers), X-RateLimit-Remaining and -Reset. Any bytes are
 * safe to give. */
#ifndef LF_HTTP_THROTTLE_H
#define LF_HTTP_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>
#include "http/headers.h"

/* Seconds, 0 or more, from the field's number or date; false when there is none, or
 * nothing sensible: negative numbers, words. `now`: seconds since 1970. */
bool lf_retry_after(const struct lf_headers *h, int64_t now, double *seconds);

/* Nothing remains, and so many seconds until something does. An X-RateLimit-Reset from
 * the year 2001 on is a time, less is a number of seconds. */
bool lf_rate_exhausted(const struct lf_headers *h, int64_t now, double *seconds);

#endif
