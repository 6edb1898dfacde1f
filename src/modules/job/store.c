/* Statements and transactions. */
#include "modules/job/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A host's `due` is NULL while it can have nothing: no URL is pending, or it has as many
 * leases as it may have; else the time from which it may have one, which is also its
 * turn: who was served last comes last. A lease that ends makes it due again. */
#define ENDED(state) /* a partial index wants a constant */                              \
    "SELECT id, url, error, tries, depth, meta, "                                        \
    "(SELECT p.url FROM url p WHERE p.id = u.parent) FROM url u "                        \
    "WHERE state = " #state " AND id > ? ORDER BY id LIMIT ?"

static const char *const texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_JOB_READ] =
        "SELECT token, epoch, pending, active, done, failed, skipped, items, hosts, "
        "per_host, version "
        "FROM job",
    [SQL_JOB_WRITE] = "UPDATE job SET token = ?, epoch = ?, pending = ?, active = ?, "
                      "done = ?, failed = ?, skipped = ?, items = ?, hosts = ?, "
                      "per_host = ?, version = ?",
    [SQL_HOST_FIND] = "SELECT id FROM host WHERE name = ?",
    [SQL_HOST_NEW] = "INSERT INTO host (name) VALUES (?) RETURNING id",
    [SQL_HOST_DUE] = "SELECT id, active, gap, per_host FROM host WHERE due <= ? "
                     "ORDER BY due LIMIT 1",
    [SQL_HOST_FULL] = "UPDATE host SET due = NULL WHERE id = ?",
    [SQL_HOST_ROOM] = "UPDATE host SET due = next "
                      "WHERE due IS NULL AND pending > 0 "
                      "AND active < coalesce(per_host, ?)",
    [SQL_HOST_CLAIM] =
        "UPDATE host SET active = active + 1, pending = pending - 1, last = ?2, "
        "next = ?3, due = CASE WHEN pending > 1 AND active + 1 < ?4 THEN ?3 END "
        "WHERE id = ?1",
    [SQL_HOST_ADD] = "UPDATE host SET active = active + ?2, pending = pending + ?3, "
                     "due = CASE WHEN pending + ?3 > 0 THEN next END WHERE id = ?1",
    [SQL_HOST_PARK] = "UPDATE host SET next = max(next, ?2), "
                      "due = CASE WHEN pending > 0 THEN max(next, ?2) END WHERE id = ?1",
    [SQL_HOST_NEXT] = "SELECT min(due) FROM host WHERE due IS NOT NULL",
    /* A slower pace counts from the last page that was given out. */
    [SQL_HOST_PACE] =
        "UPDATE host SET gap = coalesce(nullif(?2, -1), gap), "
        "per_host = coalesce(nullif(?3, -1), per_host), "
        "next = max(next, coalesce(last + max(?2, 0), 0)), due = CASE "
        "WHEN pending > 0 THEN max(next, coalesce(last + max(?2, 0), 0)) END "
        "WHERE id = ?1",
    [SQL_HOST_LOOK] =
        "SELECT pending, active, per_host, gap, next FROM host WHERE id = ?",
    [SQL_URL_KNOWN] = "SELECT id, state FROM url WHERE host = ? AND key = ?",
    [SQL_URL_NEW] =
        "INSERT INTO url (host, key, url, meta, depth, priority, parent, state) "
        "VALUES (?, ?, ?, ?, ?, ?, nullif(?, 0), ?)",
    [SQL_URL_COPY] =
        "INSERT INTO url (host, key, url, meta, depth, priority, parent, state, tries, "
        "error) VALUES (?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?)",
    [SQL_URL_NEXT] =
        "SELECT id, ?2, url, depth, priority, tries + 1, meta, "
        "(SELECT p.url FROM url p WHERE p.id = u.parent) FROM url u "
        "WHERE host = ?1 AND state = 0 ORDER BY priority DESC, depth, id LIMIT 1",
    [SQL_URL_CLAIM] = "UPDATE url SET state = 1, tries = tries + 1 WHERE id = ?",
    [SQL_URL_STATE] = "UPDATE url SET state = ?2 WHERE id = ?1",
    [SQL_URL_END] = "UPDATE url SET state = ?2, error = ?3 WHERE id = ?1",
    [SQL_URL_RETURN] = "UPDATE url SET state = 0, tries = tries - 1 WHERE id = ?",
    [SQL_URL_TRIES] = "SELECT tries FROM url WHERE id = ?",
    [SQL_LEASE_NEW] =
        "INSERT INTO lease (id, token, host, worker, until) VALUES (?, ?, ?, ?, ?)",
    [SQL_LEASE_FIND] = "SELECT host FROM lease WHERE id = ? AND token = ?",
    [SQL_LEASE_END] = "DELETE FROM lease WHERE id = ?",
    [SQL_LEASE_RENEW] = "UPDATE lease SET until = ?2 WHERE id = ?1",
    [SQL_LEASE_OVERDUE] = "SELECT id, host FROM lease WHERE until <= ? LIMIT 1",
    [SQL_LEASE_OF] = "SELECT id, host FROM lease WHERE worker = ? LIMIT 1",
    [SQL_LEASE_ANY] = "SELECT id, host FROM lease LIMIT 1",
    [SQL_LEASE_NEXT] = "SELECT min(until) FROM lease",
    [SQL_WORKER_NEW] =
        "INSERT INTO worker (pid, started, space) VALUES (?, ?, ?) RETURNING id",
    [SQL_WORKER_END] = "DELETE FROM worker WHERE id = ?",
    [SQL_WORKERS] = "SELECT id, pid, started FROM worker WHERE space = ?1 AND id > ?2 "
                    "ORDER BY id LIMIT 1",
    [SQL_ITEM_NEW] = "INSERT INTO items (page, item) VALUES (nullif(?, 0), ?)",
    [SQL_ITEMS] =
        "SELECT items.id, item, url FROM items LEFT JOIN url ON url.id = items.page "
        "WHERE items.id > ? ORDER BY items.id LIMIT ?",
    [SQL_OUTPUT_FIND] =
        "SELECT worker, until, (SELECT max(id) FROM items) FROM output WHERE name = ?",
    [SQL_OUTPUT_SET] =
        "INSERT INTO output (name, worker, until, state) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET worker = excluded.worker, "
        "until = excluded.until, state = coalesce(excluded.state, state)",
    [SQL_OUTPUT_END] = "UPDATE output SET until = 0 WHERE worker = ?",
    [SQL_OUTPUT_LOOK] =
        "SELECT worker = ?2 AND until > 0, (SELECT coalesce(max(id), 0) FROM items), "
        "state FROM output WHERE name = ?1",
    [SQL_FAILED] = ENDED(3),
    [SQL_SKIPPED] = ENDED(4),
    [SQL_FAILED_ONE] = "UPDATE url SET state = 0, tries = 0, error = NULL "
                       "WHERE id = (SELECT id FROM url WHERE state = 3 LIMIT 1) "
                       "RETURNING host",
    /* A lease that is over makes a page pending with the next claim. */
    [SQL_PAGES] =
        "SELECT u.id, url, CASE state WHEN 0 THEN 'pending' "
        "WHEN 1 THEN iif(until > ?3, 'active', 'pending') WHEN 2 THEN 'done' "
        "WHEN 3 THEN 'failed' ELSE 'skipped' END, tries, depth, priority, meta, "
        "(SELECT p.url FROM url p WHERE p.id = u.parent), error "
        "FROM url u LEFT JOIN lease ON lease.id = u.id "
        "WHERE u.id > ?1 ORDER BY u.id LIMIT ?2",
    [SQL_HOSTS] = "SELECT id, name FROM host WHERE id > ?1 AND (gap IS NOT NULL "
                  "OR per_host IS NOT NULL OR next > ?3) ORDER BY id LIMIT ?2",
    [SQL_OUTPUTS] = "SELECT rowid, name, state FROM output WHERE rowid > ? "
                    "ORDER BY rowid LIMIT ?",
};

/* ---- errors ---- */

void store_fail(struct store *s, enum lf_err err, const char *fmt, ...)
{
    va_list ap;
    if (s->err)
        return;
    s->err = err;
    va_start(ap, fmt);
    vsnprintf(s->why, sizeof s->why, fmt, ap);
    va_end(ap);
}

void store_no_memory(struct store *s)
{
    store_fail(s, LF_ERESOURCE, "%s: not enough memory", s->path);
}

static bool okay(struct store *s, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
        store_explain(s, rc);
    return !s->err;
}

/* ---- statements ---- */

static sqlite3_stmt *prepared(struct store *s, enum job_sql id)
{
    if (s->err)
        return NULL;
    if (!s->sql[id])
        okay(s, sqlite3_prepare_v3(s->db, texts[id], -1, SQLITE_PREPARE_PERSISTENT,
                                   &s->sql[id], NULL));
    return s->err ? NULL : s->sql[id];
}

static int bind(sqlite3_stmt *st, const char *fmt, va_list ap)
{
    int rc = SQLITE_OK;
    for (int i = 1; *fmt && rc == SQLITE_OK; fmt++, i++) {
        if (*fmt == 'i') {
            rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
            continue;
        }
        const char *p = va_arg(ap, const char *);
        size_t n = va_arg(ap, size_t);
        if (*fmt == 't')
            rc = sqlite3_bind_text64(st, i, p, n, SQLITE_STATIC, SQLITE_UTF8);
        else
            rc = sqlite3_bind_blob64(st, i, p, n, SQLITE_STATIC);
    }
    return rc;
}

/* The statement at its first row, or NULL. */
static sqlite3_stmt *start(struct store *s, enum job_sql id, const char *fmt, va_list ap)
{
    sqlite3_stmt *st = prepared(s, id);
    if (!st)
        return NULL;
    int rc = bind(st, fmt, ap);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    bool good = okay(s, rc);
    if (rc == SQLITE_ROW && good)
        return st;
    sqlite3_reset(st);
    return NULL;
}

void store_exec(struct store *s, enum job_sql id, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sqlite3_stmt *st = start(s, id, fmt, ap);
    va_end(ap);
    if (st)
        sqlite3_reset(st);
}

sqlite3_stmt *store_row(struct store *s, enum job_sql id, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sqlite3_stmt *st = start(s, id, fmt, ap);
    va_end(ap);
    return st;
}

bool store_more(struct store *s, sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);
    if (okay(s, rc) && rc == SQLITE_ROW)
        return true;
    sqlite3_reset(st);
    return false;
}

static enum lf_err add_cell(struct job_op *op, sqlite3_stmt *st, int i)
{
    struct job_cell c = {0, JOB_NIL};
    const void *text = NULL;
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_NULL:
        break;
    case SQLITE_INTEGER:
        c = (struct job_cell){sqlite3_column_int64(st, i), JOB_NUMBER};
        break;
    default:
        text = sqlite3_column_blob(st, i);
        c.len = sqlite3_column_bytes(st, i);
    }
    enum lf_err err = lf_buf_add(&op->out, &c, sizeof c);
    if (!err && c.len > 0)
        err = lf_buf_add(&op->out, text, (size_t)c.len);
    return err;
}

void store_emit(struct store *s, struct job_op *op, sqlite3_stmt *st, int n)
{
    for (int i = 0; i < n; i++)
        if (add_cell(op, st, i))
            store_no_memory(s);
    op->rows++;
}

/* ---- hosts ---- */

void store_touched(struct store *s)
{
    if (s->touched && (s->active || s->pending))
        store_exec(s, SQL_HOST_ADD, "iii", s->touched, s->active, s->pending);
    s->touched = s->active = s->pending = 0;
}

void store_touch(struct store *s, int64_t host, int64_t active, int64_t pending)
{
    if (s->touched != host)
        store_touched(s);
    s->touched = host;
    s->active += active;
    s->pending += pending;
    s->totals.active += active;
    s->totals.pending += pending;
}

/* ---- transactions ---- */

static const struct {
    void (*run)(struct store *s, struct job_op *op);
    bool writes;
} kinds[JOB_OP_KINDS] = {
    [JOB_ADD] = {job_add, true},           [JOB_CLAIM] = {job_claim, true},
    [JOB_COMPLETE] = {job_complete, true}, [JOB_FAIL] = {job_fail, true},
    [JOB_SKIP] = {job_skip, true},         [JOB_HOST] = {job_host, true},
    [JOB_SKIPPED] = {job_skipped, false},  [JOB_OUTPUT] = {job_output, true},
    [JOB_RENEW] = {job_renew, true},       [JOB_RELEASE] = {job_release, true},
    [JOB_COUNTS] = {job_counts, false},    [JOB_ITEMS] = {job_items, false},
    [JOB_FAILED] = {job_failed, false},    [JOB_RETRY_FAILED] = {job_retry_failed, true},
    [JOB_PAGES] = {job_pages, false},      [JOB_PACES] = {job_hosts, false},
    [JOB_OUTPUTS] = {job_outputs, false},  [JOB_IMPORT] = {job_import, true},
    [JOB_RESET] = {job_reset, true},       [JOB_CLOSE] = {job_close, true},
};

/* Another process may have reset the job: what is remembered of it is void then. */
void store_read_totals(struct store *s)
{
    int64_t epoch = s->totals.epoch;
    sqlite3_stmt *st = store_row(s, SQL_JOB_READ, "");
    if (!st) {
        store_fail(s, LF_ESTATE, "%s is damaged: it has no row of the job", s->path);
        return;
    }
    int64_t *const into[] = {&s->totals.token,    &s->totals.epoch,  &s->totals.pending,
                             &s->totals.active,   &s->totals.done,   &s->totals.failed,
                             &s->totals.skipped,  &s->totals.items,  &s->totals.hosts,
                             &s->totals.per_host, &s->totals.version};
    for (int i = 0; i < (int)(sizeof into / sizeof *into); i++)
        *into[i] = sqlite3_column_int64(st, i);
    sqlite3_reset(st);
    s->before = s->totals;
    if (s->totals.epoch != epoch)
        memset(s->hosts, 0, sizeof s->hosts);
}

void store_write_totals(struct store *s)
{
    const struct job_totals *t = &s->totals;
    if (memcmp(t, &s->before, sizeof *t) != 0)
        store_exec(s, SQL_JOB_WRITE, "iiiiiiiiiii", t->token, t->epoch, t->pending,
                   t->active, t->done, t->failed, t->skipped, t->items, t->hosts,
                   t->per_host, t->version);
}

static void roll_back(struct store *s)
{
    s->touched = s->active = s->pending = 0;
    memset(s->hosts, 0, sizeof s->hosts);
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool writes(const struct lf_list *group)
{
    for (const struct lf_list *n = group->next; n != group; n = n->next)
        if (kinds[lf_container(n, struct job_op, link)->kind].writes)
            return true;
    return false;
}

static void run_all(struct store *s, struct lf_list *group)
{
    bool write = writes(group) && !s->choice->readonly;
    store_tell_time(s);
    if (write)
        store_exec(s, SQL_BEGIN, "");
    store_read_totals(s);
    for (struct lf_list *n = group->next; n != group && !s->err; n = n->next) {
        struct job_op *op = lf_container(n, struct job_op, link);
        if (s->choice->readonly && kinds[op->kind].writes && op->kind != JOB_CLOSE)
            store_fail(s, LF_EIO, "cannot write to %s: it was opened to be read only",
                       s->path);
        else if (kinds[op->kind].run && !job_is_half(s, op))
            kinds[op->kind].run(s, op);
    }
    store_touched(s);
    if (!write)
        return;
    store_write_totals(s);
    store_exec(s, SQL_COMMIT, "");
}

/* A transaction that failed has done nothing of what anybody asked. */
static void blame(struct store *s, struct lf_list *group)
{
    for (struct lf_list *n = group->next; n != group; n = n->next) {
        struct job_op *op = lf_container(n, struct job_op, link);
        op->err = s->err;
        memcpy(op->why, s->why, sizeof op->why);
        lf_buf_reset(&op->out);
        op->rows = op->number = 0;
    }
}

static bool has(const struct lf_list *group, enum job_op_kind kind)
{
    for (const struct lf_list *n = group->next; n != group; n = n->next)
        if (lf_container(n, struct job_op, link)->kind == kind)
            return true;
    return false;
}

void store_run(struct store *s, struct lf_list *group)
{
    s->err = LF_OK;
    if (!s->db && has(group, JOB_OPEN))
        store_open(s);
    if (s->db && !s->err)
        run_all(s, group);
    if (s->err) {
        if (s->db)
            roll_back(s);
        blame(s, group);
    }
    if (has(group, JOB_CLOSE) || (s->err && has(group, JOB_OPEN)))
        store_close(s);
}

void store_close(struct store *s)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(s->sql[i]);
        s->sql[i] = NULL;
    }
    sqlite3_close(s->db);
    s->db = NULL;
}
