/* Nodes as strings, into a luaL_Buffer: markup (HTML §13.3) and text as a reader sees it.
 * Iterative, however deep the tree. */
#ifndef LF_HTML_RENDER_H
#define LF_HTML_RENDER_H

#include <lauxlib.h>
#include <stdbool.h>
#include <libxml/tree.h>

/* A walk that sees each element twice: at first when it comes to it, then `leaving`. */
struct lf_walk {
    const xmlNode *top, *at;
    bool leaving;
};

/* Is there a next event? Children are entered only where `enter`. */
bool lf_walk_next(struct lf_walk *w, bool enter);

/* The node with its tags; a document with its doctype. */
void lf_render_html(luaL_Buffer *b, const xmlNode *n);

/* The same by the rules of XML, with the namespaces that it needs; in render_xml.c. */
void lf_render_xml(luaL_Buffer *b, const xmlNode *n);

/* <a href="…" class="…"> */
void lf_render_start_tag(luaL_Buffer *b, const xmlNode *n);

/* With the bytes of `special` as character references; \xc2 there is for U+00A0. */
void lf_render_escaped(luaL_Buffer *b, const char *s, const char *special);

/* prefix:name */
void lf_render_name(luaL_Buffer *b, const xmlNs *ns, const xmlChar *name);

/* White space folded, <pre> kept; script, style, template and head left out; a newline
 * between blocks and for <br>, a tab between table cells. */
void lf_render_text(luaL_Buffer *b, const xmlNode *n);

/* All text below n as it stands. */
void lf_render_raw_text(luaL_Buffer *b, const xmlNode *n);

/* The text nodes that are children of n. */
void lf_render_own_text(luaL_Buffer *b, const xmlNode *n);

#endif
