/* A few threads for what blocks: getaddrinfo, fsync, a large document.
 *
 * Threads see only the pool's queues and the job they run. They outlive the engine when a
 * job hangs that does not matter: the last one to leave frees the pool. */
#include "engine/offload.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "engine/internal.h"

enum { THREADS = 4 };

struct lf_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_cond_t dropped;       /* one that matters, by its thread */
    struct lf_list queue, ended;  /* jobs; ended ones are told on the loop */
    unsigned threads, idle, refs; /* refs: threads and the engine */
    unsigned waiting;             /* jobs that no thread has begun */
    unsigned matter;              /* jobs that threads have begun, and that matter */
    bool closed;
    int wake;             /* eventfd: something has ended */
    unsigned pending;     /* the loop's own count: no lock */
    struct lf_loop *loop; /* borrowed: until closed */
};

static void release(struct lf_pool *p) /* with the lock held, which it gives up */
{
    bool last = --p->refs == 0;
    pthread_mutex_unlock(&p->lock);
    if (!last)
        return;
    close(p->wake);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->dropped);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void tell(struct lf_pool *p)
{
    uint64_t one = 1;
    while (write(p->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void *run(void *arg)
{
    struct lf_pool *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->closed) {
        struct lf_list *n = lf_list_shift(&p->queue);
        if (!n) {
            p->idle++;
            pthread_cond_wait(&p->work, &p->lock);
            p->idle--;
            continue;
        }
        struct lf_job *job = lf_container(n, struct lf_job, link);
        job->running = true;
        p->waiting--;
        bool matters = job->matters;
        p->matter += matters;
        pthread_mutex_unlock(&p->lock);
        job->work(job);
        pthread_mutex_lock(&p->lock);
        p->matter -= matters;
        if (p->closed) {
            job->drop(job);
            pthread_cond_signal(&p->dropped);
            break;
        }
        lf_list_append(&p->ended, &job->link);
        tell(p);
    }
    release(p);
    return NULL;
}

/* Signals are the main thread's: the script's Ctrl-C must reach the loop. */
static void add_thread(struct lf_pool *p)
{
    pthread_t id;
    pthread_attr_t attr;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&id, &attr, run, p) == 0) {
        p->threads++;
        p->refs++;
    }
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void on_wake(void *arg, int fd, int revents)
{
    uint64_t n;
    (void)revents;
    while (read(fd, &n, sizeof n) < 0 && errno == EINTR)
        ;
    lf_pool_drain(arg);
}

static struct lf_pool *pool_new(struct lf_loop *loop)
{
    struct lf_pool *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->dropped, NULL);
    lf_list_init(&p->queue);
    lf_list_init(&p->ended);
    p->refs = 1;
    p->loop = loop;
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->wake < 0 || lf_loop_want(loop, p->wake, EV_READ, on_wake, p)) {
        pthread_mutex_lock(&p->lock);
        release(p);
        return NULL;
    }
    return p;
}

void lf_pool_free(struct lf_pool *p)
{
    if (!p)
        return;
    lf_loop_forget(p->loop, p->wake);
    pthread_mutex_lock(&p->lock);
    p->closed = true;
    lf_list_splice(&p->ended, &p->queue);
    for (struct lf_list *n = lf_list_shift(&p->ended); n; n = lf_list_shift(&p->ended)) {
        struct lf_job *job = lf_container(n, struct lf_job, link);
        job->drop(job);
    }
    pthread_cond_broadcast(&p->work);
    while (p->matter)
        pthread_cond_wait(&p->dropped, &p->lock);
    release(p);
}

unsigned lf_pool_pending(const struct lf_pool *p)
{
    return p ? p->pending : 0;
}

bool lf_pool_drain(struct lf_pool *p)
{
    struct lf_list ended;
    bool any = false;
    lf_list_init(&ended);
    pthread_mutex_lock(&p->lock);
    lf_list_splice(&ended, &p->ended);
    pthread_mutex_unlock(&p->lock);
    for (struct lf_list *n = lf_list_shift(&ended); n; n = lf_list_shift(&ended)) {
        struct lf_job *job = lf_container(n, struct lf_job, link);
        p->pending--;
        job->done(job);
        any = true;
    }
    return any;
}

enum lf_err lf_offload(struct lf_engine *eng, struct lf_job *job)
{
    if (!eng->pool_threads)
        eng->pool_threads = pool_new(&eng->loop);
    struct lf_pool *p = eng->pool_threads;
    if (!p)
        return LF_ERESOURCE;
    pthread_mutex_lock(&p->lock);
    job->running = false;
    lf_list_append(&p->queue, &job->link);
    p->waiting++;
    if (p->waiting > p->idle && p->threads < THREADS)
        add_thread(p);
    bool served = p->threads > 0;
    if (!served) {
        lf_list_remove(&job->link);
        p->waiting--;
    }
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
    p->pending += served;
    return served ? LF_OK : LF_ERESOURCE;
}

bool lf_offload_cancel(struct lf_engine *eng, struct lf_job *job)
{
    struct lf_pool *p = eng->pool_threads;
    pthread_mutex_lock(&p->lock);
    bool waiting = !job->running;
    if (waiting) {
        lf_list_remove(&job->link);
        p->waiting--;
        p->pending--;
    }
    pthread_mutex_unlock(&p->lock);
    return waiting;
}
