/* Hosts: their numbers, and the pace of each. */
#include <string.h>
#include "modules/job/store.h"

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

int64_t job_host_id(struct store *s, const char *name, size_t n)
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

void job_host_park(struct store *s, int64_t host, int64_t park)
{
    if (park <= 0)
        return;
    store_touched(s);
    store_exec(s, SQL_HOST_PARK, "ii", host, s->now + park);
}

/* Pace and state as they are now; number: µs for which it is parked. */
static void look_at(struct store *s, struct job_op *op, int64_t host)
{
    sqlite3_stmt *st = store_row(s, SQL_HOST_LOOK, "i", host);
    if (!st)
        return;
    store_emit(s, op, st, JOB_HOST_COLUMNS);
    op->gap = sqlite3_column_type(st, 3) == SQLITE_NULL ? JOB_AS_BEFORE
                                                        : sqlite3_column_int64(st, 3);
    op->number = sqlite3_column_int64(st, 4) - s->now;
    sqlite3_reset(st);
}

void job_host(struct store *s, struct job_op *op)
{
    int64_t host = job_host_id(s, op->in.p, op->in.len);
    store_touched(s);
    if (op->gap != JOB_AS_BEFORE || op->per_host != JOB_AS_BEFORE)
        store_exec(s, SQL_HOST_PACE, "iii", host, op->gap, op->per_host);
    job_host_park(s, host, op->park);
    look_at(s, op, host);
}
