/* Grouping operations into transactions. */
#include "modules/job/writer.h"

#include <stdlib.h>
#include <string.h>

enum { FULL_GROUP = 16 };
#define GATHER 0.005 /* seconds between the starts of two groups that are not full */

static void release(struct writer *w)
{
    store_close(&w->store);
    free(w->store.path);
    free(w);
}

static void forget(struct lf_list *list)
{
    for (struct lf_list *n = lf_list_shift(list); n; n = lf_list_shift(list)) {
        struct job_op *op = lf_container(n, struct job_op, link);
        op->ended = true;
        op->err = LF_ECANCELLED;
        if (!op->task)
            job_op_free(op);
    }
}

static void on_work(struct lf_job *job)
{
    struct writer *w = lf_container(job, struct writer, job);
    store_run(&w->store, &w->group);
}

/* The engine has gone, and with it every task. */
static void on_drop(struct lf_job *job)
{
    struct writer *w = lf_container(job, struct writer, job);
    forget(&w->group);
    forget(&w->waiting);
    release(w);
}

static void start(struct writer *w)
{
    lf_timer_stop(w->eng, &w->timer);
    lf_list_splice(&w->group, &w->waiting);
    w->count = 0;
    for (struct lf_list *n = w->group.next; n != &w->group; n = n->next)
        lf_container(n, struct job_op, link)->begun = true;
    w->begun = lf_engine_now(w->eng);
    w->store.jumped = (int64_t)(w->begun * (double)JOB_SECOND);
    w->busy = lf_offload(w->eng, &w->job) == LF_OK;
    if (!w->busy)
        on_work(&w->job); /* no thread is to be had: here, then */
}

static void settle(struct writer *w, struct job_op *op)
{
    op->ended = true;
    if (op->task)
        lf_task_wake(op->task);
    else
        writer_abandon(w, op);
}

static void finish(struct writer *w)
{
    struct lf_list ended;
    lf_list_init(&ended);
    lf_list_splice(&ended, &w->group);
    w->busy = false;
    for (struct lf_list *n = lf_list_shift(&ended); n; n = lf_list_shift(&ended))
        settle(w, lf_container(n, struct job_op, link));
}

/* Write what waits. Without a thread that is over here, and w may be, too. */
static void go(struct writer *w)
{
    start(w);
    if (w->busy)
        return;
    finish(w);
    if (w->orphan && lf_list_empty(&w->waiting))
        release(w);
}

static void on_timer(struct lf_timer *t)
{
    go(lf_container(t, struct writer, timer));
}

/* Nothing is being written: go on, at once or when there is company. */
static void rest(struct writer *w)
{
    if (w->busy || lf_list_empty(&w->waiting))
        return;
    double left = w->begun + GATHER - lf_engine_now(w->eng);
    if (left > GATHER || w->count >= FULL_GROUP || w->closing)
        left = 0;
    if (w->timer.pos && left > 0)
        return;
    if (!lf_timer_start(w->eng, &w->timer, left > 0 ? left : 0))
        go(w);
}

static void on_done(struct lf_job *job)
{
    struct writer *w = lf_container(job, struct writer, job);
    finish(w);
    if (w->orphan && lf_list_empty(&w->waiting))
        release(w);
    else
        rest(w);
}

struct writer *writer_new(struct lf_engine *eng, const char *path)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->eng = eng;
    w->job = (struct lf_job){.work = on_work, .done = on_done, .drop = on_drop};
    w->timer.fire = on_timer;
    w->begun = -1;
    lf_list_init(&w->job.link);
    lf_list_init(&w->waiting);
    lf_list_init(&w->group);
    w->store.play = lf_engine_play(eng);
    w->store.temporary = path == NULL;
    w->store.path = strdup(path ? path : "the temporary job");
    if (w->store.path)
        return w;
    free(w);
    return NULL;
}

void writer_add(struct writer *w, struct job_op *op)
{
    op->writer = w;
    lf_list_append(&w->waiting, &op->link);
    w->count++;
    rest(w);
}

/* The same memory asks for the way back of what was claimed. */
static bool make_release(struct writer *w, struct job_op *op)
{
    if (op->kind != JOB_CLAIM || op->err || !op->rows || w->closing)
        return false;
    struct lf_list none;
    lf_list_init(&none);
    lf_buf_reset(&op->in);
    for (const char *p = op->out.p, *end = p + op->out.len; p < end;) {
        struct job_lease lease = {0, 0};
        for (int i = 0; i < JOB_CLAIM_COLUMNS; i++) {
            struct job_cell c;
            memcpy(&c, p, sizeof c);
            p += sizeof c + (c.len > 0 ? (size_t)c.len : 0);
            if (i == 0)
                lease.id = c.number;
            if (i == 1)
                lease.token = c.number;
        }
        if (lf_buf_add(&op->in, &lease, sizeof lease))
            return false; /* the lease's end gives it back */
    }
    op->kind = JOB_RELEASE;
    op->begun = op->ended = false;
    return true;
}

void writer_abandon(struct writer *w, struct job_op *op)
{
    op->task = NULL;
    if (op->begun && !op->ended)
        return; /* settle() will be here again */
    if (op->ended) {
        if (make_release(w, op)) {
            writer_add(w, op);
            return;
        }
    } else {
        if (op->kind == JOB_CLOSE)
            return;
        lf_list_remove(&op->link);
        w->count--;
    }
    job_op_free(op);
}

/* Directly to the thread: at the end of the program no timer fires any more. */
void writer_free(struct writer *w)
{
    struct job_op *op = w->closing ? NULL : job_op_new(JOB_CLOSE);
    w->orphan = true;
    w->closing = true;
    if (op) {
        op->writer = w;
        lf_list_append(&w->waiting, &op->link);
        w->count++;
    }
    if (w->busy)
        return;
    if (lf_list_empty(&w->waiting))
        release(w);
    else
        go(w);
}
