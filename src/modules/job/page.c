/* What a page brings: its outcome, links and items; and URLs to begin with. */
#include <stdio.h>
#include <string.h>
#include "modules/job/store.h"

/* ---- hosts ---- */

static int64_t find_host(struct store *s, const char *name, size_t n)
{
    sqlite3_stmt *st = store_row(s, SQL_HOST_FIND, "t", name, n);
    if (!st && !s->err) {
        st = store_row(s, SQL_HOST_NEW, "t", name, n);
        s->totals.hosts++;
    }
    if (!st)
        return 0;
    int64_t id = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return id;
}

static int64_t host_of(struct store *s, const char *name, size_t n)
{
    uint8_t hash[JOB_KEY];
    job_hash(s->secret, name, n, hash);
    struct job_host *h = &s->hosts[(hash[0] | hash[1] << 8) % JOB_HOSTS];
    if (!h->id || memcmp(h->hash, hash, JOB_KEY) != 0) {
        h->id = find_host(s, name, n);
        memcpy(h->hash, hash, JOB_KEY);
    }
    return h->id;
}

/* ---- links ---- */

static bool known(struct store *s, int64_t host, const struct job_link *l)
{
    sqlite3_stmt *st =
        store_row(s, SQL_URL_KNOWN, "ib", host, (const char *)l->key, (size_t)JOB_KEY);
    if (st)
        sqlite3_reset(st);
    return st != NULL;
}

static bool add_link(struct store *s, const struct job_link *l, const char *text,
                     int64_t parent)
{
    const char *url = text + l->host, *meta = url + l->url;
    int64_t host = host_of(s, text, l->host);
    if (s->err || known(s, host, l) || s->err)
        return false;
    store_exec(s, SQL_URL_NEW, "ibttiii", host, (const char *)l->key, (size_t)JOB_KEY,
               url, (size_t)l->url, l->meta ? meta : NULL, (size_t)l->meta,
               (int64_t)l->depth, (int64_t)l->priority, parent);
    store_touch(s, host, 0, 1);
    return true;
}

static int64_t add_links(struct store *s, const struct lf_buf *in, int64_t parent)
{
    struct job_link l;
    int64_t n = 0;
    for (size_t at = 0; at < in->len && !s->err;) {
        memcpy(&l, in->p + at, sizeof l);
        n += add_link(s, &l, in->p + at + sizeof l, parent);
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
    op->number = add_links(s, &op->in, 0);
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

static void park(struct store *s, const struct job_op *op, int64_t host)
{
    if (op->park <= 0)
        return;
    store_touched(s);
    store_exec(s, SQL_HOST_PARK, "ii", host, s->now + op->park);
}

void job_complete(struct store *s, struct job_op *op)
{
    int64_t host = end_lease(s, op);
    if (!host)
        return;
    store_exec(s, SQL_URL_STATE, "ii", op->lease.id, (int64_t)JOB_DONE);
    store_touch(s, host, -1, 0);
    s->totals.done++;
    op->number = add_links(s, &op->in, op->lease.id);
    add_items(s, &op->items, op->lease.id);
    park(s, op, host);
}

void job_fail(struct store *s, struct job_op *op)
{
    int64_t host = end_lease(s, op);
    if (!host)
        return;
    if (op->again) {
        store_exec(s, SQL_URL_STATE, "ii", op->lease.id, (int64_t)JOB_PENDING);
    } else {
        store_exec(s, SQL_URL_GIVE_UP, "it", op->lease.id, op->in.p ? op->in.p : "",
                   op->in.len);
        s->totals.failed++;
    }
    store_touch(s, host, -1, op->again);
    park(s, op, host);
}
