/* Writing records. Of CSV this file knows only that luafetch/emit_csv.lua makes its text,
 * and that the first records are held there for a while. */
#include "bind/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "bind/bind.h"
#include "bind/json.h"
#include "bind/suggest.h"
#include "bind/url.h"
#include "bind/work.h"
#include "bind/worker.h"

enum { FLUSH_AT = 64 << 10, FILE_MODE = 0666 };
#define FLUSH_AFTER 0.1 /* seconds */

static const char emitter_key; /* its address: the emitter in the registry */
static const char csv_key;     /* the same for what makes CSV: {add =, rest =} */

struct emitter {
    struct lf_engine *eng; /* borrowed: outlives the state */
    struct lf_timer timer; /* runs while something waits */
    struct lf_buf waiting; /* owned: whole records */
    struct lf_buf record;  /* owned: the one being made */
    int fd;                /* -1: closed */
    bool ours;             /* we opened it */
    bool fresh;            /* ours, and what it held must go before anything is written */
    bool terminal;
    bool csv;   /* else JSON lines */
    off_t size; /* where the last whole record of our file ends; -1: not our file */
    const char *path, *columns; /* borrowed: outlive the state; NULL: none */
    char name[256];
    char taker[512]; /* the job whose items alone go there; "": none */
    char why[512];   /* the first failure; "": none */
    char end[512];   /* what is wrong with CSV, known at its end; "": nothing */
};

/* `waiting` changes and is written under it: lf_emit_rescue looks from another thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct emitter *volatile the_emitter; /* borrowed: from opening to closing */

static struct emitter *get(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &emitter_key);
    struct emitter *e = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return e;
}

static enum lf_err fail(struct emitter *e, const char *what, int code)
{
    if (!*e->why)
        snprintf(e->why, sizeof e->why, "cannot %s %s: %s", what, e->name,
                 strerror(code));
    lf_buf_reset(&e->waiting);
    return LF_EIO;
}

/* How many of the first n bytes are whole records. In CSV a line feed ends one unless it
 * stands between quotes. */
static size_t whole(const struct emitter *e, size_t n)
{
    const char *p = e->waiting.p;
    size_t end = 0;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        quoted ^= e->csv && p[i] == '"';
        if (p[i] == '\n' && !quoted)
            end = i + 1;
    }
    return end;
}

/* A full disk may take half a record: it is cut off again, where that is possible. */
static void write_failed(struct emitter *e, size_t done, int code)
{
    off_t end = e->size + (off_t)whole(e, done);
    const char *what = "write to";
    if (e->size >= 0 && ftruncate(e->fd, end) != 0)
        what = "write the last line to";
    fail(e, what, code);
}

static void wait_for_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    poll(&p, 1, -1);
}

/* Of a file that was there nothing stays. */
static void freshen(struct emitter *e)
{
    if (e->fresh && ftruncate(e->fd, 0) != 0)
        fail(e, "write to", errno);
    e->fresh = false;
}

static void write_all(struct emitter *e)
{
    size_t done = 0;
    while (done < e->waiting.len) {
        ssize_t n = write(e->fd, e->waiting.p + done, e->waiting.len - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            wait_for_room(e->fd);
        } else if (errno != EINTR) {
            write_failed(e, done, errno);
            return;
        }
    }
    if (e->size >= 0)
        e->size += (off_t)done;
    lf_buf_reset(&e->waiting);
}

/* What the script printed before comes before. */
static void flush(struct emitter *e)
{
    lf_timer_stop(e->eng, &e->timer);
    if (!e->ours && e->waiting.len) {
        lf_log_clear_line();
        fflush(stdout);
    }
    if (!e->ours && e->waiting.len)
        lf_worker_lock_output();
    pthread_mutex_lock(&lock);
    write_all(e);
    pthread_mutex_unlock(&lock);
    lf_worker_unlock_output();
}

void lf_emit_rescue(void)
{
    struct emitter *e = the_emitter;
    if (!e || pthread_mutex_trylock(&lock) != 0)
        return; /* somebody writes, and waits */
    struct pollfd p = {.fd = e->fd, .events = POLLOUT};
    for (size_t done = 0; done < e->waiting.len && poll(&p, 1, 0) > 0;) {
        size_t left = e->waiting.len - done; /* so much never waits when there is room */
        ssize_t n = write(e->fd, e->waiting.p + done, left < PIPE_BUF ? left : PIPE_BUF);
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

static void on_timer(struct lf_timer *t)
{
    flush(lf_container(t, struct emitter, timer));
}

static void shut(struct emitter *e)
{
    lf_timer_stop(e->eng, &e->timer);
    pthread_mutex_lock(&lock);
    if (the_emitter == e)
        the_emitter = NULL;
    pthread_mutex_unlock(&lock);
    if (e->ours && e->fd >= 0 && close(e->fd) != 0)
        fail(e, "write to", errno);
    e->fd = -1;
    lf_buf_free(&e->waiting);
    lf_buf_free(&e->record);
}

static int emitter_gc(lua_State *L)
{
    shut(lua_touserdata(L, 1));
    return 0;
}

static struct emitter *emitter_new(lua_State *L)
{
    struct emitter *e = lua_newuserdatauv(L, sizeof *e, 0);
    *e = (struct emitter){.eng = lf_task_engine(L), .fd = -1, .size = -1};
    e->timer.weak = true;
    e->timer.fire = on_timer;
    lf_buf_init(&e->waiting, LF_BUF_MAX);
    lf_buf_init(&e->record, LF_BUF_MAX);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, emitter_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &emitter_key);
    return e;
}

static bool is_csv(const char *path)
{
    size_t n = path ? strlen(path) : 0;
    return n >= 4 && strcasecmp(path + n - 4, ".csv") == 0;
}

/* [-0, +0, e] False, with e->why: the columns are none. */
static bool open_csv(lua_State *L, struct emitter *e, const struct lf_emit_conf *conf)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "luafetch.emit_csv");
    lua_call(L, 1, 1);
    lua_pushstring(L, conf->path);
    lua_pushstring(L, conf->columns);
    lua_call(L, 2, 2);
    const char *wrong = lua_tostring(L, -1);
    if (wrong)
        snprintf(e->why, sizeof e->why, "%s", wrong);
    lua_pop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &csv_key);
    return !wrong;
}

enum lf_err lf_emit_open(lua_State *L, const struct lf_emit_conf *conf, const char **why)
{
    struct stat st;
    const char *path = conf->path;
    struct emitter *e = emitter_new(L);
    *why = e->why;
    snprintf(e->name, sizeof e->name, "%s", path ? path : "standard output");
    e->ours = path != NULL;
    e->csv = is_csv(path);
    if (e->csv && !open_csv(L, e, conf)) /* before a file is made anew */
        return LF_EREQUEST;
    e->path = path;
    e->columns = conf->columns;
    e->fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE) : STDOUT_FILENO;
    if (e->fd < 0)
        return fail(e, "open", errno);
    e->terminal = isatty(e->fd);
    if (e->ours && fstat(e->fd, &st) == 0 && S_ISREG(st.st_mode))
        e->size = 0;
    e->fresh = e->size == 0;
    the_emitter = e;
    return LF_OK;
}

/* [-0, +1, e] Push a function of what makes CSV. */
static void push_csv(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &csv_key);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

static enum lf_err add_waiting(struct emitter *e, const char *p, size_t n)
{
    pthread_mutex_lock(&lock);
    enum lf_err err = lf_buf_add(&e->waiting, p, n);
    pthread_mutex_unlock(&lock);
    return err;
}

/* [-n, +m, e] What the function below n arguments returns, up to m results; the first is
 * text to be written. */
static void add_csv(lua_State *L, struct emitter *e, int n, int m)
{
    size_t len;
    lua_call(L, n, m);
    const char *text = lua_tolstring(L, -m, &len);
    lf_buf_check(L, add_waiting(e, text ? text : "", len));
}

static int add_rest(lua_State *L)
{
    struct emitter *e = lua_touserdata(L, 1);
    push_csv(L, "rest");
    add_csv(L, e, 0, 2);
    return 1;
}

/* [-0, +0, -] The records still held, and whether others had fields that are lost. */
static void end_csv(lua_State *L, struct emitter *e)
{
    if (!e->csv || !lua_checkstack(L, 4))
        return;
    lua_pushcfunction(L, add_rest);
    lua_pushlightuserdata(L, e);
    lua_pcall(L, 1, 1, 0);
    const char *complaint = lua_tostring(L, -1);
    if (complaint)
        snprintf(e->end, sizeof e->end, "%s", complaint);
    lua_pop(L, 1);
}

/* What the end brought to light comes when everything is written. */
static void flush_all(lua_State *L, struct emitter *e, bool well)
{
    if (*e->taker && e->ours)
        return; /* luafetch/output.lua has its own hold on it */
    if (well)
        freshen(e);
    if (e->fresh)
        return;
    end_csv(L, e);
    flush(e);
    if (!*e->why)
        memcpy(e->why, e->end, sizeof e->why);
}

bool lf_emit_flush(lua_State *L, bool well)
{
    struct emitter *e = get(L);
    if (e && e->fd >= 0)
        flush_all(L, e, well);
    return !e || !*e->why;
}

enum lf_err lf_emit_close(lua_State *L, bool well, const char **why)
{
    struct emitter *e = get(L);
    if (!e || e->fd < 0)
        return LF_OK;
    flush_all(L, e, well);
    shut(e);
    if (!*e->why)
        return LF_OK;
    *why = e->why;
    return LF_EIO;
}

/* ---- lf.emit ---- */

static int raise(lua_State *L, const struct emitter *e)
{
    lf_error_push(L, LF_EIO, NULL, "%s", e->why);
    return lua_error(L);
}

/* [-0, +0, e] The record at index 1 to those that wait. */
static void add_record(lua_State *L, struct emitter *e)
{
    if (e->csv) {
        push_csv(L, "add");
        lua_pushvalue(L, 1);
        add_csv(L, e, 1, 1);
        lua_pop(L, 1);
        return;
    }
    lf_buf_reset(&e->record);
    lf_json_encode(L, 1, &e->record, NULL);
    lf_buf_check(L, lf_buf_addc(&e->record, '\n'));
    lf_buf_check(L, add_waiting(e, e->record.p, e->record.len));
}

static int taken_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L, (void)status, (void)ctx;
    return 0;
}

static int l_emit(lua_State *L)
{
    struct emitter *e = get(L);
    if (lua_isnoneornil(L, 1))
        return lf_misuse(L, "emit: wants an item, got nothing");
    if (lf_work_push_taker(L)) { /* it goes to what the task works for */
        lua_insert(L, 1);
        lua_settop(L, 2);
        lua_callk(L, 1, 0, 0, taken_k);
        return 0;
    }
    if (!e || (e->fd < 0 && !*e->why))
        return lf_misuse(L, "emit: the run is over");
    if (*e->taker && e->ours)
        return lf_misuse(L, "emit: %s is written from a job: only its pages have items",
                         e->name);
    freshen(e);
    if (*e->why)
        return raise(L, e);
    add_record(L, e);
    bool now = e->terminal || e->waiting.len >= FLUSH_AT;
    if (!now && !e->timer.pos)
        now = !lf_timer_start(e->eng, &e->timer, FLUSH_AFTER);
    if (now)
        flush(e);
    return *e->why ? raise(L, e) : 0;
}

/* ---- for output.lua ---- */

/* emit_take(job) → the file or nil for standard output, the chosen columns: from now on
 * records come from that job. */
static int l_take(lua_State *L)
{
    struct emitter *e = get(L);
    const char *job = luaL_checkstring(L, 1);
    if (!e || e->fd < 0)
        return lf_misuse(L, "job:emit: the run is over");
    if (e->ours && *e->taker && strcmp(e->taker, job) != 0)
        return lf_misuse(L, "job:emit: %s is written from another job already", e->name);
    if (e->size >= 0 && !e->fresh)
        return lf_misuse(L, "job:emit: %s has got other records already", e->name);
    snprintf(e->taker, sizeof e->taker, "%s", job);
    lua_pushstring(L, e->path);
    lua_pushstring(L, e->columns);
    return 2;
}

/* emit_text(text): whole records to standard output, at once. */
static int l_text(lua_State *L)
{
    size_t n;
    struct emitter *e = get(L);
    const char *text = luaL_checklstring(L, 1, &n);
    if (!*e->why) {
        lf_buf_check(L, add_waiting(e, text, n));
        flush(e);
    }
    return *e->why ? raise(L, e) : 0;
}

void lf_emit_register(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"emit", l_emit}, {"emit_take", l_take}, {"emit_text", l_text}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
