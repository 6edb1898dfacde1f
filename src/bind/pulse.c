/* The pulse: a look at the running slice a hundred times a second, while slices run.
 *
 * A slice of Lua that does not wait keeps all others from running, and must not keep data
 * from flowing. A count hook of Lua's slows every instruction down, so a timer's signal
 * does the looking: a slice that it meets for the third time (20 to 30 ms) gets a hook
 * for its next instruction, which lets the engine work without resuming anybody, and is
 * gone again. Hooks belong to threads; one that has a hook of the script's own is left
 * alone. Short slices pay nothing, and the timer rests when nothing runs. */
#include "bind/sched.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"

#ifndef sigev_notify_thread_id /* glibc before 2.38 */
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define BEAT  10000000 /* ns */
#define LONG  0.1      /* seconds: such a slice is told of */
#define SHARE 0.002    /* seconds of a beat that the engine may take */

enum {
    LOOKS = 2,         /* a slice that was seen before so many times gets the hook */
    REST = 3,          /* looks at nothing before the timer stops */
    STEPS = 64,        /* of the engine, in a beat */
    PLACES = 16,       /* that are told of */
    SIGNAL = SIGVTALRM /* nobody else's, and debuggers pass it on quietly */
};

struct lf_pulse {
    struct lf_sched *sched; /* borrowed: owns us */
    struct lf_engine *eng;  /* borrowed: the run's; not that of a test within it */
    timer_t timer;
    volatile sig_atomic_t beating;
    volatile unsigned seen, looks; /* the slice that was met last, how often before */
    volatile double since;         /* when first */
    char place[LUA_IDSIZE + 12];   /* in the slice; "": not long, or it holds up nobody */
    struct lf_text *told[PLACES];  /* owned */
    unsigned ntold;
};

static struct lf_pulse *volatile the_pulse; /* what the signal's handler looks at */

/* ---- the hook: on the script's C stack ---- */

/* Data flows, what is done is linked into the ready list; no other Lua runs. */
static void pump(struct lf_engine *eng)
{
    double until = lf_clock_now() + SHARE;
    for (int i = 0; i < STEPS && lf_engine_step(eng, false); i++)
        if (lf_clock_now() > until)
            return;
}

static bool others_wait(const struct lf_sched *s)
{
    return s->tasks > 1 || lf_engine_leftovers(s->eng).requests > 0;
}

static void on_hook(lua_State *L, lua_Debug *ar)
{
    struct lf_sched *s = lf_sched_of(L);
    struct lf_pulse *p = s->pulse;
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    if (!p || s->slice != p->seen || p->looks < LOOKS)
        return; /* it was meant for an earlier slice, which had ended */
    if (!s->felt)
        *p->place = '\0';
    s->felt = true;
    if (!*p->place && lf_clock_now() - p->since > LONG && others_wait(s))
        lf_task_where(L, 0, p->place);
    if (s->eng == p->eng)
        pump(p->eng);
}

/* ---- the signal ---- */

static void rest(struct lf_pulse *p)
{
    static const struct itimerspec never;
    timer_settime(p->timer, 0, &never, NULL);
    p->beating = 0;
}

/* lua_sethook may be called from a handler, see lua.c. */
static void on_beat(int signum)
{
    struct lf_pulse *p = the_pulse;
    (void)signum;
    if (!p)
        return;
    lua_State *running = p->sched->running;
    if (p->seen != p->sched->slice) {
        p->seen = p->sched->slice;
        p->looks = 0;
        p->since = lf_clock_now();
        return;
    }
    p->looks++;
    if (!running && p->looks >= REST)
        rest(p);
    if (running && p->looks >= LOOKS && lua_gethookmask(running) == 0)
        lua_sethook(running, on_hook, LUA_MASKCOUNT, 1);
}

/* ---- the end of a long slice ---- */

/* Once for each place; when there are too many, that was said often enough. */
static bool is_new(struct lf_pulse *p)
{
    for (unsigned i = 0; i < p->ntold; i++)
        if (p->told[i] && strcmp(p->told[i]->s, p->place) == 0)
            return false;
    if (p->ntold == PLACES)
        return false;
    p->told[p->ntold++] = lf_text_newf("%s", p->place);
    return true;
}

void lf_pulse_slice_over(struct lf_sched *s)
{
    struct lf_pulse *p = s->pulse;
    double took = lf_clock_now() - p->since;
    s->felt = false;
    if (!*p->place || !is_new(p))
        return;
    lf_log(LF_LOG_WARN,
           "a slice of %.1f s without waiting at %s; other tasks stood still", took,
           p->place);
}

/* ---- beginning and ending ---- */

static bool make_timer(struct lf_pulse *p)
{
    struct sigaction act = {.sa_handler = on_beat, .sa_flags = SA_RESTART};
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGNAL};
    ev.sigev_notify_thread_id = gettid();
    return sigaction(SIGNAL, &act, NULL) == 0 &&
           timer_create(CLOCK_MONOTONIC, &ev, &p->timer) == 0;
}

/* Without memory or a timer slices are not looked after, and that is all. */
static struct lf_pulse *pulse_new(struct lf_sched *s)
{
    struct lf_pulse *p = the_pulse ? NULL : calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->sched = s;
    p->eng = s->eng;
    if (!make_timer(p)) {
        free(p);
        return NULL;
    }
    the_pulse = p;
    return p;
}

void lf_pulse_start(struct lf_sched *s)
{
    static const struct itimerspec beat = {{0, BEAT}, {0, BEAT}};
    if (!s->pulse)
        s->pulse = pulse_new(s);
    s->slice++; /* before we look: so the timer does not rest now */
    if (!s->pulse || s->pulse->beating)
        return;
    s->pulse->beating = 1;
    timer_settime(s->pulse->timer, 0, &beat, NULL);
}

void lf_pulse_free(struct lf_pulse *p)
{
    if (!p)
        return;
    rest(p);
    timer_delete(p->timer);
    the_pulse = NULL;
    for (unsigned i = 0; i < p->ntold; i++)
        lf_text_unref(p->told[i]);
    free(p);
}
