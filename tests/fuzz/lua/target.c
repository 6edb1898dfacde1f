/* Runs the fuzz targets that are written in Lua: the program's own name says which file
 * of tests/fuzz that is. It returns a function that is called with each input (the last
 * byte taken off as a number, the second argument); what it raises is a finding.
 *
 * One state serves all inputs, so that memory which grows shows. Run in the project's
 * folder. */
#include <lauxlib.h>
#include <libgen.h>
#include <lualib.h>
#include <unistd.h>
#include "../fuzz.h"
#include "bind/lib.h"
#include "engine/engine.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { COLLECT_EVERY = 64 }; /* inputs */

static struct lf_engine *eng;
static struct lf_domain *domain;
static lua_State *L;

static void die(const char *what)
{
    const char *why = lua_tostring(L, -1);
    fprintf(stderr, "%s: %s\n", what, why ? why : "an error without a text");
    abort();
}

static int with_traceback(lua_State *from)
{
    luaL_traceback(from, from, luaL_tolstring(from, 1, NULL), 1);
    return 1;
}

static int open_state(lua_State *l)
{
    const struct lf_lib_conf *conf = lua_touserdata(l, 1);
    luaL_openlibs(l);
    lf_lib_open(l, eng, domain, conf);
    return 0;
}

/* Leaves the message handler at 1 and the target's function at 2. */
static void load(const char *name)
{
    char file[256];
    lua_settop(L, 0);
    lua_pushcfunction(L, with_traceback);
    snprintf(file, sizeof file, "tests/fuzz/%s.lua", name);
    if (luaL_loadfile(L, file) || lua_pcall(L, 0, 1, 1))
        die(file);
}

static void close_all(void)
{
    lua_close(L);
    lf_domain_release(domain);
    lf_engine_free(eng);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char program[1024], modules[1100];
    (void)argc;
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    FUZZ_CHECK(n > 0);
    snprintf(modules, sizeof modules, "%s/../modules", dirname(program));
    const struct lf_engine_conf engine_conf = {.scripted = true};
    const struct lf_domain_conf limits = {.limit = 100};
    struct lf_lib_conf conf = {.timeout = -1, .lua_dir = "lua", .module_dir = modules};
    FUZZ_CHECK(lf_engine_new(&engine_conf, &eng) == LF_OK);
    FUZZ_CHECK(lf_domain_new(eng, NULL, &limits, &domain) == LF_OK);
    FUZZ_CHECK((L = luaL_newstate()));
    lua_pushcfunction(L, open_state);
    lua_pushlightuserdata(L, &conf);
    if (lua_pcall(L, 1, 0, 0))
        die("cannot open luafetch");
    load(basename(**argv));
    atexit(close_all);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned count;
    struct fuzz in = {(const char *)data, size};
    unsigned choice = fuzz_byte(&in);
    lua_pushvalue(L, 2);
    lua_pushlstring(L, in.n ? in.p : "", in.n);
    lua_pushinteger(L, choice);
    if (lua_pcall(L, 2, 0, 1))
        die("finding");
    if (++count % COLLECT_EVERY == 0)
        lua_gc(L, LUA_GCCOLLECT);
    return 0;
}
