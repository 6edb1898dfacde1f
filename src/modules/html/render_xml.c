/* Nodes as XML: the walk of render.c, other rules of writing. */
#include "modules/html/render.h"

#include <string.h>

static void add_attribute(luaL_Buffer *b, const xmlNs *ns, const char *name,
                          const char *value)
{
    luaL_addchar(b, ' ');
    lf_render_name(b, ns, (const xmlChar *)name);
    luaL_addstring(b, "=\"");
    lf_render_escaped(b, value ? value : "", "&<\"\t\n\r");
    luaL_addchar(b, '"');
}

static void add_declaration(luaL_Buffer *b, const xmlNs *ns)
{
    static const xmlNs xmlns = {.prefix = (const xmlChar *)"xmlns"};
    if (ns->prefix)
        add_attribute(b, &xmlns, (const char *)ns->prefix, (const char *)ns->href);
    else
        add_attribute(b, NULL, "xmlns", (const char *)ns->href);
}

static bool same(const xmlChar *a, const xmlChar *b)
{
    return a == b || (a && b && strcmp((const char *)a, (const char *)b) == 0);
}

/* Is `ns`, declared at `at`, hidden from `below` by one in between? */
static bool is_hidden(const xmlNs *ns, const xmlNode *at, const xmlNode *below)
{
    for (; below != at; below = below->parent)
        for (const xmlNs *it = below->nsDef; it; it = it->next)
            if (same(it->prefix, ns->prefix))
                return true;
    return false;
}

/* Of the topmost element, what is declared around it too. */
static void add_declarations(luaL_Buffer *b, const xmlNode *n, bool top)
{
    for (const xmlNode *at = n; at && at->type == XML_ELEMENT_NODE;
         at = top ? at->parent : NULL)
        for (const xmlNs *ns = at->nsDef; ns; ns = ns->next)
            if (at == n || !is_hidden(ns, at, n))
                add_declaration(b, ns);
}

static void add_start(luaL_Buffer *b, const xmlNode *n, bool top)
{
    luaL_addchar(b, '<');
    lf_render_name(b, n->ns, n->name);
    add_declarations(b, n, top);
    for (const xmlAttr *a = n->properties; a; a = a->next)
        add_attribute(b, a->ns, (const char *)a->name,
                      a->children ? (const char *)a->children->content : "");
    luaL_addstring(b, n->children ? ">" : "/>");
}

static void add_end(luaL_Buffer *b, const xmlNode *n)
{
    if (!n->children)
        return;
    luaL_addstring(b, "</");
    lf_render_name(b, n->ns, n->name);
    luaL_addchar(b, '>');
}

static void add_between(luaL_Buffer *b, const char *open, const xmlNode *n,
                        const char *close)
{
    luaL_addstring(b, open);
    if (n->content)
        luaL_addstring(b, (const char *)n->content);
    luaL_addstring(b, close);
}

static void add_leaf(luaL_Buffer *b, const xmlNode *n)
{
    switch (n->type) {
    case XML_TEXT_NODE:
    case XML_CDATA_SECTION_NODE:
        lf_render_escaped(b, n->content ? (const char *)n->content : "", "&<>\r");
        break;
    case XML_COMMENT_NODE:
        add_between(b, "<!--", n, "-->");
        break;
    case XML_PI_NODE:
        luaL_addstring(b, "<?");
        luaL_addstring(b, (const char *)n->name);
        add_between(b, n->content ? " " : "", n, "?>");
        break;
    default: /* a DTD has been put in already */
        break;
    }
}

void lf_render_xml(luaL_Buffer *b, const xmlNode *n)
{
    struct lf_walk w = {n, n, false};
    do {
        if (w.at->type != XML_ELEMENT_NODE)
            add_leaf(b, w.at);
        else if (w.leaving)
            add_end(b, w.at);
        else
            add_start(b, w.at, w.at == n);
    } while (lf_walk_next(&w, true));
}
