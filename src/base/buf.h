/* A byte buffer with a hard maximum from birth.
 *
 * The bytes are always followed by a NUL that is not counted. A pointer into a buffer is
 * void after the next call that adds to it. When an addition fails the buffer keeps what
 * it had: LF_ETOOLARGE over the maximum, LF_ERESOURCE when memory ends. */
#ifndef LF_BASE_BUF_H
#define LF_BASE_BUF_H

#include <stddef.h>
#include "base/err.h"

struct lf_buf {
    char *p;    /* owned; NULL until something was added */
    size_t len; /* bytes in use */
    size_t cap; /* bytes that fit without growing, the NUL not counted */
    size_t max; /* len never exceeds this */
};

#define LF_BUF_MAX ((size_t)1 << 46) /* "no limit", safe to add to */

void lf_buf_init(struct lf_buf *b, size_t max);
void lf_buf_free(struct lf_buf *b);  /* frees the memory; b is as after init */
void lf_buf_reset(struct lf_buf *b); /* length 0, keeps the memory */

/* Make room for `more` bytes beyond len without changing len. */
enum lf_err lf_buf_reserve(struct lf_buf *b, size_t more);
enum lf_err lf_buf_add(struct lf_buf *b, const void *p, size_t n);
enum lf_err lf_buf_adds(struct lf_buf *b, const char *s);
enum lf_err lf_buf_addc(struct lf_buf *b, char c);
enum lf_err lf_buf_addf(struct lf_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
