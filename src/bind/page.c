/* The body of a Response as a document. A large one is parsed in a thread while the task
 * waits, so each of these is a call with a continuation. What was made is kept. */
#include <lauxlib.h>
#include "bind/response.h"

/* A kind of document: the field it is kept under, and the module whose `parse` makes it.
 */
struct kind {
    const char *name, *module;
};

/* nil and an Error are not kept. Another task may have been quicker: then all get the
 * same document. */
static int parsed_k(lua_State *L, int status, lua_KContext ctx)
{
    const struct kind *kind = (const struct kind *)ctx;
    (void)status;
    if (lf_response_cached(L, kind->name))
        return 1;
    lua_pop(L, 1);
    if (lua_isnil(L, -2))
        return 2;
    lua_pop(L, 1);
    lf_response_cache(L, kind->name);
    return 1;
}

/* [-0, +0, m] Into the table at the top. */
static void set_charset(lua_State *L)
{
    size_t n;
    const char *label = lf_response_charset(L, &n);
    if (!label)
        return;
    lua_pushlstring(L, label, n);
    lua_setfield(L, -2, "charset");
}

static int parse(lua_State *L, const struct kind *kind)
{
    lf_response_check(L);
    lua_settop(L, 1);
    if (lf_response_cached(L, kind->name))
        return 1;
    lua_settop(L, 1);
    lf_response_push_function(L, kind->module, "parse");
    lua_getfield(L, 1, "body");
    lua_createtable(L, 0, 2);
    lua_getfield(L, 1, "url");
    lua_setfield(L, -2, "url");
    set_charset(L);
    lua_callk(L, 2, 2, (lua_KContext)kind, parsed_k);
    return parsed_k(L, LUA_OK, (lua_KContext)kind);
}

int lf_response_html(lua_State *L)
{
    static const struct kind html = {"html", "luafetch.html"};
    return parse(L, &html);
}

int lf_response_xml(lua_State *L)
{
    static const struct kind xml = {"xml", "luafetch.xml"};
    return parse(L, &xml);
}

int lf_response_feed(lua_State *L)
{
    static const struct kind feed = {"feed", "luafetch.feed"};
    return parse(L, &feed);
}
