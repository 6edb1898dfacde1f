/* luafetch.sitemap.reader, over http/sitemap.h:
 *
 *     local r = reader(max)         bytes of the file, decoded
 *     r:feed(bytes)                 they are taken little by little, by next
 *     r:next() → entry              or nil: it wants more bytes, or is at the end
 *                nil, err
 *     r:finish()                    there are no more bytes: next tells whether all is
 * well r:kind() → "urlset" | "index" | nil */
#include "bind/sitemap.h"

#include <lauxlib.h>
#include "bind/lf_module.h"
#include "bind/url.h"
#include "http/sitemap.h"

#define READER_MT "luafetch.sitemap.reader"

enum {
    TEXT_SLOT = 1,  /* user value: the string that is being taken */
    SLICE = 4 << 10 /* bytes at once: gzip may make a thousand times more of them */
};

struct reader {
    struct lf_sitemap *s; /* owned */
    const char *p, *end;  /* borrowed from the string in TEXT_SLOT: what is left of it */
    bool ending;
};

static struct reader *check(lua_State *L)
{
    return luaL_checkudata(L, 1, READER_MT);
}

static int reader_gc(lua_State *L)
{
    struct reader *r = check(L);
    lf_sitemap_free(r->s);
    r->s = NULL;
    return 0;
}

static int l_new(lua_State *L)
{
    lua_Integer max = luaL_checkinteger(L, 1);
    luaL_argcheck(L, max > 0, 1, "no size of a file");
    struct reader *r = lua_newuserdatauv(L, sizeof *r, 1);
    *r = (struct reader){.s = NULL};
    luaL_setmetatable(L, READER_MT);
    r->s = lf_sitemap_new((size_t)max);
    lf_buf_check(L, r->s ? LF_OK : LF_ERESOURCE);
    return 1;
}

static int l_feed(lua_State *L)
{
    struct reader *r = check(L);
    size_t n;
    const char *p = luaL_checklstring(L, 2, &n);
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, TEXT_SLOT);
    r->p = p;
    r->end = p + n;
    return 0;
}

static int l_finish(lua_State *L)
{
    check(L)->ending = true;
    return 0;
}

/* [-0, +0, m] A field of the table at the top, unless it is absent. */
static void set_text(lua_State *L, const char *name, struct lf_span s)
{
    if (!s.p)
        return;
    lua_pushlstring(L, s.p, s.len);
    lua_setfield(L, -2, name);
}

/* [-0, +0, m] As a number; what is none is left out. */
static void set_number(lua_State *L, const char *name, struct lf_span s)
{
    if (!s.p)
        return;
    const char *text = lua_pushlstring(L, s.p, s.len);
    size_t used = lua_stringtonumber(L, text);
    if (used == s.len + 1)
        lua_setfield(L, -3, name);
    else if (used)
        lua_pop(L, 1);
    lua_pop(L, 1);
}

/* [-0, +0, m] */
static void set_alternates(lua_State *L, const struct lf_sitemap_entry *e)
{
    if (!e->link_count)
        return;
    lua_createtable(L, (int)e->link_count, 0);
    for (size_t i = 0; i < e->link_count; i++) {
        lua_createtable(L, 0, 2);
        set_text(L, "href", e->links[i].href);
        set_text(L, "hreflang", e->links[i].hreflang);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "alternates");
}

static void push_entry(lua_State *L, const struct lf_sitemap_entry *e)
{
    lua_createtable(L, 0, 4);
    set_text(L, "loc", e->loc);
    set_text(L, "lastmod", e->lastmod);
    set_text(L, "changefreq", e->changefreq);
    set_number(L, "priority", e->priority);
    set_alternates(L, e);
}

/* The next slice of the string, or the end. False: there is nothing to give. */
static bool feed(struct reader *r)
{
    size_t n = (size_t)(r->end - r->p);
    if (!n && !r->ending)
        return false;
    n = n < SLICE ? n : SLICE;
    if (n)
        lf_sitemap_feed(r->s, r->p, n);
    else
        lf_sitemap_finish(r->s);
    r->ending = r->ending && n;
    r->p += n;
    return true;
}

static int l_next(lua_State *L)
{
    struct reader *r = check(L);
    struct lf_sitemap_entry entry;
    enum lf_err err;
    do
        err = lf_sitemap_next(r->s, &entry);
    while (!err && !entry.loc.p && feed(r));
    if (err) {
        if (err == LF_ERESOURCE)
            lf_buf_check(L, err);
        return lf_error_fail(L, err, NULL, "%s", lf_sitemap_why(r->s));
    }
    if (!entry.loc.p)
        return 0;
    push_entry(L, &entry);
    return 1;
}

static int l_kind(lua_State *L)
{
    static const char *const kinds[] = {NULL, "urlset", "index"};
    lua_pushstring(L, kinds[lf_sitemap_kind(check(L)->s)]);
    return 1;
}

int luaopen_luafetch_sitemap_reader(lua_State *L)
{
    static const luaL_Reg methods[] = {{"feed", l_feed},
                                       {"finish", l_finish},
                                       {"next", l_next},
                                       {"kind", l_kind},
                                       {NULL, NULL}};
    luaL_newmetatable(L, READER_MT);
    lua_pushcfunction(L, reader_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_new);
    return 1;
}
