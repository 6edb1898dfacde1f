/* Counters for scripts, tests and the end-of-run summary. Reads, never counts: counting
 * is the engine's and the scheduler's. */
#include "bind/stats.h"

#include <lauxlib.h>
#include <math.h>
#include "bind/task.h"

uint64_t lf_stats_failed(const struct lf_stats *s)
{
    return s->requests - s->ok;
}

double lf_stats_latency(const struct lf_stats *s, double share)
{
    uint64_t all = 0, seen = 0;
    for (int i = 0; i < LF_LATENCY_BUCKETS; i++)
        all += s->latency[i];
    if (!all)
        return 0;
    uint64_t want = (uint64_t)ceil(share * (double)all);
    int i = 0;
    while (i < LF_LATENCY_BUCKETS - 1 && (seen += s->latency[i]) < want)
        i++;
    return 10e-6 * pow(1.08, i);
}

static void set_count(lua_State *L, const char *name, uint64_t n)
{
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, name);
}

static void set_seconds(lua_State *L, const char *name, double s)
{
    lua_pushnumber(L, s);
    lua_setfield(L, -2, name);
}

/* The kinds that occurred, { timeout = 3 }. */
static void set_errors(lua_State *L, const struct lf_stats *s)
{
    lua_newtable(L);
    for (int i = 1; i < LF_ERR_COUNT; i++)
        if (s->by_err[i])
            set_count(L, lf_err_name((enum lf_err)i), s->by_err[i]);
    lua_setfield(L, -2, "errors");
}

/* The classes that occurred, { ["2xx"] = 98 }. */
static void set_statuses(lua_State *L, const struct lf_stats *s)
{
    char name[] = "0xx";
    lua_newtable(L);
    for (int i = 1; i < 6; i++) {
        name[0] = (char)('0' + i);
        if (s->by_status[i])
            set_count(L, name, s->by_status[i]);
    }
    lua_setfield(L, -2, "statuses");
}

static void set_latency(lua_State *L, const struct lf_stats *s)
{
    lua_createtable(L, 0, 3);
    set_seconds(L, "p50", lf_stats_latency(s, 0.50));
    set_seconds(L, "p95", lf_stats_latency(s, 0.95));
    set_seconds(L, "p99", lf_stats_latency(s, 0.99));
    lua_setfield(L, -2, "latency");
}

/* ---- of several processes ---- */

enum { MAX_SEEN = 256 }; /* downloads that are looked at */

static uint64_t under_way(struct lf_engine *eng)
{
    struct lf_download seen[MAX_SEEN];
    unsigned n = lf_engine_downloads(eng, seen, MAX_SEEN);
    uint64_t sum = 0;
    for (unsigned i = 0; i < n && i < MAX_SEEN; i++)
        sum += seen[i].down - seen[i].before;
    return sum;
}

void lf_tally_read(lua_State *L, struct lf_engine *eng, struct lf_tally *t)
{
    struct lf_sched_stats sched = lf_sched_stats(L);
    t->engine = *lf_engine_stats(eng);
    t->tasks = sched.tasks;
    t->lua = sched.lua;
    t->under_way = under_way(eng);
}

#define ADD(field) (a->field += b->field)

void lf_tally_add(struct lf_tally *sum, const struct lf_tally *t)
{
    struct lf_stats *a = &sum->engine;
    const struct lf_stats *b = &t->engine;
    ADD(requests), ADD(ok), ADD(failed), ADD(transfers), ADD(redirects);
    ADD(bytes_down), ADD(bytes_up), ADD(conns_opened), ADD(conns_reused);
    ADD(queued), ADD(active), ADD(peak_active), ADD(waiting), ADD(parked);
    ADD(retries), ADD(retries_refused), ADD(backoff), ADD(network);
    ADD(limited_total), ADD(limited_host), ADD(limited_rate), ADD(limited_parked);
    ADD(limited_memory);
    for (int i = 0; i < LF_ERR_COUNT; i++)
        ADD(by_err[i]);
    for (int i = 0; i < 6; i++)
        ADD(by_status[i]);
    for (int i = 0; i < LF_LATENCY_BUCKETS; i++)
        ADD(latency[i]);
    sum->tasks += t->tasks;
    sum->lua += t->lua;
    sum->under_way += t->under_way;
}

/* ---- as a table ---- */

void lf_stats_push(lua_State *L, const struct lf_tally *t, double elapsed)
{
    const struct lf_stats *s = &t->engine;
    lua_createtable(L, 0, 32);
    set_count(L, "requests", s->requests);
    set_count(L, "ok", s->ok);
    set_count(L, "failed", lf_stats_failed(s));
    set_count(L, "transfers", s->transfers);
    set_count(L, "redirects", s->redirects);
    set_count(L, "bytes_down", s->bytes_down);
    set_count(L, "bytes_up", s->bytes_up);
    set_count(L, "connections_opened", s->conns_opened);
    set_count(L, "connections_reused", s->conns_reused);
    set_count(L, "retries", s->retries);
    set_count(L, "retries_refused", s->retries_refused);
    set_count(L, "queued", s->queued);
    set_count(L, "active", s->active);
    set_count(L, "waiting", s->waiting);
    set_count(L, "parked", s->parked);
    set_count(L, "peak_active", s->peak_active);
    set_count(L, "tasks", t->tasks);
    set_seconds(L, "elapsed", elapsed);
    set_seconds(L, "limited_total", s->limited_total);
    set_seconds(L, "limited_host", s->limited_host);
    set_seconds(L, "limited_rate", s->limited_rate);
    set_seconds(L, "limited_parked", s->limited_parked);
    set_seconds(L, "limited_memory", s->limited_memory);
    set_seconds(L, "backoff", s->backoff);
    set_seconds(L, "network", s->network);
    set_seconds(L, "lua", t->lua);
    set_errors(L, s);
    set_statuses(L, s);
    set_latency(L, s);
}

/* ---- Lua ---- */

static int l_stats(lua_State *L)
{
    struct lf_engine *eng = lf_task_engine(L);
    struct lf_tally t;
    lf_tally_read(L, eng, &t);
    lf_stats_push(L, &t, lf_engine_now(eng) - lua_tonumber(L, lua_upvalueindex(1)));
    return 1;
}

static int l_leftovers(lua_State *L)
{
    struct lf_leftovers left = lf_engine_leftovers(lf_task_engine(L));
    lua_createtable(L, 0, 5);
    set_count(L, "requests", left.requests);
    set_count(L, "watchers", left.watchers);
    set_count(L, "timers", left.timers);
    set_count(L, "domains", left.domains);
    set_count(L, "tasks", lf_sched_stats(L).tasks);
    return 1;
}

void lf_stats_register(lua_State *L)
{
    lua_pushnumber(L, lf_engine_now(lf_task_engine(L)));
    lua_pushcclosure(L, l_stats, 1);
    lua_setfield(L, -2, "stats");
    lua_pushcfunction(L, l_leftovers);
    lua_setfield(L, -2, "leftovers");
}
