/* Content types (WHATWG MIME Sniffing §4): "text/html; charset=utf-8" read as browsers
 * do, with what is malformed behind the essence left out rather than refused. */
#ifndef LF_HTTP_CTYPE_H
#define LF_HTTP_CTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "http/charset.h"
#include "http/headers.h"

struct lf_ctype {
    struct lf_buf essence;    /* owned: "text/html", lower case */
    struct lf_headers params; /* owned: names in lower case, values without quotes; of
                                 equal names the first */
};

void lf_ctype_init(struct lf_ctype *t);
void lf_ctype_free(struct lf_ctype *t); /* t is as after init */

/* Read the value of a Content-Type field; what t held is replaced. LF_OK, LF_EPARSE when
 * there is no type "a/b", LF_ERESOURCE; t is empty after a failure. */
enum lf_err lf_ctype_parse(struct lf_ctype *t, const char *s, size_t n);

/* Is the essence this, "text/html"? */
bool lf_ctype_is(const struct lf_ctype *t, const char *essence);

/* Is a Content-Type of that value one of `types`, "text/html, text/plain"? In any case; a
 * type that ends with "*" stands for all that begin so. */
bool lf_ctype_among(const char *value, size_t n, const char *types);

/* The character set of its charset parameter by the web's labels (Encoding §4.2), or
 * NULL. The parameter as it stands: lf_headers_get(&t->params, "charset", …). */
const struct lf_charset *lf_ctype_charset(const struct lf_ctype *t);

/* Append the serialized form (§4.5): quotes only where needed. */
enum lf_err lf_ctype_serialize(const struct lf_ctype *t, struct lf_buf *out);

#endif
