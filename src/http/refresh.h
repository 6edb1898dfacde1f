/* Refresh fields, as browsers read them (HTML, shared declarative refresh steps): "5",
 * "5; url=/next", "0,'there'". They ask for another page; nothing here follows them. */
#ifndef LF_HTTP_REFRESH_H
#define LF_HTTP_REFRESH_H

#include <stdbool.h>
#include <stddef.h>
#include "http/url.h"

/* False when it says nothing. `url` points into s; url->p NULL: the same page again. */
bool lf_refresh_parse(const char *s, size_t n, double *seconds, struct lf_span *url);

#endif
