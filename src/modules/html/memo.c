/* An open-addressed hash table that only grows. */
#include "modules/html/memo.h"

#include <stdint.h>
#include <stdlib.h>

struct lf_memo_entry {
    const void *node, *about; /* borrowed; node NULL: free */
    int value;
};

static size_t memo_hash(const void *node, const void *about)
{
    uint64_t h = ((uintptr_t)node >> 4) * 0x9e3779b97f4a7c15u;
    h ^= ((uintptr_t)about >> 4) * 0xc2b2ae3d27d4eb4fu;
    return (size_t)(h ^ h >> 29);
}

static struct lf_memo_entry *memo_slot(const struct lf_memo *m, const void *node,
                                       const void *about)
{
    size_t i = memo_hash(node, about) & (m->cap - 1);
    while (m->entries[i].node &&
           (m->entries[i].node != node || m->entries[i].about != about))
        i = (i + 1) & (m->cap - 1);
    return &m->entries[i];
}

bool lf_memo_get(const struct lf_memo *m, const void *node, const void *about, int *value)
{
    if (!m || !m->used)
        return false;
    const struct lf_memo_entry *e = memo_slot(m, node, about);
    if (e->node)
        *value = e->value;
    return e->node;
}

static bool memo_grow(struct lf_memo *m)
{
    struct lf_memo bigger = {.cap = m->cap ? m->cap * 2 : 256, .used = m->used};
    bigger.entries = calloc(bigger.cap, sizeof *bigger.entries);
    if (!bigger.entries)
        return false;
    for (size_t i = 0; i < m->cap; i++) {
        const struct lf_memo_entry *e = &m->entries[i];
        if (e->node)
            *memo_slot(&bigger, e->node, e->about) = *e;
    }
    free(m->entries);
    *m = bigger;
    return true;
}

bool lf_memo_put(struct lf_memo *m, const void *node, const void *about, int value)
{
    if (!m || (m->used * 2 >= m->cap && !memo_grow(m)))
        return false;
    struct lf_memo_entry *e = memo_slot(m, node, about);
    m->used += !e->node;
    *e = (struct lf_memo_entry){node, about, value};
    return true;
}

void lf_memo_free(struct lf_memo *memo)
{
    free(memo->entries);
    *memo = (struct lf_memo){0};
}
