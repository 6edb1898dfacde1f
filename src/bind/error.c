/* lf Errors: plain tables with one metatable, so that lf.json.encode and pairs see their
 * fields; `.ok` and `.error` come from the metatable. */
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/meta.h"
#include "http/url.h"

static const char meta_key; /* its address: the metatable in the registry */

/* .ok is false and .error the Error itself, as with a failed Response. */
static int l_index(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(name, "ok") == 0)
        lua_pushboolean(L, 0);
    else if (strcmp(name, "error") == 0)
        lua_pushvalue(L, 1);
    else
        lua_pushnil(L);
    return 1;
}

/* A field as text; "" when it is not there. Leaves the value on the stack. */
static const char *text_field(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, 1);
    const char *s = lua_tostring(L, -1);
    return s ? s : "";
}

static int l_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *message = text_field(L, "message");
    const char *url = text_field(L, "url");
    lua_pushfstring(L, *url ? "%s: %s" : "%s", message, url);
    return 1;
}

static void push_meta(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"__index", l_index}, {"__tostring", l_tostring}, {NULL, NULL}};
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    lua_pushliteral(L, "luafetch.error");
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
}

bool lf_error_is(lua_State *L, int idx)
{
    return lua_type(L, idx) == LUA_TTABLE && lf_meta_is(L, idx, &meta_key);
}

static void set_text(lua_State *L, const char *name, const char *value)
{
    if (!value)
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void set_bool(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* [-1, +1, m] An Error with the message at the top of the stack. The metatable comes
 * last: setting fields must not ask it. */
static void push_error(lua_State *L, enum lf_err kind, const char *url)
{
    lua_createtable(L, 0, 8);
    lua_insert(L, -2);
    lua_setfield(L, -2, "message");
    set_text(L, "kind", lf_err_name(kind));
    set_text(L, "url", url);
}

static void set_meta(lua_State *L)
{
    push_meta(L);
    lua_setmetatable(L, -2);
}

static void push_vmessage(lua_State *L, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void push_vmessage(lua_State *L, const char *fmt, va_list ap)
{
    luaL_Buffer b;
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    size_t len = n > 0 ? (size_t)n : 0;
    char *p = luaL_buffinitsize(L, &b, len + 1);
    vsnprintf(p, len + 1, fmt, ap);
    luaL_pushresultsize(&b, len);
}

static void push_verror(lua_State *L, enum lf_err kind, const char *url, const char *fmt,
                        va_list ap) __attribute__((format(printf, 4, 0)));

static void push_verror(lua_State *L, enum lf_err kind, const char *url, const char *fmt,
                        va_list ap)
{
    push_vmessage(L, fmt, ap);
    push_error(L, kind, url);
    set_meta(L);
}

void lf_error_push(lua_State *L, enum lf_err kind, const char *url, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    push_verror(L, kind, url, fmt, ap);
    va_end(ap);
}

int lf_error_fail(lua_State *L, enum lf_err kind, const char *url, const char *fmt, ...)
{
    va_list ap;
    lua_pushnil(L);
    va_start(ap, fmt);
    push_verror(L, kind, url, fmt, ap);
    va_end(ap);
    return 2;
}

int lf_error_bad_url(lua_State *L, const char *what, const char *why, const char *url)
{
    if (url) {
        struct lf_span part[2];
        lf_url_shown(url, strlen(url), part);
        lua_pushlstring(L, part[0].p, part[0].len);
        lua_pushlstring(L, part[1].p, part[1].len);
        lua_concat(L, 2);
        url = lua_tostring(L, -1);
    }
    return lf_error_fail(L, LF_EURL, url, "invalid %s: %s", what, why);
}

void lf_timings_push(lua_State *L, const struct lf_timings *t)
{
    const struct {
        const char *name;
        double seconds;
    } fields[] = {
        {"queue", t->queue},           {"dns", t->dns},
        {"connect", t->connect},       {"tls", t->tls},
        {"first_byte", t->first_byte}, {"total", t->total},
    };
    enum { N = sizeof fields / sizeof *fields };
    lua_createtable(L, 0, N);
    for (int i = 0; i < N; i++) {
        lua_pushnumber(L, fields[i].seconds);
        lua_setfield(L, -2, fields[i].name);
    }
}

void lf_error_push_result(lua_State *L, const struct lf_result *res)
{
    if (res->err)
        lua_pushstring(L, res->message);
    else
        lua_pushfstring(L, "HTTP %d", res->status);
    push_error(L, res->err ? res->err : LF_EHTTP, res->url);
    set_text(L, "phase", lf_phase_name(res->phase));
    set_bool(L, "retryable", res->retryable);
    set_bool(L, "sent", res->sent);
    set_integer(L, "attempts", res->attempts);
    if (res->code)
        set_integer(L, "code", res->code);
    if (res->status)
        set_integer(L, "status", res->status);
    lf_timings_push(L, &res->timings);
    lua_setfield(L, -2, "timings");
    set_meta(L);
}
