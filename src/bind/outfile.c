/* Locking, looking at, cutting and writing a file. The lock is the kernel's: a process
 * that was stopped keeps it, so that nobody writes between two of its bytes, and one that
 * died has none. What fails is nil and an `io` Error that names the file. */
#include "bind/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bind/bind.h"

#define OUTFILE_TYPE "luafetch.outfile"

enum { FILE_MODE = 0666, TAIL = 64 };

struct outfile {
    int fd;              /* owned; -1: closed */
    bool regular;        /* it has a size, and can be cut */
    off_t end;           /* of what was written */
    char name[PATH_MAX]; /* absolute */
};

static struct outfile *check(lua_State *L)
{
    struct outfile *f = luaL_checkudata(L, 1, OUTFILE_TYPE);
    luaL_argcheck(L, f->fd >= 0, 1, "the file is closed");
    return f;
}

static int fail(lua_State *L, const char *what, const char *name, int code)
{
    return lf_error_fail(L, LF_EIO, NULL, "cannot %s %s: %s", what, name, strerror(code));
}

static int success(lua_State *L)
{
    lua_pushboolean(L, true);
    return 1;
}

/* open_output(path) → file, its absolute name | nil, Error */
static int l_open(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct stat st;
    struct outfile *f = lua_newuserdatauv(L, sizeof *f, 0);
    *f = (struct outfile){.fd = -1};
    luaL_setmetatable(L, OUTFILE_TYPE);
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (f->fd < 0 && errno == EACCES)
        f->fd = open(path, O_WRONLY | O_CLOEXEC); /* a pipe, or a file nobody may read */
    if (f->fd < 0 || fstat(f->fd, &st) != 0 || !realpath(path, f->name))
        return fail(L, "open", path, errno);
    f->regular = S_ISREG(st.st_mode);
    lua_pushstring(L, f->name);
    return 2;
}

/* True: until it is closed nobody else has the lock. */
static int l_lock(lua_State *L)
{
    const struct outfile *f = check(L);
    if (flock(f->fd, LOCK_EX | LOCK_NB) == 0)
        return success(L);
    if (errno != EWOULDBLOCK && errno != EINTR)
        return success(L); /* a file system without locks: the job's lease must do */
    lua_pushboolean(L, false);
    return 1;
}

/* Bytes; nil for what has no size. */
static int l_size(lua_State *L)
{
    const struct outfile *f = check(L);
    struct stat st;
    if (!f->regular)
        return 0;
    if (fstat(f->fd, &st) != 0)
        return fail(L, "read", f->name, errno);
    lua_pushinteger(L, st.st_size);
    return 1;
}

/* tail(at): the last bytes before; less where it is shorter. */
static int l_tail(lua_State *L)
{
    const struct outfile *f = check(L);
    lua_Integer at = luaL_checkinteger(L, 2), from = at > TAIL ? at - TAIL : 0;
    char bytes[TAIL];
    ssize_t n = pread(f->fd, bytes, (size_t)(at - from), from);
    if (n < 0)
        return fail(L, "read", f->name, errno);
    lua_pushlstring(L, bytes, (size_t)n);
    return 1;
}

/* cut(at): what is written next stands there. */
static int l_cut(lua_State *L)
{
    struct outfile *f = check(L);
    f->end = luaL_checkinteger(L, 2);
    if (f->regular && ftruncate(f->fd, f->end) != 0)
        return fail(L, "write to", f->name, errno);
    return success(L);
}

static ssize_t write_some(struct outfile *f, const char *p, size_t n, size_t done)
{
    if (f->regular)
        return pwrite(f->fd, p + done, n - done, f->end + (off_t)done);
    return write(f->fd, p + done, n - done);
}

/* write(text): all of it, or as if it had not been tried. */
static int l_write(lua_State *L)
{
    size_t n, done = 0;
    struct outfile *f = check(L);
    const char *p = luaL_checklstring(L, 2, &n);
    while (done < n) {
        ssize_t some = write_some(f, p, n, done);
        if (some >= 0) {
            done += (size_t)some;
        } else if (errno != EINTR) {
            int code = errno;
            if (f->regular && ftruncate(f->fd, f->end) != 0)
                return fail(L, "write the last line to", f->name, code);
            return fail(L, "write to", f->name, code);
        }
    }
    f->end += (off_t)n;
    lua_pushinteger(L, f->end);
    return 1;
}

static int l_close(lua_State *L)
{
    struct outfile *f = luaL_checkudata(L, 1, OUTFILE_TYPE);
    int fd = f->fd;
    f->fd = -1;
    if (fd >= 0 && close(fd) != 0)
        return fail(L, "write to", f->name, errno);
    return success(L);
}

void lf_outfile_register(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"lock", l_lock},   {"size", l_size},   {"tail", l_tail},  {"cut", l_cut},
        {"write", l_write}, {"close", l_close}, {"__gc", l_close}, {NULL, NULL}};
    luaL_newmetatable(L, OUTFILE_TYPE);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, l_open);
    lua_setfield(L, -2, "open_output");
}
