/* Percent-encoding: which byte is escaped where (WHATWG URL §1.3), form-urlencoding (§5)
 * and the way back. Nothing here refuses input; an addition fails only when the buffer
 * does. */
#ifndef LF_HTTP_PERCENT_H
#define LF_HTTP_PERCENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* Encode sets, as bits of lf_percent_sets. Every set holds the controls and all bytes
 * from 0x7f. */
enum lf_percent_set {
    LF_PERCENT_C0 = 1,
    LF_PERCENT_FRAGMENT = 2,
    LF_PERCENT_QUERY = 4,
    LF_PERCENT_SPECIAL_QUERY = 8, /* the query of http and its like: also ' */
    LF_PERCENT_PATH = 16,
    LF_PERCENT_USERINFO = 32,
    LF_PERCENT_COMPONENT = 64, /* what encodeURIComponent escapes */
    LF_PERCENT_FORM = 128,     /* all but letters, digits and *-._ */
    LF_PERCENT_RESERVED = 256, /* all but RFC 3986's unreserved */
};

extern const uint16_t lf_percent_sets[256];

/* Write s encoded to w, which has room for 3 * n bytes; returns the end. */
char *lf_percent_put(char *w, const char *s, size_t n, enum lf_percent_set set);

/* Write "%XX" to w; returns the end. */
char *lf_percent_put_escape(char *w, unsigned char c);

enum lf_err lf_percent_encode(struct lf_buf *out, const char *s, size_t n,
                              enum lf_percent_set set);

/* A '%' without two hex digits stays as it is. */
enum lf_err lf_percent_decode(struct lf_buf *out, const char *s, size_t n);

/* The byte of the escape at s[0..2], or -1 when it is none; `end` bounds s. */
int lf_percent_byte(const char *s, const char *end);

/* application/x-www-form-urlencoded: as above, and a space is a '+'. */
enum lf_err lf_form_encode(struct lf_buf *out, const char *s, size_t n);
enum lf_err lf_form_decode(struct lf_buf *out, const char *s, size_t n);

/* One name=value of a query, still encoded; a piece without '=' has an empty value. */
struct lf_form_pair {
    const char *name, *value; /* borrowed from the query */
    size_t name_len, value_len;
};

/* Take the next pair off *s; empty pieces are passed over. False at the end. */
bool lf_form_next(const char **s, const char *end, struct lf_form_pair *pair);

#endif
