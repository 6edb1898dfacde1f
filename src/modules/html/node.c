/* The userdata and the methods that look at one node: text, attributes, relatives. */
#include "modules/html/node.h"

#include <string.h>
#include "modules/html/dom.h"
#include "modules/html/render.h"
#include "modules/html/tree.h"

static unsigned long last_serial;

struct lf_document *lf_document_new(lua_State *L, int url_idx, bool xml)
{
    struct lf_document *d = lua_newuserdatauv(L, sizeof *d, 1);
    *d = (struct lf_document){.serial = ++last_serial, .xml = xml};
    luaL_setmetatable(L, LF_DOCUMENT);
    lua_pushvalue(L, url_idx);
    lua_setiuservalue(L, -2, 1);
    return d;
}

void lf_document_fill(struct lf_document *d, xmlDoc *doc, size_t nodes)
{
    d->doc = doc;
    d->root = lf_tree_root(doc);
    d->nodes = nodes;
}

void lf_document_push_url(lua_State *L, int document_idx)
{
    lua_getiuservalue(L, document_idx, 1);
}

struct lf_self lf_self_check(lua_State *L)
{
    struct lf_self self = {0};
    xmlNode **node = luaL_testudata(L, 1, LF_NODE);
    if (node) {
        lua_getiuservalue(L, 1, 1);
        self.d = lua_touserdata(L, -1);
        self.node = *node;
    } else {
        self.d = luaL_checkudata(L, 1, LF_DOCUMENT);
        lua_pushvalue(L, 1);
        self.node = self.d->root;
        self.whole = 1;
    }
    self.document_idx = lua_gettop(L);
    if (!self.d->doc) /* only a finalizer that runs later than ours gets here */
        luaL_error(L, "the document is closed");
    return self;
}

void lf_node_push(lua_State *L, int document_idx, xmlNode *n)
{
    xmlNode **node = lua_newuserdatauv(L, sizeof *node, 1);
    *node = n;
    luaL_setmetatable(L, LF_NODE);
    lua_pushvalue(L, document_idx);
    lua_setiuservalue(L, -2, 1);
}

static xmlNode *as_node(const struct lf_self *self)
{
    return self->whole ? (xmlNode *)self->d->doc : self->node;
}

static int node_text(lua_State *L)
{
    int raw = 0;
    if (!lua_isnoneornil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_getfield(L, 2, "raw");
        raw = lua_toboolean(L, -1);
    }
    struct lf_self self = lf_self_check(L);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    (raw ? lf_render_raw_text : lf_render_text)(&b, self.node);
    luaL_pushresult(&b);
    return 1;
}

static int rendered(lua_State *L, void (*render)(luaL_Buffer *b, const xmlNode *n))
{
    struct lf_self self = lf_self_check(L);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    render(&b, as_node(&self));
    luaL_pushresult(&b);
    return 1;
}

static int node_html(lua_State *L)
{
    return rendered(L, lf_render_html);
}

static int node_xml(lua_State *L)
{
    return rendered(L, lf_render_xml);
}

static int node_attr(lua_State *L)
{
    const char *name = luaL_checkstring(L, 2);
    struct lf_self self = lf_self_check(L);
    lua_pushstring(L, lf_dom_attr_named(self.node, name, !self.d->xml));
    return 1;
}

/* [-0, +1, m] A name as it is written. */
static void push_name(lua_State *L, const xmlNs *ns, const xmlChar *name)
{
    if (ns && ns->prefix)
        lua_pushfstring(L, "%s:%s", (const char *)ns->prefix, (const char *)name);
    else
        lua_pushstring(L, (const char *)name);
}

static int node_attrs(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    lua_newtable(L);
    for (const xmlAttr *a = self.node->properties; a; a = a->next) {
        push_name(L, a->ns, a->name);
        lua_pushstring(L, lf_dom_value(a));
        lua_rawset(L, -3);
    }
    return 1;
}

static int node_children(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    lua_Integer i = 0;
    lua_newtable(L);
    for (xmlNode *c = self.node->children; c; c = c->next) {
        if (c->type != XML_ELEMENT_NODE)
            continue;
        lf_node_push(L, self.document_idx, c);
        lua_rawseti(L, -2, ++i);
    }
    return 1;
}

static int node_parent(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    xmlNode *parent = self.node->parent;
    if (parent && parent->type == XML_ELEMENT_NODE)
        lf_node_push(L, self.document_idx, parent);
    else
        lua_pushnil(L);
    return 1;
}

static int node_name(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    push_name(L, self.node->ns, self.node->name);
    return 1;
}

static int node_namespace(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    const xmlNs *ns = self.node->ns;
    lua_pushstring(L, ns && ns->href && *ns->href ? (const char *)ns->href : NULL);
    return 1;
}

static int node_eq(lua_State *L)
{
    xmlNode **a = luaL_testudata(L, 1, LF_NODE), **b = luaL_testudata(L, 2, LF_NODE);
    lua_pushboolean(L, a && b && *a == *b);
    return 1;
}

#define MAX_SHOWN 100

/* The start tag, cut off between characters. */
static int node_tostring(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    lf_render_start_tag(&b, self.node);
    luaL_pushresult(&b);
    size_t n;
    const char *s = lua_tolstring(L, -1, &n);
    if (n <= MAX_SHOWN)
        return 1;
    n = MAX_SHOWN;
    while (((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    lua_pushlstring(L, s, n);
    lua_pushliteral(L, "…>");
    lua_concat(L, 2);
    return 1;
}

static int document_tostring(lua_State *L)
{
    struct lf_self self = lf_self_check(L);
    const char *kind = self.d->xml ? "xml" : "html";
    lf_document_push_url(L, self.document_idx);
    if (lua_isnil(L, -1))
        lua_pushfstring(L, "%s document", kind);
    else
        lua_pushfstring(L, "%s document: %s", kind, lua_tostring(L, -1));
    return 1;
}

static int document_gc(lua_State *L)
{
    struct lf_document *d = luaL_checkudata(L, 1, LF_DOCUMENT);
    xmlXPathFreeContext(d->xpath);
    lf_tree_free(d->doc);
    lf_nsmap_free(&d->names);
    d->xpath = NULL;
    d->doc = NULL;
    return 0;
}

static const luaL_Reg methods[] = {{"text", node_text},
                                   {"attr", node_attr},
                                   {"attrs", node_attrs},
                                   {"html", node_html},
                                   {"xml", node_xml},
                                   {"css", lf_query_css},
                                   {"first", lf_query_first},
                                   {"xpath", lf_query_xpath},
                                   {"name", node_name},
                                   {"namespace", node_namespace},
                                   {"children", node_children},
                                   {"parent", node_parent},
                                   {NULL, NULL}};

static const luaL_Reg document_methods[] = {{"title", lf_document_title},
                                            {"links", lf_document_links},
                                            {"base", lf_document_base},
                                            {"url", lf_document_url},
                                            {NULL, NULL}};

/* Methods that are written in Lua, and where. */
static const struct {
    const char *name, *module;
} lua_methods[] = {
    {"forms", "luafetch.form"},   {"json_ld", "luafetch.page"},
    {"refresh", "luafetch.page"}, {"canonical", "luafetch.page"},
    {"table", "luafetch.page"},
};

/* Upvalues: the module and the function's name; the module is loaded by the first call.
 */
static int call_lua(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 1, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_gettable(L, -2);
    lua_replace(L, -2);
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* [-0, +0, m] Into the table of methods at the top. */
static void add_lua_methods(lua_State *L)
{
    for (size_t i = 0; i < sizeof lua_methods / sizeof *lua_methods; i++) {
        lua_pushstring(L, lua_methods[i].module);
        lua_pushstring(L, lua_methods[i].name);
        lua_pushcclosure(L, call_lua, 2);
        lua_setfield(L, -2, lua_methods[i].name);
    }
}

static const luaL_Reg node_meta[] = {
    {"__eq", node_eq}, {"__tostring", node_tostring}, {NULL, NULL}};

static const luaL_Reg document_meta[] = {
    {"__gc", document_gc}, {"__tostring", document_tostring}, {NULL, NULL}};

/* Leaves the table of methods on the stack; the two tables at `caches` are upvalues. */
static void new_class(lua_State *L, const char *name, const luaL_Reg *meta, int caches)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, meta, 0);
    lua_newtable(L);
    lua_pushvalue(L, caches);
    lua_pushvalue(L, caches + 1);
    luaL_setfuncs(L, methods, 2);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__index");
}

void lf_node_register(lua_State *L)
{
    int top = lua_gettop(L);
    if (luaL_getmetatable(L, LF_NODE) == LUA_TNIL) {
        lua_newtable(L); /* compiled selectors by their text: for HTML, for XML */
        lua_newtable(L);
        int caches = lua_gettop(L) - 1;
        new_class(L, LF_NODE, node_meta, caches);
        new_class(L, LF_DOCUMENT, document_meta, caches);
        luaL_setfuncs(L, document_methods, 0);
        add_lua_methods(L);
    }
    lua_settop(L, top);
}
