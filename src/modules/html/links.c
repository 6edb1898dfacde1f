/* What a document says about itself and its neighbours: title, base and links. URLs are
 * resolved by the Lua module luafetch.url, loaded when first needed. */
#include "modules/html/node.h"

#include <stdbool.h>
#include <string.h>
#include "modules/html/dom.h"
#include "modules/html/render.h"

int lf_document_title(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    for (xmlNode *n = self.node; n; n = lf_dom_next(n, self.node)) {
        const xmlNode *parent = lf_dom_parent(n);
        if (!lf_dom_is(n, "title") || (parent && lf_dom_is(parent, "svg")))
            continue;
        luaL_Buffer b;
        luaL_buffinit(L, &b);
        lf_render_text(&b, n);
        luaL_pushresult(&b);
        return 1;
    }
    lua_pushnil(L);
    return 1;
}

/* [-0, +1] The value of href without the white space around it. */
static void push_href(lua_State *L, const char *href)
{
    static const char space[] = " \t\n\r\f";
    href += strspn(href, space);
    size_t n = strlen(href);
    while (n && strchr(space, href[n - 1]))
        n--;
    lua_pushlstring(L, href, n);
}

static bool is_http(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

/* [-0, +1] The absolute http(s) URL of href, or nil. `join` and `base` are stack indexes;
 * a document without URL has nil for a base, and then only absolute URLs mean anything.
 */
static bool push_joined(lua_State *L, int join, int base, const char *href)
{
    lua_pushvalue(L, join);
    if (lua_isnil(L, base))
        push_href(L, href);
    else
        lua_pushvalue(L, base);
    push_href(L, href);
    lua_call(L, 2, 1);
    if (lua_type(L, -1) == LUA_TSTRING && is_http(lua_tostring(L, -1)))
        return true;
    lua_pop(L, 1);
    lua_pushnil(L);
    return false;
}

/* [-0, +1] luafetch.url's join. */
static void push_join(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "luafetch.url");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "join");
    lua_remove(L, -2);
}

/* [-0, +1] HTML §2.4.3: the first <base href>, resolved against the document's URL; where
 * it is no good, that URL. */
static void push_base(lua_State *L, const struct lf_self *self, int join)
{
    lf_document_push_url(L, self->document_idx);
    int url = lua_gettop(L);
    for (xmlNode *n = self->node; n; n = lf_dom_next(n, self->node)) {
        const char *href = lf_dom_is(n, "base") ? lf_dom_attr(n, "href") : NULL;
        if (!href)
            continue;
        if (push_joined(L, join, url, href))
            lua_replace(L, url);
        lua_settop(L, url);
        return;
    }
}

int lf_document_links(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    push_join(L);
    int join = lua_gettop(L);
    push_base(L, &self, join);
    int base = lua_gettop(L);
    lua_newtable(L);
    lua_Integer i = 0;
    for (xmlNode *n = self.node; n; n = lf_dom_next(n, self.node)) {
        const char *href =
            lf_dom_is(n, "a") || lf_dom_is(n, "area") ? lf_dom_attr(n, "href") : NULL;
        if (href && push_joined(L, join, base, href))
            lua_rawseti(L, -2, ++i);
        else if (href)
            lua_pop(L, 1);
    }
    return 1;
}

int lf_document_base(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    push_join(L);
    push_base(L, &self, lua_gettop(L));
    return 1;
}

int lf_document_url(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    lf_document_push_url(L, self.document_idx);
    return 1;
}
