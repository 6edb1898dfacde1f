/* The heads of multipart bodies: no name, file name or type can end its line.
 *
 * seed: field\nphoto "1".png\nimage/png
 * seed: a\x0d\x0aX: y */
#include "fuzz.h"
#include "http/multipart.h"

static unsigned line_ends(const struct lf_buf *b)
{
    unsigned n = 0;
    for (size_t i = 0; i < b->len; i++)
        if (b->p[i] == '\n') {
            FUZZ_CHECK(i > 0 && b->p[i - 1] == '\r');
            n++;
        }
    return n;
}

static struct fuzz take(struct fuzz *in)
{
    size_t n = fuzz_byte(in);
    n = n < in->n ? n : in->n;
    struct fuzz field = {in->p, n};
    in->p += n;
    in->n -= n;
    return field;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    unsigned has = fuzz_byte(&in);
    struct fuzz file = take(&in), type = take(&in);
    const struct lf_multipart_part part = {
        .name = in.p,
        .name_len = in.n,
        .filename = has & 1 ? file.p : NULL,
        .filename_len = file.n,
        .type = has & 2 ? type.p : NULL,
        .type_len = type.n,
    };
    struct lf_buf out;
    lf_buf_init(&out, LF_BUF_MAX);
    enum lf_err err = lf_multipart_head(&out, "boundary", has & 4, &part);
    FUZZ_CHECK(err == LF_OK || (err == LF_EREQUEST && part.type));
    if (!err) /* what ends the part before, the boundary, the fields, an empty line */
        FUZZ_CHECK(line_ends(&out) == !(has & 4) + 1u + 1u + (part.type != NULL) + 1u);
    FUZZ_CHECK(lf_multipart_type(in.p, in.n));
    lf_buf_free(&out);
    return 0;
}
