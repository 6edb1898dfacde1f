/* A worker's side of the board. */
#include "bind/worker.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "bind/lf_module.h"
#include "bind/task.h"

#define INTERVAL 0.2 /* seconds between two tellings */
#define HUNGER   0.3 /* seconds after which who has not asked again wants nothing */

static struct lf_board *board; /* borrowed: as long as the process; NULL: alone */
static struct lf_slot *slot;   /* ours on it */
static lua_State *the_run;     /* borrowed: from beginning to end */
static struct lf_timer timer;
static bool locked;

void lf_worker_become(struct lf_board *b, unsigned number)
{
    board = b;
    slot = &b->slots[number - 1];
}

unsigned lf_worker_number(void)
{
    return board ? (unsigned)(slot - board->slots) + 1 : 0;
}

/* ---- what is counted ---- */

void lf_worker_tell(void)
{
    if (!board || !the_run)
        return;
    unsigned next = slot->told + 1;
    lf_tally_read(the_run, lf_task_engine(the_run), &slot->said[next & 1]);
    slot->told = next;
}

static void on_timer(struct lf_timer *t)
{
    lf_worker_tell();
    lf_timer_start(lf_task_engine(the_run), t, INTERVAL);
}

/* Processes that were forked would all begin with the same random numbers. */
static void seed(lua_State *L)
{
    lua_Integer n[2];
    if (getrandom(n, sizeof n, GRND_NONBLOCK) != sizeof n)
        n[0] = getpid(), n[1] = (lua_Integer)(lf_clock_now() * 1e9);
    lua_getglobal(L, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, n[0]);
    lua_pushinteger(L, n[1]);
    lua_call(L, 2, 0);
    lua_pop(L, 1);
}

bool lf_worker_begin(lua_State *L, struct lf_engine *eng)
{
    if (!board)
        return true;
    seed(L);
    the_run = L;
    timer = (struct lf_timer){.weak = true, .fire = on_timer};
    return lf_timer_start(eng, &timer, INTERVAL);
}

void lf_worker_end(void)
{
    lf_worker_tell();
    if (the_run)
        lf_timer_stop(lf_task_engine(the_run), &timer);
    the_run = NULL;
}

bool lf_worker_limit(const char *why)
{
    if (board)
        snprintf(slot->why, sizeof slot->why, "%s", why);
    return board != NULL;
}

/* ---- standard output ---- */

/* Whoever died or was stopped in the middle of a record holds up nobody for long. */
void lf_worker_lock_output(void)
{
    struct timespec until;
    if (!board)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    int rc = pthread_mutex_timedlock(&board->output, &until);
    if (rc == EOWNERDEAD)
        pthread_mutex_consistent(&board->output);
    locked = rc == 0 || rc == EOWNERDEAD;
}

void lf_worker_unlock_output(void)
{
    if (locked)
        pthread_mutex_unlock(&board->output);
    locked = false;
}

/* ---- the job ---- */

void lf_run_shares(void)
{
    uint64_t one = 1;
    if (board && !atomic_exchange(&board->joined, true))
        while (write(board->news, &one, sizeof one) < 0 && errno == EINTR)
            ;
}

/* A host bears only so many, and who works already is the first to hear of a free place.
 * So it is left to others while they want more and have fewer pages in their hands; who
 * leaves one waits until they have asked. */
static bool leaves(void)
{
    static double left; /* when that began; 0: it did not */
    uint64_t all = 0;
    double now = lf_clock_now();
    bool hungry = false, asked = true;
    for (unsigned i = 0; i < board->n; i++) {
        const struct lf_slot *s = &board->slots[i];
        bool wants = s != slot && !s->halted && s->hungry > now - HUNGER;
        all += s->busy;
        hungry |= wants;
        asked &= !wants || s->hungry > left;
    }
    if (left > 0 && !asked)
        return true;
    left = hungry && (uint64_t)slot->busy * board->n > all ? now : 0;
    return left > 0;
}

/* worker_leaves(busy) → whether others should claim first */
static int l_leaves(lua_State *L)
{
    slot->busy = (unsigned)lua_tointeger(L, 1);
    lua_pushboolean(L, leaves());
    return 1;
}

/* worker_got(busy, enough): what a claim gave */
static int l_got(lua_State *L)
{
    slot->busy = (unsigned)lua_tointeger(L, 1);
    slot->hungry = lua_toboolean(L, 2) ? 0 : lf_clock_now();
    return 0;
}

/* worker_feeds(n): of so many crawls more */
static int l_feeds(lua_State *L)
{
    slot->feeding += (unsigned)lua_tointeger(L, 1);
    return 0;
}

/* workers_feed() → whether the start of another one's crawl may bring more pages */
static int l_feed(lua_State *L)
{
    bool any = false;
    for (unsigned i = 0; i < board->n; i++) {
        const struct lf_slot *s = &board->slots[i];
        any |= s != slot && s->feeding && !s->halted;
    }
    lua_pushboolean(L, any);
    return 1;
}

void lf_worker_register(lua_State *L)
{
    static const luaL_Reg functions[] = {{"worker_leaves", l_leaves},
                                         {"worker_got", l_got},
                                         {"worker_feeds", l_feeds},
                                         {"workers_feed", l_feed},
                                         {NULL, NULL}};
    if (!board)
        return;
    lua_pushinteger(L, board->n);
    lua_setfield(L, -2, "workers");
    luaL_setfuncs(L, functions, 0);
}
