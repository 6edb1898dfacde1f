/* A thread that waits for a time. */
#include "base/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include "base/clock.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed; /* by the monotonic clock */
static pthread_t thread;
static bool running, stopped;
static double due;
static void (*on_due)(void);

static struct timespec at(double seconds)
{
    return (struct timespec){(time_t)seconds,
                             (long)((seconds - (double)(time_t)seconds) * 1e9)};
}

static void *watch(void *arg)
{
    pthread_mutex_lock(&lock);
    while (!stopped && lf_clock_now() < due) {
        struct timespec until = at(due);
        pthread_cond_timedwait(&changed, &lock, &until);
    }
    bool bites = !stopped;
    pthread_mutex_unlock(&lock);
    if (bites)
        on_due();
    return arg;
}

/* Signals are for the thread that runs Lua. */
static bool start(void)
{
    pthread_condattr_t attr;
    sigset_t all, old;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attr);
    pthread_condattr_destroy(&attr);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    stopped = false;
    running = pthread_create(&thread, NULL, watch, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return running;
}

bool lf_watchdog_set(double seconds, void (*bite)(void))
{
    double when = lf_clock_now() + seconds;
    pthread_mutex_lock(&lock);
    if (!running || when < due)
        due = when;
    on_due = bite;
    bool ok = running || start();
    if (running)
        pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return ok;
}

void lf_watchdog_stop(void)
{
    if (!running)
        return;
    pthread_mutex_lock(&lock);
    stopped = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&changed);
    running = false;
}
