/* xpath: from an expression (XPath 1.0) to nodes, strings, numbers and booleans. */
#include "modules/html/node.h"

#include <math.h>
#include <string.h>
#include <libxml/xpathInternals.h>
#include "modules/html/dom.h"
#include "modules/html/prefixes.h"
#include "modules/html/selector.h"

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

static void add_prefix(lua_State *L, xmlXPathContext *ctx, const char *prefix,
                       const char *uri)
{
    if (xmlXPathRegisterNs(ctx, (const xmlChar *)prefix, (const xmlChar *)uri))
        luaL_error(L, "invalid namespace prefix \"%s\"", prefix);
}

/* [-0, +0, m] What the expression may call the namespaces: the document's own names stay
 * from one query to the next. */
static void set_prefixes(lua_State *L, xmlXPathContext *ctx, const struct lf_prefixes *p)
{
    if (ctx->userData == p->names && !p->table)
        return;
    xmlXPathRegisteredNsCleanup(ctx);
    ctx->userData = NULL;
    for (size_t i = 0; i < p->names->n; i++)
        add_prefix(L, ctx, (const char *)p->names->list[i]->prefix,
                   (const char *)p->names->list[i]->href);
    if (!p->table) {
        ctx->userData = (void *)p->names;
        return;
    }
    for (lua_pushnil(L); lua_next(L, p->table); lua_pop(L, 1))
        add_prefix(L, ctx, lua_tostring(L, -2), lua_tostring(L, -1));
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
    const char *uri = NULL;
    switch (n->type) {
    case XML_ELEMENT_NODE:
        lf_node_push(L, self->document_idx, n);
        return;
    case XML_HTML_DOCUMENT_NODE:
    case XML_DOCUMENT_NODE:
        lua_pushvalue(L, self->document_idx);
        return;
    case XML_ATTRIBUTE_NODE:
        content = n->children;
        break;
    case XML_NAMESPACE_DECL: /* another struct */
        content = NULL;
        uri = (const char *)((const xmlNs *)n)->href;
        break;
    default:
        break;
    }
    const char *text = content ? (const char *)content->content : uri;
    lua_pushstring(L, text ? text : "");
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
    lua_settop(L, 3);
    struct lf_self self = lf_self_check(L);
    struct lf_prefixes prefixes = lf_prefixes_read(L, 3, self.d);
    xmlXPathContext *ctx = xpath_context(L, &self, src);
    set_prefixes(L, ctx, &prefixes);
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
