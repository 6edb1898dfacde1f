/* The timer heap. */
#include "engine/timer.h"

#include <stdlib.h>
#include "engine/engine.h"

enum { ARY = 4, FIRST = 64 };

static bool before(const struct lf_timer *a, const struct lf_timer *b)
{
    return a->due < b->due || (a->due == b->due && a->seq < b->seq);
}

static void put(struct lf_timers *h, size_t i, struct lf_timer *t)
{
    h->heap[i] = t;
    t->pos = i + 1;
}

static void sift_up(struct lf_timers *h, size_t i, struct lf_timer *t)
{
    while (i) {
        size_t up = (i - 1) / ARY;
        if (!before(t, h->heap[up]))
            break;
        put(h, i, h->heap[up]);
        i = up;
    }
    put(h, i, t);
}

static size_t first_child(const struct lf_timers *h, size_t i)
{
    size_t best = i * ARY + 1;
    for (size_t c = best + 1; c < h->n && c <= i * ARY + ARY; c++)
        if (before(h->heap[c], h->heap[best]))
            best = c;
    return best;
}

static void sift_down(struct lf_timers *h, size_t i, struct lf_timer *t)
{
    while (i * ARY + 1 < h->n) {
        size_t c = first_child(h, i);
        if (!before(h->heap[c], t))
            break;
        put(h, i, h->heap[c]);
        i = c;
    }
    put(h, i, t);
}

void lf_timers_free(struct lf_timers *h)
{
    free(h->heap);
    *h = (struct lf_timers){0};
}

static bool grow(struct lf_timers *h)
{
    size_t cap = h->cap ? h->cap * 2 : FIRST;
    struct lf_timer **heap = realloc(h->heap, cap * sizeof *heap);
    if (!heap)
        return false;
    h->heap = heap;
    h->cap = cap;
    return true;
}

bool lf_timers_add(struct lf_timers *h, struct lf_timer *t, double due)
{
    lf_timers_remove(h, t);
    if (h->n == h->cap && !grow(h))
        return false;
    t->due = due;
    t->seq = h->seq++;
    h->strong += !t->weak;
    sift_up(h, h->n++, t);
    return true;
}

void lf_timers_remove(struct lf_timers *h, struct lf_timer *t)
{
    if (!t->pos)
        return;
    size_t i = t->pos - 1;
    struct lf_timer *last = h->heap[--h->n];
    t->pos = 0;
    h->strong -= !t->weak;
    if (last == t)
        return;
    if (i && before(last, h->heap[(i - 1) / ARY]))
        sift_up(h, i, last);
    else
        sift_down(h, i, last);
}

double lf_timers_due(const struct lf_timers *h)
{
    return h->n ? h->heap[0]->due : LF_NEVER;
}

bool lf_timers_run(struct lf_timers *h, double now)
{
    uint64_t until = h->seq;
    bool any = false;
    while (h->n && h->heap[0]->due <= now && h->heap[0]->seq < until) {
        struct lf_timer *t = h->heap[0];
        lf_timers_remove(h, t);
        t->fire(t);
        any = true;
    }
    return any;
}
