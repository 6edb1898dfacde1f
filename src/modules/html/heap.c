/* Pieces lie one behind the other in blocks. In front of each stands its size, or 0 when
 * it is malloc's: so that free and realloc know what they have in hand. */
#include "modules/html/heap.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/xmlmemory.h>

/* Under a checker of memory every piece must live and die for itself. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PLAIN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define PLAIN 1
#endif
#ifndef PLAIN
#define PLAIN 0
#endif

enum {
    FIRST = 4 << 10,  /* bytes of a first block; each is as large as all before it … */
    BLOCK = 64 << 10, /* … up to this; what is larger has one of its own */
    KEPT = 32,        /* blocks that wait for the next tree: they are warm */
    ALIGN = alignof(void *),
    HEAD = alignof(max_align_t), /* in front of a piece of malloc's; in blocks ALIGN */
};

struct block {
    struct block *next; /* owned */
    size_t size;        /* of all of it */
};

struct lf_heap {
    struct block *blocks;    /* owned, newest first; the heap lies in the oldest */
    char *at, *end, *newest; /* free room of the newest block; its last piece, or NULL */
    size_t size;             /* of all blocks */
};

static _Thread_local struct lf_heap *open_heap; /* borrowed */

/* ---- blocks ---- */

static struct {
    pthread_mutex_t lock;
    struct block *list; /* owned; each BLOCK bytes */
    int count;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct block *take_kept(void)
{
    pthread_mutex_lock(&kept.lock);
    struct block *b = kept.list;
    if (b) {
        kept.list = b->next;
        kept.count--;
    }
    pthread_mutex_unlock(&kept.lock);
    return b;
}

static struct block *block_new(size_t size)
{
    struct block *b = size == BLOCK ? take_kept() : NULL;
    if (!b)
        b = malloc(size);
    if (b)
        *b = (struct block){.size = size};
    return b;
}

/* All that can be kept are kept, the others freed. */
static void blocks_free(struct block *b)
{
    pthread_mutex_lock(&kept.lock);
    while (b) {
        struct block *next = b->next;
        if (b->size == BLOCK && kept.count < KEPT) {
            b->next = kept.list;
            kept.list = b;
            kept.count++;
        } else {
            free(b);
        }
        b = next;
    }
    pthread_mutex_unlock(&kept.lock);
}

/* ---- pieces ---- */

static size_t *size_of(void *p)
{
    return (size_t *)p - 1;
}

static size_t aligned(size_t n)
{
    return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* A block behind the others, of which `room` bytes are wanted. */
static bool add_block(struct lf_heap *h, size_t room)
{
    size_t size = sizeof(struct block) + room;
    size_t usual = h->size < FIRST ? FIRST : h->size < BLOCK ? h->size : BLOCK;
    struct block *b = block_new(size > usual ? size : usual);
    if (!b)
        return false;
    b->next = h->blocks;
    h->blocks = b;
    h->at = (char *)(b + 1);
    h->end = (char *)b + b->size;
    h->size += b->size;
    return true;
}

static void *heap_take(struct lf_heap *h, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n += !n; /* 0 would say that it is malloc's */
    size_t room = aligned(n) + sizeof(size_t);
    if (room > (size_t)(h->end - h->at) && !add_block(h, room))
        return NULL;
    char *p = h->at + sizeof(size_t);
    *size_of(p) = n;
    h->at += room;
    h->newest = p;
    return p;
}

static void *plain_take(void *old, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    char *p = realloc(old ? (char *)old - HEAD : NULL, HEAD + n);
    if (!p)
        return NULL;
    p += HEAD;
    *size_of(p) = 0;
    return p;
}

/* ---- what libxml2 calls ---- */

static void *heap_malloc(size_t n)
{
    return open_heap ? heap_take(open_heap, n) : plain_take(NULL, n);
}

static void heap_free(void *p)
{
    struct lf_heap *h = open_heap;
    if (!p)
        return;
    if (!*size_of(p)) {
        free((char *)p - HEAD);
    } else if (h && p == h->newest) {
        h->at = (char *)size_of(p);
        h->newest = NULL;
    }
}

/* The newest piece grows where it is. */
static bool grow_newest(struct lf_heap *h, void *p, size_t n)
{
    if (!h || p != h->newest || aligned(n) > (size_t)(h->end - h->newest))
        return false;
    h->at = h->newest + aligned(n);
    *size_of(p) = n;
    return true;
}

static void *heap_realloc(void *p, size_t n)
{
    if (!p || !*size_of(p))
        return p ? plain_take(p, n) : heap_malloc(n);
    if (n <= *size_of(p) || grow_newest(open_heap, p, n))
        return p;
    void *q = heap_malloc(n);
    if (q) {
        memcpy(q, p, *size_of(p));
        heap_free(p);
    }
    return q;
}

static char *heap_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = heap_malloc(n);
    return p ? memcpy(p, s, n) : NULL;
}

static void plain_free(void *p)
{
    free(p);
}

/* When the program ends, libxml2 takes down all that its parsers need, while a thread may
 * still be parsing what nobody waits for. It leaves that when memory is not freed by
 * free() itself. */
void lf_heap_init(void)
{
    if (PLAIN)
        xmlMemSetup(plain_free, malloc, realloc, strdup);
    else
        xmlMemSetup(heap_free, heap_malloc, heap_realloc, heap_strdup);
}

/* ---- heaps ---- */

struct lf_heap *lf_heap_open(void)
{
    struct lf_heap first = {0};
    if (PLAIN || !add_block(&first, sizeof first))
        return NULL;
    struct lf_heap *h = (struct lf_heap *)first.at;
    first.at += sizeof first;
    *h = first;
    open_heap = h;
    return h;
}

void lf_heap_close(void)
{
    open_heap = NULL;
}

size_t lf_heap_size(const struct lf_heap *h)
{
    return h->size;
}

void lf_heap_free(struct lf_heap *h)
{
    if (h)
        blocks_free(h->blocks);
}
