/* A byte buffer with a hard maximum; grows by doubling. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 63 };

void lf_buf_init(struct lf_buf *b, size_t max)
{
    *b = (struct lf_buf){.max = max < LF_BUF_MAX ? max : LF_BUF_MAX};
}

void lf_buf_free(struct lf_buf *b)
{
    free(b->p);
    lf_buf_init(b, b->max);
}

void lf_buf_reset(struct lf_buf *b)
{
    b->len = 0;
    if (b->p)
        b->p[0] = '\0';
}

enum lf_err lf_buf_reserve(struct lf_buf *b, size_t more)
{
    if (more > b->max - b->len)
        return LF_ETOOLARGE;
    size_t need = b->len + more;
    if (b->p && need <= b->cap)
        return LF_OK;
    size_t cap = b->cap ? b->cap * 2 + 1 : FIRST_CAP;
    if (cap < need)
        cap = need;
    if (cap > b->max)
        cap = b->max;
    char *p = realloc(b->p, cap + 1);
    if (!p)
        return LF_ERESOURCE;
    p[b->len] = '\0';
    b->p = p;
    b->cap = cap;
    return LF_OK;
}

enum lf_err lf_buf_add(struct lf_buf *b, const void *p, size_t n)
{
    enum lf_err err = lf_buf_reserve(b, n);
    if (err)
        return err;
    if (n)
        memcpy(b->p + b->len, p, n);
    b->len += n;
    b->p[b->len] = '\0';
    return LF_OK;
}

enum lf_err lf_buf_adds(struct lf_buf *b, const char *s)
{
    return lf_buf_add(b, s, strlen(s));
}

enum lf_err lf_buf_addc(struct lf_buf *b, char c)
{
    return lf_buf_add(b, &c, 1);
}

enum lf_err lf_buf_addf(struct lf_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return LF_ERESOURCE;
    enum lf_err err = lf_buf_reserve(b, (size_t)n);
    if (err)
        return err;
    va_start(ap, fmt);
    vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return LF_OK;
}
