/* Small looks at a libxml2 tree. */
#ifndef LF_HTML_DOM_H
#define LF_HTML_DOM_H

#include <stdbool.h>
#include <string.h>
#include <libxml/tree.h>

static inline bool lf_dom_is(const xmlNode *n, const char *name)
{
    return strcmp((const char *)n->name, name) == 0;
}

/* Never NULL: an attribute without value is empty. */
static inline const char *lf_dom_value(const xmlAttr *a)
{
    return a->children && a->children->content ? (const char *)a->children->content : "";
}

/* By name in lower case; NULL when there is none. */
static inline const char *lf_dom_attr(const xmlNode *n, const char *name)
{
    for (const xmlAttr *a = n->properties; a; a = a->next)
        if (strcmp((const char *)a->name, name) == 0)
            return lf_dom_value(a);
    return NULL;
}

/* By name as it is written, prefix and all; NULL when there is none. */
const char *lf_dom_attr_named(const xmlNode *n, const char *name, bool fold);

/* n, or the first element after it among its siblings; NULL for none. */
static inline xmlNode *lf_dom_element(xmlNode *n)
{
    while (n && n->type != XML_ELEMENT_NODE)
        n = n->next;
    return n;
}

static inline xmlNode *lf_dom_previous(xmlNode *n)
{
    do
        n = n->prev;
    while (n && n->type != XML_ELEMENT_NODE);
    return n;
}

static inline xmlNode *lf_dom_parent(const xmlNode *n)
{
    return n->parent && n->parent->type == XML_ELEMENT_NODE ? n->parent : NULL;
}

/* The element after n in document order below `top`; NULL at the end. */
static inline xmlNode *lf_dom_next(xmlNode *n, const xmlNode *top)
{
    xmlNode *down = lf_dom_element(n->children);
    if (down)
        return down;
    for (; n != top; n = n->parent) {
        xmlNode *right = lf_dom_element(n->next);
        if (right)
            return right;
    }
    return NULL;
}

#endif
