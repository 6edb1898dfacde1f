/* bytes.h: growth by doubling, so that many small additions stay cheap. */
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
    if (!p) {
        fputs("faultd: out of memory\n", stderr);
        exit(70);
    }
    return p;
}

void *must_alloc(size_t n)
{
    return must(calloc(1, n));
}

void bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){0};
}

char *bytes_reserve(struct bytes *b, size_t more)
{
    if (b->cap - b->len < more) {
        size_t cap = b->cap ? b->cap : 256;
        while (cap - b->len < more)
            cap *= 2;
        b->p = must(realloc(b->p, cap));
        b->cap = cap;
    }
    return b->p + b->len;
}

void bytes_add(struct bytes *b, const void *p, size_t n)
{
    if (!n)
        return;
    memcpy(bytes_reserve(b, n), p, n);
    b->len += n;
}

void bytes_addf(struct bytes *b, const char *fmt, ...)
{
    for (size_t room = 192;; room *= 2) {
        char *at = bytes_reserve(b, room);
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(at, room, fmt, ap);
        va_end(ap);
        if (n < 0)
            return;
        if ((size_t)n < room) {
            b->len += (size_t)n;
            return;
        }
    }
}

void bytes_drop(struct bytes *b, size_t at, size_t n)
{
    if (!n)
        return;
    memmove(b->p + at, b->p + at + n, b->len - at - n);
    b->len -= n;
}
