/* Free lists by size for libcurl, and the reserve for libev.
 *
 * Every block is a malloc of its own with its class in front, so that any thread may free
 * any block: the lists belong to the thread that opened them, others go past them. */
#include "engine/alloc.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>

enum {
    STEP = 16,
    CLASSES = 64,       /* blocks up to 1 KB */
    LARGE = CLASSES,    /* class of all others */
    MAX_IDLE = 8 << 20, /* bytes that wait in lists */
};

struct block {
    alignas(max_align_t) union {
        size_t size;        /* in use: what was asked for */
        struct block *next; /* in a list */
    };
    unsigned class;
};

static struct block *lists[CLASSES]; /* owned */
static size_t idle;
static _Thread_local bool mine; /* the lists are this thread's */

static unsigned class_of(size_t n)
{
    return n <= CLASSES * STEP ? (unsigned)((n ? n - 1 : 0) / STEP) : LARGE;
}

static void *use(struct block *b, size_t n)
{
    b->size = n;
    return b + 1;
}

static void *pool_malloc(size_t n)
{
    unsigned class = class_of(n);
    struct block *b;
    if (class != LARGE && mine && lists[class]) {
        b = lists[class];
        lists[class] = b->next;
        idle -= (class + 1) * STEP;
        return use(b, n);
    }
    if (n > PTRDIFF_MAX - sizeof *b)
        return NULL;
    b = malloc(sizeof *b + (class == LARGE ? n : (class + 1) * STEP));
    if (!b)
        return NULL;
    b->class = class;
    return use(b, n);
}

static void pool_free(void *p)
{
    if (!p)
        return;
    struct block *b = (struct block *)p - 1;
    if (b->class == LARGE || !mine || idle >= MAX_IDLE) {
        free(b);
        return;
    }
    b->next = lists[b->class];
    lists[b->class] = b;
    idle += (b->class + 1) * STEP;
}

static void *pool_calloc(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    void *p = pool_malloc(total);
    return p ? memset(p, 0, total) : NULL;
}

static void *pool_realloc(void *p, size_t n)
{
    if (!p)
        return pool_malloc(n);
    struct block *b = (struct block *)p - 1;
    if (b->class != LARGE && n <= (b->class + 1) * STEP)
        return use(b, n);
    if (b->class == LARGE && class_of(n) == LARGE && n <= PTRDIFF_MAX - sizeof *b) {
        b = realloc(b, sizeof *b + n);
        return b ? use(b, n) : NULL;
    }
    void *q = pool_malloc(n);
    if (!q)
        return NULL;
    memcpy(q, p, b->size < n ? b->size : n);
    pool_free(p);
    return q;
}

static char *pool_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = pool_malloc(n);
    return p ? memcpy(p, s, n) : NULL;
}

/* Under a checker of memory every block must live and die for itself. */
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

bool lf_alloc_global_init(void)
{
    mine = true;
    if (PLAIN || getenv("LF_PLAIN_MALLOC"))
        return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, pool_malloc, pool_free, pool_realloc,
                                pool_strdup, pool_calloc) == CURLE_OK;
}

void lf_alloc_global_cleanup(void)
{
    curl_global_cleanup();
    for (unsigned i = 0; i < CLASSES; i++) {
        while (lists[i]) {
            struct block *b = lists[i];
            lists[i] = b->next;
            free(b);
        }
    }
    idle = 0;
    mine = false;
}

/* ---- libev ---- */

/* Of its arrays all may grow at once, each to twice its size with the old one beside:
 * what it knows of a descriptor, what is pending, what changed, and epoll's events. */
enum { PER_DESCRIPTOR = 128, AT_LEAST = 64 };

static void *reserve; /* owned */
static size_t reserved;

bool lf_alloc_reserve(size_t nfds)
{
    size_t size = (nfds > AT_LEAST ? nfds : AT_LEAST) * PER_DESCRIPTOR;
    if (size <= reserved)
        return true;
    void *larger = malloc(size);
    if (!larger)
        return false;
    free(reserve);
    reserve = larger;
    reserved = size;
    return true;
}

void *lf_alloc_for_loop(void *p, long size)
{
    if (size <= 0) {
        free(p);
        return NULL;
    }
    void *q = realloc(p, (size_t)size);
    if (q || !reserve)
        return q;
    free(reserve);
    reserve = NULL;
    reserved = 0;
    return realloc(p, (size_t)size);
}
