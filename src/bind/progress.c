/* Drawing the progress line and the bars above it. A timer of the engine draws, without
 * Lua: so the line goes on while a script computes, and costs nothing to a run without
 * one. */
#include "bind/progress.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/log.h"
#include "bind/bars.h"
#include "bind/stats.h"

#define INTERVAL 0.2 /* seconds */

enum {
    BIG = 1 << 20,  /* bytes from which a download has a bar of its own */
    MAX_BARS = 8,   /* lines above the one for all */
    MAX_SEEN = 256, /* downloads that are looked at */
    MAX_LINE = LF_BAR_ROOM,
};

struct lf_progress {
    struct lf_engine *eng; /* borrowed: outlives us; NULL: none */
    struct lf_timer timer; /* weak: the line alone keeps no run alive */
    double started;
    unsigned drawn; /* lines that stand on the terminal; the cursor is on the last one */
    char *screen;   /* owned: what is written next */
    size_t len;
};

/* ---- what is put on the screen goes out in one write, so that a terminal never shows
 * half of a line ---- */

static void add(struct lf_progress *p, const char *text, size_t n)
{
    memcpy(p->screen + p->len, text, n);
    p->len += n;
}

/* To the front of the first line that was drawn. */
static void go_back(struct lf_progress *p)
{
    char up[24];
    int n = p->drawn > 1 ? snprintf(up, sizeof up, "\r\033[%uA", p->drawn - 1)
                         : snprintf(up, sizeof up, "\r");
    add(p, up, (size_t)n);
}

static void put(struct lf_progress *p)
{
    ssize_t done = write(STDERR_FILENO, p->screen, p->len);
    (void)done; /* a terminal that is gone needs no line */
    p->len = 0;
}

static void erase(void *arg)
{
    struct lf_progress *p = arg;
    if (!p->drawn)
        return;
    go_back(p);
    add(p, p->drawn > 1 ? "\033[J" : "\033[K", 3);
    put(p);
    p->drawn = 0;
}

static struct winsize terminal(void)
{
    struct winsize w = {0};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w))
        w.ws_col = w.ws_row = 0;
    if (!w.ws_col)
        w.ws_col = 80;
    if (!w.ws_row)
        w.ws_row = 24;
    return w;
}

/* ---- the line for all ---- */

static size_t format(const struct lf_stats *s, uint64_t under_way, double elapsed,
                     char *out, size_t size)
{
    int n = snprintf(
        out, size, "%llu done, %llu failed, %u in flight, %u queued, %.1f MB, %.0f/s",
        (unsigned long long)s->requests, (unsigned long long)lf_stats_failed(s),
        s->active, s->queued, (double)(s->bytes_down + under_way) / 1e6,
        elapsed > 0 ? (double)s->requests / elapsed : 0);
    size_t len = n > 0 && (size_t)n < size ? (size_t)n : 0;
    n = s->parked ? snprintf(out + len, size - len, ", %u %s parked", s->parked,
                             s->parked == 1 ? "host" : "hosts")
                  : 0;
    return n > 0 && (size_t)n < size - len ? len + (size_t)n : len;
}

/* ---- drawing ---- */

static bool big(const struct lf_download *d)
{
    return (d->total == LF_BODY_UNKNOWN ? d->down : d->total) >= BIG;
}

/* A line at the place of an older one. */
static void add_line(struct lf_progress *p, const char *text, size_t n, bool last)
{
    add(p, text, n);
    add(p, "\033[K", 3);
    if (!last)
        add(p, "\r\n", 2);
}

/* The bars, of lines so wide: how many there are. Adds up what is under way. */
static unsigned add_bars(struct lf_progress *p, size_t columns, unsigned most,
                         uint64_t *under_way)
{
    struct lf_download seen[MAX_SEEN];
    char line[MAX_LINE];
    unsigned n = p->eng ? lf_engine_downloads(p->eng, seen, MAX_SEEN) : 0, lines = 0;
    for (unsigned i = 0; i < n && i < MAX_SEEN; i++) {
        *under_way += seen[i].down - seen[i].before;
        if (!big(&seen[i]) || lines == most)
            continue;
        size_t len = lf_bar_format(&seen[i], lf_engine_now(p->eng), columns, line);
        add_line(p, line, len, false);
        lines++;
    }
    return lines;
}

static void draw(struct lf_progress *p, const struct lf_stats *s, uint64_t under_way,
                 double elapsed)
{
    struct winsize w = terminal();
    char line[MAX_LINE];
    unsigned most = w.ws_row > MAX_BARS + 1 ? MAX_BARS : w.ws_row - 1u;
    /* The last column stays free: writing there would wrap on some terminals. */
    size_t columns = w.ws_col - 1u;
    go_back(p);
    unsigned lines = add_bars(p, columns, most, &under_way);
    size_t len = format(s, under_way, elapsed, line, 160);
    add_line(p, line, len < columns ? len : columns, true);
    if (++lines < p->drawn)
        add(p, "\033[J", 3);
    p->drawn = lines;
    put(p);
}

void lf_progress_show(struct lf_progress *p, const struct lf_stats *s, uint64_t under_way,
                      double elapsed)
{
    if (s->requests || s->active || s->queued)
        draw(p, s, under_way, elapsed);
}

static void on_timer(struct lf_timer *timer)
{
    struct lf_progress *p = lf_container(timer, struct lf_progress, timer);
    double elapsed = lf_engine_now(p->eng) - p->started;
    lf_progress_show(p, lf_engine_stats(p->eng), 0, elapsed);
    lf_timer_start(p->eng, timer, INTERVAL);
}

struct lf_progress *lf_progress_new(struct lf_engine *eng)
{
    struct lf_progress *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->screen = malloc((MAX_BARS + 2) * (MAX_LINE + 8));
    p->eng = eng;
    p->started = eng ? lf_engine_now(eng) : 0;
    p->timer.weak = true;
    p->timer.fire = on_timer;
    if (!p->screen || (eng && !lf_timer_start(eng, &p->timer, INTERVAL))) {
        free(p->screen);
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
    if (p->eng)
        lf_timer_stop(p->eng, &p->timer);
    erase(p);
    free(p->screen);
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
