/* Documents and nodes as Lua values. A document owns its tree; a node holds on to the
 * document as its user value, so that a tree lives as long as anything that points into
 * it. Trees are never changed. Marks in brackets are [-pop, +push, throws]. */
#ifndef LF_HTML_NODE_H
#define LF_HTML_NODE_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include "modules/html/nsmap.h"

#define LF_DOCUMENT "luafetch.html.Document"
#define LF_NODE     "luafetch.html.Node"

struct lf_document {
    xmlDoc *doc;            /* owned; NULL when collected */
    xmlXPathContext *xpath; /* owned; made on first use */
    xmlNode *root;          /* borrowed: of doc, never NULL */
    struct lf_nsmap names;  /* namespaces that XML declares; see nsmap.h */
    size_t nodes;           /* about how many */
    unsigned long serial;   /* from 1: no two documents have the same */
    bool xml;
};

/* What a method was called on. */
struct lf_self {
    struct lf_document *d;
    xmlNode *node;    /* the root for a document */
    int whole;        /* is it the document? */
    int document_idx; /* stack index of the document */
};

/* [-0, +1, v] The first argument; pushes its document. */
struct lf_self lf_self_check(lua_State *L);

/* [-0, +1, m] An element of the document at `document_idx`. */
void lf_node_push(lua_State *L, int document_idx, xmlNode *n);

/* [-0, +1, m] An empty box for a document with the URL at `url_idx`, which may be nil. */
struct lf_document *lf_document_new(lua_State *L, int url_idx, bool xml);
/* It owns the tree from then on. */
void lf_document_fill(struct lf_document *d, xmlDoc *doc, size_t nodes);

/* [-0, +1, m] The document's URL, a string or nil. */
void lf_document_push_url(lua_State *L, int document_idx);

/* The methods of both, in node.c, query.c, xpath.c and links.c. */
int lf_query_css(lua_State *L);
int lf_query_first(lua_State *L);
int lf_query_xpath(lua_State *L);
int lf_document_title(lua_State *L);
int lf_document_links(lua_State *L);
int lf_document_base(lua_State *L);
int lf_document_url(lua_State *L);

/* [-0, +0, m] Make the metatables, unless they are there; the selector cache becomes
 * their upvalue. */
void lf_node_register(lua_State *L);

#endif
