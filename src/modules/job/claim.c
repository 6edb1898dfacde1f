/* Leases: who works on which URL until when, and what a host may have. */
#include <stdio.h>
#include <string.h>
#include "modules/job/store.h"

/* A lease ends without an outcome. `counts`: the delivery does, and after too many of
 * them the URL has failed: a page that kills every worker would be given out for ever. */
static void give_back(struct store *s, int64_t id, int64_t host, bool counts)
{
    int64_t tries = 0;
    sqlite3_stmt *st = counts ? store_row(s, SQL_URL_TRIES, "i", id) : NULL;
    if (st) {
        tries = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    store_exec(s, SQL_LEASE_END, "i", id);
    if (counts && tries >= s->choice->deliveries) {
        char why[96];
        int n = snprintf(why, sizeof why, "given up: %lld times nothing was heard of it",
                         (long long)tries);
        store_exec(s, SQL_URL_END, "iit", id, (int64_t)JOB_GIVEN_UP, why, (size_t)n);
        store_touch(s, host, -1, 0);
        s->totals.failed++;
        return;
    }
    if (counts)
        store_exec(s, SQL_URL_STATE, "ii", id, (int64_t)JOB_PENDING);
    else
        store_exec(s, SQL_URL_RETURN, "i", id);
    store_touch(s, host, -1, 1);
}

/* All leases that a statement names, one after the other. */
static void give_back_all(struct store *s, enum job_sql which, int64_t arg, bool counts)
{
    for (;;) {
        sqlite3_stmt *st = which == SQL_LEASE_ANY ? store_row(s, which, "")
                                                  : store_row(s, which, "i", arg);
        if (!st)
            return;
        int64_t id = sqlite3_column_int64(st, 0), host = sqlite3_column_int64(st, 1);
        sqlite3_reset(st);
        give_back(s, id, host, counts);
    }
}

void job_release_worker(struct store *s, int64_t worker)
{
    give_back_all(s, SQL_LEASE_OF, worker, worker != s->worker);
    store_exec(s, SQL_OUTPUT_END, "i", worker);
}

void job_release_all(struct store *s)
{
    give_back_all(s, SQL_LEASE_ANY, 0, true);
}

int64_t job_lease_host(struct store *s, const struct job_lease *lease)
{
    int64_t host = 0;
    sqlite3_stmt *st = store_row(s, SQL_LEASE_FIND, "ii", lease->id, lease->token);
    if (st) {
        host = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return host;
}

static struct job_lease lease_at(const struct job_op *op, size_t at)
{
    struct job_lease lease;
    memcpy(&lease, op->in.p + at, sizeof lease);
    return lease;
}

void job_renew(struct store *s, struct job_op *op)
{
    for (size_t at = 0; at < op->in.len; at += sizeof(struct job_lease)) {
        struct job_lease lease = lease_at(op, at);
        if (!job_lease_host(s, &lease))
            continue;
        store_exec(s, SQL_LEASE_RENEW, "ii", lease.id, s->now + op->term);
        op->number++;
    }
}

void job_release(struct store *s, struct job_op *op)
{
    for (size_t at = 0; at < op->in.len; at += sizeof(struct job_lease)) {
        struct job_lease lease = lease_at(op, at);
        int64_t host = job_lease_host(s, &lease);
        if (host)
            give_back(s, lease.id, host, false);
    }
}

struct turn { /* of a host, and what it may have */
    int64_t host, gap, per_host;
};

static int64_t column_or(sqlite3_stmt *st, int i, int64_t otherwise)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL ? otherwise
                                                     : sqlite3_column_int64(st, i);
}

/* The host whose turn it is; false when none may have anything now. */
static bool next_host(struct store *s, const struct job_op *op, int64_t now,
                      struct turn *turn)
{
    for (;;) {
        sqlite3_stmt *st = store_row(s, SQL_HOST_DUE, "i", now);
        if (!st)
            return false;
        turn->host = sqlite3_column_int64(st, 0);
        int64_t active = sqlite3_column_int64(st, 1);
        turn->gap = column_or(st, 2, op->gap);
        turn->per_host = column_or(st, 3, op->per_host);
        sqlite3_reset(st);
        if (active < turn->per_host)
            return true;
        store_exec(s, SQL_HOST_FULL, "i", turn->host);
    }
}

static bool claim_one(struct store *s, struct job_op *op, const struct turn *t,
                      int64_t now)
{
    int64_t token = s->totals.token + 1;
    sqlite3_stmt *st = store_row(s, SQL_URL_NEXT, "ii", t->host, token);
    if (!st) {
        store_fail(s, LF_ESTATE, "%s is damaged: a host counts URLs that are not there",
                   s->path);
        return false;
    }
    int64_t id = sqlite3_column_int64(st, 0);
    store_emit(s, op, st, JOB_CLAIM_COLUMNS);
    sqlite3_reset(st);
    store_exec(s, SQL_URL_CLAIM, "i", id);
    store_exec(s, SQL_LEASE_NEW, "iiiii", id, token, t->host, s->worker,
               s->now + op->term);
    store_exec(s, SQL_HOST_CLAIM, "iiii", t->host, now, now + t->gap, t->per_host);
    s->totals.token = token;
    s->totals.pending--;
    s->totals.active++;
    return !s->err;
}

/* µs until a claim may give more: a host is due, or a lease ends; -1: nothing is left. */
static int64_t wait_of(struct store *s)
{
    static const enum job_sql when[] = {SQL_HOST_NEXT, SQL_LEASE_NEXT};
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < sizeof when / sizeof *when; i++) {
        sqlite3_stmt *st = store_row(s, when[i], "");
        if (!st)
            continue;
        if (sqlite3_column_type(st, 0) != SQLITE_NULL &&
            sqlite3_column_int64(st, 0) < first)
            first = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    if (first == INT64_MAX)
        return -1;
    return first > s->now ? first - s->now : 0;
}

/* The stamps of one claim differ, so that hosts without a rate keep taking turns. */
void job_claim(struct store *s, struct job_op *op)
{
    int64_t now = s->now;
    give_back_all(s, SQL_LEASE_OVERDUE, s->now, true);
    store_touched(s);
    if (s->totals.per_host < op->per_host)
        store_exec(s, SQL_HOST_ROOM, "i", op->per_host);
    s->totals.per_host = op->per_host;
    for (; op->rows < op->n; now++) {
        struct turn turn;
        if (!next_host(s, op, now, &turn) || !claim_one(s, op, &turn, now))
            break;
    }
    if (op->rows < op->n)
        op->number = wait_of(s);
}
