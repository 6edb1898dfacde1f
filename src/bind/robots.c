/* luafetch.robots: parse, and what the result is asked. */
#include "bind/robots.h"

#include <lauxlib.h>
#include <string.h>
#include "bind/lf_module.h"
#include "bind/url.h"
#include "http/robots.h"

#define ROBOTS_MT "luafetch.robots"

enum { BASE_SLOT = 1 }; /* user value: the URL of the file, or nil */

struct robots {
    struct lf_robots *r; /* owned */
};

static const struct lf_robots *check(lua_State *L)
{
    struct robots *box = luaL_checkudata(L, 1, ROBOTS_MT);
    return box->r;
}

static int robots_gc(lua_State *L)
{
    struct robots *box = luaL_checkudata(L, 1, ROBOTS_MT);
    lf_robots_free(box->r);
    box->r = NULL;
    return 0;
}

static struct lf_span check_span(lua_State *L, int idx)
{
    struct lf_span s;
    s.p = luaL_checklstring(L, idx, &s.len);
    return s;
}

/* [-0, +1, m] What decided, as a table. */
static void push_rule(lua_State *L, const struct lf_robots_rule *rule)
{
    lua_createtable(L, 0, 3);
    lua_pushboolean(L, rule->allow);
    lua_setfield(L, -2, "allow");
    lua_pushlstring(L, rule->path.p, rule->path.len);
    lua_setfield(L, -2, "path");
    lua_pushinteger(L, rule->line);
    lua_setfield(L, -2, "line");
}

static int l_allowed(lua_State *L)
{
    const struct lf_robots *r = check(L);
    struct lf_span agent = check_span(L, 2), url = check_span(L, 3);
    const struct lf_robots_rule *rule;
    const char *why = NULL;
    bool allowed;
    enum lf_err err = lf_robots_check(r, agent, url, &allowed, &rule, &why);
    if (err == LF_EURL)
        return lf_error_bad_url(L, "URL", why, url.p);
    lf_buf_check(L, err);
    lua_pushboolean(L, allowed);
    if (!rule)
        return 1;
    push_rule(L, rule);
    return 2;
}

static int l_crawl_delay(lua_State *L)
{
    double seconds;
    if (lf_robots_delay(check(L), check_span(L, 2), &seconds))
        lua_pushnumber(L, seconds);
    else
        lua_pushnil(L);
    return 1;
}

/* [-0, +1, v] The absolute URL, by luafetch.url's own join; false when there is none. */
static bool push_absolute(lua_State *L, int base, struct lf_span url)
{
    if (lua_isnil(L, base)) {
        lua_pushlstring(L, url.p, url.len);
        return true;
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, base);
    lua_pushlstring(L, url.p, url.len);
    lua_call(L, 2, 1);
    return !lua_isnil(L, -1);
}

static int l_sitemaps(lua_State *L)
{
    const struct lf_robots *r = check(L);
    struct lf_span url;
    lua_Integer n = 0;
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, BASE_SLOT);
    lua_newtable(L);
    for (size_t i = 0; lf_robots_sitemap(r, i, &url); i++) {
        if (push_absolute(L, 2, url))
            lua_rawseti(L, 3, ++n);
        else
            lua_pop(L, 1);
    }
    return 1;
}

/* [-0, +1, v] The option url of the table at idx, or nil. */
static void push_url_option(lua_State *L, int idx)
{
    if (lua_isnoneornil(L, idx)) {
        lua_pushnil(L);
        return;
    }
    luaL_checktype(L, idx, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
        if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "url") != 0)
            luaL_error(L, "robots.parse: unknown option '%s' (there is url)",
                       luaL_tolstring(L, -2, NULL));
    int type = lua_getfield(L, idx, "url");
    if (type != LUA_TNIL && type != LUA_TSTRING)
        luaL_error(L, "robots.parse: option 'url' must be a string, not a %s",
                   lua_typename(L, type));
}

/* The collector knows only the box. */
static void account(lua_State *L, const struct lf_robots *r)
{
    if (lua_gc(L, LUA_GCISRUNNING))
        lua_gc(L, LUA_GCSTEP, (int)(lf_robots_size(r) / 1024) + 1);
}

static int l_parse(lua_State *L)
{
    struct lf_span text = check_span(L, 1);
    lua_settop(L, 2);
    push_url_option(L, 2);
    struct robots *box = lua_newuserdatauv(L, sizeof *box, 1);
    box->r = NULL;
    luaL_setmetatable(L, ROBOTS_MT);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, BASE_SLOT);
    lf_buf_check(L, lf_robots_parse(text.p, text.len, &box->r));
    account(L, box->r);
    return 1;
}

/* [-0, +0, e] */
static void register_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"allowed", l_allowed}, {"crawl_delay", l_crawl_delay}, {NULL, NULL}};
    if (!luaL_newmetatable(L, ROBOTS_MT)) {
        lua_pop(L, 1);
        return;
    }
    lua_pushcfunction(L, robots_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    luaL_requiref(L, "luafetch.url", luaopen_luafetch_url, 0);
    lua_getfield(L, -1, "join");
    lua_remove(L, -2);
    lua_pushcclosure(L, l_sitemaps, 1);
    lua_setfield(L, -2, "sitemaps");
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

int luaopen_luafetch_robots(lua_State *L)
{
    static const luaL_Reg functions[] = {{"parse", l_parse}, {NULL, NULL}};
    register_methods(L);
    luaL_newlib(L, functions);
    return 1;
}
