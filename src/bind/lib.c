/* Opening luafetch: what a script finds in its state. */
#include "bind/lib.h"

#include <lauxlib.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/cookies.h"
#include "bind/csv.h"
#include "bind/emit.h"
#include "bind/json.h"
#include "bind/limits.h"
#include "bind/log.h"
#include "bind/options.h"
#include "bind/outfile.h"
#include "bind/pieces.h"
#include "bind/protocol.h"
#include "bind/request.h"
#include "bind/robots.h"
#include "bind/session.h"
#include "bind/sitemap.h"
#include "bind/stats.h"
#include "bind/test.h"
#include "bind/text_lib.h"
#include "bind/url.h"
#include "bind/work.h"
#include "bind/worker.h"

/* [-0, +1, m] What requests call themselves unless they are told otherwise; or "". */
static void push_user_agent(lua_State *L)
{
    struct lf_header f = {.value = ""};
    lf_headers_get(&lf_maker_get(L)->run.headers, "user-agent", &f);
    lua_pushlstring(L, f.value, f.value_len);
}

/* The functions that are written in C; luafetch/init.lua makes the module of them. */
static int luaopen_core(lua_State *L)
{
    lua_createtable(L, 0, 32);
    lua_pushliteral(L, LF_VERSION);
    lua_setfield(L, -2, "version");
    lf_fetch_push(L);
    lua_setfield(L, -2, "fetch");
    lf_session_push_new(L);
    lua_setfield(L, -2, "session");
    lf_session_push_methods(L);
    lua_setfield(L, -2, "session_methods");
    lf_emit_register(L);
    lf_limits_push(L);
    lua_setfield(L, -2, "limits");
    lf_log_push(L);
    lua_setfield(L, -2, "log");
    lf_options_push_names(L, LF_IN_REQUEST);
    lua_setfield(L, -2, "fetch_options");
    lf_outfile_register(L);
    lf_options_push_names(L, LF_IN_SESSION);
    lua_setfield(L, -2, "session_options");
    push_user_agent(L);
    lua_setfield(L, -2, "user_agent");
    lf_stats_register(L);
    lf_pieces_register(L);
    lf_task_register(L);
    lf_work_register(L);
    lf_worker_register(L);
    return 1;
}

static void preload(lua_State *L)
{
    static const luaL_Reg modules[] = {
        {"luafetch.core", luaopen_core},
        {"luafetch.url", luaopen_luafetch_url},
        {"luafetch.json", luaopen_luafetch_json},
        {"luafetch.cookies", luaopen_luafetch_cookies},
        {"luafetch.csv.core", luaopen_luafetch_csv_core},
        {"luafetch.protocol", luaopen_luafetch_protocol},
        {"luafetch.robots", luaopen_luafetch_robots},
        {"luafetch.sitemap.reader", luaopen_luafetch_sitemap_reader},
        {"luafetch.test", luaopen_luafetch_test},
        {"luafetch.text.core", luaopen_luafetch_text_core},
        {NULL, NULL}};
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    luaL_setfuncs(L, modules, 0);
    lua_pop(L, 1);
}

/* [-0, +0, m] Put the templates, in which each % is the folder, before package[name]. A
 * folder that a search path cannot name is left out. */
static void search_in(lua_State *L, const char *name, const char *dir,
                      const char *templates)
{
    if (!dir || strpbrk(dir, ";?"))
        return;
    lua_getglobal(L, "package");
    luaL_gsub(L, templates, "%", dir);
    lua_getfield(L, -2, name);
    lua_concat(L, 2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

static void set_defaults(lua_State *L, const struct lf_lib_conf *conf)
{
    struct lf_maker *m = lf_maker_open(L);
    struct lf_opts *o = &m->run.opts;
    enum lf_err err = lf_config_headers(&m->run, conf->user_agent);
    if (!err && conf->headers)
        err = lf_fields_merge(&m->run.headers, conf->headers, &m->draft.spare);
    if (err)
        luaL_error(L, "not enough memory");
    if (conf->timeout >= 0) {
        o->timeout.total = conf->timeout;
        m->run.total_said = true;
    }
    o->retry.times = conf->retry;
    if (conf->insecure)
        o->verify = false;
    o->way.proxy = conf->proxy;
    o->way.guard = conf->guard;
}

/* [-0, +0, e] `fetch` and `gather` as globals, from the module itself. */
static void set_globals(lua_State *L)
{
    static const char *const names[] = {"fetch", "gather"};
    lua_getglobal(L, "require");
    lua_pushliteral(L, "luafetch");
    lua_call(L, 1, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        lua_getfield(L, -1, names[i]);
        lua_setglobal(L, names[i]);
    }
    lua_pop(L, 1);
}

void lf_lib_open(lua_State *L, struct lf_engine *eng, struct lf_domain *domain,
                 const struct lf_lib_conf *conf)
{
    lf_sched_open(L, eng, domain);
    set_defaults(L, conf);
    preload(L);
    search_in(L, "path", conf->lua_dir, "%/?.lua;%/?/init.lua;");
    search_in(L, "cpath", conf->module_dir, "%/?.so;");
    set_globals(L);
}
