/* loop.h: the heap keeps pointers to timers, each timer its place in the heap, so that
 * ten thousand delays cost log n each and a closed connection disarms at once. */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"

static int poller = -1;
static bool stopping;
static struct timer **heap; /* owned array; the timers are their owners' */
static size_t heap_len, heap_cap;

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void put(size_t i, struct timer *t)
{
    heap[i] = t;
    t->slot = i + 1;
}

static void sift_up(size_t i, struct timer *t)
{
    while (i > 0 && heap[(i - 1) / 2]->due > t->due) {
        put(i, heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(i, t);
}

static void sift_down(size_t i, struct timer *t)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= heap_len)
            break;
        if (child + 1 < heap_len && heap[child + 1]->due < heap[child]->due)
            child++;
        if (heap[child]->due >= t->due)
            break;
        put(i, heap[child]);
        i = child;
    }
    put(i, t);
}

static void settle(size_t i, struct timer *t)
{
    sift_down(i, t);
    sift_up(t->slot - 1, t);
}

void loop_disarm(struct timer *t)
{
    if (!t->slot)
        return;
    size_t i = t->slot - 1;
    t->slot = 0;
    struct timer *last = heap[--heap_len];
    if (last != t)
        settle(i, last);
}

void loop_arm(struct timer *t, uint64_t ms)
{
    loop_disarm(t);
    t->due = now_us() + ms * 1000;
    if (heap_len == heap_cap) {
        size_t cap = heap_cap ? 2 * heap_cap : 1024;
        struct timer **grown = must_alloc(cap * sizeof *grown);
        for (size_t i = 0; i < heap_len; i++)
            grown[i] = heap[i];
        free(heap);
        heap = grown;
        heap_cap = cap;
    }
    sift_up(heap_len++, t);
}

/* Only what was due when we came: a timer armed by a callback waits for the next turn. */
static void fire_due(void)
{
    uint64_t now = now_us();
    while (heap_len && heap[0]->due <= now) {
        struct timer *t = heap[0];
        loop_disarm(t);
        t->fire(t);
    }
}

static int wait_ms(void)
{
    if (!heap_len)
        return -1;
    uint64_t now = now_us(), due = heap[0]->due;
    if (due <= now)
        return 0;
    uint64_t ms = (due - now + 999) / 1000;
    return ms > 60000 ? 60000 : (int)ms;
}

bool loop_open(void)
{
    poller = epoll_create1(EPOLL_CLOEXEC);
    return poller >= 0;
}

void loop_close(void)
{
    close(poller);
    free(heap);
    heap = NULL;
    heap_len = heap_cap = 0;
}

bool loop_watch(struct watch *w, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    return epoll_ctl(poller, EPOLL_CTL_ADD, w->fd, &ev) == 0;
}

void loop_stop(void)
{
    stopping = true;
}

void loop_run(void)
{
    struct epoll_event batch[256];
    while (!stopping) {
        int n = epoll_wait(poller, batch, 256, wait_ms());
        if (n < 0 && errno != EINTR)
            return;
        for (int i = 0; i < n; i++) {
            struct watch *w = batch[i].data.ptr;
            w->ready(w, batch[i].events);
        }
        fire_due();
    }
}
