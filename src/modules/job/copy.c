/* One job into another: everything that is known of it, and taking that in. A copy is
 * half until its end is said, and only who makes it may work on it until then. */
#include <stdio.h>
#include <string.h>
#include "modules/job/store.h"

/* ---- out ---- */

static void emit_rows(struct store *s, struct job_op *op, sqlite3_stmt *st, int columns)
{
    while (st && !s->err) {
        store_emit(s, op, st, columns);
        if (!store_more(s, st))
            st = NULL;
    }
    if (st)
        sqlite3_reset(st);
}

void job_pages(struct store *s, struct job_op *op)
{
    emit_rows(s, op, store_row(s, SQL_PAGES, "iii", op->after, op->n, s->now),
              JOB_PAGES_COLUMNS);
}

void job_hosts(struct store *s, struct job_op *op)
{
    emit_rows(s, op, store_row(s, SQL_HOSTS, "iii", op->after, op->n, s->now),
              JOB_PACES_COLUMNS);
}

void job_outputs(struct store *s, struct job_op *op)
{
    emit_rows(s, op, store_row(s, SQL_OUTPUTS, "ii", op->after, op->n),
              JOB_OUTPUTS_COLUMNS);
}

/* ---- in ---- */

struct cursor {
    const char *p;
};

static void take(struct cursor *c, void *to, size_t n)
{
    memcpy(to, c->p, n);
    c->p += n;
}

/* The link there; returns its texts. */
static const char *take_link(struct cursor *c, struct job_link *l)
{
    take(c, l, sizeof *l);
    const char *texts = c->p;
    c->p += l->host + l->url + l->meta;
    return texts;
}

/* The number of the page whose link is there; 0: it has none, or is not known. */
static int64_t take_page(struct store *s, struct cursor *c)
{
    struct job_link l;
    int64_t state;
    const char *host = take_link(c, &l);
    if (!l.url)
        return 0;
    int64_t id = job_host_id(s, host, l.host);
    return s->err ? 0 : job_url_id(s, id, &l, &state);
}

static bool add_page(struct store *s, struct cursor *c)
{
    struct job_past past;
    struct job_link l;
    int64_t state;
    take(c, &past, sizeof past);
    const char *why = c->p;
    c->p += past.why;
    const char *host = take_link(c, &l), *url = host + l.host, *meta = url + l.url;
    int64_t parent = past.found ? take_page(s, c) : 0;
    int64_t at = job_host_id(s, host, l.host);
    if (s->err || job_url_id(s, at, &l, &state))
        return false;
    store_exec(s, SQL_URL_COPY, "ibttiiiiit", at, (const char *)l.key, (size_t)JOB_KEY,
               url, (size_t)l.url, l.meta ? meta : NULL, (size_t)l.meta, (int64_t)l.depth,
               (int64_t)l.priority, parent, (int64_t)past.state, (int64_t)past.tries,
               past.why ? why : NULL, (size_t)past.why);
    store_touch(s, at, 0, past.state == JOB_PENDING);
    s->totals.failed += past.state == JOB_GIVEN_UP;
    s->totals.skipped += past.state == JOB_PASSED_OVER;
    return true;
}

static void add_items(struct store *s, const struct job_op *op)
{
    struct cursor items = {op->items.p}, pages = {op->known.p};
    uint32_t n;
    while (!s->err && items.p != op->items.p + op->items.len) {
        int64_t page = take_page(s, &pages);
        take(&items, &n, sizeof n);
        store_exec(s, SQL_ITEM_NEW, "it", page, items.p, (size_t)n);
        items.p += n;
        s->totals.items++;
    }
}

/* False: there is something already. */
static bool begin(struct store *s, struct job_op *op)
{
    if (s->totals.version < 0)
        return true;
    if (s->totals.hosts || s->totals.items) {
        op->err = LF_ESTATE;
        snprintf(op->why, sizeof op->why, "%s is not empty", s->path);
        return false;
    }
    s->totals.version = -s->worker;
    return true;
}

void job_import(struct store *s, struct job_op *op)
{
    struct cursor c = {op->in.p};
    if (!begin(s, op))
        return;
    while (!s->err && c.p != op->in.p + op->in.len)
        op->number += add_page(s, &c);
    add_items(s, op);
    if (!op->again)
        return;
    s->totals.done = op->n;
    s->totals.version = 1;
}

bool job_is_half(const struct store *s, struct job_op *op)
{
    bool free = op->kind == JOB_OPEN || op->kind == JOB_CLOSE || op->kind == JOB_COUNTS ||
                op->kind == JOB_RESET;
    if (free || s->totals.version >= 0 || s->totals.version == -s->worker)
        return false;
    op->err = LF_ESTATE;
    snprintf(op->why, sizeof op->why,
             "%s is half a copy: reset it, and copy the job once more", s->path);
    return true;
}
