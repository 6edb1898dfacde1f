/* Parsing as Lua sees it: options, errors, and where it runs. A thread gets a copy of the
 * bytes, since the script may be cancelled, and its string collected, while it works. */
#include "modules/html/parse.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "bind/lf_module.h"
#include "modules/html/node.h"
#include "modules/html/tree.h"
#include "modules/html/xml.h"

enum { MAX_LABEL = 64 };

/* What is to be parsed, and what came of it. */
struct parse {
    const char *bytes; /* borrowed */
    size_t n;
    char label[MAX_LABEL];
    size_t label_len; /* 0: none */
    bool xml, recover;
    xmlDoc *doc; /* owned until a document takes it */
    size_t nodes;
    struct lf_input_error err;
};

/* A parse in a thread. Owned by the task while it waits, by the pool from a cancel on. */
struct work {
    struct parse parse;
    struct lf_wait wait;
    struct lf_job job;
    struct lf_engine *eng; /* borrowed */
    struct lf_task *task;  /* borrowed; NULL: cancelled */
    bool ended;            /* the thread has done with it */
    char bytes[];
};

/* Any thread. */
static void run(struct parse *p)
{
    const char *label = p->label_len ? p->label : NULL;
    if (p->xml)
        p->doc = lf_xml_parse(p->bytes, p->n, label, p->label_len, p->recover, &p->nodes,
                              &p->err);
    else
        p->doc = lf_tree_parse(p->bytes, p->n, label, p->label_len, &p->nodes);
}

/* ---- options ---- */

/* [-0, +0, v] The value on top of the stack is that of option `name`. */
static void check_option(lua_State *L, const char *who, const char *name, bool xml)
{
    int want = strcmp(name, "recover") == 0 ? LUA_TBOOLEAN : LUA_TSTRING;
    if (strcmp(name, "url") != 0 && strcmp(name, "charset") != 0 &&
        !(xml && want == LUA_TBOOLEAN))
        lf_misuse(L, "%s: unknown option '%s' (there are url%s charset%s)", who, name,
                  xml ? "," : " and", xml ? " and recover" : "");
    if (lua_type(L, -1) != want)
        lf_misuse(L, "%s: option '%s' must be a %s, not a %s", who, name,
                  lua_typename(L, want), luaL_typename(L, -1));
}

static void check_options(lua_State *L, const char *who, bool xml)
{
    if (lua_isnoneornil(L, 2))
        return;
    luaL_checktype(L, 2, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
        check_option(L, who, lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?",
                     xml);
}

/* [-0, +1, m] The option, or nil. */
static void push_option(lua_State *L, const char *name)
{
    if (lua_istable(L, 2))
        lua_getfield(L, 2, name);
    else
        lua_pushnil(L);
}

/* [-0, +0, m] A label that is too long is none that anybody knows. */
static void read_label(lua_State *L, struct parse *p)
{
    size_t n = 0;
    push_option(L, "charset");
    const char *s = lua_tolstring(L, -1, &n);
    if (s && n < MAX_LABEL) {
        memcpy(p->label, s, n);
        p->label_len = n;
    }
    lua_pop(L, 1);
}

/* ---- the result: the URL is at 3, the document at 4 ---- */

enum { URL = 3, DOCUMENT };

/* The collector knows of a document only a few bytes; without the rest it would let
 * thousands of them wait. */
static void account(lua_State *L, size_t bytes)
{
    size_t kb = bytes / 1024 + 1;
    if (lua_gc(L, LUA_GCISRUNNING))
        lua_gc(L, LUA_GCSTEP, kb < INT_MAX / 2048 ? (int)kb : INT_MAX / 2048);
}

static int fail(lua_State *L, const struct parse *p)
{
    const char *url = lua_tostring(L, URL);
    if (!p->err.code)
        return lf_error_fail(L, LF_ERESOURCE, url, "not enough memory to parse %s",
                             p->xml ? "XML" : "HTML");
    lf_error_fail(L, LF_EPARSE, url, "invalid XML at line %d column %d: %s", p->err.line,
                  p->err.column, p->err.message);
    lua_pushinteger(L, p->err.line);
    lua_setfield(L, -2, "line");
    lua_pushinteger(L, p->err.column);
    lua_setfield(L, -2, "column");
    return 2;
}

static int finish(lua_State *L, const struct parse *p)
{
    struct lf_document *d = lua_touserdata(L, DOCUMENT);
    if (!p->doc)
        return fail(L, p);
    lf_document_fill(d, p->doc, p->nodes);
    account(L, p->n + lf_tree_size(p->doc, p->nodes));
    lua_settop(L, DOCUMENT);
    return 1;
}

/* ---- in a thread ---- */

static void work_free(struct work *w)
{
    lf_tree_free(w->parse.doc);
    free(w);
}

static void on_work(struct lf_job *job)
{
    run(&lf_container(job, struct work, job)->parse);
}

static void on_done(struct lf_job *job)
{
    struct work *w = lf_container(job, struct work, job);
    w->ended = true;
    if (w->task)
        lf_task_wake(w->task);
    else
        work_free(w);
}

static void on_drop(struct lf_job *job)
{
    work_free(lf_container(job, struct work, job));
}

static void on_cancel(struct lf_wait *wait)
{
    struct work *w = lf_container(wait, struct work, wait);
    if (w->ended || lf_offload_cancel(w->eng, &w->job))
        work_free(w);
    else
        w->task = NULL;
}

static int parsed_k(lua_State *L, int status, lua_KContext ctx)
{
    struct work *w = (struct work *)ctx;
    (void)status;
    struct parse p = w->parse; /* `bytes` ends with w; nobody looks at them again */
    struct lf_document *d = lua_touserdata(L, DOCUMENT);
    if (p.doc)
        lf_document_fill(d, p.doc, p.nodes); /* from here on no error can lose it */
    lf_task_unwait(L);
    w->parse.doc = NULL;
    work_free(w);
    return finish(L, &p);
}

/* NULL where it must be done at once: no memory, no thread. */
static struct work *hand_over(lua_State *L, const struct parse *p)
{
    struct work *w = malloc(sizeof *w + p->n);
    if (!w)
        return NULL;
    *w = (struct work){.parse = *p, .eng = lf_task_engine(L)};
    w->wait = (struct lf_wait){on_cancel, p->xml ? "xml.parse" : "html.parse"};
    w->job = (struct lf_job){.work = on_work, .done = on_done, .drop = on_drop};
    lf_list_init(&w->job.link);
    memcpy(w->bytes, p->bytes, p->n);
    w->parse.bytes = w->bytes;
    w->task = lf_task_current(L);
    if (lf_offload(w->eng, &w->job) == LF_OK)
        return w;
    free(w);
    return NULL;
}

static int parse(lua_State *L, const char *who, bool xml)
{
    struct parse p = {.xml = xml};
    luaL_checktype(L, 1, LUA_TSTRING);
    p.bytes = lua_tolstring(L, 1, &p.n);
    check_options(L, who, xml);
    lua_settop(L, 2);
    read_label(L, &p);
    push_option(L, "recover");
    p.recover = lua_toboolean(L, -1);
    lua_settop(L, 2);
    push_option(L, "url");
    if (p.n > LF_TREE_MAX_BYTES)
        return lf_error_fail(L, LF_ETOOLARGE, lua_tostring(L, URL),
                             "a document of more than %zu MB", LF_TREE_MAX_BYTES >> 20);
    lf_document_new(L, URL, xml);
    if (p.n >= LF_PARSE_LARGE && lf_task_may_wait(L)) {
        lf_task_check(L, who);
        struct work *w = hand_over(L, &p);
        if (w)
            return lf_task_wait(L, &w->wait, (lua_KContext)w, parsed_k);
    }
    run(&p);
    return finish(L, &p);
}

int lf_parse_html(lua_State *L)
{
    return parse(L, "html.parse", false);
}

int lf_parse_xml(lua_State *L)
{
    return parse(L, "xml.parse", true);
}
