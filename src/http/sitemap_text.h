/* The texts of a sitemap's XML: references, CDATA, attributes. Nothing here refuses
 * input. */
#ifndef LF_HTTP_SITEMAP_TEXT_H
#define LF_HTTP_SITEMAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "http/url.h"

bool lf_sitemap_is_space(char c);
struct lf_span lf_sitemap_trim(const char *s, size_t n);

/* Append a text with '&' escaped: lf_sitemap_unescape then gives it back. */
enum lf_err lf_sitemap_escape(const char *s, size_t n, struct lf_buf *out);

/* Append a text as UTF-8: white space around it taken off, XML's own five references and
 * numeric ones resolved, references to other entities left out; an '&' that begins none
 * stays. `label` is that of its character set, which is known. */
enum lf_err lf_sitemap_unescape(const char *s, size_t n, const char *label,
                                struct lf_buf *out);

/* The value of an attribute of the tag, between its quotes; p NULL when there is none. */
struct lf_span lf_sitemap_attribute(const char *tag, size_t n, const char *name);

#endif
