/* Bytes of an HTML document to a libxml2 tree. Any bytes give a tree with a root element.
 *
 * Names of elements and attributes lie in the document's dictionary, so that two equal
 * names are one pointer. An attribute without value has no children. */
#ifndef LF_HTML_TREE_H
#define LF_HTML_TREE_H

#include <stddef.h>
#include <libxml/tree.h>

#define LF_TREE_MAX_BYTES ((size_t)1 << 30) /* libxml2 counts in int */
#define LF_TREE_MAX_DEPTH 512               /* what lies deeper becomes a sibling there */
#define LF_TREE_MAX_ATTRS 512               /* of an element, the rest is dropped */

/* `label` is the charset of the HTTP header, or NULL. NULL when memory ended. *nodes
 * gets about how many nodes there are. */
xmlDoc *lf_tree_parse(const char *p, size_t n, const char *label, size_t label_len,
                      size_t *nodes);

/* Of any document. All of it, its dictionary too, may lie in a heap (heap.h) that its
 * _private points to. NULL is fine. */
void lf_tree_free(xmlDoc *doc);
/* Bytes that it takes, about. */
size_t lf_tree_size(const xmlDoc *doc, size_t nodes);

/* The root element; NULL only while parsing. */
xmlNode *lf_tree_root(xmlDoc *doc);

#endif
