/* Small allocations that die together. Nothing is freed singly; lf_arena_free frees all.
 * Every function that allocates returns NULL when memory ends and leaves the arena
 * usable. */
#ifndef LF_BASE_ARENA_H
#define LF_BASE_ARENA_H

#include <stddef.h>

struct lf_arena_block;

struct lf_arena {
    struct lf_arena_block *blocks; /* owned, newest first */
    char *at, *end;                /* free room of the newest block */
};

void lf_arena_init(struct lf_arena *a);
void lf_arena_free(struct lf_arena *a);  /* a is as after init */
void lf_arena_reset(struct lf_arena *a); /* forget all, keep one block for re-use */

void *lf_arena_alloc(struct lf_arena *a, size_t n); /* aligned for any type */
char *lf_arena_dup(struct lf_arena *a, const char *s, size_t n); /* adds a NUL */

#endif
