/* Link (RFC 8288) and Refresh headers as Lua tables. */
#include "bind/links.h"

#include <lauxlib.h>
#include <string.h>
#include "http/headers.h"
#include "http/link.h"
#include "http/refresh.h"

static bool resolve(const struct lf_url *base, const char *p, size_t n,
                    struct lf_buf *out)
{
    struct lf_url to = LF_URL_INIT;
    const char *why;
    lf_buf_reset(out);
    bool ok =
        !lf_url_parse(&to, p, n, base, &why) && !lf_buf_add(out, to.href.p, to.href.len);
    lf_url_free(&to);
    return ok;
}

/* [-0, +1, m] One link: its parameters, and the target as an absolute URL. */
static bool push_link(lua_State *L, const struct lf_url *base, const struct lf_link *link,
                      struct lf_buf *scratch)
{
    struct lf_header f;
    if (!resolve(base, link->target.p, link->target.len, scratch))
        return false;
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, scratch->p, scratch->len);
    lua_setfield(L, -2, "url");
    for (size_t at = 0;
         lf_headers_next(link->params.block.p, link->params.block.len, &at, &f);) {
        lua_pushlstring(L, f.value, f.value_len);
        lua_setfield(L, -2, f.name);
    }
    return true;
}

/* [-0, +0, m] The link at the top, under each of its relations that has none yet. */
static void file_by_rel(lua_State *L, int links, const struct lf_link *link)
{
    struct lf_span rel;
    for (size_t at = 0; lf_link_next_rel(link, &at, &rel);) {
        lua_pushlstring(L, rel.p, rel.len);
        if (lua_rawget(L, links) == LUA_TNIL) {
            lua_pushlstring(L, rel.p, rel.len);
            lua_pushvalue(L, -3);
            lua_rawset(L, links);
        }
        lua_pop(L, 1);
    }
}

struct link_box { /* so that an error of Lua leaks nothing */
    struct lf_link link;
    struct lf_url base;
    struct lf_buf scratch;
};

static int link_box_gc(lua_State *L)
{
    struct link_box *b = lua_touserdata(L, 1);
    lf_link_free(&b->link);
    lf_url_free(&b->base);
    lf_buf_free(&b->scratch);
    return 0;
}

static struct link_box *push_link_box(lua_State *L)
{
    struct link_box *b = lua_newuserdatauv(L, sizeof *b, 0);
    lf_link_init(&b->link);
    b->base = LF_URL_INIT;
    lf_buf_init(&b->scratch, LF_URL_MAX);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, link_box_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return b;
}

void lf_links_push(lua_State *L, const char *block, size_t len, const char *url)
{
    struct lf_header f;
    const char *why;
    lua_Integer n = 0;
    lua_newtable(L);
    int links = lua_gettop(L);
    struct link_box *b = push_link_box(L);
    if (lf_url_parse(&b->base, url, strlen(url), NULL, &why))
        len = 0;
    for (size_t at = 0; lf_headers_find(block, len, &at, "link", 4, &f);) {
        const char *p = f.value;
        while (lf_link_next(&b->link, &p, f.value + f.value_len) == LF_OK) {
            if (!push_link(L, &b->base, &b->link, &b->scratch))
                continue;
            file_by_rel(L, links, &b->link);
            lua_rawseti(L, links, ++n);
        }
    }
    lua_settop(L, links);
}

void lf_refresh_push(lua_State *L, const char *block, size_t len, const char *url)
{
    struct lf_header f;
    struct lf_span to;
    double seconds;
    const char *why;
    size_t at = 0;
    if (!lf_headers_find(block, len, &at, "refresh", 7, &f) ||
        !lf_refresh_parse(f.value, f.value_len, &seconds, &to)) {
        lua_pushnil(L);
        return;
    }
    struct link_box *b = push_link_box(L);
    bool ok = !lf_url_parse(&b->base, url, strlen(url), NULL, &why) &&
              resolve(&b->base, to.p ? to.p : "", to.len, &b->scratch);
    lua_createtable(L, 0, 2);
    lua_pushnumber(L, seconds);
    lua_setfield(L, -2, "seconds");
    if (ok) {
        lua_pushlstring(L, b->scratch.p, b->scratch.len);
        lua_setfield(L, -2, "url");
    }
    lua_remove(L, -2);
}
