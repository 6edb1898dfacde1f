/* What a page brings: its outcome, links and items; and URLs to begin with. */
#include <stdio.h>
#include <string.h>
#include "modules/job/store.h"

/* ---- links ---- */

int64_t job_url_id(struct store *s, int64_t host, const struct job_link *l,
                   int64_t *state)
{
    sqlite3_stmt *st =
        store_row(s, SQL_URL_KNOWN, "ib", host, (const char *)l->key, (size_t)JOB_KEY);
    if (!st)
        return 0;
    int64_t id = sqlite3_column_int64(st, 0);
    *state = sqlite3_column_int64(st, 1);
    sqlite3_reset(st);
    return id;
}

/* Make a link known as what is to be fetched, or as done: then nobody need fetch it
 * who has not begun. */
static bool add_link(struct store *s, const struct job_link *l, const char *text,
                     int64_t parent, int64_t state)
{
    const char *url = text + l->host, *meta = url + l->url;
    int64_t host = job_host_id(s, text, l->host), was = JOB_DONE;
    int64_t id = s->err ? 0 : job_url_id(s, host, l, &was);
    if (s->err)
        return false;
    if (id && was == JOB_PENDING && state == JOB_DONE) {
        store_exec(s, SQL_URL_STATE, "ii", id, state);
        store_touch(s, host, 0, -1);
    }
    if (id)
        return false;
    store_exec(s, SQL_URL_NEW, "ibttiiii", host, (const char *)l->key, (size_t)JOB_KEY,
               url, (size_t)l->url, l->meta ? meta : NULL, (size_t)l->meta,
               (int64_t)l->depth, (int64_t)l->priority, parent, state);
    store_touch(s, host, 0, state == JOB_PENDING);
    return true;
}

static int64_t add_links(struct store *s, const struct lf_buf *in, int64_t parent,
                         int64_t state)
{
    struct job_link l;
    int64_t n = 0;
    for (size_t at = 0; at < in->len && !s->err;) {
        memcpy(&l, in->p + at, sizeof l);
        n += add_link(s, &l, in->p + at + sizeof l, parent, state);
        at += sizeof l + l.host + l.url + l.meta;
    }
    return n;
}

static void add_items(struct store *s, const struct lf_buf *items, int64_t page)
{
    uint32_t n;
    for (size_t at = 0; at < items->len && !s->err; at += sizeof n + n) {
        memcpy(&n, items->p + at, sizeof n);
        store_exec(s, SQL_ITEM_NEW, "it", page, items->p + at + sizeof n, (size_t)n);
        s->totals.items++;
    }
}

/* ---- operations ---- */

void job_add(struct store *s, struct job_op *op)
{
    op->number = add_links(s, &op->in, 0, JOB_PENDING);
    add_items(s, &op->items, 0);
}

static void refuse(struct store *s, struct job_op *op)
{
    op->err = LF_ESTATE;
    snprintf(op->why, sizeof op->why,
             "%s: the lease has ended, and the page belongs to somebody else", s->path);
}

/* The lease's host, with the lease taken away; 0: it is not the caller's any more. */
static int64_t end_lease(struct store *s, struct job_op *op)
{
    int64_t host = job_lease_host(s, &op->lease);
    if (!host) {
        if (!s->err)
            refuse(s, op);
        return 0;
    }
    store_exec(s, SQL_LEASE_END, "i", op->lease.id);
    return host;
}

/* The page has ended as `state`, with what op->in says. */
static void end_page(struct store *s, struct job_op *op, int64_t state, int64_t *count)
{
    int64_t host = end_lease(s, op);
    if (!host)
        return;
    store_exec(s, SQL_URL_END, "iit", op->lease.id, state, op->in.p ? op->in.p : "",
               op->in.len);
    ++*count;
    store_touch(s, host, -1, 0);
    job_host_park(s, host, op->park);
}

void job_complete(struct store *s, struct job_op *op)
{
    int64_t host = end_lease(s, op);
    if (!host)
        return;
    store_exec(s, SQL_URL_STATE, "ii", op->lease.id, (int64_t)JOB_DONE);
    store_touch(s, host, -1, 0);
    s->totals.done++;
    add_links(s, &op->known, op->lease.id, JOB_DONE);
    op->number = add_links(s, &op->in, op->lease.id, JOB_PENDING);
    add_items(s, &op->items, op->lease.id);
    job_host_park(s, host, op->park);
}

static void try_again(struct store *s, struct job_op *op)
{
    int64_t host = end_lease(s, op);
    if (!host)
        return;
    store_exec(s, SQL_URL_STATE, "ii", op->lease.id, (int64_t)JOB_PENDING);
    store_touch(s, host, -1, 1);
    job_host_park(s, host, op->park);
}

void job_fail(struct store *s, struct job_op *op)
{
    if (op->again)
        try_again(s, op);
    else
        end_page(s, op, JOB_GIVEN_UP, &s->totals.failed);
    if (!op->err)
        add_items(s, &op->items, op->lease.id);
}

void job_skip(struct store *s, struct job_op *op)
{
    end_page(s, op, JOB_PASSED_OVER, &s->totals.skipped);
}
