/* Shared strings outside of Lua. */
#include "bind/sched.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lf_text *lf_text_new(const char *s, size_t len)
{
    struct lf_text *t = malloc(sizeof *t + len + 1);
    if (!t)
        return NULL;
    t->refs = 1;
    memcpy(t->s, s, len);
    t->s[len] = '\0';
    return t;
}

struct lf_text *lf_text_newf(const char *fmt, ...)
{
    char s[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s, sizeof s, fmt, ap);
    va_end(ap);
    return lf_text_new(s, strlen(s));
}

struct lf_text *lf_text_ref(struct lf_text *t)
{
    if (t)
        t->refs++;
    return t;
}

void lf_text_unref(struct lf_text *t)
{
    if (t && --t->refs == 0)
        free(t);
}
