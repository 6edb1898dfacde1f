/* Opening a job's file: is it one, is it whole, is it ours to write; and who else works
 * on it. A file that does not fit is refused and stays as it is. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "modules/job/store.h"

enum { MAGIC = 0x4c464a42, VERSION = 1 }; /* "LFJB" */
enum { TEXT = 64, NAP = 2000 };           /* µs between two tries for a lock */

/* Keys are unique in a host. What is pending is found by the second index alone, in the
 * order of claims; state: 0 pending, 1 leased, 2 done, 3 failed, 4 skipped. A host's gap
 * and per_host stand before those of claims. Times are µs since boot. */
static const char schema[] =
    "CREATE TABLE job (version INTEGER, secret BLOB, boot TEXT, token INTEGER, "
    " epoch INTEGER, pending INTEGER, active INTEGER, done INTEGER, failed INTEGER, "
    " skipped INTEGER, items INTEGER, hosts INTEGER, per_host INTEGER);"
    "CREATE TABLE host (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, due INTEGER, "
    " next INTEGER NOT NULL DEFAULT 0, last INTEGER, active INTEGER NOT NULL DEFAULT 0, "
    " pending INTEGER NOT NULL DEFAULT 0, gap INTEGER, per_host INTEGER);"
    "CREATE INDEX host_due ON host (due) WHERE due IS NOT NULL;"
    "CREATE TABLE url (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, key BLOB NOT NULL, "
    " url TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0, "
    " depth INTEGER NOT NULL DEFAULT 0, priority INTEGER NOT NULL DEFAULT 0, "
    " tries INTEGER NOT NULL DEFAULT 0, parent INTEGER, meta TEXT, error TEXT);"
    "CREATE UNIQUE INDEX url_key ON url (host, key);"
    "CREATE INDEX url_pending ON url (host, priority DESC, depth, id) WHERE state = 0;"
    "CREATE INDEX url_failed ON url (id) WHERE state = 3;"
    "CREATE INDEX url_skipped ON url (id) WHERE state = 4;"
    "CREATE TABLE lease (id INTEGER PRIMARY KEY, token INTEGER NOT NULL, "
    " host INTEGER NOT NULL, worker INTEGER NOT NULL, until INTEGER NOT NULL);"
    "CREATE INDEX lease_until ON lease (until);"
    "CREATE TABLE worker (id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER, "
    " started TEXT, space TEXT);"
    "CREATE TABLE items (id INTEGER PRIMARY KEY, page INTEGER, item TEXT NOT NULL);"
    "CREATE TABLE output (name TEXT PRIMARY KEY, worker INTEGER NOT NULL, "
    " until INTEGER NOT NULL, state TEXT);"
    "INSERT INTO job VALUES (1, randomblob(16), '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
    "PRAGMA application_id = 1279674946;"
    "PRAGMA user_version = 1;";

void store_tell_time(struct store *s)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    s->now = s->play ? s->jumped : t.tv_sec * JOB_SECOND + t.tv_nsec / 1000;
}

/* ---- what went wrong ---- */

/* SQLite makes files beside its own, and calls it "cannot open" when it may not. */
static bool is_shut(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    return access(path, F_OK) == 0 && access(folder, W_OK) != 0;
}

void store_explain(struct store *s, int rc)
{
    const char *path = s->path;
    int code = s->db ? sqlite3_system_errno(s->db) : 0;
    const char *what = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        store_fail(s, LF_ESTATE, "%s is locked by another process", path);
        break;
    case SQLITE_NOTADB:
        store_fail(s, LF_ESTATE, "%s is not a job: it is no SQLite database", path);
        break;
    case SQLITE_CORRUPT:
        store_fail(s, LF_ESTATE, "%s is damaged: %s", path, what);
        break;
    case SQLITE_NOMEM:
        store_no_memory(s);
        break;
    case SQLITE_READONLY:
        store_fail(s, LF_EIO, "cannot write to %s: it is read-only", path);
        break;
    case SQLITE_FULL:
        store_fail(s, LF_EIO, "cannot write to %s: the disk is full", path);
        break;
    case SQLITE_CANTOPEN:
        if (is_shut(path)) {
            store_fail(s, LF_EIO, "cannot open %s: its folder is read-only", path);
            break;
        }
        store_fail(s, LF_EIO, "cannot open %s: %s", path, code ? strerror(code) : what);
        break;
    case SQLITE_IOERR:
    case SQLITE_PERM:
    case SQLITE_TOOBIG:
        store_fail(s, LF_EIO, "cannot read or write %s: %s", path,
                   code ? strerror(code) : what);
        break;
    default: /* tables that are not ours, or were changed by hand */
        store_fail(s, LF_ESTATE, "%s does not fit: %s", path, what);
    }
}

/* ---- small questions ---- */

static bool run(struct store *s, const char *sql)
{
    int rc = s->err ? SQLITE_OK : sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        store_explain(s, rc);
    return !s->err;
}

static int64_t ask(struct store *s, const char *sql)
{
    sqlite3_stmt *st = NULL;
    int64_t value = 0;
    if (s->err)
        return 0;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        value = sqlite3_column_int64(st, 0);
    else
        store_explain(s, rc);
    sqlite3_finalize(st);
    return value;
}

/* The first line of a small file, "" when there is none. */
static void read_line(const char *path, char *line, int n)
{
    FILE *f = fopen(path, "re");
    if (!f || !fgets(line, n, f))
        *line = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (f)
        fclose(f);
}

/* ---- processes ---- */

/* When it began, in ticks since boot: a number that is used again is somebody else. "":
 * it has ended, though its parent may not have noticed. */
static void start_of(int64_t pid, char started[static TEXT])
{
    char path[TEXT], line[1024];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    read_line(path, line, sizeof line);
    const char *p = strrchr(line, ')'); /* the name may hold anything */
    if (p && strchr("ZXx", p[strspn(p, ") ")]))
        p = NULL;
    for (int i = 0; p && i < 20; i++)
        p = strchr(p + 1, ' ');
    snprintf(started, TEXT, "%.*s", p ? (int)strcspn(p + 1, " ") : 0, p ? p + 1 : "");
}

/* Only processes of this name space can be seen. */
static void space(char name[static TEXT])
{
    ssize_t n = readlink("/proc/self/ns/pid", name, TEXT - 1);
    name[n > 0 ? n : 0] = '\0';
}

/* A worker that was killed gives back what it had without waiting for the lease's end. */
static void bury_workers(struct store *s, const char *here)
{
    int64_t id = 0;
    for (;;) {
        char was[TEXT], is[TEXT];
        sqlite3_stmt *st = store_row(s, SQL_WORKERS, "ti", here, strlen(here), id);
        if (!st)
            return;
        id = sqlite3_column_int64(st, 0);
        int64_t pid = sqlite3_column_int64(st, 1);
        snprintf(was, sizeof was, "%s", (const char *)sqlite3_column_text(st, 2));
        sqlite3_reset(st);
        start_of(pid, is);
        if (strcmp(was, is) == 0)
            continue;
        job_release_worker(s, id);
        store_exec(s, SQL_WORKER_END, "i", id);
    }
}

static void join_workers(struct store *s)
{
    char here[TEXT], started[TEXT];
    space(here);
    if (*here)
        bury_workers(s, here);
    start_of(getpid(), started);
    sqlite3_stmt *st = store_row(s, SQL_WORKER_NEW, "itt", (int64_t)getpid(), started,
                                 strlen(started), here, strlen(here));
    if (!st)
        return;
    s->worker = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
}

/* After a boot the clock begins anew, and nobody of before is alive; so does a play's. */
static void check_boot(struct store *s)
{
    char boot[TEXT], sql[2 * TEXT];
    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    if (s->play)
        snprintf(boot, sizeof boot, "%llx", (unsigned long long)s->play);
    if (strspn(boot, "0123456789abcdef-") != strlen(boot))
        *boot = '\0';
    snprintf(sql, sizeof sql, "SELECT boot = '%s' FROM job", boot);
    if (ask(s, sql) || s->err)
        return;
    job_release_all(s);
    store_touched(s);
    run(s, "DELETE FROM worker; UPDATE output SET until = 0; UPDATE host SET next = 0, "
           "last = NULL, due = "
           "CASE WHEN pending > 0 THEN 0 END");
    snprintf(sql, sizeof sql, "UPDATE job SET boot = '%s'", boot);
    run(s, sql);
}

/* ---- the file ---- */

static int on_busy(void *arg, int tries)
{
    const struct store *s = arg;
    if ((int64_t)tries * NAP >= s->choice->patience)
        return 0;
    usleep(NAP);
    return 1;
}

/* SQLite would take what is no regular file, and call a folder "unable to open". */
static bool check_file(struct store *s)
{
    struct stat st;
    if (s->temporary)
        return true;
    if (stat(s->path, &st) != 0) {
        if (errno != ENOENT || !s->choice->create || s->choice->readonly)
            store_fail(s, LF_EIO, "cannot open %s: %s", s->path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        store_fail(s, LF_EIO, "cannot open %s: it is no file", s->path);
    } else if (st.st_size == 0 && (!s->choice->create || s->choice->readonly)) {
        store_fail(s, LF_ESTATE, "%s is not a job: it is empty", s->path);
    }
    return !s->err;
}

/* True: it is a job of our version. False: empty, or s->err. In a transaction of the
 * caller: another process may be making it between two questions. */
static bool check_version(struct store *s)
{
    int64_t magic = ask(s, "PRAGMA application_id");
    int64_t version = ask(s, "PRAGMA user_version");
    int64_t tables = ask(s, "SELECT count(*) FROM sqlite_schema");
    if (s->err)
        return false;
    if (magic == MAGIC && version > VERSION)
        store_fail(s, LF_ESTATE,
                   "%s was written by a newer luafetch (job version %lld; this one knows "
                   "%d)",
                   s->path, (long long)version, VERSION);
    else if (magic == MAGIC && version == VERSION && tables)
        return true;
    else if (magic || version || tables)
        store_fail(s, LF_ESTATE, "%s is not a job: it is a database of something else",
                   s->path);
    return false;
}

static void read_secret(struct store *s)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, "SELECT secret FROM job", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && sqlite3_column_bytes(st, 0) == JOB_KEY)
        memcpy(s->secret, sqlite3_column_blob(st, 0), JOB_KEY);
    else if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        store_fail(s, LF_ESTATE, "%s is damaged: it has no row of the job", s->path);
    else
        store_explain(s, rc);
    sqlite3_finalize(st);
}

/* Two processes may make the same file: the second one finds it made. */
static void make_or_join(struct store *s)
{
    store_exec(s, SQL_BEGIN, "");
    if (!check_version(s))
        run(s, schema);
    store_tell_time(s);
    store_read_totals(s);
    check_boot(s);
    join_workers(s);
    store_touched(s);
    store_write_totals(s);
    store_exec(s, SQL_COMMIT, "");
}

/* Changing to WAL does not ask the busy handler. */
static void set_wal(struct store *s)
{
    int rc;
    if (s->temporary) {
        run(s, "PRAGMA journal_mode = MEMORY");
        return;
    }
    for (int tries = 0;; tries++) {
        rc = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if (rc != SQLITE_BUSY || !on_busy(s, tries))
            break;
    }
    if (rc != SQLITE_OK)
        store_explain(s, rc);
}

static void set_up(struct store *s)
{
    static const char own[] = "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;"
                              "PRAGMA wal_autocheckpoint = 4000;"
                              "PRAGMA journal_size_limit = 67108864;";
    sqlite3_busy_handler(s->db, on_busy, s);
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    run(s, "BEGIN");
    bool ours = check_version(s); /* before anything is written */
    run(s, "COMMIT");
    if (s->err || s->choice->readonly)
        return;
    if (sqlite3_db_readonly(s->db, "main") == 1)
        store_explain(s, SQLITE_READONLY);
    if (!ours && !s->choice->create)
        store_fail(s, LF_ESTATE, "%s is not a job: it is empty", s->path);
    if (!s->err)
        set_wal(s);
    run(s, own);
    run(s, s->choice->sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    make_or_join(s);
}

void store_open(struct store *s)
{
    int how = s->choice->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (!check_file(s))
        return;
    if (s->choice->create && !s->choice->readonly)
        how |= SQLITE_OPEN_CREATE;
    /* Of "" SQLite makes a file without a name, once it outgrows the memory for it. */
    int rc = sqlite3_open_v2(s->temporary ? "" : s->path, &s->db,
                             how | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        store_explain(s, rc);
        return;
    }
    set_up(s);
    if (!s->err)
        read_secret(s);
}

void job_close(struct store *s, struct job_op *op)
{
    (void)op;
    if (s->choice->readonly || !s->worker)
        return;
    job_release_worker(s, s->worker);
    store_exec(s, SQL_WORKER_END, "i", s->worker);
}
