/* Drawing the progress line. A timer of the engine draws, without Lua: so the line goes
 * on while a script computes, and costs nothing to a run without one. */
#include "bind/progress.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/log.h"
#include "bind/stats.h"

#define INTERVAL 0.2 /* seconds */
#define ERASE    "\r\033[K"

struct lf_progress {
    struct lf_engine *eng; /* borrowed: outlives us */
    struct lf_timer timer; /* weak: the line alone keeps no run alive */
    double started;
    bool drawn; /* the line stands on the terminal */
};

/* One write, so that a terminal never shows half of a line. */
static void put(const char *text, size_t n)
{
    ssize_t done = write(STDERR_FILENO, text, n);
    (void)done; /* a terminal that is gone needs no line */
}

static void erase(void *arg)
{
    struct lf_progress *p = arg;
    if (p->drawn)
        put(ERASE, sizeof ERASE - 1);
    p->drawn = false;
}

static size_t width(void)
{
    struct winsize w;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    return 80;
}

static size_t format(const struct lf_progress *p, const struct lf_stats *s, char *out,
                     size_t size)
{
    double elapsed = lf_engine_now(p->eng) - p->started;
    int n = snprintf(
        out, size, "%llu done, %llu failed, %u in flight, %u queued, %.1f MB, %.0f/s",
        (unsigned long long)s->requests, (unsigned long long)lf_stats_failed(s),
        s->active, s->queued, (double)s->bytes_down / 1e6,
        elapsed > 0 ? (double)s->requests / elapsed : 0);
    size_t len = n > 0 && (size_t)n < size ? (size_t)n : 0;
    n = s->parked ? snprintf(out + len, size - len, ", %u %s parked", s->parked,
                             s->parked == 1 ? "host" : "hosts")
                  : 0;
    return n > 0 && (size_t)n < size - len ? len + (size_t)n : len;
}

static void on_timer(struct lf_timer *timer)
{
    struct lf_progress *p = lf_container(timer, struct lf_progress, timer);
    const struct lf_stats *s = lf_engine_stats(p->eng);
    char line[200] = "\r";
    size_t n = 1 + format(p, s, line + 1, 160);
    /* The last column stays free: writing there would wrap on some terminals. */
    size_t room = width();
    if (n > room)
        n = room;
    memcpy(line + n, "\033[K", 3);
    if (s->requests || s->active || s->queued) {
        put(line, n + 3);
        p->drawn = true;
    }
    lf_timer_start(p->eng, timer, INTERVAL);
}

struct lf_progress *lf_progress_new(struct lf_engine *eng)
{
    struct lf_progress *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->eng = eng;
    p->started = lf_engine_now(eng);
    p->timer.weak = true;
    p->timer.fire = on_timer;
    if (!lf_timer_start(eng, &p->timer, INTERVAL)) {
        free(p);
        return NULL;
    }
    lf_log_set_hook(erase, p);
    return p;
}

void lf_progress_free(struct lf_progress *p)
{
    if (!p)
        return;
    lf_log_set_hook(NULL, NULL);
    lf_timer_stop(p->eng, &p->timer);
    erase(p);
    free(p);
}

/* ---- what scripts write ---- */

/* Erase, then what the wrapped function does. */
static int l_guarded(lua_State *L)
{
    lf_log_clear_line();
    int nargs = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, nargs, LUA_MULTRET);
    return lua_gettop(L);
}

/* [-0, +0, m] Wrap the function of that name in the table on top. */
static void guard(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, l_guarded, 1);
    lua_setfield(L, -2, name);
}

void lf_progress_guard(lua_State *L)
{
    int top = lua_gettop(L);
    lua_pushglobaltable(L);
    guard(L, "print");
    lua_getglobal(L, "io");
    guard(L, "write");
    lua_getfield(L, -1, "stdout");
    if (luaL_getmetafield(L, -1, "__index") == LUA_TTABLE)
        guard(L, "write");
    lua_settop(L, top);
}
