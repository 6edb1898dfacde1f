/* An ordered list of header fields, sent or received: names keep their case and compare
 * without it, repeated names and their order survive.
 *
 * All fields lie in one flat block, so that a whole list is copied with one memcpy:
 * {uint32 name length, uint32 value length, name, NUL, value, NUL} again and again. */
#ifndef LF_HTTP_HEADERS_H
#define LF_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

struct lf_headers {
    struct lf_buf block;
    unsigned count;
};

struct lf_header {
    const char *name, *value; /* borrowed from the block, NUL-ended */
    size_t name_len, value_len;
};

void lf_headers_init(struct lf_headers *h);
void lf_headers_free(struct lf_headers *h);
void lf_headers_reset(struct lf_headers *h); /* empty, keeps the memory */

enum lf_err lf_headers_add(struct lf_headers *h, const char *name, size_t nlen,
                           const char *value, size_t vlen);
/* Append a space and `more` to the value of the last field, which begins at `last` in the
 * block: a folded line. */
enum lf_err lf_headers_continue(struct lf_headers *h, size_t last, const char *more,
                                size_t n);
/* Remove every field of that name; true when there was one. */
bool lf_headers_remove(struct lf_headers *h, const char *name, size_t nlen);
enum lf_err lf_headers_copy(struct lf_headers *to, const struct lf_headers *from);

/* Walk: start with *at = 0; false at the end. Works on any copy of a block too. */
bool lf_headers_next(const char *block, size_t len, size_t *at, struct lf_header *out);
/* First field of that name at or after *at; *at moves behind it. */
bool lf_headers_find(const char *block, size_t len, size_t *at, const char *name,
                     size_t nlen, struct lf_header *out);
/* The first field of that name in h. */
bool lf_headers_get(const struct lf_headers *h, const char *name, struct lf_header *out);

/* RFC 9110 §5.6.2 token: methods and field names. */
bool lf_token_valid(const char *s, size_t n);
/* A field value that can be sent: no CR, LF or NUL. */
bool lf_value_valid(const char *s, size_t n);

#endif
