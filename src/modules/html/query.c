/* css, first and xpath: from a string to nodes and strings. */
#include "modules/html/node.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <libxml/xpathInternals.h>
#include "modules/html/dom.h"
#include "modules/html/render.h"
#include "modules/html/selector.h"

/* --- compiled selectors, kept in a table by their text --- */

#define SELECTOR      "luafetch.html.selector"
#define CACHE         lua_upvalueindex(1)
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
static struct lf_sel *compile(lua_State *L, int idx)
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
    *box = lf_sel_compile(src, n, &err);
    if (*box)
        return *box;
    if (!err.at)
        luaL_error(L, "not enough memory");
    luaL_error(L, "invalid selector at character %d: %s", (int)err.at, err.message);
    return NULL;
}

/* [-0, +1] Keep the box on top of the stack under the string at idx. */
static void remember(lua_State *L, int idx)
{
    if (lua_rawlen(L, idx) > CACHE_MAX_LEN)
        return;
    lua_rawgeti(L, CACHE, 1);
    lua_Integer count = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (count >= CACHE_MAX) {
        lua_pushnil(L);
        while (lua_next(L, CACHE)) { /* clearing fields while walking is allowed */
            lua_pop(L, 1);
            lua_pushvalue(L, -1);
            lua_pushnil(L);
            lua_rawset(L, CACHE);
        }
        count = 0;
    }
    lua_pushinteger(L, count + 1);
    lua_rawseti(L, CACHE, 1);
    lua_pushvalue(L, idx);
    lua_pushvalue(L, -2);
    lua_rawset(L, CACHE);
}

static struct lf_sel *selector_at(lua_State *L, int idx)
{
    luaL_checktype(L, idx, LUA_TSTRING);
    lua_pushvalue(L, idx);
    if (lua_rawget(L, CACHE) == LUA_TUSERDATA)
        return *(struct lf_sel **)lua_touserdata(L, -1);
    lua_pop(L, 1);
    struct lf_sel *sel = compile(L, idx);
    remember(L, idx);
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
    const char *url = NULL;
    if (lua_getiuservalue(L, document_idx, 1) == LUA_TSTRING)
        url = lua_tostring(L, -1); /* the document keeps it */
    lua_pop(L, 1);
    const char *hash = url ? strchr(url, '#') : NULL;
    return hash ? hash + 1 : NULL;
}

/* [-0, +n] Ready to walk; leaves what the walk needs on the stack. */
static struct lf_sel_walk walk_begin(lua_State *L, const struct lf_self *self)
{
    struct lf_sel_walk w = {.sel = selector_at(L, 2), .scope = self->node};
    w.inclusive = self->whole;
    w.target = fragment_of(L, self->document_idx);
    if (w.sel->wants_memo)
        w.memo = new_memo(L);
    lf_sel_bind(w.sel, self->d->doc->dict, self->d->serial);
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
    const char *value = lf_dom_attr(n, alt->attr.p);
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

/* --- xpath --- */

#define XPATH           "luafetch.html.xpath"
#define XPATH_MAX_STEPS 100000000ul

/* libxml2 counts a step for each node it visits, but uniting the nodes found from one
 * sibling with those from the next costs as many comparisons as there are nodes. So
 * expressions that look that way get steps for some 10^10 comparisons. */
static unsigned long max_steps(const char *expr, size_t nodes)
{
    if (!strstr(expr, "following") && !strstr(expr, "preceding"))
        return XPATH_MAX_STEPS;
    unsigned long steps = 2 * nodes + 10000000000ul / (nodes + 100);
    return steps < XPATH_MAX_STEPS ? steps : XPATH_MAX_STEPS;
}

/* What evaluation holds, so that no error on the way leaks it. */
struct evaluation {
    xmlXPathCompExpr *expr; /* owned */
    xmlXPathObject *result; /* owned */
};

static int evaluation_gc(lua_State *L)
{
    struct evaluation *e = lua_touserdata(L, 1);
    xmlXPathFreeCompExpr(e->expr);
    xmlXPathFreeObject(e->result);
    *e = (struct evaluation){0};
    return 0;
}

static struct evaluation *new_evaluation(lua_State *L)
{
    struct evaluation *e = lua_newuserdatauv(L, sizeof *e, 0);
    *e = (struct evaluation){0};
    if (luaL_newmetatable(L, XPATH)) {
        lua_pushcfunction(L, evaluation_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return e;
}

/* Errors are read from lastError; without a handler libxml2 writes them to stderr. */
static void on_xpath_error(void *arg, xmlError *error)
{
    (void)arg, (void)error;
}

static xmlXPathContext *xpath_context(lua_State *L, const struct lf_self *self,
                                      const char *expr)
{
    struct lf_document *d = self->d;
    if (!d->xpath)
        d->xpath = xmlXPathNewContext(d->doc);
    if (!d->xpath)
        luaL_error(L, "not enough memory");
    d->xpath->error = on_xpath_error;
    d->xpath->opLimit = max_steps(expr, d->nodes);
    d->xpath->opCount = 0;
    d->xpath->node = self->whole ? (xmlNode *)d->doc : self->node;
    return d->xpath;
}

/* With a handler libxml2 leaves the message out. */
static const char *const xpath_errors[] = {
    [XPATH_NUMBER_ERROR] = "a number expected",
    [XPATH_UNFINISHED_LITERAL_ERROR] = "the string is not closed",
    [XPATH_START_LITERAL_ERROR] = "a string expected",
    [XPATH_VARIABLE_REF_ERROR] = "a variable name expected",
    [XPATH_UNDEF_VARIABLE_ERROR] = "undefined variable",
    [XPATH_INVALID_PREDICATE_ERROR] = "invalid predicate",
    [XPATH_EXPR_ERROR] = "invalid expression",
    [XPATH_UNCLOSED_ERROR] = "')' missing",
    [XPATH_UNKNOWN_FUNC_ERROR] = "unknown function",
    [XPATH_INVALID_OPERAND] = "invalid operand",
    [XPATH_INVALID_TYPE] = "an argument has the wrong type",
    [XPATH_INVALID_ARITY] = "wrong number of arguments",
    [XPATH_MEMORY_ERROR] = "not enough memory",
    [XPATH_UNDEF_PREFIX_ERROR] = "undefined namespace prefix",
    [XPATH_INVALID_CHAR_ERROR] = "invalid character",
    [XPATH_STACK_ERROR] = "too deep",
    [XPATH_OP_LIMIT_EXCEEDED] = "takes too many steps on this document",
    [XPATH_RECURSION_LIMIT_EXCEEDED] = "nested too deep",
};

static int raise_xpath(lua_State *L, xmlXPathContext *ctx)
{
    size_t code = (size_t)(ctx->lastError.code - XML_XPATH_EXPRESSION_OK);
    const char *what = "cannot be computed";
    if (code < sizeof xpath_errors / sizeof *xpath_errors && xpath_errors[code])
        what = xpath_errors[code];
    int at = ctx->lastError.str1 ? ctx->lastError.int1 + 1 : 0;
    xmlResetError(&ctx->lastError);
    if (at)
        return luaL_error(L, "invalid XPath at character %d: %s", at, what);
    return luaL_error(L, "invalid XPath: %s", what);
}

static void push_found(lua_State *L, const struct lf_self *self, xmlNode *n)
{
    const xmlNode *content = n;
    switch (n->type) {
    case XML_ELEMENT_NODE:
        lf_node_push(L, self->document_idx, n);
        return;
    case XML_HTML_DOCUMENT_NODE:
        lua_pushvalue(L, self->document_idx);
        return;
    case XML_ATTRIBUTE_NODE:
        content = n->children;
        break;
    case XML_NAMESPACE_DECL: /* another struct */
        content = NULL;
        break;
    default:
        break;
    }
    lua_pushstring(L, content && content->content ? (const char *)content->content : "");
}

static void push_number(lua_State *L, double x)
{
    if (floor(x) == x && fabs(x) < 9e15)
        lua_pushinteger(L, (lua_Integer)x);
    else
        lua_pushnumber(L, x);
}

static void push_result(lua_State *L, const struct lf_self *self, xmlXPathObject *r)
{
    switch (r->type) {
    case XPATH_BOOLEAN:
        lua_pushboolean(L, r->boolval);
        return;
    case XPATH_NUMBER:
        push_number(L, r->floatval);
        return;
    case XPATH_STRING:
        lua_pushstring(L, r->stringval ? (const char *)r->stringval : "");
        return;
    default:
        break;
    }
    lua_newtable(L);
    if (!r->nodesetval)
        return;
    xmlXPathNodeSetSort(r->nodesetval);
    for (int i = 0; i < r->nodesetval->nodeNr; i++) {
        push_found(L, self, r->nodesetval->nodeTab[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

int lf_query_xpath(lua_State *L)
{
    const char *src = luaL_checkstring(L, 2);
    if (lua_rawlen(L, 2) > LF_SEL_MAX_LENGTH)
        return luaL_error(L, "invalid XPath: longer than %d bytes", LF_SEL_MAX_LENGTH);
    struct lf_self self = lf_self_check(L);
    xmlXPathContext *ctx = xpath_context(L, &self, src);
    struct evaluation *e = new_evaluation(L);
    e->expr = xmlXPathCtxtCompile(ctx, (const xmlChar *)src);
    if (e->expr)
        e->result = xmlXPathCompiledEval(e->expr, ctx);
    if (!e->result)
        return raise_xpath(L, ctx);
    push_result(L, &self, e->result);
    xmlXPathFreeCompExpr(e->expr);
    xmlXPathFreeObject(e->result);
    *e = (struct evaluation){0};
    return 1;
}
