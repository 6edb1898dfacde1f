/* css and first: from a selector to nodes and strings. */
#include "modules/html/node.h"

#include <string.h>
#include "modules/html/dom.h"
#include "modules/html/prefixes.h"
#include "modules/html/render.h"
#include "modules/html/selector.h"

/* --- compiled selectors, kept in a table by their text --- */

#define SELECTOR      "luafetch.html.selector"
#define CACHE_MAX     256 /* then all are forgotten */
#define CACHE_MAX_LEN 1024

static int selector_gc(lua_State *L)
{
    struct lf_sel **box = lua_touserdata(L, 1);
    lf_sel_free(*box);
    *box = NULL;
    return 0;
}

/* [-0, +1] Compile the string at idx into a box. */
static struct lf_sel *compile(lua_State *L, int idx, bool xml)
{
    size_t n;
    const char *src = lua_tolstring(L, idx, &n);
    struct lf_sel_error err;
    struct lf_sel **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    if (luaL_newmetatable(L, SELECTOR)) {
        lua_pushcfunction(L, selector_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    *box = lf_sel_compile(src, n, xml, &err);
    if (*box)
        return *box;
    if (!err.at)
        luaL_error(L, "not enough memory");
    luaL_error(L, "invalid selector at character %d: %s", (int)err.at, err.message);
    return NULL;
}

/* [-0, +1] Keep the box on top of the stack under the string at idx. */
static void remember(lua_State *L, int cache, int idx)
{
    if (lua_rawlen(L, idx) > CACHE_MAX_LEN)
        return;
    lua_rawgeti(L, cache, 1);
    lua_Integer count = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (count >= CACHE_MAX) {
        lua_pushnil(L);
        while (lua_next(L, cache)) { /* clearing fields while walking is allowed */
            lua_pop(L, 1);
            lua_pushvalue(L, -1);
            lua_pushnil(L);
            lua_rawset(L, cache);
        }
        count = 0;
    }
    lua_pushinteger(L, count + 1);
    lua_rawseti(L, cache, 1);
    lua_pushvalue(L, idx);
    lua_pushvalue(L, -2);
    lua_rawset(L, cache);
}

/* HTML and XML read selectors differently: upvalue 1 is the cache of the one, 2 of the
 * other. */
static struct lf_sel *selector_at(lua_State *L, int idx, bool xml)
{
    int cache = lua_upvalueindex(xml ? 2 : 1);
    luaL_checktype(L, idx, LUA_TSTRING);
    lua_pushvalue(L, idx);
    if (lua_rawget(L, cache) == LUA_TUSERDATA)
        return *(struct lf_sel **)lua_touserdata(L, -1);
    lua_pop(L, 1);
    struct lf_sel *sel = compile(L, idx, xml);
    remember(L, cache, idx);
    return sel;
}

/* --- css and first --- */

#define MEMO "luafetch.html.memo"

static int memo_gc(lua_State *L)
{
    lf_memo_free(lua_touserdata(L, 1));
    return 0;
}

static struct lf_memo *new_memo(lua_State *L)
{
    struct lf_memo *memo = lua_newuserdatauv(L, sizeof *memo, 0);
    *memo = (struct lf_memo){0};
    if (luaL_newmetatable(L, MEMO)) {
        lua_pushcfunction(L, memo_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return memo;
}

static const char *fragment_of(lua_State *L, int document_idx)
{
    lf_document_push_url(L, document_idx);
    const char *url = lua_tostring(L, -1); /* the document keeps it */
    lua_pop(L, 1);
    const char *hash = url ? strchr(url, '#') : NULL;
    return hash ? hash + 1 : NULL;
}

/* [-0, +n] Ready to walk; leaves what the walk needs on the stack. */
static struct lf_sel_walk walk_begin(lua_State *L, const struct lf_self *self)
{
    struct lf_prefixes prefixes = lf_prefixes_read(L, 3, self->d);
    struct lf_sel_walk w = {.sel = selector_at(L, 2, self->d->xml), .scope = self->node};
    const char *unknown;
    w.inclusive = self->whole;
    w.target = fragment_of(L, self->document_idx);
    if (w.sel->wants_memo)
        w.memo = new_memo(L);
    if (prefixes.table)
        w.sel->bound_to = 0;
    if (!lf_sel_bind(w.sel, self->d->doc->dict, self->d->serial, lf_prefixes_uri,
                     &prefixes, &unknown))
        luaL_error(L, "namespace prefix \"%s\" is not declared", unknown);
    if (prefixes.table)
        w.sel->bound_to = 0; /* the next query may mean others */
    return w;
}

/* [-0, +1] What a match gives, or false where ::attr() finds no attribute. */
static int push_match(lua_State *L, const struct lf_self *self,
                      const struct lf_sel_alt *alt, xmlNode *n)
{
    if (alt->output == LF_SEL_NODE) {
        lf_node_push(L, self->document_idx, n);
        return 1;
    }
    if (alt->output == LF_SEL_STRING_TEXT) {
        luaL_Buffer b;
        luaL_buffinit(L, &b);
        lf_render_own_text(&b, n);
        luaL_pushresult(&b);
        return 1;
    }
    const char *value = lf_dom_attr_named(n, alt->attr.p, false);
    if (value)
        lua_pushstring(L, value);
    return value != NULL;
}

static void walk_end(lua_State *L, const struct lf_sel_walk *w)
{
    if (w->memo)
        lf_memo_free(w->memo);
    if (w->exhausted)
        luaL_error(L, "the selector takes too many steps on this document");
}

int lf_query_css(lua_State *L)
{
    lua_settop(L, 3);
    struct lf_self self = lf_self_check(L);
    struct lf_sel_walk w = walk_begin(L, &self);
    const struct lf_sel_alt *alt;
    lua_Integer i = 0;
    lua_newtable(L);
    for (xmlNode *n; (n = lf_sel_next(&w, &alt));)
        if (push_match(L, &self, alt, n))
            lua_rawseti(L, -2, ++i);
    walk_end(L, &w);
    return 1;
}

int lf_query_first(lua_State *L)
{
    lua_settop(L, 3);
    struct lf_self self = lf_self_check(L);
    struct lf_sel_walk w = walk_begin(L, &self);
    const struct lf_sel_alt *alt;
    int found = 0;
    for (xmlNode *n; !found && (n = lf_sel_next(&w, &alt));)
        found = push_match(L, &self, alt, n);
    walk_end(L, &w);
    if (!found)
        lua_pushnil(L);
    return 1;
}
