/* Key, accept and sub-protocols of the handshake. */
#include "modules/websocket/shake.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* ---- sub-protocols ---- */

/* RFC 6455 §4.1: a token, as RFC 2616 has it. */
static bool is_token(const char *s, size_t n)
{
    return n && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                          "!#$%&'*+-.^_`|~") == n;
}

static int wrong(lua_State *L)
{
    return lf_misuse(L, "websocket: option 'protocols' must be a name (a token) or a list"
                        " of such names");
}

/* [-1, +0, v] Add the name at the top. */
static void add_name(lua_State *L, luaL_Buffer *b, bool first)
{
    size_t n;
    if (lua_type(L, -1) != LUA_TSTRING)
        wrong(L);
    const char *s = lua_tolstring(L, -1, &n);
    if (!is_token(s, n))
        wrong(L);
    lua_pop(L, 1); /* its table keeps it; a buffer wants its own top back */
    luaL_addstring(b, first ? "" : ", ");
    luaL_addlstring(b, s, n);
}

const char *ws_shake_push_offered(lua_State *L, int opts)
{
    lua_pushnil(L);
    if (lua_type(L, opts) != LUA_TTABLE)
        return NULL;
    lua_pop(L, 1);
    lua_getfield(L, opts, "protocols");
    if (lua_isnil(L, -1))
        return NULL;
    if (lua_type(L, -1) == LUA_TSTRING) { /* one name is a list of one */
        lua_createtable(L, 1, 0);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
    }
    if (lua_type(L, -1) != LUA_TTABLE)
        wrong(L);
    int list = lua_gettop(L);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, list); i++) {
        lua_rawgeti(L, list, i);
        add_name(L, &b, i == 1);
    }
    luaL_pushresult(&b);
    lua_replace(L, list);
    lua_settop(L, list);
    if (lua_rawlen(L, list) == 0)
        wrong(L);
    return lua_tostring(L, list);
}

static bool was_offered(const char *offered, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = offered; p && *p; p += strcspn(p, ",")) {
        p += strspn(p, ", ");
        if (strcspn(p, ",") == n && memcmp(p, name, n) == 0)
            return true;
    }
    return false;
}

/* ---- key and accept ---- */

static bool make_key(char key[static 25])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789+/";
    unsigned char random[22];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (int i = 0; i < 22; i++) /* the last one stands for two bits only */
        key[i] = alphabet[i < 21 ? random[i] & 63 : (random[i] & 3) << 4];
    memcpy(key + 22, "==", 3);
    return true;
}

bool ws_shake_begin(struct ws_shake *s, const char *offered,
                    const char *fields[static WS_SHAKE_FIELDS])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[24 + sizeof guid];
    if (!make_key(s->key))
        return false;
    snprintf(text, sizeof text, "%s%s", s->key, guid);
    const char *const all[WS_SHAKE_FIELDS] = {
        "Sec-WebSocket-Version",
        "13",
        "Sec-WebSocket-Key",
        s->key,
        "Sec-WebSocket-Protocol",
        offered,
        "Sec-WebSocket-Extensions",
        NULL,
        "Sec-WebSocket-Accept",
        NULL,
        "Connection",
        NULL,
        "Upgrade",
        NULL,
        "Content-Length",
        NULL,
        "Transfer-Encoding",
        NULL,
        NULL,
    };
    memcpy(fields, all, sizeof all);
    return lf_sha1_base64(text, strlen(text), s->accept);
}

const char *ws_shake_judge(const struct ws_shake *s, const struct lf_conn *c,
                           const char *offered)
{
    const char *accept = lf_conn_header(c, "sec-websocket-accept");
    if (!accept || strcmp(accept, s->accept) != 0)
        return "the server's Sec-WebSocket-Accept is missing or wrong";
    if (lf_conn_has_header(c, "sec-websocket-extensions"))
        return "the server uses an extension that was not asked for";
    if (!lf_conn_has_header(c, "sec-websocket-protocol"))
        return NULL;
    const char *protocol = lf_conn_header(c, "sec-websocket-protocol");
    if (!protocol || !was_offered(offered, protocol))
        return "the server chose a protocol that was not offered";
    return NULL;
}
