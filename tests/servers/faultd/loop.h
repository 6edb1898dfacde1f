/* The event loop: epoll for descriptors and a binary heap for timers, one thread.
 *
 * Watches and timers live inside their owner's struct. Descriptors are watched edge
 * triggered: a callback must go on until EAGAIN. A callback may free its own watch, never
 * another one, because events of the same batch may still point there. */
#ifndef FAULTD_LOOP_H
#define FAULTD_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch {
    int fd;
    void (*ready)(struct watch *w, uint32_t events);
};

struct timer {
    void (*fire)(struct timer *t);
    uint64_t due; /* monotonic microseconds */
    size_t slot;  /* place in the heap + 1; 0: not armed */
};

#define loop_container(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

bool loop_open(void);
void loop_close(void);
bool loop_watch(struct watch *w, uint32_t events); /* closing the fd ends the watch */

void loop_arm(struct timer *t, uint64_t ms); /* also moves an armed timer */
void loop_disarm(struct timer *t);           /* harmless when not armed */

void loop_run(void); /* until loop_stop */
void loop_stop(void);

#endif
