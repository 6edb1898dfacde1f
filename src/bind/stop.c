/* Signals, limits, and scripts that do not come back to the loop. */
#include "bind/stop.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <lauxlib.h>
#include "base/watchdog.h"
#include "bind/emit.h"
#include "bind/task.h"

enum { PATIENCE = 100000, EXIT_SIGNAL = 128 }; /* µs from the stop to the hook */
#define GRACE 2.0 /* seconds from the end of the time to that of the process */

static volatile sig_atomic_t signal_seen;
static struct sigaction engine_action[NSIG]; /* the engine's own handlers */
static lua_State *the_run;                   /* borrowed: the main state */
static volatile sig_atomic_t interruptible;  /* a script runs */
static char limit[200];                      /* the sentence of a limit; "": none */

/* ---- scripts that spin ---- */

static void on_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    luaL_error(L, "interrupted");
}

/* Again and again, since pcall may catch the error, and the thread that ran last may not
 * be the one that spins. lua_sethook may be called from a handler, see lua.c. */
static void on_impatience(int signum)
{
    (void)signum;
    lua_State *co = interruptible ? lf_sched_running(the_run) : NULL;
    if (co)
        lua_sethook(co, on_hook, LUA_MASKCOUNT, 1);
}

/* setitimer is a plain system call on Linux: a handler may use it. */
static void lose_patience(double seconds)
{
    struct itimerval when = {.it_interval = {0, PATIENCE}};
    when.it_value.tv_sec = (time_t)seconds;
    when.it_value.tv_usec =
        (suseconds_t)((seconds - (double)when.it_value.tv_sec) * 1e6) + PATIENCE;
    if (when.it_value.tv_usec >= 1000000) {
        when.it_value.tv_sec++;
        when.it_value.tv_usec -= 1000000;
    }
    setitimer(ITIMER_REAL, &when, NULL);
}

/* ---- signals ---- */

/* The first one goes on to the engine's handler, which ends the run in order. */
static void on_signal(int signum)
{
    if (signal_seen)
        _exit(EXIT_SIGNAL + signum);
    signal_seen = signum;
    lose_patience(0);
    if (engine_action[signum].sa_handler != SIG_DFL &&
        engine_action[signum].sa_handler != SIG_IGN)
        engine_action[signum].sa_handler(signum);
}

static void got_signal(void *arg, int signum)
{
    (void)signum;
    lf_sched_stop(arg);
}

/* ---- limits ---- */

void lf_stop_say(const char *why)
{
    if (!*limit)
        snprintf(limit, sizeof limit, "%s", why);
}

static void on_over(void *arg, const char *why)
{
    if (signal_seen)
        return;
    lf_stop_say(why);
    lose_patience(0);
    lf_sched_stop(arg);
}

/* What the script printed, as far as it can be had without waiting: the thread that runs
 * Lua may be in the middle of writing. */
static void flush_stdout(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&p, 1, 0) <= 0 || ftrylockfile(stdout) != 0)
        return;
    fflush(stdout);
    funlockfile(stdout);
}

/* In the watchdog's thread: the run did not end in order. */
static void bite(void)
{
    static const char why[] =
        "error: the run was ended by max-time: it was over, and the "
        "script did not end\n";
    flush_stdout();
    lf_emit_rescue();
    if (write(STDERR_FILENO, why, sizeof why - 1) < 0)
        _exit(LF_EXIT_LIMIT);
    _exit(LF_EXIT_LIMIT);
}

void lf_stop_after(double seconds)
{
    double left = seconds > 0 ? seconds : 0;
    lf_watchdog_set(left + GRACE, bite);
    if (!signal_seen && !*limit)
        lose_patience(left);
}

/* ---- the face ---- */

bool lf_stop_open(lua_State *L, struct lf_engine *eng)
{
    static const int signals[] = {SIGINT, SIGTERM};
    the_run = L;
    lf_engine_on_over(eng, on_over, L);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction act = {.sa_handler = on_signal};
        if (lf_engine_on_signal(eng, signals[i], got_signal, L) != LF_OK ||
            sigaction(signals[i], &act, &engine_action[signals[i]]) != 0)
            return false;
    }
    struct sigaction act = {.sa_handler = on_impatience, .sa_flags = SA_RESTART};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* write() says so */
    return sigaction(SIGALRM, &act, NULL) == 0;
}

void lf_stop_begin(void)
{
    interruptible = true;
}

void lf_stop_end(void)
{
    interruptible = false;
}

void lf_stop_close(void)
{
    lf_watchdog_stop();
}

int lf_stop_code(void)
{
    if (*limit)
        return LF_EXIT_LIMIT;
    return signal_seen ? EXIT_SIGNAL + signal_seen : 0;
}

const char *lf_stop_why(void)
{
    return *limit ? limit : NULL;
}
