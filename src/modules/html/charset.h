/* The character set of an HTML document: from its first bytes, the HTTP header, its meta
 * elements, or by a guess. What a character set is and how it is read: http/charset.h. */
#ifndef LF_HTML_CHARSET_H
#define LF_HTML_CHARSET_H

#include "http/charset.h"

/* The encoding of a document: byte order mark, else `label` (of the HTTP header; may be
 * NULL), else its meta when `html`, else UTF-8 if all of it is, else windows-1252.
 * *bom gets the length of the mark. */
const struct lf_charset *lf_charset_detect(const char *p, size_t n, const char *label,
                                           size_t label_len, bool html, size_t *bom);

#endif
