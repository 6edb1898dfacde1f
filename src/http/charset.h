/* Bytes in some charset → UTF-8, through iconv; what is no text becomes U+FFFD. */
#ifndef LF_HTTP_CHARSET_H
#define LF_HTTP_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

/* Find the charset parameter of a Content-Type value (RFC 9110 §8.3.1): where it stands
 * and its length, quotes left off; NULL when there is none. */
const char *lf_charset_param(const char *value, size_t n, size_t *len);

/* The charset a byte order mark tells, and the mark's length; NULL when there is none. */
const char *lf_charset_bom(const char *p, size_t n, size_t *len);

/* "utf-8" and its other names in any case; also ASCII's, which is a part of it. */
bool lf_charset_is_utf8(const char *label, size_t n);

/* Append s as UTF-8. Labels that the web uses for their Windows supersets (iso-8859-1,
 * gb2312 …) mean those (WHATWG Encoding §4.2). LF_EDECODE: nobody knows the label. */
enum lf_err lf_charset_decode(const char *label, size_t label_len, const char *s,
                              size_t n, struct lf_buf *out);

#endif
