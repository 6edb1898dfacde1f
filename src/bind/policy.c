/* How often a request is tried, and how fast a host is asked. */
#include "bind/policy.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/suggest.h"

enum { MOST_TIMES = 100, USUAL_TIMES = 2, MOST_BURST = 1000000 };

/* Longer waits are as good as for ever, and times can still be added and compared. */
#define MOST_SECONDS  1e9
#define LEAST_SECONDS 1e-9 /* between two requests */

static bool is_false(lua_State *L)
{
    return lua_type(L, -1) == LUA_TBOOLEAN && !lua_toboolean(L, -1);
}

/* ---- retry ---- */

static void check_times(struct lf_reader *r, void *out)
{
    *(unsigned *)out = (unsigned)lf_reader_whole(r, "a whole number up to 100 or false",
                                                 0, MOST_TIMES, 0);
}

static void check_wait(struct lf_reader *r, void *out)
{
    static const char want[] = "a number of seconds, 0 or more";
    if (lua_type(r->L, -1) != LUA_TNUMBER || !(lua_tonumber(r->L, -1) >= 0))
        lf_reader_wrong(r, want);
    *(double *)out = fmin(lua_tonumber(r->L, -1), MOST_SECONDS);
}

static void check_factor(struct lf_reader *r, void *out)
{
    if (lua_type(r->L, -1) != LUA_TNUMBER || !(lua_tonumber(r->L, -1) >= 1))
        lf_reader_wrong(r, "a number from 1");
    *(double *)out = fmin(lua_tonumber(r->L, -1), 1e6);
}

static void check_jitter(struct lf_reader *r, void *out)
{
    static const char want[] = "\"full\" or false";
    *(bool *)out = !is_false(r->L);
    if (!is_false(r->L) && strcmp(lf_reader_string(r, want, NULL), "full") != 0)
        lf_reader_wrong(r, want);
}

static void check_on(struct lf_reader *r, void *out)
{
    static const char want[] = "a list of statuses from 400 to 599, or false";
    struct lf_retry *retry = &r->d->c.opts.retry;
    (void)out;
    memset(retry->on, 0, sizeof retry->on);
    if (is_false(r->L))
        return;
    if (lua_type(r->L, -1) != LUA_TTABLE)
        lf_reader_wrong(r, want);
    int list = lua_gettop(r->L);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(r->L, list); i++) {
        lua_rawgeti(r->L, list, i);
        lf_retry_on(retry, (int)lf_reader_whole(r, want, 400, 599, 400));
        lua_pop(r->L, 1);
    }
}

static void check_observer(struct lf_reader *r, void *out)
{
    if (lua_type(r->L, -1) != LUA_TFUNCTION)
        lf_reader_wrong(r, "a function");
    *(bool *)out = true;
}

static const struct lf_option retry_rows[] = {
    {"any_method", LF_ANYWHERE, lf_read_bool, LF_OPT(retry.any_method)},
    {"backoff", LF_ANYWHERE, check_wait, LF_OPT(retry.backoff)},
    {"factor", LF_ANYWHERE, check_factor, LF_OPT(retry.factor)},
    {"jitter", LF_ANYWHERE, check_jitter, LF_OPT(retry.jitter)},
    {"max", LF_ANYWHERE, check_wait, LF_OPT(retry.max)},
    {"max_retry_after", LF_ANYWHERE, check_wait, LF_OPT(retry.heed_max)},
    {"on", LF_ANYWHERE, check_on, 0},
    {"on_retry", LF_ANYWHERE, check_observer, LF_FIELD(c.observed)},
    {"respect_retry_after", LF_ANYWHERE, lf_read_bool, LF_OPT(retry.heed)},
    {"times", LF_ANYWHERE, check_times, LF_OPT(retry.times)},
};

void lf_read_retry(struct lf_reader *r, void *out)
{
    struct lf_retry *retry = out;
    if (lua_type(r->L, -1) != LUA_TTABLE) {
        retry->times = (unsigned)lf_reader_whole(
            r, "a whole number up to 100, false or a table", 0, MOST_TIMES, 0);
        return;
    }
    if (!retry->times)
        retry->times = USUAL_TIMES;
    lf_reader_inner(r, retry_rows, LF_ROWS(retry_rows), "a table");
}

/* ---- rate ---- */

static double positive(struct lf_reader *r)
{
    if (lua_type(r->L, -1) != LUA_TNUMBER || !(lua_tonumber(r->L, -1) > 0) ||
        isinf(lua_tonumber(r->L, -1)))
        lf_reader_wrong(r, "a number above 0");
    return lua_tonumber(r->L, -1);
}

static void check_positive(struct lf_reader *r, void *out)
{
    *(double *)out = positive(r);
}

static void check_burst(struct lf_reader *r, void *out)
{
    *(double *)out =
        (double)lf_reader_whole(r, "a whole number from 1", 1, MOST_BURST, 1);
}

static const struct lf_option rate_rows[] = {
    {"burst", LF_ANYWHERE, check_burst, LF_FIELD(rate_said.burst)},
    {"per", LF_ANYWHERE, check_positive, LF_FIELD(rate_said.per)},
    {"rate", LF_ANYWHERE, check_positive, LF_FIELD(rate_said.rate)},
};

void lf_read_rate(struct lf_reader *r, void *out)
{
    static const char want[] = "a number a second, \"auto\", false or a table";
    struct lf_draft *d = r->d;
    struct lf_rate rate = {.burst = 1};
    d->rate_said = (struct lf_rate_said){.per = 1, .burst = 1};
    switch (lua_type(r->L, -1)) {
    case LUA_TTABLE:
        lf_reader_inner(r, rate_rows, LF_ROWS(rate_rows), want);
        if (d->rate_said.rate <= 0)
            lf_misuse(r->L, "%s: option '%s' wants a 'rate' in its table", r->who,
                      r->name);
        break;
    case LUA_TNUMBER:
        d->rate_said.rate = positive(r);
        break;
    case LUA_TSTRING:
        rate.automatic = strcmp(lua_tostring(r->L, -1), "auto") == 0;
        break;
    default:
        break;
    }
    if (d->rate_said.rate > 0)
        rate.interval =
            fmin(fmax(d->rate_said.per / d->rate_said.rate, LEAST_SECONDS), MOST_SECONDS);
    else if (!rate.automatic && !is_false(r->L))
        lf_reader_wrong(r, want);
    rate.burst = d->rate_said.burst;
    *(struct lf_rate *)out = rate;
}

/* ---- hosts ---- */

static void check_rule_per_host(struct lf_reader *r, void *out)
{
    r->d->rule.has_per_host = true;
    *(unsigned *)out =
        (unsigned)lf_reader_whole(r, "a whole number from 1 or false", 1, INT32_MAX, 0);
}

static void check_rule_rate(struct lf_reader *r, void *out)
{
    r->d->rule.has_rate = true;
    lf_read_rate(r, out);
}

static const struct lf_option host_rows[] = {
    {"per_host", LF_IN_SESSION, check_rule_per_host, LF_FIELD(rule.per_host)},
    {"rate", LF_IN_SESSION, check_rule_rate, LF_FIELD(rule.rate)},
};

/* The pattern stays in the table it came from. */
static const char *check_pattern(struct lf_reader *r)
{
    size_t n = 0;
    const char *s = lua_type(r->L, -2) == LUA_TSTRING ? lua_tolstring(r->L, -2, &n) : "";
    if (!n || n > 300 || strlen(s) != n || strpbrk(s, "/@?# \t\r\n"))
        lf_misuse(r->L,
                  "%s: option '%s': '%.80s' is no pattern of hosts, such as "
                  "\"example.com\" or \"*.example.com\"",
                  r->who, r->name, n ? s : luaL_typename(r->L, -2));
    return s;
}

static void read_rule(struct lf_reader *r)
{
    struct lf_draft *d = r->d;
    struct lf_reader one = *r;
    d->rule = (struct lf_host_rule){.pattern = check_pattern(r)};
    snprintf(one.name, sizeof one.name, "%.50s.%.70s", r->name, d->rule.pattern);
    lf_reader_inner(&one, host_rows, LF_ROWS(host_rows), "a table");
    lf_reader_keep(r, lf_buf_add(&d->rules, (const char *)&d->rule, sizeof d->rule));
}

void lf_read_hosts(struct lf_reader *r, void *out)
{
    struct lf_draft *d = r->d;
    (void)out;
    lf_buf_reset(&d->rules);
    if (lua_type(r->L, -1) != LUA_TTABLE)
        lf_reader_wrong(r, "a table of patterns");
    int table = lua_gettop(r->L);
    lua_pushnil(r->L);
    while (lua_next(r->L, table)) {
        read_rule(r);
        lua_pop(r->L, 1);
    }
    d->limits.rules = (const struct lf_host_rule *)(const void *)d->rules.p;
    d->limits.nrules = d->rules.len / sizeof d->rule;
}
