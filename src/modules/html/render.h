/* Nodes as strings, into a luaL_Buffer: markup (HTML §13.3) and text as a reader sees it.
 * Iterative, however deep the tree. */
#ifndef LF_HTML_RENDER_H
#define LF_HTML_RENDER_H

#include <lauxlib.h>
#include <libxml/tree.h>

/* The node with its tags; a document with its doctype. */
void lf_render_html(luaL_Buffer *b, const xmlNode *n);

/* <a href="…" class="…"> */
void lf_render_start_tag(luaL_Buffer *b, const xmlNode *n);

/* White space folded, <pre> kept; script, style, template and head left out; a newline
 * between blocks and for <br>, a tab between table cells. */
void lf_render_text(luaL_Buffer *b, const xmlNode *n);

/* All text below n as it stands. */
void lf_render_raw_text(luaL_Buffer *b, const xmlNode *n);

/* The text nodes that are children of n. */
void lf_render_own_text(luaL_Buffer *b, const xmlNode *n);

#endif
