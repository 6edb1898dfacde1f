/* luafetch.test, for specs: a function runs as a program of its own over a scripted
 * transport and a clock that jumps, so that hours of waiting pass in no time.
 *
 * The answers are copied into C first: the transport asks for them where no Lua may run.
 * The program around it stands still meanwhile. */
#include "bind/test.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/stats.h"

enum { MAX_TEXT = 64 << 20, MOST_SERVED = 4096, MOST_LEVELS = 16, BUCKETS = 4096 };

#define PLAY_TYPE "luafetch.test.play"

struct reply {
    struct lf_list link;
    struct lf_script_answer answer;
    struct lf_buf head, body; /* owned: what answer points at */
};

/* So many requests are served in any second, and the rest gets 429. */
struct quota {
    struct {
        double from, serves; /* seconds since the beginning; in a second */
    } levels[MOST_LEVELS];
    unsigned nlevels, n;
    double served[MOST_SERVED]; /* when, the last ones */
};

struct page {
    struct lf_list link;
    struct page *next;      /* borrowed: in the same bucket */
    struct quota *quota;    /* owned; NULL: none */
    struct lf_list replies; /* owned: one after the other */
    struct reply *at;       /* the next one; the last one stays */
    char url[];
};

struct sent { /* what was asked for */
    struct lf_list link;
    double at;
    size_t method_len;
    char text[]; /* "METHOD URL" */
};

struct play {
    struct lf_engine *eng;       /* owned */
    struct lf_domain *domain;    /* owned */
    struct lf_list pages, log;   /* owned */
    struct page *table[BUCKETS]; /* the pages by URL */
    double started;
    double lua; /* seconds that scripts had computed for before */
};

/* ---- the transport's side: no Lua ---- */

static void note(struct play *p, const char *method, const char *url)
{
    size_t m = strlen(method), n = strlen(url);
    struct sent *s = calloc(1, sizeof *s + m + n + 2);
    if (!s)
        return;
    memcpy(s->text, method, m);
    s->text[m] = ' ';
    memcpy(s->text + m + 1, url, n);
    s->method_len = m;
    s->at = lf_engine_now(p->eng) - p->started;
    lf_list_append(&p->log, &s->link);
}

static bool serves(struct quota *q, double now)
{
    double most = 0;
    unsigned last = q->n < MOST_SERVED ? q->n : MOST_SERVED, recent = 0;
    for (unsigned i = 0; i < q->nlevels && q->levels[i].from <= now; i++)
        most = q->levels[i].serves;
    for (unsigned i = 1; i <= last && q->served[(q->n - i) % MOST_SERVED] > now - 1; i++)
        recent++;
    if (recent >= most)
        return false;
    q->served[q->n++ % MOST_SERVED] = now;
    return true;
}

/* FNV-1a */
static struct page **bucket(struct play *p, const char *url)
{
    uint32_t hash = 2166136261u;
    for (; *url; url++)
        hash = (hash ^ (unsigned char)*url) * 16777619u;
    return &p->table[hash % BUCKETS];
}

static void answer(void *arg, const char *method, const char *url,
                   struct lf_script_answer *out)
{
    struct play *p = arg;
    note(p, method, url);
    struct page *page = *bucket(p, url);
    while (page && strcmp(page->url, url) != 0)
        page = page->next;
    if (!page)
        return;
    *out = page->at->answer;
    if (page->quota && !serves(page->quota, lf_engine_now(p->eng) - p->started))
        out->status = 429;
    else if (page->at->link.next != &page->replies)
        page->at = lf_container(page->at->link.next, struct reply, link);
}

/* ---- from Lua tables ---- */

/* [-0, +0, m] kind names of Errors, as they are written. */
static enum lf_err check_kind(lua_State *L, const char *name)
{
    for (int i = 1; i < LF_ERR_COUNT; i++)
        if (strcmp(lf_err_name((enum lf_err)i), name) == 0)
            return (enum lf_err)i;
    return luaL_error(L, "test.run: '%s' is no kind of error", name);
}

static void check(lua_State *L, enum lf_err err)
{
    if (err)
        luaL_error(L, "test.run: not enough memory");
}

/* [-0, +0, e] The header lines of the table on top: names to values. */
static void read_headers(lua_State *L, struct lf_buf *head)
{
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
            luaL_error(L, "test.run: headers must be a table of names to values");
        check(L,
              lf_buf_addf(head, "%s: %s\r\n", lua_tostring(L, -2), lua_tostring(L, -1)));
    }
}

static double read_delay(lua_State *L)
{
    double delay = 0;
    if (lua_getfield(L, -1, "delay") == LUA_TBOOLEAN)
        delay = LF_NEVER; /* delay = false: no answer ever */
    else if (!lua_isnil(L, -1))
        delay = luaL_checknumber(L, -1);
    lua_pop(L, 1);
    return delay;
}

/* [-0, +0, e] The reply described by the table on top. */
static void read_reply(lua_State *L, struct reply *r)
{
    size_t n;
    struct lf_script_answer *a = &r->answer;
    luaL_checktype(L, -1, LUA_TTABLE);
    a->delay = read_delay(L);
    lua_getfield(L, -1, "error");
    if (!lua_isnil(L, -1))
        a->err = check_kind(L, luaL_checkstring(L, -1));
    lua_getfield(L, -2, "status");
    a->status = (int)luaL_optinteger(L, -1, 200);
    if (lua_getfield(L, -3, "headers") == LUA_TTABLE)
        read_headers(L, &r->head);
    lua_getfield(L, -4, "body");
    const char *body = luaL_optlstring(L, -1, "", &n);
    check(L, lf_buf_add(&r->body, body, n));
    lua_pop(L, 4);
    a->head = r->head.p ? r->head.p : "";
    a->body = r->body.p;
    a->body_len = r->body.len;
}

static void add_reply(lua_State *L, struct page *page)
{
    struct reply *r = calloc(1, sizeof *r);
    check(L, r ? LF_OK : LF_ERESOURCE);
    lf_buf_init(&r->head, MAX_TEXT);
    lf_buf_init(&r->body, MAX_TEXT);
    lf_list_append(&page->replies, &r->link); /* owned before anything may raise */
    read_reply(L, r);
}

/* [-0, +0, e] `quota` of the table on top: a number, or {{from, number}, …}. */
static void read_quota(lua_State *L, struct page *page)
{
    int type = lua_getfield(L, -1, "quota");
    if (type != LUA_TNIL)
        check(L, (page->quota = calloc(1, sizeof *page->quota)) ? LF_OK : LF_ERESOURCE);
    if (type == LUA_TNUMBER) {
        page->quota->nlevels = 1;
        page->quota->levels[0].serves = lua_tonumber(L, -1);
    }
    for (lua_Integer i = 1; type == LUA_TTABLE && i <= luaL_len(L, -1); i++) {
        if (i > MOST_LEVELS)
            luaL_error(L, "test.run: quota: more than %d levels", MOST_LEVELS);
        lua_geti(L, -1, i);
        lua_geti(L, -1, 1);
        lua_geti(L, -2, 2);
        page->quota->levels[i - 1].from = luaL_checknumber(L, -2);
        page->quota->levels[i - 1].serves = luaL_checknumber(L, -1);
        page->quota->nlevels = (unsigned)i;
        lua_pop(L, 3);
    }
    lua_pop(L, 1);
}

/* [-0, +0, e] The value on top: one reply, or a list of them. */
static void add_page(lua_State *L, struct play *p, const char *url)
{
    struct page *page = calloc(1, sizeof *page + strlen(url) + 1);
    check(L, page ? LF_OK : LF_ERESOURCE);
    memcpy(page->url, url, strlen(url));
    lf_list_init(&page->replies);
    lf_list_append(&p->pages, &page->link);
    page->next = *bucket(p, url);
    *bucket(p, url) = page;
    luaL_checktype(L, -1, LUA_TTABLE);
    read_quota(L, page);
    lua_Integer n = luaL_len(L, -1);
    if (!n)
        add_reply(L, page);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, -1, i);
        add_reply(L, page);
        lua_pop(L, 1);
    }
    page->at = lf_container(page->replies.next, struct reply, link);
}

/* ---- the play ---- */

static void free_page(struct page *page)
{
    for (struct lf_list *n = lf_list_shift(&page->replies); n;
         n = lf_list_shift(&page->replies)) {
        struct reply *r = lf_container(n, struct reply, link);
        lf_buf_free(&r->head);
        lf_buf_free(&r->body);
        free(r);
    }
    free(page->quota);
    free(page);
}

static int play_gc(lua_State *L)
{
    struct play *p = luaL_checkudata(L, 1, PLAY_TYPE);
    if (p->domain)
        lf_domain_release(p->domain);
    lf_engine_free(p->eng);
    p->domain = NULL;
    p->eng = NULL;
    for (struct lf_list *n = lf_list_shift(&p->pages); n; n = lf_list_shift(&p->pages))
        free_page(lf_container(n, struct page, link));
    for (struct lf_list *n = lf_list_shift(&p->log); n; n = lf_list_shift(&p->log))
        free(lf_container(n, struct sent, link));
    return 0;
}

static struct play *play_new(lua_State *L)
{
    const struct lf_engine_conf conf = {.scripted = true};
    const struct lf_domain_conf limits = {.limit = 100, .per_host = 8, .policy = true};
    struct play *p = lua_newuserdatauv(L, sizeof *p, 0);
    memset(p, 0, sizeof *p);
    lf_list_init(&p->pages);
    lf_list_init(&p->log);
    luaL_setmetatable(L, PLAY_TYPE);
    check(L, lf_engine_new(&conf, &p->eng));
    check(L, lf_domain_new(p->eng, NULL, &limits, &p->domain));
    lf_script_set(p->eng, answer, p);
    p->started = lf_engine_now(p->eng);
    p->lua = lf_sched_stats(L).lua;
    return p;
}

/* [-0, +1, m] {requests = {{method, url, at}, …}, elapsed = seconds, leftovers = n,
 * stats = the counters} */
static void push_log(lua_State *L, struct play *p)
{
    struct lf_leftovers left = lf_engine_leftovers(p->eng);
    struct lf_tally tally;
    lua_Integer i = 0;
    lua_createtable(L, 0, 4);
    lf_tally_read(L, p->eng, &tally);
    lf_stats_push(L, &tally, lf_engine_now(p->eng) - p->started);
    lua_pushnumber(L, lf_sched_stats(L).lua - p->lua);
    lua_setfield(L, -2, "lua");
    lua_setfield(L, -2, "stats");
    lua_newtable(L);
    for (struct lf_list *n = p->log.next; n != &p->log; n = n->next) {
        struct sent *s = lf_container(n, struct sent, link);
        lua_createtable(L, 0, 3);
        lua_pushlstring(L, s->text, s->method_len);
        lua_setfield(L, -2, "method");
        lua_pushstring(L, s->text + s->method_len + 1);
        lua_setfield(L, -2, "url");
        lua_pushnumber(L, s->at);
        lua_setfield(L, -2, "at");
        lua_rawseti(L, -2, ++i);
    }
    lua_setfield(L, -2, "requests");
    lua_pushnumber(L, lf_engine_now(p->eng) - p->started);
    lua_setfield(L, -2, "elapsed");
    lua_pushinteger(L, left.requests + left.timers + left.watchers);
    lua_setfield(L, -2, "leftovers");
}

/* run(pages, fn): the log, or the function's error raised. */
static int l_run(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    struct play *p = play_new(L);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            return luaL_error(L, "test.run: pages must be a table of URLs to answers");
        add_page(L, p, lua_tostring(L, -2));
    }
    lua_pushvalue(L, 2);
    if (lf_sched_nested(L, p->eng, p->domain) == LF_RUN_ERROR)
        return lua_error(L);
    push_log(L, p);
    return 1;
}

int luaopen_luafetch_test(lua_State *L)
{
    static const luaL_Reg functions[] = {{"run", l_run}, {NULL, NULL}};
    if (luaL_newmetatable(L, PLAY_TYPE)) {
        lua_pushcfunction(L, play_gc);
        lua_setfield(L, -2, "__gc");
    }
    luaL_newlib(L, functions);
    return 1;
}
