/* Punycode (RFC 3492), without the "xn--" in front. */
#ifndef LF_HTTP_PUNYCODE_H
#define LF_HTTP_PUNYCODE_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* Append the encoding of n code points; LF_EURL when a number grows over 32 bits. */
enum lf_err lf_punycode_encode(struct lf_buf *out, const uint32_t *s, size_t n);

/* Decode s into at most *len code points at `to`, *len the number found. LF_EURL when s
 * is no punycode or does not fit. */
enum lf_err lf_punycode_decode(const char *s, size_t n, uint32_t *to, size_t *len);

#endif
