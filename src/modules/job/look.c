/* Looking at a job as a whole, and beginning again. */
#include "modules/job/store.h"

void job_counts(struct store *s, struct job_op *op)
{
    const struct job_totals *t = &s->totals;
    const int64_t numbers[] = {t->pending, t->active, t->done, t->failed,
                               t->skipped, t->items,  t->hosts};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct job_cell c = {numbers[i], JOB_NUMBER};
        if (lf_buf_add(&op->out, &c, sizeof c))
            store_no_memory(s);
    }
    op->rows = 1;
}

static void emit_rows(struct store *s, struct job_op *op, enum job_sql which, int columns)
{
    sqlite3_stmt *st = store_row(s, which, "ii", op->after, op->n);
    while (st && !s->err) {
        store_emit(s, op, st, columns);
        if (!store_more(s, st))
            st = NULL;
    }
    if (st)
        sqlite3_reset(st);
}

void job_items(struct store *s, struct job_op *op)
{
    emit_rows(s, op, SQL_ITEMS, JOB_ITEM_COLUMNS);
}

void job_failed(struct store *s, struct job_op *op)
{
    emit_rows(s, op, SQL_FAILED, JOB_FAILED_COLUMNS);
}

void job_skipped(struct store *s, struct job_op *op)
{
    emit_rows(s, op, SQL_SKIPPED, JOB_FAILED_COLUMNS);
}

void job_retry_failed(struct store *s, struct job_op *op)
{
    for (;;) {
        sqlite3_stmt *st = store_row(s, SQL_FAILED_ONE, "");
        if (!st)
            return;
        int64_t host = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
        store_touch(s, host, 0, 1);
        s->totals.failed--;
        op->number++;
    }
}

/* Tokens go on: a lease of before must fit none of after. */
void job_reset(struct store *s, struct job_op *op)
{
    static const char all[] = "DELETE FROM lease; DELETE FROM items; DELETE FROM url; "
                              "DELETE FROM host; DELETE FROM output;";
    (void)op;
    store_touched(s);
    int rc = s->err ? SQLITE_OK : sqlite3_exec(s->db, all, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        store_explain(s, rc);
    for (int i = 0; i < JOB_HOSTS; i++)
        s->hosts[i].id = 0;
    s->totals = (struct job_totals){
        .version = 1, .token = s->totals.token, .epoch = s->totals.epoch + 1};
}
