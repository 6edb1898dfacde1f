/* Responses: one userdata that holds all its bytes, without a finalizer. Fields become
 * Lua values when they are asked for; what is dear to make is kept in a table beside it.
 */
#include <lauxlib.h>
#include <string.h>
#include "bind/bind.h"
#include "bind/decoded.h"
#include "bind/fields.h"
#include "bind/json.h"
#include "bind/links.h"
#include "bind/meta.h"
#include "bind/pieces.h"
#include "bind/response.h"
#include "bind/stream.h"
#include "bind/url.h"
#include "http/charset.h"

enum {
    UV_BODY = 1,
    UV_HEADERS,
    UV_STREAM,
    UV_CACHE,
    UV_COUNT = UV_CACHE,
    LARGE_BODY = 64 << 10
};

/* data: URL, NUL, method, NUL, header block. The method is that of the last hop. */
struct response {
    int status, http_version;
    unsigned attempts;
    bool sent, retryable;
    struct lf_timings timings;
    char remote_ip[46];
    uint64_t size; /* of the file it was saved to */
    size_t url_len, method_len, headers_len;
    char data[];
};

static const char meta_key; /* its address: the metatable in the registry */
#define ADDED "added"       /* in the cache: the table of lf_response_add */

static const char *url_of(const struct response *r)
{
    return r->data;
}

static const char *method_of(const struct response *r)
{
    return r->data + r->url_len + 1;
}

static const char *block_of(const struct response *r)
{
    return r->data + r->url_len + r->method_len + 2;
}

/* [-0, +0, -] NULL when the value is no Response. */
static struct response *test(lua_State *L, int idx)
{
    void *p = lua_touserdata(L, idx);
    return p && lf_meta_is(L, idx, &meta_key) ? p : NULL;
}

static struct response *check(lua_State *L)
{
    struct response *r = test(L, 1);
    if (!r)
        luaL_typeerror(L, 1, "Response (call methods with ':')");
    return r;
}

/* ---- what is kept ---- */

/* [-0, +1, m] What the cache has under `name`: true when it has something. */
static bool cached(lua_State *L, const char *name)
{
    if (lua_getiuservalue(L, 1, UV_CACHE) == LUA_TTABLE) {
        lua_pushstring(L, name);
        lua_rawget(L, -2);
    } else {
        lua_pushnil(L);
    }
    lua_remove(L, -2);
    return !lua_isnil(L, -1);
}

/* [-0, +0, m] Keep the value at the top, which stays there. */
static void cache(lua_State *L, const char *name)
{
    if (lua_getiuservalue(L, 1, UV_CACHE) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 2);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, UV_CACHE);
    }
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

static void push_body(lua_State *L)
{
    if (lua_getiuservalue(L, 1, UV_BODY) == LUA_TSTRING)
        return;
    lua_pop(L, 1);
    lua_pushliteral(L, "");
}

/* ---- fields ---- */

static void push_ok(lua_State *L, const struct response *r)
{
    lua_pushboolean(L, r->status < 400);
}

static void push_status(lua_State *L, const struct response *r)
{
    lua_pushinteger(L, r->status);
}

static void push_url(lua_State *L, const struct response *r)
{
    lua_pushlstring(L, url_of(r), r->url_len);
}

static void push_attempts(lua_State *L, const struct response *r)
{
    lua_pushinteger(L, r->attempts);
}

static void push_remote_ip(lua_State *L, const struct response *r)
{
    if (*r->remote_ip)
        lua_pushstring(L, r->remote_ip);
    else
        lua_pushnil(L);
}

static void push_body_field(lua_State *L, const struct response *r)
{
    (void)r;
    push_body(L);
}

static void push_http_version(lua_State *L, const struct response *r)
{
    if (r->http_version >= 20 && r->http_version % 10 == 0)
        lua_pushfstring(L, "%d", r->http_version / 10);
    else
        lua_pushfstring(L, "%d.%d", r->http_version / 10, r->http_version % 10);
}

static void push_headers(lua_State *L, const struct response *r)
{
    if (lua_getiuservalue(L, 1, UV_HEADERS) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lf_fields_push_view(L, block_of(r), r->headers_len, 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, UV_HEADERS);
}

static void push_path(lua_State *L, const struct response *r)
{
    (void)r;
    cached(L, "path");
}

static void push_size(lua_State *L, const struct response *r)
{
    if (cached(L, "path"))
        lua_pushinteger(L, (lua_Integer)r->size);
}

/* The cookies that this answer set, by name. */
static void push_cookies(lua_State *L, const struct response *r)
{
    struct lf_header f;
    lua_newtable(L);
    for (size_t at = 0;
         lf_headers_find(block_of(r), r->headers_len, &at, "set-cookie", 10, &f);) {
        const char *end = memchr(f.value, ';', f.value_len);
        size_t n = end ? (size_t)(end - f.value) : f.value_len;
        const char *eq = memchr(f.value, '=', n);
        if (!eq)
            continue;
        lua_pushlstring(L, f.value, (size_t)(eq - f.value));
        lua_pushlstring(L, eq + 1, n - (size_t)(eq - f.value) - 1);
        lua_rawset(L, -3);
    }
}

static void push_links(lua_State *L, const struct response *r)
{
    if (cached(L, "links"))
        return;
    lf_links_push(L, block_of(r), r->headers_len, url_of(r));
    cache(L, "links");
}

static void push_refresh(lua_State *L, const struct response *r)
{
    lf_refresh_push(L, block_of(r), r->headers_len, url_of(r));
}

static void push_timings(lua_State *L, const struct response *r)
{
    if (cached(L, "timings"))
        return;
    lf_timings_push(L, &r->timings);
    cache(L, "timings");
}

/* Redirects are in the cache from the beginning. */
static void push_history(lua_State *L, const struct response *r)
{
    (void)r;
    if (cached(L, "history"))
        return;
    lua_newtable(L);
    cache(L, "history");
}

static void push_request(lua_State *L, const struct response *r)
{
    if (cached(L, "request"))
        return;
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, method_of(r), r->method_len);
    lua_setfield(L, -2, "method");
    push_url(L, r);
    lua_setfield(L, -2, "url");
    cache(L, "request");
}

static void push_error(lua_State *L, const struct response *r)
{
    if (r->status < 400) {
        lua_pushnil(L);
        return;
    }
    if (cached(L, "error"))
        return;
    struct lf_result res = {
        .status = r->status,
        .phase = LF_PHASE_DONE,
        .retryable = r->retryable,
        .sent = r->sent,
        .attempts = r->attempts,
        .url = url_of(r),
        .timings = r->timings,
    };
    lf_error_push_result(L, &res);
    cache(L, "error");
}

static const struct {
    const char *name;
    void (*push)(lua_State *L, const struct response *r);
} fields[] = {
    {"ok", push_ok},
    {"status", push_status},
    {"url", push_url},
    {"headers", push_headers},
    {"body", push_body_field},
    {"history", push_history},
    {"timings", push_timings},
    {"http_version", push_http_version},
    {"remote_ip", push_remote_ip},
    {"attempts", push_attempts},
    {"request", push_request},
    {"error", push_error},
    {"cookies", push_cookies},
    {"links", push_links},
    {"refresh", push_refresh},
    {"path", push_path},
    {"size", push_size},
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* [-0, +1, m] What this one Response was given under the name at 2, or nil. */
static void push_added(lua_State *L)
{
    if (!cached(L, ADDED))
        return;
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
}

/* Upvalues: name → number of the field, or the method; the metatable. */
static int l_index(lua_State *L)
{
    const struct response *r = lua_touserdata(L, 1);
    if (!r || !lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(2)))
        return luaL_typeerror(L, 1, "Response");
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    int type = lua_rawget(L, lua_upvalueindex(1));
    if (type == LUA_TNUMBER)
        fields[lua_tointeger(L, -1)].push(L, r);
    else if (type == LUA_TNIL)
        push_added(L);
    return 1;
}

/* ---- methods ---- */

static int l_header_values(lua_State *L)
{
    const struct response *r = check(L);
    size_t n;
    const char *name = luaL_checklstring(L, 2, &n);
    lf_fields_push_values(L, block_of(r), r->headers_len, name, n);
    return 1;
}

/* The charset of the Content-Type header, or NULL. */
static const char *header_charset(const struct response *r, size_t *len)
{
    struct lf_header f;
    size_t at = 0;
    static const char name[] = "content-type";
    if (!lf_headers_find(block_of(r), r->headers_len, &at, name, sizeof name - 1, &f))
        return NULL;
    return lf_charset_param(f.value, f.value_len, len);
}

static int l_text(lua_State *L)
{
    const struct response *r = check(L);
    lua_settop(L, 1);
    if (cached(L, "text"))
        return 1;
    push_body(L);
    struct lf_header type = {.value = ""};
    size_t at = 0;
    lf_headers_find(block_of(r), r->headers_len, &at, "content-type", 12, &type);
    int n = lf_decoded_push(L, type.value, type.value_len, url_of(r));
    if (n == 1)
        cache(L, "text");
    return n;
}

/* [-n, +1|2, m] Keep the n (1, or nil and an Error) results at the top under `name`, and
 * return them. */
static int keep_outcome(lua_State *L, const char *name, const char *error_name, int n)
{
    cache(L, n == 1 ? name : error_name);
    return n;
}

static int l_json(lua_State *L)
{
    const struct response *r = check(L);
    lua_settop(L, 1);
    if (cached(L, "json"))
        return 1;
    if (cached(L, "json_error")) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    push_body(L);
    size_t n, mark = 0;
    const char *body = lua_tolstring(L, -1, &n);
    lf_charset_bom(body, n, &mark);
    if (mark != 3)
        mark = 0;
    return keep_outcome(L, "json", "json_error",
                        lf_json_decode(L, body + mark, n - mark, url_of(r)));
}

void lf_response_push_function(lua_State *L, const char *module, const char *name)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, module) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_getglobal(L, "require");
        lua_pushstring(L, module);
        lua_call(L, 1, 1);
    }
    lua_getfield(L, -1, name);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* ---- its stream, for pieces.c ---- */

bool lf_response_is(lua_State *L, int idx)
{
    return test(L, idx) != NULL;
}

void lf_response_check(lua_State *L)
{
    check(L);
}

bool lf_response_has_stream(lua_State *L, int idx)
{
    if (lua_getiuservalue(L, idx, UV_STREAM) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

void lf_response_set_stream(lua_State *L, int idx)
{
    lua_setiuservalue(L, idx, UV_STREAM);
}

void lf_response_push_stream(lua_State *L)
{
    check(L);
    if (lf_response_has_stream(L, 1))
        return;
    push_body(L);
    lf_stream_push_string(L, -1);
    lua_remove(L, -2);
    lua_pushvalue(L, -1);
    lf_response_set_stream(L, 1);
}

/* ---- the rest ---- */

/* The Response itself when it is ok, so that calls can be chained. */
static int l_raise(lua_State *L)
{
    const struct response *r = check(L);
    lua_settop(L, 1);
    if (r->status < 400)
        return 1;
    push_error(L, r);
    return lua_error(L);
}

static int l_tostring(lua_State *L)
{
    const struct response *r = check(L);
    lua_pushfstring(L, "Response %d %s", r->status, url_of(r));
    return 1;
}

static const luaL_Reg methods[] = {
    {"header_values", l_header_values},
    {"text", l_text},
    {"json", l_json},
    {"html", lf_response_html},
    {"xml", lf_response_xml},
    {"feed", lf_response_feed},
    {"raise", l_raise},
    {NULL, NULL},
};

/* response_add(response, table): its fields are the Response's own from now on. */
int lf_response_add(lua_State *L)
{
    check(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    cache(L, ADDED);
    lua_settop(L, 1);
    return 1;
}

/* ---- for page.c ---- */

bool lf_response_cached(lua_State *L, const char *name)
{
    return cached(L, name);
}

void lf_response_cache(lua_State *L, const char *name)
{
    cache(L, name);
}

const char *lf_response_charset(lua_State *L, size_t *len)
{
    return header_charset(lua_touserdata(L, 1), len);
}

/* ---- making one ---- */

static void push_meta(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 5);
    lua_pushliteral(L, "luafetch.response");
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__name");
    lua_setfield(L, -2, "__metatable");
    lua_pushcfunction(L, l_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, lf_pieces_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    luaL_setfuncs(L, lf_pieces_methods, 0);
    for (int i = 0; i < FIELDS; i++) {
        lua_pushinteger(L, i);
        lua_setfield(L, -2, fields[i].name);
    }
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, l_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
}

/* [-0, +1, m] One followed redirect. */
static void push_hop(lua_State *L, const struct lf_hop *hop)
{
    lua_createtable(L, 0, 4);
    lua_pushstring(L, hop->url);
    lua_setfield(L, -2, "url");
    lua_pushstring(L, hop->method);
    lua_setfield(L, -2, "method");
    lua_pushinteger(L, hop->status);
    lua_setfield(L, -2, "status");
    lf_fields_push(L, hop->headers.block.p, hop->headers.block.len);
    lua_setfield(L, -2, "headers");
}

/* [-0, +0, m] Redirects are rare: their list is made at once, for the Response at the
 * top. */
static void keep_history(lua_State *L, const struct lf_result *res)
{
    lua_createtable(L, 0, 2);
    lua_createtable(L, (int)res->hops, 0);
    lua_Integer n = 0;
    for (const struct lf_hop *hop = res->history; hop; hop = hop->next) {
        push_hop(L, hop);
        lua_rawseti(L, -2, ++n);
    }
    lua_setfield(L, -2, "history");
    lua_createtable(L, 0, 2);
    lua_pushstring(L, res->history->method);
    lua_setfield(L, -2, "method");
    lua_pushstring(L, res->history->url);
    lua_setfield(L, -2, "url");
    lua_setfield(L, -2, "request");
    lua_setiuservalue(L, -2, UV_CACHE);
}

/* [-0, +0, m] The copy in C goes at once, so that a large body is held twice only here.
 */
static void keep_body(lua_State *L, struct lf_buf *body)
{
    if (!body->len)
        return;
    lua_pushlstring(L, body->p, body->len);
    lua_setiuservalue(L, -2, UV_BODY);
    if (body->len > LARGE_BODY)
        lf_buf_free(body);
}

static void keep_path(lua_State *L, const char *path)
{
    if (lua_getiuservalue(L, -1, UV_CACHE) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, -3, UV_CACHE);
    }
    lua_pushstring(L, path);
    lua_setfield(L, -2, "path");
    lua_pop(L, 1);
}

static void fill(struct response *r, const struct lf_result *res)
{
    r->status = res->status;
    r->http_version = res->http_version;
    r->attempts = res->attempts;
    r->sent = res->sent;
    r->retryable = res->retryable;
    r->timings = res->timings;
    memcpy(r->remote_ip, res->remote_ip, sizeof r->remote_ip);
    memcpy(r->data, res->url, r->url_len + 1);
    memcpy(r->data + r->url_len + 1, res->method, r->method_len + 1);
    if (r->headers_len)
        memcpy((char *)block_of(r), res->headers.block.p, r->headers_len);
}

void lf_response_push(lua_State *L, struct lf_result *res)
{
    size_t url_len = strlen(res->url), method_len = strlen(res->method);
    size_t headers_len = res->headers.block.len;
    struct response *r = lua_newuserdatauv(
        L, sizeof *r + url_len + method_len + headers_len + 2, UV_COUNT);
    r->url_len = url_len;
    r->method_len = method_len;
    r->headers_len = headers_len;
    fill(r, res);
    push_meta(L);
    lua_setmetatable(L, -2);
    if (res->history)
        keep_history(L, res);
    r->size = res->size;
    if (res->path)
        keep_path(L, res->path);
    if (!res->streaming)
        keep_body(L, &res->body);
}

void lf_response_attach(lua_State *L, struct lf_req *req, int anchor, int watch)
{
    anchor = lua_absindex(L, anchor);
    lf_stream_push(L, req, anchor, watch);
    if (watch)
        lua_remove(L, -2);
    lua_setiuservalue(L, -2, UV_STREAM);
}

bool lf_value_failed(lua_State *L, int idx)
{
    const struct response *r = test(L, idx);
    return r ? r->status >= 400 : lf_error_is(L, idx);
}
