/* multipart/form-data as browsers write it (HTML standard, "multipart form data"; RFC
 * 7578). Only what stands between the contents is made here: a body is
 * head, content, head, content, …, tail. */
#ifndef LF_HTTP_MULTIPART_H
#define LF_HTTP_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

enum {
    LF_BOUNDARY_RANDOM = 16, /* bytes */
    LF_BOUNDARY_SIZE = 48,   /* of the text, with its NUL */
};

struct lf_multipart_part {
    const char *name, *filename, *type; /* filename and type NULL: none */
    size_t name_len, filename_len, type_len;
};

/* A line that no content holds, by the odds of 128 random bits. */
void lf_multipart_boundary(char out[static LF_BOUNDARY_SIZE],
                           const uint8_t random[static LF_BOUNDARY_RANDOM]);

/* Append what stands before a content; `first`: nothing came before it. In names a line
 * break is CRLF, and '"', CR and LF are %22, %0D and %0A; UTF-8 stays. LF_EREQUEST for a
 * type with a line break or a NUL. */
enum lf_err lf_multipart_head(struct lf_buf *out, const char *boundary, bool first,
                              const struct lf_multipart_part *part);
/* Append what ends the body. */
enum lf_err lf_multipart_tail(struct lf_buf *out, const char *boundary, bool first);

/* The content type for a file of that name, by its ending: "image/png"; never NULL, else
 * "application/octet-stream". */
const char *lf_multipart_type(const char *filename, size_t n);

#endif
