/* What the fuzz targets share. A target is one file: tests/fuzz/X.c with
 * LLVMFuzzerTestOneInput in it, or tests/fuzz/X.lua, see lua/target.c. It says in its
 * opening comment what to begin with, a line each, read by seeds.lua:
 *
 *   seeds: PATTERN - files of the suites, or all of a folder, as they are; .html.gz
 *   unpacked, of .md the http blocks
 *
 *   seeds: FILE.json: a,b - of every object in it the fields a and b, a line each
 *
 *   seed: TEXT - with the escapes \r \n \\ \xNN
 *
 *   size: BYTES - the longest input; 4096 when not said
 *
 *   leaks: at the end - memory may live on to the next input
 *
 * clang-format leaves such lines as long as they are. X.dict beside it, if there is one,
 * is its dictionary. Bytes that choose among ways to do a thing are taken from the end of
 * the input, so that what is before is a readable text. */
#ifndef LF_FUZZ_H
#define LF_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must always hold. */
#define FUZZ_CHECK(cond)                                                                 \
    ((cond) ? (void)0                                                                    \
            : (fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond), \
               abort()))

/* A function whose comparisons the fuzzer does not learn from. */
#ifdef __clang__
#define FUZZ_UNSEEN __attribute__((no_sanitize("coverage")))
#else
#define FUZZ_UNSEEN
#endif

struct fuzz {
    const char *p; /* borrowed from the fuzzer */
    size_t n;
};

/* The last byte, taken off; 0 when there is none. */
static inline unsigned fuzz_byte(struct fuzz *in)
{
    return in->n ? (unsigned char)in->p[--in->n] : 0;
}

/* All up to the next newline, or the rest, taken off; false at the end. */
static inline bool fuzz_line(struct fuzz *in, struct fuzz *line)
{
    if (in->n == 0)
        return false;
    const char *nl = memchr(in->p, '\n', in->n);
    *line = (struct fuzz){in->p, nl ? (size_t)(nl - in->p) : in->n};
    size_t used = line->n + (nl != NULL);
    in->p += used;
    in->n -= used;
    return true;
}

/* As a block of its own without a NUL behind it, so that a sanitizer sees who reads too
 * far; the caller frees it. */
static inline char *fuzz_block(struct fuzz in)
{
    char *p = calloc(in.n ? in.n : 1, 1);
    FUZZ_CHECK(p);
    if (in.n)
        memcpy(p, in.p, in.n);
    return p;
}

/* As a string; the caller frees it. */
static inline char *fuzz_string(struct fuzz in)
{
    char *s = malloc(in.n + 1);
    FUZZ_CHECK(s);
    if (in.n)
        memcpy(s, in.p, in.n);
    s[in.n] = '\0';
    return s;
}

static inline bool fuzz_same(const struct lf_buf *a, const struct lf_buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

#endif
