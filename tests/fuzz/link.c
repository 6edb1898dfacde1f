/* The Link header: it comes to an end, and all it gives lies in the value.
 *
 * seed: <https://example.com/a>; rel="next prev"; title*=UTF-8''%e2%82%ac, </b>; rel=last
 * seed: <a>;title*=plain;x*=;y*=""
 * seed: <a>;rel=x;rel=y;title="a\"b", <b> ; hreflang = de ;; , */
#include "fuzz.h"
#include "http/link.h"

static void check(const struct lf_link *l, const char *value, const char *end)
{
    struct lf_span rel;
    struct lf_header h;
    unsigned fields = 0;
    FUZZ_CHECK(l->target.p >= value && l->target.p + l->target.len <= end);
    for (size_t at = 0; lf_link_next_rel(l, &at, &rel);)
        FUZZ_CHECK(rel.len > 0);
    for (size_t at = 0; lf_headers_next(l->params.block.p, l->params.block.len, &at, &h);)
        fields++;
    FUZZ_CHECK(fields == l->params.count);
    lf_link_has_rel(l, "next");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *value = (const char *)data, *end = value + size, *at = value;
    struct lf_link link;
    enum lf_err err;
    lf_link_init(&link);
    for (const char *before = at; (err = lf_link_next(&link, &at, end)) == LF_OK;
         before = at) {
        FUZZ_CHECK(at > before && at <= end);
        check(&link, value, end);
    }
    FUZZ_CHECK(err == LF_EPARSE);
    lf_link_free(&link);
    return 0;
}
