/* The host parser and serializer of the WHATWG URL standard (§3.5), for url.c. */
#ifndef LF_HTTP_URL_HOST_H
#define LF_HTTP_URL_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

/* Append the host s, which is not empty, in its serialized form. `special` tells a domain
 * or address from an opaque host. LF_OK, LF_EURL with *why, LF_ERESOURCE. */
enum lf_err lf_url_host_add(struct lf_buf *out, const char *s, size_t n, bool special,
                            const char **why);

#endif
