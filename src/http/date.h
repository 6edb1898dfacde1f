/* Dates of HTTP: read leniently, as curl does, or by the cookie algorithm; written as
 * IMF-fixdate. Seconds since 1970-01-01 00:00:00 UTC without leap seconds; may be
 * negative. Any bytes are safe to give. */
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

#endif
