/* A group of operations as one command, and its reply as their outcomes. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "modules/job/redis.h"

enum { GROUP = 64, GROUP_BYTES = 1 << 20, SLICE = 1000, NUMBERS = 10 };
enum { INTEGER = REDIS_REPLY_INTEGER };
#define COUNT_MAX (INT64_C(1) << 40) /* of anything that an operation counts */

static const struct {
    const char *name; /* in redis.lua; NULL: nothing is asked of it */
    int columns;      /* of a row of the reply */
    bool writes;
} kinds[JOB_OP_KINDS] = {
    [JOB_OPEN] = {"open", 0, false},
    [JOB_ADD] = {"add", 0, true},
    [JOB_CLAIM] = {"claim", JOB_CLAIM_COLUMNS, true},
    [JOB_COMPLETE] = {"complete", 0, true},
    [JOB_FAIL] = {"fail", 0, true},
    [JOB_RENEW] = {"renew", 0, true},
    [JOB_RELEASE] = {"release", 0, true},
    [JOB_COUNTS] = {"counts", 7, false},
    [JOB_ITEMS] = {"items", JOB_ITEM_COLUMNS, false},
    [JOB_FAILED] = {"failed", JOB_FAILED_COLUMNS, false},
    [JOB_SKIPPED] = {"skipped", JOB_FAILED_COLUMNS, false},
    [JOB_PAGES] = {"pages", JOB_PAGES_COLUMNS, false},
    [JOB_PACES] = {"hosts", JOB_PACES_COLUMNS, false},
    [JOB_OUTPUTS] = {"outputs", JOB_OUTPUTS_COLUMNS, false},
    [JOB_IMPORT] = {"import", 0, true},
    [JOB_SKIP] = {"skip", 0, true},
    [JOB_HOST] = {"host", JOB_HOST_COLUMNS, true},
    [JOB_OUTPUT] = {"output", JOB_OUTPUT_COLUMNS, true},
    [JOB_RETRY_FAILED] = {"retry_failed", 0, true},
    [JOB_RESET] = {"reset", 0, true},
    [JOB_CLOSE] = {"close", 0, true},
};

static struct job_op *op_at(struct lf_list *n)
{
    return lf_container(n, struct job_op, link);
}

bool redis_writes(const struct job_op *op)
{
    return kinds[op->kind].writes;
}

/* Opening and closing go alone: what comes behind needs the one, and nothing may come
 * behind the other. */
static bool goes_alone(const struct job_op *op)
{
    return op->kind == JOB_OPEN || op->kind == JOB_CLOSE;
}

void redis_group_fill(struct redis *r)
{
    size_t bytes = 0;
    for (int n = 0; n < GROUP && bytes < GROUP_BYTES && !lf_list_empty(&r->waiting);
         n++) {
        struct job_op *op = op_at(r->waiting.next);
        if (n && goes_alone(op))
            return;
        bytes += op->in.len - op->at + op->items.len;
        lf_list_remove(&op->link);
        lf_list_append(&r->group, &op->link);
        op->begun = true;
        if (goes_alone(op))
            return;
    }
}

/* ---- out ---- */

/* Where the links end that go with this group: an add of many goes in pieces. */
static size_t slice_end(const struct job_op *op)
{
    size_t at = op->at;
    if (op->kind != JOB_ADD)
        return op->in.len;
    for (int i = 0; i < SLICE && at < op->in.len; i++) {
        struct job_link l;
        memcpy(&l, op->in.p + at, sizeof l);
        at += sizeof l + l.host + l.url + l.meta;
    }
    return at;
}

static enum lf_err write_op(struct redis *r, const struct job_op *op)
{
    const int64_t numbers[NUMBERS] = {
        op->lease.id, op->lease.token, op->n,    op->after, op->gap,
        op->per_host, op->term,        op->park, op->again, r->base.choice.deliveries};
    const char *name = kinds[op->kind].name;
    struct redis_wire *w = &r->wire;
    enum lf_err err = redis_wire_word(w, name, strlen(name));
    if (!err)
        err = redis_wire_word(w, numbers, sizeof numbers);
    if (!err)
        err = redis_wire_word(w, op->in.len ? op->in.p + op->at : "",
                              slice_end(op) - op->at);
    if (!err)
        err = redis_wire_word(w, op->items.p, op->at ? 0 : op->items.len);
    const struct lf_buf *more = op->kind == JOB_OUTPUT ? &op->state : &op->known;
    return err ? err : redis_wire_word(w, more->p, more->len);
}

static bool writes(const struct redis *r)
{
    for (const struct lf_list *n = r->group.next; n != &r->group; n = n->next)
        if (redis_writes(lf_container(n, struct job_op, link)))
            return !r->base.choice.readonly;
    return false;
}

static enum lf_err write_head(struct redis *r, size_t ops, bool write)
{
    static const uint16_t one = 1;
    struct redis_wire *w = &r->wire;
    const char *order = *(const char *)&one ? "<" : ">";
    enum lf_err err = redis_wire_begin(w, 9 + 5 * ops);
    if (!err)
        err = redis_wire_word(w, "EVALSHA", 7);
    if (!err)
        err = redis_wire_word(w, r->sha, REDIS_SHA);
    if (!err)
        err = redis_wire_number(w, 1);
    if (!err)
        err = redis_wire_word(w, r->place.key, strlen(r->place.key));
    if (!err)
        err = redis_wire_word(w, order, 1);
    if (!err)
        err = redis_wire_word(w, r->id, strlen(r->id));
    if (!err)
        err = redis_wire_number(w, r->worker);
    if (!err)
        err = redis_wire_number(w, r->number);
    return err ? err : redis_wire_number(w, write);
}

/* A job that is made gets this id and this secret. */
static enum lf_err draw(struct job_op *op)
{
    uint8_t bytes[REDIS_ID / 2 + JOB_KEY];
    char id[REDIS_ID + 1];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return LF_ERESOURCE;
    for (int i = 0; i < REDIS_ID / 2; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    lf_buf_reset(&op->in);
    enum lf_err err = lf_buf_add(&op->in, id, REDIS_ID);
    return err ? err : lf_buf_add(&op->in, bytes + REDIS_ID / 2, JOB_KEY);
}

enum lf_err redis_group_write(struct redis *r)
{
    struct job_op *first = op_at(r->group.next);
    size_t ops = 0;
    enum lf_err err = LF_OK;
    for (struct lf_list *n = r->group.next; n != &r->group; n = n->next)
        ops++;
    if (first->kind == JOB_OPEN) {
        first->again = r->base.choice.create && !r->base.choice.readonly;
        first->n = r->base.choice.readonly;
        err = draw(first);
    }
    if (!err)
        err = write_head(r, ops, writes(r));
    for (struct lf_list *n = r->group.next; n != &r->group && !err; n = n->next)
        err = write_op(r, op_at(n));
    return err;
}

enum lf_err redis_group_write_close(struct redis *r)
{
    struct job_op op = {.kind = JOB_CLOSE};
    r->number++;
    enum lf_err err = write_head(r, 1, true);
    return err ? err : write_op(r, &op);
}

/* ---- in ---- */

static enum lf_err add_cell(struct job_op *op, const redisReply *e)
{
    struct job_cell c = {0, JOB_NIL};
    bool text = e->type == REDIS_REPLY_STRING;
    if (e->type == REDIS_REPLY_INTEGER)
        c = (struct job_cell){e->integer, JOB_NUMBER};
    else if (text)
        c.len = (int32_t)e->len;
    enum lf_err err = lf_buf_add(&op->out, &c, sizeof c);
    if (!err && text && e->len)
        err = lf_buf_add(&op->out, e->str, e->len);
    return err;
}

static void fail(struct redis *r, struct job_op *op, const char *error)
{
    op->err = redis_explain(r, error, op->why, sizeof op->why);
    if (!op->err)
        op->err = LF_EIO;
}

/* The first member that belongs to a row: an outcome and a number come before. */
static size_t first_cell(const struct job_op *op)
{
    return op->kind == JOB_HOST ? 3 : 2; /* its gap is no cell */
}

static bool is_cell(const redisReply *e)
{
    return e->type == REDIS_REPLY_INTEGER || e->type == REDIS_REPLY_NIL ||
           (e->type == REDIS_REPLY_STRING && e->len <= INT32_MAX);
}

/* Whole rows of cells, and as many as their readers count on. */
static bool has_rows(const struct job_op *op, const redisReply *e)
{
    size_t columns = (size_t)kinds[op->kind].columns, from = first_cell(op);
    if (e->elements < from || (op->kind == JOB_HOST && e->element[2]->type != INTEGER))
        return false;
    for (size_t i = from; i < e->elements; i++)
        if (!is_cell(e->element[i]))
            return false;
    size_t cells = e->elements - from;
    if (op->kind == JOB_COUNTS || op->kind == JOB_HOST)
        return cells == columns;
    if (op->kind == JOB_OUTPUT)
        return cells == columns || cells == 0;
    return columns ? cells % columns == 0 : op->kind == JOB_OPEN || cells == 0;
}

static void read_rows(struct redis *r, struct job_op *op, const redisReply *e)
{
    size_t columns = (size_t)kinds[op->kind].columns, from = first_cell(op);
    if (!columns)
        return;
    if (op->kind == JOB_HOST)
        op->gap = e->element[2]->integer;
    for (size_t i = from; i < e->elements; i++)
        if (add_cell(op, e->element[i])) {
            op->err = LF_ERESOURCE;
            snprintf(op->why, sizeof op->why, "%s: not enough memory", r->place.shown);
            return;
        }
    op->rows = (int64_t)((e->elements - from) / columns);
}

/* The id, the secret and our number among the workers. */
static bool read_open(struct redis *r, const redisReply *e)
{
    if (e->elements != 4 || e->element[2]->type != REDIS_REPLY_STRING ||
        e->element[2]->len != REDIS_ID || e->element[3]->type != REDIS_REPLY_STRING ||
        e->element[3]->len != JOB_KEY)
        return false;
    r->worker = e->element[1]->integer;
    memcpy(r->id, e->element[2]->str, REDIS_ID);
    memcpy(r->secret, e->element[3]->str, JOB_KEY);
    return true;
}

/* What redis.lua would say: an outcome and a number, or a text; then rows. */
static bool makes_sense(const struct job_op *op, const redisReply *e)
{
    if (!e || e->type != REDIS_REPLY_ARRAY || e->elements < 2 ||
        e->element[0]->type != INTEGER)
        return false;
    if (e->element[0]->integer != 0)
        return e->element[1]->type == REDIS_REPLY_STRING;
    const redisReply *what = e->element[1];
    bool counts = op->kind != JOB_CLAIM && op->kind != JOB_HOST;
    return what->type == INTEGER && has_rows(op, e) &&
           (!counts || (what->integer >= 0 && what->integer <= COUNT_MAX));
}

/* An outcome that is not 0. */
static void refuse(struct redis *r, struct job_op *op, const redisReply *e)
{
    if (e->element[0]->integer != 1) {
        fail(r, op, e->element[1]->str);
        return;
    }
    op->err = LF_ESTATE;
    snprintf(op->why, sizeof op->why,
             "%s: the lease has ended, and the page belongs to somebody else",
             r->place.shown);
}

/* True: it wants to go on. */
static bool read_op(struct redis *r, struct job_op *op, const redisReply *e)
{
    if (!makes_sense(op, e)) {
        fail(r, op, "an answer that is none");
        return false;
    }
    if (e->element[0]->integer != 0) {
        refuse(r, op, e);
        return false;
    }
    int64_t number = e->element[1]->integer;
    if (op->kind == JOB_OPEN && !read_open(r, e)) {
        fail(r, op, "an answer that is none");
        return false;
    }
    read_rows(r, op, e);
    if (op->kind == JOB_CLAIM || op->kind == JOB_HOST) {
        op->number = number;
        return false;
    }
    op->number += number;
    op->at = slice_end(op);
    return (op->kind == JOB_ADD && op->at < op->in.len) ||
           (op->kind == JOB_RETRY_FAILED && number == SLICE);
}

void redis_group_read(struct redis *r, const redisReply *reply)
{
    struct lf_list again;
    size_t i = 0;
    lf_list_init(&again);
    LF_LIST_EACH_SAFE (&r->group, n, next) {
        const redisReply *e = i < reply->elements ? reply->element[i] : NULL;
        i++;
        if (!read_op(r, op_at(n), e))
            continue;
        lf_list_remove(n);
        lf_list_append(&again, n);
    }
    lf_list_splice(&again, &r->waiting);
    lf_list_splice(&r->waiting, &again);
}
