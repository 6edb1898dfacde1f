/* The command: takes the arguments, opens the floors in order, runs the script as the
 * top-level task, closes everything in reverse. Policy lives elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "bind/args.h"
#include "bind/emit.h"
#include "bind/home.h"
#include "bind/lib.h"
#include "bind/limits.h"
#include "bind/progress.h"
#include "bind/stats.h"
#include "bind/stop.h"
#include "bind/task.h"
#include "bind/worker.h"
#include "bind/workers.h"
#include "engine/engine.h"

enum { EXIT_OK, EXIT_SCRIPT, EXIT_USAGE, EXIT_STRICT }; /* and those of stop.h */
enum { DEFAULT_LIMIT = 100, DEFAULT_PER_HOST = 8 };

/* One run of the program; lives in main(). */
struct run {
    struct lf_args args;
    struct lf_home home;
    int argc;
    char **argv;                  /* borrowed from main */
    char script[PATH_MAX];        /* the file to load; "" for -e and stdin */
    struct lf_engine *eng;        /* owned */
    struct lf_domain *domain;     /* owned: the run's default limits */
    struct lf_progress *progress; /* owned; NULL: no line */
    struct lf_board *board; /* borrowed from bind/worker.c; NULL: we are no worker */
    struct lf_tally tally;  /* what the summary tells */
    lua_State *L;           /* owned */
    double started, elapsed;
    bool command; /* the script is one of luafetch's own commands */
    int code;     /* what main returns */
};

/* ---- which script ---- */

static int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("luafetch: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return EXIT_USAGE;
}

/* A command, a file of that name, or else the bundled example. */
static int find_script(struct run *r)
{
    const char *name = r->args.script;
    struct stat st;
    if (!name || strcmp(name, "-") == 0)
        return EXIT_OK;
    r->command = lf_home_command(&r->home, name, r->script);
    if (r->command)
        return EXIT_OK;
    if (strlen(name) >= sizeof r->script)
        return usage("%s: %s", name, strerror(ENAMETOOLONG));
    if (stat(name, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return usage("%s is a directory, not a script", name);
        if (access(name, R_OK) != 0)
            return usage("cannot read %s: %s", name, strerror(errno));
        snprintf(r->script, sizeof r->script, "%s", name);
        return EXIT_OK;
    }
    int why = errno;
    if (lf_home_example(&r->home, name, r->script))
        return EXIT_OK;
    if (why == ENOENT && !strchr(name, '/') && !strchr(name, '.'))
        return usage("no script and no bundled example is named %s; "
                     "luafetch --list names the examples",
                     name);
    return usage("cannot open %s: %s", name, strerror(why));
}

/* ---- inside Lua ---- */

/* [-0, +0, m] `arg` as lua has it: the script at 0, its arguments from 1, the program and
 * its options below. */
static void set_arg(lua_State *L, const struct run *r)
{
    int n = r->argc - r->args.first;
    lua_createtable(L, n > 0 ? n : 0, r->args.first);
    lua_pushstring(L, r->args.code ? "-e" : r->script[0] ? r->script : "-");
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < r->argc; i++) {
        int at = i - r->args.first + 1;
        if (at == 0)
            continue;
        lua_pushstring(L, r->argv[i]);
        lua_rawseti(L, -2, at);
    }
    lua_setglobal(L, "arg");
}

/* [-0, +0, m] A script finds its neighbours with require, wherever it is run from. */
static void set_path(lua_State *L, const struct run *r)
{
    const char *slash = strrchr(r->script, '/');
    if (!slash || memchr(r->script, ';', (size_t)(slash - r->script)) ||
        memchr(r->script, '?', (size_t)(slash - r->script)))
        return; /* "./?.lua" is in the default path; the rest a path cannot express */
    lua_getglobal(L, "package");
    lua_pushlstring(L, r->script, (size_t)(slash - r->script));
    lua_getfield(L, -2, "path");
    lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", lua_tostring(L, -2),
                    lua_tostring(L, -2), lua_tostring(L, -1));
    lua_setfield(L, -4, "path");
    lua_pop(L, 3);
}

static bool means_success(lua_State *L, int idx)
{
    if (lua_isnoneornil(L, idx))
        return true;
    return lua_isboolean(L, idx) ? lua_toboolean(L, idx) : lua_tointeger(L, idx) == 0;
}

/* [-0, +0, v] os.exit that leaves no emitted record behind, and does not call a success
 * what lost some. */
static int l_exit(lua_State *L)
{
    lf_log_clear_line();
    bool lost =
        !lf_emit_flush(L, means_success(L, 1)) || fflush(stdout) != 0 || ferror(stdout);
    if (lost && means_success(L, 1)) {
        lua_settop(L, 2);
        lua_pushinteger(L, EXIT_SCRIPT);
        lua_replace(L, 1);
    }
    lf_worker_tell();
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

static void wrap_exit(lua_State *L)
{
    lua_getglobal(L, "os");
    lua_getfield(L, -1, "exit");
    lua_pushcclosure(L, l_exit, 1);
    lua_setfield(L, -2, "exit");
    lua_pop(L, 1);
}

/* [-0, +1, e] The script as a function, or its syntax error. Source text only: Lua does
 * not check precompiled code. */
static int load_script(lua_State *L, const struct run *r)
{
    if (r->args.code)
        return luaL_loadbufferx(L, r->args.code, strlen(r->args.code), "=(command line)",
                                "t");
    return luaL_loadfilex(L, r->script[0] ? r->script : NULL, "t");
}

static void open_lua(lua_State *L, struct run *r)
{
    const struct lf_args *a = &r->args;
    const struct lf_lib_conf conf = {
        .limit = a->limit,
        .per_host = a->per_host,
        .retry = a->retry,
        .timeout = a->timeout,
        .headers = &a->headers,
        .user_agent = a->user_agent,
        .insecure = a->insecure,
        .proxy = a->proxy,
        .guard = a->guard,
        .lua_dir = r->home.lua,
        .module_dir = r->home.modules,
    };
    luaL_openlibs(L);
    lf_lib_open(L, r->eng, r->domain, &conf);
    set_arg(L, r);
    set_path(L, r);
    wrap_exit(L);
    if (r->progress)
        lf_progress_guard(L);
}

/* For tests: the collector never rests and does a step at every point where Lua may
 * collect. LF_GCSTRESS is the size of the step as a power of two; 30 is a whole cycle. */
static void stress_collector(lua_State *L)
{
    const char *size = getenv("LF_GCSTRESS");
    if (!size || !*size)
        return;
    lua_gc(L, LUA_GCINC, 1, 1000, (int)strtol(size, NULL, 10));
    lua_gc(L, LUA_GCCOLLECT);
}

/* [-0, +0, e] Opens, loads and runs; sets r->code. Called in protected mode, so that the
 * end of memory is an error like any other. */
static int run_script(lua_State *L)
{
    struct run *r = lua_touserdata(L, 1);
    const char *why;
    open_lua(L, r);
    if (!lf_worker_begin(L, r->eng))
        luaL_error(L, "not enough memory");
    const struct lf_emit_conf emit = {.path = r->args.output, .columns = r->args.columns};
    if (lf_emit_open(L, &emit, &why) != LF_OK) {
        r->code = usage("%s", why);
        return 0;
    }
    if (load_script(L, r) != LUA_OK)
        return lua_error(L);
    luaL_checkstack(L, r->argc, "too many arguments");
    for (int i = r->args.first; i < r->argc; i++)
        lua_pushstring(L, r->argv[i]);
    stress_collector(L);
    lf_stop_begin();
    enum lf_run_end end =
        lf_sched_run(L, r->argc > r->args.first ? r->argc - r->args.first : 0);
    lf_stop_end();
    lf_limits_lift(r->eng, end == LF_RUN_ERROR ? lua_tostring(L, -1) : NULL);
    r->code = end == LF_RUN_OK ? EXIT_OK : lf_stop_code();
    return end == LF_RUN_ERROR && !r->code ? lua_error(L) : 0;
}

/* [-0, +0, e] The summary, made by luafetch.report. */
static int report(lua_State *L)
{
    struct run *r = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushstring(L, "luafetch.report");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, r->args.stats == LF_STATS_JSON ? "json" : "text");
    lf_stats_push(L, &r->tally, r->elapsed);
    lua_pushinteger(L, r->args.limit ? r->args.limit : DEFAULT_LIMIT);
    lua_setfield(L, -2, "limit");
    lua_pushinteger(L, r->args.per_host ? r->args.per_host : DEFAULT_PER_HOST);
    lua_setfield(L, -2, "per_host");
    lua_pushinteger(L, r->args.workers ? r->args.workers : 1);
    lua_setfield(L, -2, "workers");
    lua_call(L, 1, 1);
    const char *text = lua_tostring(L, -1);
    if (text)
        fprintf(stderr, "%s\n", text);
    return 0;
}

/* Call a C function with r; its error is printed and makes the exit code. */
static void protect(struct run *r, lua_CFunction fn)
{
    lua_pushcfunction(r->L, fn);
    lua_pushlightuserdata(r->L, r);
    if (lua_pcall(r->L, 1, 0, 0) == LUA_OK)
        return;
    const char *text = lua_tostring(r->L, -1);
    lf_log(LF_LOG_ERROR, "%s", text ? text : "an error without a text");
    lua_settop(r->L, 0);
    r->code = EXIT_SCRIPT;
}

/* ---- opening and closing ---- */

static bool wants_summary(const struct run *r)
{
    if (r->board)
        return false;
    if (r->args.stats != LF_STATS_AUTO)
        return true;
    return !r->args.quiet && isatty(STDERR_FILENO) && r->tally.engine.requests;
}

static bool wants_progress(const struct run *r)
{
    if (r->board)
        return false;
    if (r->args.progress != LF_AUTO)
        return r->args.progress == LF_YES;
    const char *term = getenv("TERM");
    return !r->args.quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static bool open_engine(struct run *r)
{
    const struct lf_engine_conf conf = {.limit = r->args.limit,
                                        .system_resolver = r->args.system_resolver,
                                        .dns_servers = r->args.dns_servers,
                                        .spared = r->args.spared,
                                        .processes = r->board ? r->board->n : 1,
                                        .began = r->board ? r->board->began : 0,
                                        .made = r->board ? &r->board->made : NULL,
                                        .proxy_environment = true};
    const struct lf_domain_conf limits = {
        .limit = r->args.limit ? r->args.limit : DEFAULT_LIMIT,
        .per_host = r->args.per_host ? r->args.per_host : DEFAULT_PER_HOST,
        .rate = r->args.rate,
        .policy = true,
    };
    if (lf_engine_new(&conf, &r->eng) != LF_OK ||
        lf_domain_new(r->eng, NULL, &limits, &r->domain) != LF_OK)
        return false;
    r->L = luaL_newstate();
    if (!r->L || !lf_stop_open(r->L, r->eng))
        return false;
    lf_limits_set(r->L, r->eng, &r->args.quota);
    return true;
}

static void set_log_level(const struct lf_args *a)
{
    if (a->quiet || a->verbose)
        lf_log_set_level(a->quiet ? LF_LOG_ERROR : LF_LOG_DEBUG);
    if (a->insecure)
        fputs("warning: --insecure: certificates are NOT checked; anyone on the way can "
              "read and change what is fetched\n",
              stderr);
}

/* A script that lost records and went on has failed all the same. */
static void close_output(struct run *r)
{
    const char *why = "cannot write to standard output";
    bool lost = lf_emit_close(r->L, r->code == EXIT_OK, &why) != LF_OK;
    lost |= fflush(stdout) != 0 || ferror(stdout);
    if (!lost || r->code != EXIT_OK)
        return;
    lf_log(LF_LOG_ERROR, "%s", why);
    r->code = EXIT_SCRIPT;
}

static void run(struct run *r)
{
    if (wants_progress(r))
        r->progress = lf_progress_new(r->eng);
    r->started = lf_engine_now(r->eng);
    protect(r, run_script);
    lf_stop_end();
    lf_progress_free(r->progress);
    close_output(r);
    lf_worker_end();
    lf_tally_read(r->L, r->eng, &r->tally);
    r->elapsed = lf_engine_now(r->eng) - r->started;
    if (lf_stop_why() && !lf_worker_limit(lf_stop_why()))
        lf_log(LF_LOG_ERROR, "%s", lf_stop_why());
    if (wants_summary(r))
        protect(r, report);
    if (r->code == EXIT_OK && r->args.strict && lf_stats_failed(&r->tally.engine))
        r->code = EXIT_STRICT;
}

static void close_all(struct run *r)
{
    lf_stop_close();
    if (r->L)
        lua_close(r->L);
    if (r->domain)
        lf_domain_release(r->domain);
    if (r->eng)
        lf_engine_free(r->eng);
}

/* ---- several processes ---- */

/* [-0, +0, e] As much of Lua as the summary needs. */
static int report_all(lua_State *L)
{
    open_lua(L, lua_touserdata(L, 1));
    return report(L);
}

/* What all of them did. */
static void sum_up(struct run *r, const struct lf_workers_end *end)
{
    r->code = end->code;
    r->tally = end->tally;
    r->elapsed = end->elapsed;
    r->args.quota = (struct lf_quota){0};
    if (!wants_summary(r))
        return;
    if (open_engine(r))
        protect(r, report_all);
    else
        lf_log(LF_LOG_ERROR, "no summary: out of memory or descriptors");
    close_all(r);
}

/* What is one's limit, or its default, divided among all: at least 1 for each. */
static unsigned share(unsigned all, unsigned n, unsigned number)
{
    unsigned own = all / n + (number < all % n);
    return own ? own : 1;
}

/* A worker's part of what the run may do. Requests and time they count together. */
static void take_share(struct run *r)
{
    struct lf_args *a = &r->args;
    unsigned n = r->board->n, number = lf_worker_number() - 1;
    if (a->limit)
        a->limit = share(a->limit, n, number);
    a->per_host = share(a->per_host ? a->per_host : DEFAULT_PER_HOST, n, number);
    a->rate.interval *= n;
    a->quota.memory = (a->quota.memory + n - 1) / n;
}

/* True in a worker; false in the process that has looked after them. */
static bool become_worker(struct run *r)
{
    struct lf_workers_end end;
    const struct lf_workers_conf conf = {.n = r->args.workers,
                                         .max_time = r->args.quota.seconds,
                                         .progress = wants_progress(r)};
    r->board = lf_workers_run(&conf, &end);
    if (r->board)
        take_share(r);
    else
        sum_up(r, &end);
    return r->board != NULL;
}

static int start(struct run *r)
{
    if (!lf_home_find(&r->home))
        return usage("cannot find luafetch's own Lua files (looked last in %s); "
                     "set LUAFETCH_HOME",
                     r->home.lua);
    if (r->args.list)
        return lf_home_list(&r->home, stdout), EXIT_OK;
    int code = find_script(r);
    if (code != EXIT_OK)
        return code;
    if (r->args.workers > 1 && r->command)
        return usage("--workers is for scripts, not for luafetch %s", r->args.script);
    set_log_level(&r->args);
    if (r->args.workers > 1 && !become_worker(r))
        return r->code;
    if (open_engine(r))
        run(r);
    else
        r->code = usage("cannot start: out of memory or descriptors");
    close_all(r);
    return r->code;
}

/* A descriptor that is closed at the start would be taken by the first thing opened,
 * which would then be written to. */
static void keep_standard_files(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

int main(int argc, char **argv)
{
    static struct run r;
    keep_standard_files();
    r.argc = argc;
    r.argv = argv;
    int code = EXIT_OK;
    if (!lf_args_parse(&r.args, argc, argv))
        code = usage("%s", r.args.why);
    else if (r.args.help)
        lf_args_help(stdout);
    else if (r.args.version)
        printf("luafetch %s, %s\n", LF_VERSION, LUA_RELEASE);
    else
        code = start(&r);
    lf_args_free(&r.args);
    return code;
}
