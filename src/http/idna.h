/* Domain to ASCII (WHATWG URL §3.3) for names with non-ASCII letters: UTS #46
 * non-transitional, no hyphen, length and STD3 checks, over libidn2's mapping table. */
#ifndef LF_HTTP_IDNA_H
#define LF_HTTP_IDNA_H

#include <stddef.h>
#include "base/buf.h"

/* Append the ASCII form of the domain s (any bytes). Says nothing about code points that
 * hosts forbid: the caller looks at the result. LF_OK, LF_EURL with *why, LF_ERESOURCE.
 */
enum lf_err lf_idna_to_ascii(struct lf_buf *out, const char *s, size_t n,
                             const char **why);

#endif
