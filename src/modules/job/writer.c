/* Grouping operations into transactions. */
#include "modules/job/writer.h"

#include <stdlib.h>
#include <string.h>

enum { FULL_GROUP = 16 };
#define GATHER 0.005 /* seconds between the starts of two groups that are not full */

static void release(struct writer *w)
{
    job_ops_leave(&w->settled);
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
        op->engine = NULL;
        if (!op->task)
            job_op_free(op);
    }
}

static void on_work(struct lf_job *job)
{
    struct writer *w = lf_container(job, struct writer, job);
    store_run(&w->store, &w->group);
}

/* The engine has gone, and with it every task. What was leased goes back all the same:
 * other processes wait for it. */
static void on_drop(struct lf_job *job)
{
    struct writer *w = lf_container(job, struct writer, job);
    bool open = w->orphan && w->store.db;
    if (open && !job->running)
        store_run(&w->store, &w->group);
    if (open)
        store_run(&w->store, &w->waiting);
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

static void writer_abandon(struct job_engine *e, struct job_op *op);

static void settle(struct writer *w, struct job_op *op)
{
    op->ended = true;
    lf_list_append(&w->settled, &op->link);
    if (op->task)
        lf_task_wake(op->task);
    else
        writer_abandon(&w->base, op);
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
    if (left > GATHER || w->count >= FULL_GROUP || w->base.closing)
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

static enum lf_err writer_new(struct lf_engine *eng, const char *path,
                              struct job_engine **out, const char **why)
{
    (void)why;
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return LF_ERESOURCE;
    w->eng = eng;
    w->job = (struct lf_job){
        .matters = true, .work = on_work, .done = on_done, .drop = on_drop};
    w->timer.fire = on_timer;
    w->begun = -1;
    lf_list_init(&w->job.link);
    lf_list_init(&w->waiting);
    lf_list_init(&w->group);
    lf_list_init(&w->settled);
    w->store.play = lf_engine_play(eng);
    w->store.temporary = path == NULL;
    w->store.path = strdup(path ? path : "the temporary job");
    w->base.ops = &job_sqlite;
    w->base.secret = w->store.secret;
    w->store.choice = &w->base.choice;
    w->base.name = w->store.path;
    w->base.title = path ? w->store.path : "(temporary)";
    *out = &w->base;
    if (w->store.path)
        return LF_OK;
    free(w);
    return LF_ERESOURCE;
}

static void writer_add(struct job_engine *e, struct job_op *op)
{
    struct writer *w = (struct writer *)e;
    op->engine = &w->base;
    lf_list_append(&w->waiting, &op->link);
    w->count++;
    rest(w);
}

static void writer_abandon(struct job_engine *e, struct job_op *op)
{
    struct writer *w = (struct writer *)e;
    op->task = NULL;
    if (op->begun && !op->ended)
        return; /* settle() will be here again */
    if (op->ended) {
        lf_list_remove(&op->link);
        if (!w->base.closing && job_op_release(op)) {
            writer_add(e, op);
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
static void writer_free(struct job_engine *e)
{
    struct writer *w = (struct writer *)e;
    struct job_op *op = w->base.closing ? NULL : job_op_new(JOB_CLOSE);
    w->orphan = true;
    w->base.closing = true;
    if (op) {
        op->engine = &w->base;
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

const struct job_engine_ops job_sqlite = {
    .patience = 10 * JOB_SECOND,
    .make = writer_new,
    .add = writer_add,
    .abandon = writer_abandon,
    .free = writer_free,
};
