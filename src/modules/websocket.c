/* lf.websocket: WebSockets (RFC 6455) as Lua objects. This file checks what scripts say
 * and lets tasks wait; frames, pings and closing are in websocket/link.c, the handshake
 * in websocket/shake.c. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "modules/websocket/link.h"
#include "modules/websocket/shake.h"

#define WS_TYPE "luafetch.websocket"

enum { UV_URL = 1, UV_PROTOCOL, UV_HEADERS, UV_OFFERED, UV_COUNT = UV_OFFERED };
enum { PING_TIME = 10 };

int luaopen_luafetch_websocket(lua_State *L);

struct box {
    struct ws ws;
    struct ws_shake shake;
};

/* Puts the WebSocket at 1 and nothing else on the stack. */
static struct ws *check(lua_State *L)
{
    struct box *b = luaL_checkudata(L, 1, WS_TYPE);
    return &b->ws;
}

/* [-0, +1, m] */
static const char *push_url(lua_State *L)
{
    lua_getiuservalue(L, 1, UV_URL);
    return lua_tostring(L, -1);
}

/* ---- waiting ---- */

static void leave(struct ws_waiter *w)
{
    if (w->ws) {
        lf_timer_stop(w->ws->eng, &w->timer);
        w->ws->receiving &= !w->receives;
    }
    lf_list_remove(&w->link);
    free(w);
}

/* A task that is cancelled while it connects leaves nothing for later. */
static void on_cancel(struct lf_wait *wait)
{
    struct ws_waiter *w = lf_container(wait, struct ws_waiter, wait);
    struct ws *ws = w->connects ? w->ws : NULL;
    leave(w);
    if (ws)
        ws_free(ws);
}

/* [-0, +0, v] */
static struct ws_waiter *stand(lua_State *L, struct ws *ws, const char *name)
{
    lf_task_check(L, name);
    struct ws_waiter *w = calloc(1, sizeof *w);
    if (!w) {
        luaL_error(L, "%s: not enough memory", name);
        return NULL;
    }
    w->wait = (struct lf_wait){on_cancel, name};
    w->task = lf_task_current(L);
    w->ws = ws;
    lf_list_init(&w->link);
    lf_list_append(&ws->waiters, &w->link);
    return w;
}

static int wait_with(lua_State *L, struct ws_waiter *w, lua_KFunction k)
{
    return lf_task_wait(L, &w->wait, (lua_KContext)w, k);
}

/* In a continuation: what it waited for. */
static void resumed(lua_State *L, int status, lua_KContext ctx)
{
    if (status != LUA_YIELD)
        return;
    lf_task_unwait(L);
    leave((struct ws_waiter *)ctx);
}

/* ---- failures ---- */

/* [-0, +1, m] Why it is over. */
static void push_failure(lua_State *L, const struct ws *ws)
{
    const char *url = push_url(L);
    if (ws->err)
        lf_error_push(L, ws->err, url, "%s", ws->why);
    else if (ws->close_code)
        lf_error_push(L, LF_ECLOSED, url, "the WebSocket is closed (%d%s%s)",
                      ws->close_code, ws->close_reason_len ? " " : "", ws->close_reason);
    else
        lf_error_push(L, LF_ECLOSED, url, "the WebSocket is closed");
    lua_replace(L, -2);
    if (ws->close_code) {
        lua_pushinteger(L, ws->close_code);
        lua_setfield(L, -2, "code");
    }
}

static int fail(lua_State *L, const struct ws *ws)
{
    lua_pushnil(L);
    push_failure(L, ws);
    return 2;
}

/* ---- receiving ---- */

static int receive_k(lua_State *L, int status, lua_KContext ctx);
static int next_k(lua_State *L, int status, lua_KContext ctx);

/* [-0, +n, v] The next message, the end, or a wait for either. */
static int receive(lua_State *L, bool raises)
{
    struct ws *ws = check(L);
    struct ws_message *m = ws_first(ws);
    if (m) {
        lua_pushlstring(L, m->data.len ? m->data.p : "", m->data.len);
        lua_pushstring(L, m->text ? "text" : "binary");
        ws_drop_first(ws);
        return 2;
    }
    if (ws->state == WS_OVER && (!ws->err || ws->clean)) {
        lua_pushnil(L);
        return 1;
    }
    if (ws->state == WS_OVER && raises) {
        push_failure(L, ws);
        return lua_error(L);
    }
    if (ws->state == WS_OVER) {
        lua_pushnil(L);
        return 1 + fail(L, ws);
    }
    if (ws->receiving)
        return lf_misuse(L, "websocket: another task receives from it already");
    struct ws_waiter *w = stand(L, ws, "websocket:receive");
    w->receives = ws->receiving = true;
    return wait_with(L, w, raises ? next_k : receive_k);
}

static int receive_k(lua_State *L, int status, lua_KContext ctx)
{
    resumed(L, status, ctx);
    return receive(L, false);
}

static int next_k(lua_State *L, int status, lua_KContext ctx)
{
    resumed(L, status, ctx);
    return receive(L, true);
}

static int passed_k(lua_State *L, int status, lua_KContext raises)
{
    (void)status;
    lf_task_unwait(L);
    return receive(L, raises);
}

/* A server that sends faster than its messages are looked at keeps no other task from its
 * turn. */
static int begin(lua_State *L, bool raises)
{
    if (lf_task_overdue(L))
        return lf_task_pass(L, "websocket:receive", raises, passed_k);
    return receive(L, raises);
}

static int l_receive(lua_State *L)
{
    check(L);
    lua_settop(L, 1);
    return begin(L, false);
}

static int l_next(lua_State *L)
{
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    return begin(L, true);
}

static int l_messages(lua_State *L)
{
    check(L);
    lua_settop(L, 1);
    lua_pushcclosure(L, l_next, 1);
    return 1;
}

/* ---- sending ---- */

/* The message is at 2, whether it is a text at 3. */
static int send_k(lua_State *L, int status, lua_KContext ctx)
{
    resumed(L, status, ctx);
    struct ws *ws = check(L);
    size_t n;
    const char *s = lua_tolstring(L, 2, &n);
    if (ws->state == WS_OPEN && ws_send_full(ws))
        return wait_with(L, stand(L, ws, "websocket:send"), send_k);
    if (ws->state != WS_OPEN || ws_send(ws, s, n, lua_toboolean(L, 3)))
        return fail(L, ws);
    lua_pushboolean(L, 1);
    return 1;
}

static int send(lua_State *L, const char *name, bool text)
{
    check(L);
    if (lua_type(L, 2) != LUA_TSTRING)
        return lf_misuse(L, "%s: wants a string, got %s", name, luaL_typename(L, 2));
    size_t n;
    const char *s = lua_tolstring(L, 2, &n);
    if (text && !lf_utf8_valid(s, n)) {
        return lf_error_fail(L, LF_EREQUEST, push_url(L),
                             "a text message must be UTF-8; send_binary sends any bytes");
    }
    lua_settop(L, 2);
    lua_pushboolean(L, text);
    return send_k(L, LUA_OK, 0);
}

static int l_send(lua_State *L)
{
    return send(L, "websocket:send", true);
}

static int l_send_binary(lua_State *L)
{
    return send(L, "websocket:send_binary", false);
}

/* ---- pings ---- */

static void on_late(struct lf_timer *t)
{
    struct ws_waiter *w = lf_container(t, struct ws_waiter, timer);
    w->late = true;
    lf_task_wake(w->task);
}

static int ping_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct ws_waiter *w = (struct ws_waiter *)ctx;
    struct ws *ws = check(L);
    bool answered = ws->ping_got >= w->number, late = w->late;
    double took = lf_engine_now(ws->eng) - w->began;
    if (!answered && !late && ws->state != WS_OVER)
        return wait_with(L, w, ping_k);
    resumed(L, LUA_YIELD, ctx);
    if (answered) {
        lua_pushnumber(L, took);
        return 1;
    }
    if (ws->state == WS_OVER)
        return fail(L, ws);
    return lf_error_fail(L, LF_ETIMEOUT, push_url(L), "no answer to a ping for %g s",
                         lua_tonumber(L, 2));
}

static int l_ping(lua_State *L)
{
    struct ws *ws = check(L);
    lua_Number seconds = luaL_optnumber(L, 2, PING_TIME);
    if (!(seconds > 0))
        return lf_misuse(L, "websocket:ping: wants a positive number of seconds");
    lua_settop(L, 1);
    lua_pushnumber(L, seconds);
    if (ws->state != WS_OPEN)
        return fail(L, ws);
    struct ws_waiter *w = stand(L, ws, "websocket:ping");
    w->timer = (struct lf_timer){.weak = true, .fire = on_late};
    w->began = lf_engine_now(ws->eng);
    if (ws_send_ping(ws) || !lf_timer_start(ws->eng, &w->timer, seconds)) {
        leave(w);
        return luaL_error(L, "websocket:ping: not enough memory");
    }
    w->number = ws->ping_sent;
    ws_pump(ws);
    if (ws->state == WS_OVER) {
        leave(w);
        return fail(L, ws);
    }
    return wait_with(L, w, ping_k);
}

/* ---- closing ---- */

static int close_k(lua_State *L, int status, lua_KContext ctx)
{
    resumed(L, status, ctx);
    struct ws *ws = check(L);
    if (ws->state == WS_CLOSING)
        return wait_with(L, stand(L, ws, "websocket:close"), close_k);
    ws_free(ws);
    if (ws->err && !ws->clean)
        return fail(L, ws);
    lua_pushboolean(L, 1);
    return 1;
}

static int l_close(lua_State *L)
{
    struct ws *ws = check(L);
    lua_Integer code = luaL_optinteger(L, 2, WS_CLOSE_NORMAL);
    size_t n;
    const char *reason = luaL_optlstring(L, 3, "", &n);
    if (code < 0 || code > 4999 || !ws_close_code_valid((int)code))
        return lf_misuse(L,
                         "websocket:close: %s is no code that may be sent (1000 to 1003, "
                         "1007 to 1014, 3000 to 4999)",
                         luaL_tolstring(L, 2, NULL));
    if (n > WS_REASON || !lf_utf8_valid(reason, n))
        return lf_misuse(L, "websocket:close: the reason must be UTF-8 of at most 123 "
                            "bytes");
    if (ws->state == WS_OPEN) {
        lf_task_check(L, "websocket:close");
        ws_close(ws, (int)code, reason, n);
    }
    lua_settop(L, 1);
    return close_k(L, LUA_OK, 0);
}

/* At the end of a scope: as close(), unless the task must not wait. */
static int l_leave(lua_State *L)
{
    struct ws *ws = check(L);
    bool wait = lua_isnoneornil(L, 2) && lf_task_may_wait(L);
    lua_settop(L, 1);
    if (ws->state == WS_OPEN)
        ws_close(ws, wait ? WS_CLOSE_NORMAL : WS_CLOSE_GOING, NULL, 0);
    if (wait)
        return close_k(L, LUA_OK, 0);
    ws_free(ws);
    return 0;
}

static int l_gc(lua_State *L)
{
    ws_free(check(L));
    return 0;
}

/* ---- fields ---- */

static int l_index(lua_State *L)
{
    const struct ws *ws = check(L);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    static const struct {
        const char *name;
        int uv;
    } values[] = {{"url", UV_URL}, {"protocol", UV_PROTOCOL}, {"headers", UV_HEADERS}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (strcmp(name, values[i].name) == 0)
            return lua_getiuservalue(L, 1, values[i].uv), 1;
    if (strcmp(name, "close_code") == 0 && ws->close_code)
        return lua_pushinteger(L, ws->close_code), 1;
    if (strcmp(name, "close_reason") == 0 && ws->close_code)
        return lua_pushlstring(L, ws->close_reason, ws->close_reason_len), 1;
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    return 1;
}

static int l_tostring(lua_State *L)
{
    static const char *const states[] = {"connecting", "open", "closing", "closed"};
    const struct ws *ws = check(L);
    lua_pushfstring(L, "websocket %s (%s)", push_url(L), states[ws->state]);
    return 1;
}

/* ---- opening ---- */

/* [-0, +0, v] The options that are ours; the others are fetch's. */
static void read_options(lua_State *L, struct ws *ws)
{
    int whole;
    if (lua_getfield(L, 2, "ping") == LUA_TBOOLEAN && !lua_toboolean(L, -1))
        ws->ping = LF_NEVER;
    else if (lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) > 0)
        ws->ping = fmin(lua_tonumber(L, -1), LF_NEVER);
    else if (!lua_isnil(L, -1))
        lf_misuse(L,
                  "websocket: option 'ping' must be a positive number of seconds or "
                  "false, got %s",
                  luaL_tolstring(L, -1, NULL));
    if (lua_getfield(L, 2, "max_message") == LUA_TBOOLEAN && !lua_toboolean(L, -1)) {
        ws->max_message = INT64_MAX;
    } else if (!lua_isnil(L, -1)) {
        lua_Integer n = lua_tointegerx(L, -1, &whole);
        if (lua_type(L, -1) != LUA_TNUMBER || !whole || n < 0)
            lf_misuse(L,
                      "websocket: option 'max_message' must be a whole number of bytes"
                      " or false, got %s",
                      luaL_tolstring(L, -1, NULL));
        ws->max_message = (uint64_t)n;
    }
    lua_settop(L, 3);
}

static int opened(lua_State *L, struct box *b)
{
    struct ws *ws = &b->ws;
    lua_getiuservalue(L, 1, UV_OFFERED);
    const char *why = ws_shake_judge(&b->shake, ws->conn, lua_tostring(L, -1));
    if (why) {
        ws_free(ws);
        return lf_error_fail(L, LF_EPROTOCOL, push_url(L), "%s", why);
    }
    lf_conn_push_headers(L, ws->conn);
    lua_setiuservalue(L, 1, UV_HEADERS);
    lua_pushstring(L, lf_conn_header(ws->conn, "sec-websocket-protocol"));
    lua_setiuservalue(L, 1, UV_PROTOCOL);
    if (!ws_begin(ws)) {
        ws_free(ws);
        return lf_error_fail(L, LF_ERESOURCE, push_url(L), "not enough memory");
    }
    lua_settop(L, 1);
    return 1;
}

static int connect_k(lua_State *L, int status, lua_KContext ctx)
{
    resumed(L, status, ctx);
    struct box *b = lua_touserdata(L, 1);
    struct ws *ws = &b->ws;
    enum lf_conn_state state = ws->conn ? lf_conn_info(ws->conn)->state : LF_CONN_FAILED;
    if (state == LF_CONN_OPENING) {
        struct ws_waiter *w = stand(L, ws, "websocket");
        w->connects = true;
        return wait_with(L, w, connect_k);
    }
    if (state == LF_CONN_OPEN)
        return opened(L, b);
    lua_pushnil(L);
    lf_conn_push_error(L, ws->conn, push_url(L));
    lua_replace(L, -2);
    ws_free(ws);
    return 2;
}

/* lf.websocket(url [, opts]) */
static int l_websocket(lua_State *L)
{
    lua_settop(L, 2);
    lf_task_check(L, "websocket");
    struct box *b = lua_newuserdatauv(L, sizeof *b, UV_COUNT);
    ws_init(&b->ws, lf_task_engine(L));
    luaL_setmetatable(L, WS_TYPE);
    bool opts = !lua_isnil(L, 2);
    if (opts && lua_type(L, 2) == LUA_TTABLE)
        read_options(L, &b->ws);
    const char *offered = ws_shake_push_offered(L, 2); /* at 4 */
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 3, UV_OFFERED);
    const char *fields[WS_SHAKE_FIELDS];
    if (!ws_shake_begin(&b->shake, offered, fields))
        return lf_error_fail(L, LF_ERESOURCE, NULL, "no random bytes for the handshake");
    static const char *const own[] = {"protocols", "ping", "max_message", NULL};
    static const char *const schemes[] = {"ws",   "http",  "wss",   "https", "http",
                                          "http", "https", "https", NULL};
    const struct lf_dial dial = {
        .who = "websocket",
        .url = 1,
        .opts = opts ? 2 : 0,
        .own = own,
        .upgrade = "websocket",
        .schemes = schemes,
        .fields = fields,
        .news = ws_on_news,
        .arg = &b->ws,
    };
    if (!lf_dial(L, &dial, &b->ws.conn)) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    lua_setiuservalue(L, 3, UV_URL);
    lua_settop(L, 3);
    lua_replace(L, 1);
    lua_settop(L, 1);
    return connect_k(L, LUA_OK, 0);
}

int luaopen_luafetch_websocket(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", l_gc}, {"__close", l_leave}, {"__tostring", l_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"send", l_send},
                                       {"send_binary", l_send_binary},
                                       {"receive", l_receive},
                                       {"messages", l_messages},
                                       {"ping", l_ping},
                                       {"close", l_close},
                                       {NULL, NULL}};
    luaL_newmetatable(L, WS_TYPE);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, l_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, l_websocket);
    return 1;
}
