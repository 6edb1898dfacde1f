/* Content types: the serialized form is parsed to an equal one.
 *
 * seeds: mimesniff/mime-types.json: input
 * seeds: mimesniff/generated-mime-types.json: input */
#include "fuzz.h"
#include "http/ctype.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lf_ctype t, again;
    struct lf_buf once, twice;
    size_t len;
    lf_ctype_init(&t);
    lf_ctype_init(&again);
    lf_buf_init(&once, LF_BUF_MAX);
    lf_buf_init(&twice, LF_BUF_MAX);
    lf_charset_param((const char *)data, size, &len);
    enum lf_err err = lf_ctype_parse(&t, (const char *)data, size);
    FUZZ_CHECK(err == LF_OK || (err == LF_EPARSE && t.essence.len == 0));
    if (!err) {
        FUZZ_CHECK(memchr(t.essence.p, '/', t.essence.len));
        FUZZ_CHECK(lf_ctype_serialize(&t, &once) == LF_OK);
        FUZZ_CHECK(lf_ctype_parse(&again, once.p, once.len) == LF_OK);
        FUZZ_CHECK(lf_ctype_serialize(&again, &twice) == LF_OK);
        FUZZ_CHECK(fuzz_same(&once, &twice) && t.params.count == again.params.count);
        FUZZ_CHECK(lf_ctype_charset(&t) == lf_ctype_charset(&again));
    }
    lf_buf_free(&once);
    lf_buf_free(&twice);
    lf_ctype_free(&t);
    lf_ctype_free(&again);
    return 0;
}
