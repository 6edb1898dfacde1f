/* The Authorization header: Basic (RFC 7617) and Bearer (RFC 6750). */
#ifndef LF_HTTP_AUTH_H
#define LF_HTTP_AUTH_H

#include <stddef.h>
#include "base/buf.h"

/* Append base64 with padding (RFC 4648 §4). */
enum lf_err lf_base64_encode(struct lf_buf *out, const void *p, size_t n);

/* Append the field value. LF_EREQUEST, with *why a static sentence, for what cannot be
 * said: a ':' or a control byte in the user, a control byte in the password, a token with
 * anything but visible ASCII. *why may be NULL. */
enum lf_err lf_auth_basic(struct lf_buf *out, const char *user, size_t ulen,
                          const char *pass, size_t plen, const char **why);
enum lf_err lf_auth_bearer(struct lf_buf *out, const char *token, size_t n,
                           const char **why);

#endif
