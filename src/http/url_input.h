/* The input of the URL parser before it is parsed: looked over once, trimmed, cleaned. */
#ifndef LF_HTTP_URL_INPUT_H
#define LF_HTTP_URL_INPUT_H

#include <stddef.h>
#include "base/buf.h"

/* What lf_url_look_over finds: bytes that ask for a cleaned copy, bytes to be escaped. */
enum { LF_URL_UNCLEAN = 1, LF_URL_ESCAPE = 2 };

unsigned lf_url_look_over(const char *s, size_t n);

/* Take controls and spaces off both ends. */
void lf_url_trim(const char **s, size_t *n);

/* Append s without tabs and line ends, invalid UTF-8 replaced by U+FFFD. */
enum lf_err lf_url_clean(struct lf_buf *to, const char *s, size_t n);

#endif
