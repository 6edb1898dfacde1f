/* Bytes of an XML document to a libxml2 tree (XML 1.0 with namespaces).
 *
 * Nothing outside of the document is read: no DTD, no entity. Entities and default
 * attributes of the document's own DTD are put in, up to a bound; where it names another
 * DTD, entities of HTML are known. Elements nest at most 256 deep. Names lie in the
 * document's dictionary, CDATA sections are text. */
#ifndef LF_HTML_XML_H
#define LF_HTML_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <libxml/tree.h>
#include "modules/html/input.h"

/* The charset is that of a byte order mark, else `label` (of the HTTP header; may be
 * NULL), else the XML declaration's, else UTF-8 if all of it is, else windows-1252.
 *
 * NULL with *err filled when it is not well-formed, or when memory ended (then err->code
 * is 0). With `recover` what is not well-formed is passed over as well as libxml2 can,
 * and entities of HTML are known: NULL only when there is no element at all. */
xmlDoc *lf_xml_parse(const char *p, size_t n, const char *label, size_t label_len,
                     bool recover, size_t *nodes, struct lf_input_error *err);

#endif
