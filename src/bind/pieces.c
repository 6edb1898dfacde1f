/* The body piece by piece. The stream belongs to the Response; an event stream that is
 * taken up again gets the stream of another one. */
#include "bind/pieces.h"

#include "bind/bind.h"
#include "bind/response.h"
#include "bind/stream.h"

/* ---- methods ---- */

static int l_read(lua_State *L)
{
    lua_Integer n = luaL_optinteger(L, 2, 0);
    luaL_argcheck(L, n > 0 || lua_isnoneornil(L, 2), 2, "a number of bytes is wanted");
    lf_response_push_stream(L);
    return lf_stream_read(L, n);
}

static int l_chunks(lua_State *L)
{
    lf_response_push_stream(L);
    return lf_stream_chunks(L);
}

static int l_lines(lua_State *L)
{
    lf_response_push_stream(L);
    return lf_stream_lines(L, false);
}

/* [-0, +1, e] What function `name` of luafetch.stream makes of the Response, the line
 * iterator and the options. */
static int refined(lua_State *L, const char *name, bool events)
{
    lf_response_check(L);
    lua_settop(L, 2);
    lf_response_push_function(L, "luafetch.stream", name);
    lua_pushvalue(L, 1);
    lf_response_push_stream(L);
    lf_stream_lines(L, events);
    lua_pushvalue(L, 2);
    lua_call(L, 3, 1);
    return 1;
}

static int l_json_lines(lua_State *L)
{
    return refined(L, "json_lines", false);
}

static int l_events(lua_State *L)
{
    return refined(L, "events", true);
}

int lf_pieces_close(lua_State *L)
{
    lf_response_check(L);
    if (lf_response_has_stream(L, 1))
        lf_stream_close(L);
    return 0;
}

const luaL_Reg lf_pieces_methods[] = {
    {"read", l_read},     {"chunks", l_chunks},
    {"lines", l_lines},   {"json_lines", l_json_lines},
    {"events", l_events}, {"close", lf_pieces_close},
    {NULL, NULL},
};

/* ---- for stream.lua ---- */

/* stream_recipe(value): the table that says how the stream of a Response was asked for
 * (see fetch.c); nil when the value has none. */
static int l_recipe(lua_State *L)
{
    lua_settop(L, 1);
    if (!lf_response_is(L, 1) || !lf_response_has_stream(L, 1))
        return 0;
    return lf_stream_push_anchor(L, -1) == LUA_TTABLE;
}

/* stream_open(response): nobody has closed its stream. */
static int l_open(lua_State *L)
{
    lf_response_check(L);
    lua_pushboolean(L, lf_response_has_stream(L, 1) && lf_stream_is_open(L));
    return 1;
}

/* stream_adopt(response, other): the lines of the other's stream, which is the first
 * one's from now on, while its own is closed. */
static int l_adopt(lua_State *L)
{
    lf_response_check(L);
    lua_settop(L, 2);
    if (!lf_response_is(L, 2) || !lf_response_has_stream(L, 2))
        return luaL_typeerror(L, 2, "stream");
    lf_pieces_close(L);
    lua_settop(L, 2);
    lf_response_has_stream(L, 2);
    lua_pushnil(L);
    lf_response_set_stream(L, 2);
    lua_pushvalue(L, -1);
    lf_response_set_stream(L, 1);
    return lf_stream_lines(L, true);
}

/* protocol_error(url, message) */
static int l_error(lua_State *L)
{
    const char *url = luaL_checkstring(L, 1);
    lf_error_push(L, LF_EPROTOCOL, url, "%s", luaL_checkstring(L, 2));
    return 1;
}

void lf_pieces_register(lua_State *L)
{
    static const luaL_Reg functions[] = {{"stream_recipe", l_recipe},
                                         {"stream_open", l_open},
                                         {"stream_adopt", l_adopt},
                                         {"protocol_error", l_error},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
