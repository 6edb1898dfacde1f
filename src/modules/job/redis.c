/* When a job's groups go to the server, and what happens when it does not answer. */
#include "modules/job/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT   5.0  /* seconds for one try to connect */
#define PAUSE     0.05 /* before the second try; then twice as long … */
#define PAUSE_MAX 1.0  /* … up to this */
#define GOODBYE   3.0  /* for closing: what it gives back comes back without it, too */

static struct redis *of(struct job_engine *e)
{
    return (struct redis *)e;
}

static struct job_op *op_at(struct lf_list *n)
{
    return lf_container(n, struct job_op, link);
}

static void redis_add(struct job_engine *e, struct job_op *op);
static void redis_abandon(struct job_engine *e, struct job_op *op);
static void go_on(struct redis *r);

/* ---- outcomes ---- */

static void settle(struct redis *r, struct job_op *op)
{
    op->ended = true;
    lf_list_append(&r->settled, &op->link);
    if (op->task)
        lf_task_wake(op->task);
    else
        redis_abandon(&r->base, op);
}

static void settle_all(struct redis *r, struct lf_list *list)
{
    struct lf_list ended;
    lf_list_init(&ended);
    lf_list_splice(&ended, list);
    for (struct lf_list *n = lf_list_shift(&ended); n; n = lf_list_shift(&ended))
        settle(r, op_at(n));
}

/* Nothing came of the group. */
static void fail_group(struct redis *r, enum lf_err err, const char *why)
{
    for (struct lf_list *n = r->group.next; n != &r->group; n = n->next) {
        op_at(n)->err = err;
        snprintf(op_at(n)->why, sizeof op_at(n)->why, "%s", why);
    }
    lf_timer_stop(r->eng, &r->clock);
    r->sent = false;
    settle_all(r, &r->group);
    go_on(r);
}

static double patience(const struct redis *r)
{
    double all = (double)r->base.choice.patience / (double)JOB_SECOND;
    bool goes = !lf_list_empty(&r->group) && op_at(r->group.next)->kind == JOB_CLOSE;
    return goes && all > GOODBYE ? GOODBYE : all;
}

static double left(const struct redis *r)
{
    return r->since + patience(r) - lf_engine_now(r->eng);
}

/* ---- trying, and trying again ---- */

/* Half a command may have been written, or an answer may still come: of no use any more.
 */
static void fail_memory(struct redis *r)
{
    char why[320];
    redis_wire_drop(&r->wire);
    r->state = REDIS_DOWN;
    snprintf(why, sizeof why, "%s: not enough memory", r->place.shown);
    fail_group(r, LF_ERESOURCE, why);
}

static void start_clock(struct redis *r, double seconds)
{
    if (!lf_timer_start(r->eng, &r->clock, seconds > 0 ? seconds : 0))
        fail_memory(r);
}

/* A server that was never there is none that comes back: a mistake in the URL is told at
 * once. */
static void try_again(struct redis *r)
{
    char why[320];
    r->sent = false;
    if (lf_list_empty(&r->group)) {
        lf_timer_stop(r->eng, &r->clock);
        return;
    }
    if (r->met && left(r) > 0) {
        start_clock(r, r->pause < left(r) ? r->pause : left(r));
        r->pause = r->pause * 2 < PAUSE_MAX ? r->pause * 2 : PAUSE_MAX;
        return;
    }
    if (r->met)
        snprintf(why, sizeof why, "%.240s (tried for %g s)", r->why, patience(r));
    else
        snprintf(why, sizeof why, "%.300s", r->why);
    fail_group(r, LF_EIO, why);
}

/* Something must come from the server within a third of the patience, so that a dead
 * connection does not use up all of it. */
static void expect(struct redis *r)
{
    double third = patience(r) / 3;
    start_clock(r, third < left(r) ? third : left(r));
}

static void send_group(struct redis *r)
{
    if (redis_group_write(r)) {
        fail_memory(r);
        return;
    }
    r->sent = true;
    expect(r);
    redis_wire_flush(&r->wire);
}

static void connect_wire(struct redis *r)
{
    r->state = REDIS_CONNECTING;
    if (redis_wire_open(&r->wire, &r->place.url, CONNECT)) {
        r->state = REDIS_DOWN;
        fail_memory(r);
        return;
    }
    expect(r);
}

/* The group is to be on its way, whatever that needs first. */
static void go(struct redis *r)
{
    if (lf_list_empty(&r->group) || r->sent)
        return;
    if (r->state == REDIS_DOWN)
        connect_wire(r);
    else if (r->state == REDIS_READY)
        send_group(r);
}

static void on_clock(struct lf_timer *t)
{
    struct redis *r = lf_container(t, struct redis, clock);
    bool pause = r->state == REDIS_DOWN || (r->state == REDIS_READY && !r->sent);
    if (!pause) {
        redis_wire_close(&r->wire);
        r->state = REDIS_DOWN;
        snprintf(r->why, sizeof r->why, "%s does not answer", r->place.shown);
        try_again(r);
        return;
    }
    if (left(r) <= 0)
        try_again(r);
    else
        go(r);
}

/* Nothing is on its way: the next group, when the tasks that are ready have run. */
static void go_on(struct redis *r)
{
    if (!lf_list_empty(&r->group) || lf_list_empty(&r->waiting) || r->gather.pos)
        return;
    if (lf_timer_start(r->eng, &r->gather, 0))
        return;
    lf_list_splice(&r->group, &r->waiting); /* only to have an outcome */
    fail_memory(r);
}

static void on_gather(struct lf_timer *t)
{
    struct redis *r = lf_container(t, struct redis, gather);
    if (!lf_list_empty(&r->group))
        return;
    redis_group_fill(r);
    r->number++;
    r->since = lf_engine_now(r->eng);
    r->pause = PAUSE;
    go(r);
}

/* ---- what the server says ---- */

static void lost(struct redis *r, const char *why)
{
    r->state = REDIS_DOWN;
    snprintf(r->why, sizeof r->why, "cannot reach %.100s: %.80s", r->place.shown, why);
    try_again(r);
}

static enum lf_err write_login(struct redis *r)
{
    struct redis_wire *w = &r->wire;
    const struct redis_place *p = &r->place;
    if (!p->password)
        return LF_OK;
    r->greetings++;
    enum lf_err err = redis_wire_begin(w, p->user ? 3 : 2);
    if (!err)
        err = redis_wire_word(w, "AUTH", 4);
    if (!err && p->user)
        err = redis_wire_word(w, p->user, strlen(p->user));
    return err ? err : redis_wire_word(w, p->password, strlen(p->password));
}

/* Before the script, which is longer than what a server takes from who gave no password;
 * choosing the database is what it refuses to him then. */
static enum lf_err write_greeting(struct redis *r)
{
    struct redis_wire *w = &r->wire;
    enum lf_err err = write_login(r);
    r->greetings++;
    if (!err)
        err = redis_wire_begin(w, 2);
    if (!err)
        err = redis_wire_word(w, "SELECT", 6);
    return err ? err : redis_wire_number(w, r->place.db);
}

static enum lf_err write_script(struct redis *r)
{
    struct redis_wire *w = &r->wire;
    enum lf_err err = redis_wire_begin(w, 3);
    if (!err)
        err = redis_wire_word(w, "SCRIPT", 6);
    if (!err)
        err = redis_wire_word(w, "LOAD", 4);
    return err ? err : redis_wire_word(w, redis_script, redis_script_len);
}

static void greet(struct redis *r)
{
    r->state = REDIS_GREETING;
    r->greetings = 0;
    if (write_greeting(r))
        fail_memory(r);
}

/* An error in place of an answer. */
static void refused(struct redis *r, const char *error)
{
    char why[320];
    enum lf_err err = redis_explain(r, error, why, sizeof why);
    if (strncmp(error, "NOSCRIPT", 8) == 0)
        r->state = REDIS_DOWN; /* a new connection brings the script with it */
    if (err) {
        fail_group(r, err, why);
        return;
    }
    snprintf(r->why, sizeof r->why, "%.199s", why);
    try_again(r);
}

/* The answer to the script is its name. A greeting that is refused leaves the connection
 * of no use; what comes behind is not looked at. */
static void greeted(struct redis *r, const redisReply *reply)
{
    bool script = r->greetings == 0;
    r->met = true;
    if (reply->type == REDIS_REPLY_ERROR ||
        (script && (reply->type != REDIS_REPLY_STRING || reply->len != REDIS_SHA))) {
        r->state = REDIS_DOWN;
        refused(r, reply->type == REDIS_REPLY_ERROR ? reply->str : "no name of a script");
        return;
    }
    if (!script) {
        if (--r->greetings == 0 && write_script(r))
            fail_memory(r);
        return;
    }
    memcpy(r->sha, reply->str, REDIS_SHA);
    r->state = REDIS_READY;
    go(r);
}

static void answered(struct redis *r, const redisReply *reply)
{
    if (!r->sent)
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        refused(r, reply->str);
        return;
    }
    lf_timer_stop(r->eng, &r->clock);
    r->sent = false;
    redis_group_read(r, reply);
    settle_all(r, &r->group);
    go_on(r);
}

static void on_news(struct redis_wire *w, enum redis_news what, const redisReply *reply)
{
    struct redis *r = lf_container(w, struct redis, wire);
    if (what == REDIS_LOST)
        lost(r, w->why);
    else if (what == REDIS_OPENED)
        greet(r);
    else if (r->state == REDIS_GREETING)
        greeted(r, reply);
    else if (r->state == REDIS_READY)
        answered(r, reply);
}

/* ---- the engine ---- */

static void redis_add(struct job_engine *e, struct job_op *op)
{
    struct redis *r = of(e);
    op->engine = e;
    if (e->choice.readonly && redis_writes(op)) {
        op->err = LF_EIO;
        snprintf(op->why, sizeof op->why,
                 "cannot write to %s: it was opened to be read only", r->place.shown);
        op->ended = true;
        return;
    }
    lf_list_append(&r->waiting, &op->link);
    go_on(r);
}

static void redis_abandon(struct job_engine *e, struct job_op *op)
{
    op->task = NULL;
    if ((op->begun && !op->ended) || (!op->ended && op->kind == JOB_CLOSE))
        return; /* settle() will be here again */
    lf_list_remove(&op->link);
    if (op->ended && !e->closing && job_op_release(op)) {
        redis_add(e, op);
        return;
    }
    job_op_free(op);
}

static enum lf_err redis_new(struct lf_engine *eng, const char *name,
                             struct job_engine **out, const char **why)
{
    struct redis *r = calloc(1, sizeof *r);
    if (!r)
        return LF_ERESOURCE;
    r->eng = eng;
    r->base.ops = &job_redis;
    r->base.secret = r->secret;
    r->gather.fire = on_gather;
    r->clock.fire = on_clock;
    lf_list_init(&r->waiting);
    lf_list_init(&r->group);
    lf_list_init(&r->settled);
    redis_wire_init(&r->wire, eng);
    r->wire.news = on_news;
    enum lf_err err = redis_place_parse(&r->place, name, why);
    r->base.name = r->base.title = r->place.shown;
    if (err) {
        redis_place_free(&r->place);
        free(r);
        return err;
    }
    *out = &r->base;
    return LF_OK;
}

/* Tasks may still wait when a scope is left by an error. */
static void forget(struct redis *r, struct lf_list *list)
{
    for (struct lf_list *n = lf_list_shift(list); n; n = lf_list_shift(list)) {
        struct job_op *op = op_at(n);
        if (!op->task) {
            job_op_free(op);
            continue;
        }
        op->err = LF_ECANCELLED;
        snprintf(op->why, sizeof op->why, "%s was closed meanwhile", r->place.shown);
        settle(r, op);
    }
}

/* Whoever did not close says good-bye without waiting for an answer: what it had leased
 * need not wait for the leases' end. */
static void redis_free(struct job_engine *e)
{
    struct redis *r = of(e);
    lf_timer_stop(r->eng, &r->gather);
    lf_timer_stop(r->eng, &r->clock);
    forget(r, &r->group);
    forget(r, &r->waiting);
    job_ops_leave(&r->settled);
    if (r->state == REDIS_READY && r->worker && !e->closing &&
        !redis_group_write_close(r))
        redis_wire_flush(&r->wire);
    redis_wire_close(&r->wire);
    redis_place_free(&r->place);
    free(r);
}

const struct job_engine_ops job_redis = {
    .scheme = "redis:",
    .patience = 60 * JOB_SECOND,
    .make = redis_new,
    .add = redis_add,
    .abandon = redis_abandon,
    .free = redis_free,
};
