/* Dates of HTTP: read leniently, as curl does, or by the cookie algorithm; written as
 * IMF-fixdate. And those of ISO 8601 (date_iso.c). Seconds since 1970-01-01 00:00:00 UTC
 * without leap seconds; may be negative. Any bytes are safe to give. */
#ifndef LF_HTTP_DATE_H
#define LF_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 9110 §5.6.7 (IMF-fixdate, RFC 850, asctime) and what curl_getdate takes besides:
 * any order of the parts, numeric and named zones, "20040912 15:05:58 -0700". Days behind
 * a month's last run into the next. False when s is no date from the year 1583 on. */
bool lf_date_parse(const char *s, size_t n, int64_t *epoch);

/* The cookie-date of RFC 6265bis §5.1.1, which ignores zones and names of days. */
bool lf_date_parse_cookie(const char *s, size_t n, int64_t *epoch);

#define LF_DATE_LEN 30 /* "Sun, 06 Nov 1994 08:49:37 GMT" and the NUL */

/* IMF-fixdate. Times outside of the years 0 to 9999 are brought to the nearest inside. */
void lf_date_format(int64_t epoch, char out[LF_DATE_LEN]);

/* ISO 8601 as the web writes it (RFC 3339 and W3C-DTF): a year, month or day,
 * "2024-02-29" or "20240229"; then perhaps 'T' or a blank and the time to the minute, the
 * second or a fraction; then perhaps a zone, "Z", "+01", "+01:00" or "+0100"; without one
 * it is UTC. *nanos is the fraction, from 0 and cut to nine digits. False when s, blanks
 * around it taken off, is anything else or no such day. */
bool lf_date_parse_iso(const char *s, size_t n, int64_t *epoch, int *nanos);

#define LF_DATE_ISO_LEN 25 /* "1994-11-06T08:49:37.123Z" and the NUL */

/* In UTC, with milliseconds unless `millis` is negative. Years as above. */
void lf_date_format_iso(int64_t epoch, int millis, char out[LF_DATE_ISO_LEN]);

#endif
