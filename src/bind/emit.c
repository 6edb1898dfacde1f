/* Writing records. */
#include "bind/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "bind/bind.h"
#include "bind/json.h"
#include "bind/suggest.h"
#include "bind/url.h"

enum { FLUSH_AT = 64 << 10, FILE_MODE = 0666 };
#define FLUSH_AFTER 0.1 /* seconds */

static const char emitter_key; /* its address: the emitter in the registry */

struct emitter {
    struct lf_engine *eng; /* borrowed: outlives the state */
    struct lf_timer timer; /* runs while something waits */
    struct lf_buf waiting; /* owned: whole records */
    struct lf_buf record;  /* owned: the one being made */
    int fd;                /* -1: closed */
    bool ours;             /* we opened it */
    bool terminal;
    off_t size; /* where the last whole record of our file ends; -1: not our file */
    char name[256];
    char why[512]; /* the first failure; "": none */
};

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

/* How many of the first n bytes are whole records. */
static size_t whole(const char *p, size_t n)
{
    const char *end = n ? memrchr(p, '\n', n) : NULL;
    return end ? (size_t)(end - p) + 1 : 0;
}

/* A full disk may take half a record: it is cut off again, where that is possible. */
static void write_failed(struct emitter *e, size_t done, int code)
{
    off_t end = e->size + (off_t)whole(e->waiting.p, done);
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

/* What the script printed before comes before. */
static void flush(struct emitter *e)
{
    size_t done = 0;
    lf_timer_stop(e->eng, &e->timer);
    if (!e->ours && e->waiting.len) {
        lf_log_clear_line();
        fflush(stdout);
    }
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

static void on_timer(struct lf_timer *t)
{
    flush(lf_container(t, struct emitter, timer));
}

static void shut(struct emitter *e)
{
    lf_timer_stop(e->eng, &e->timer);
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

enum lf_err lf_emit_open(lua_State *L, const char *path, const char **why)
{
    struct stat st;
    struct emitter *e = emitter_new(L);
    *why = e->why;
    snprintf(e->name, sizeof e->name, "%s", path ? path : "standard output");
    e->ours = path != NULL;
    e->fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE)
                 : STDOUT_FILENO;
    if (e->fd < 0)
        return fail(e, "open", errno);
    e->terminal = isatty(e->fd);
    if (e->ours && fstat(e->fd, &st) == 0 && S_ISREG(st.st_mode))
        e->size = 0;
    return LF_OK;
}

bool lf_emit_flush(lua_State *L)
{
    struct emitter *e = get(L);
    if (e && e->fd >= 0)
        flush(e);
    return !e || !*e->why;
}

enum lf_err lf_emit_close(lua_State *L, const char **why)
{
    struct emitter *e = get(L);
    if (!e || e->fd < 0)
        return LF_OK;
    flush(e);
    shut(e);
    *why = e->why;
    return *e->why ? LF_EIO : LF_OK;
}

/* ---- lf.emit ---- */

static int raise(lua_State *L, const struct emitter *e)
{
    lf_error_push(L, LF_EIO, NULL, "%s", e->why);
    return lua_error(L);
}

static int l_emit(lua_State *L)
{
    struct emitter *e = get(L);
    if (lua_isnoneornil(L, 1))
        return lf_misuse(L, "emit: wants an item, got nothing");
    if (!e || (e->fd < 0 && !*e->why))
        return lf_misuse(L, "emit: the run is over");
    if (*e->why)
        return raise(L, e);
    lf_buf_reset(&e->record);
    lf_json_encode(L, 1, &e->record, NULL);
    lf_buf_check(L, lf_buf_addc(&e->record, '\n'));
    lf_buf_check(L, lf_buf_add(&e->waiting, e->record.p, e->record.len));
    bool now = e->terminal || e->waiting.len >= FLUSH_AT;
    if (!now && !e->timer.pos)
        now = !lf_timer_start(e->eng, &e->timer, FLUSH_AFTER);
    if (now)
        flush(e);
    return *e->why ? raise(L, e) : 0;
}

void lf_emit_push(lua_State *L)
{
    lua_pushcfunction(L, l_emit);
}
