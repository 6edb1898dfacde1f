/* Bump allocation in blocks of growing size. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1000, ALIGN = alignof(max_align_t) };

struct lf_arena_block {
    struct lf_arena_block *next; /* owned */
    size_t size;
    alignas(max_align_t) char room[];
};

void lf_arena_init(struct lf_arena *a)
{
    *a = (struct lf_arena){0};
}

void lf_arena_free(struct lf_arena *a)
{
    struct lf_arena_block *b = a->blocks;
    while (b) {
        struct lf_arena_block *next = b->next;
        free(b);
        b = next;
    }
    lf_arena_init(a);
}

void lf_arena_reset(struct lf_arena *a)
{
    struct lf_arena_block *kept = a->blocks;
    if (!kept)
        return;
    a->blocks = kept->next;
    if (kept->size > BLOCK) {
        a->blocks = kept;
        lf_arena_free(a);
        return;
    }
    lf_arena_free(a);
    kept->next = NULL;
    *a = (struct lf_arena){kept, kept->room, kept->room + kept->size};
}

static void *grow(struct lf_arena *a, size_t n)
{
    size_t size = n > BLOCK ? n : BLOCK;
    struct lf_arena_block *b = malloc(sizeof *b + size);
    if (!b)
        return NULL;
    b->next = a->blocks;
    b->size = size;
    a->blocks = b;
    a->at = b->room + n;
    a->end = b->room + size;
    return b->room;
}

void *lf_arena_alloc(struct lf_arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!a->at || n > (size_t)(a->end - a->at))
        return grow(a, n);
    void *p = a->at;
    a->at += n;
    return p;
}

char *lf_arena_dup(struct lf_arena *a, const char *s, size_t n)
{
    char *p = lf_arena_alloc(a, n + 1);
    if (!p)
        return NULL;
    if (n)
        memcpy(p, s, n);
    p[n] = '\0';
    return p;
}
