/* URLs: what was parsed is parsed again as the same; relative ones, the canonical form,
 * origin and redaction of anything.
 *
 * seeds: url-wpt/urltestdata.json: input,base
 * seeds: url-wpt/ada_extra_urltestdata.json: input,base
 * seeds: url-wpt/toascii.json: input
 * seeds: url-rfc3986/resolve.json: input,base
 * seed: https://user:pass@example.com:8080/a/../b?x=1&a=%e4#f */
#include "fuzz.h"
#include "http/url.h"

static bool parse(struct lf_url *u, struct fuzz in, const struct lf_url *base)
{
    const char *why = NULL;
    enum lf_err err = lf_url_parse(u, in.p, in.n, base, &why);
    FUZZ_CHECK(err == LF_OK || (err == LF_EURL && why && *why));
    return err == LF_OK;
}

static void check_same(const struct lf_url *a, const struct lf_url *b)
{
    FUZZ_CHECK(fuzz_same(&a->href, &b->href));
    FUZZ_CHECK(a->scheme_end == b->scheme_end && a->user_end == b->user_end);
    FUZZ_CHECK(a->host_start == b->host_start && a->host_end == b->host_end);
    FUZZ_CHECK(a->path_start == b->path_start && a->query_start == b->query_start);
    FUZZ_CHECK(a->fragment_start == b->fragment_start && a->port == b->port);
    FUZZ_CHECK(a->scheme == b->scheme && a->has_host == b->has_host);
    FUZZ_CHECK(a->opaque == b->opaque);
}

/* §4.5: the serialized URL is parsed to an equal one. */
static void check_again(const struct lf_url *u)
{
    struct lf_url again = LF_URL_INIT;
    FUZZ_CHECK(parse(&again, (struct fuzz){u->href.p, u->href.len}, NULL));
    check_same(u, &again);
    lf_url_free(&again);
}

/* What is sent in requests and written into logs has no byte that would end a line. */
static void check_bytes(const struct lf_url *u)
{
    for (size_t i = 0; i < u->href.len; i++)
        FUZZ_CHECK((unsigned char)u->href.p[i] > 0x1f && u->href.p[i] != 0x7f);
}

static void check_canonical(const struct lf_url *u, bool sort)
{
    struct lf_buf once, twice;
    struct lf_url again = LF_URL_INIT;
    lf_buf_init(&once, LF_URL_MAX);
    lf_buf_init(&twice, LF_URL_MAX);
    FUZZ_CHECK(lf_url_canonical(u, sort, &once) == LF_OK);
    FUZZ_CHECK(parse(&again, (struct fuzz){once.p, once.len}, NULL));
    FUZZ_CHECK(lf_url_canonical(&again, sort, &twice) == LF_OK);
    FUZZ_CHECK(fuzz_same(&once, &twice));
    lf_url_free(&again);
    lf_buf_free(&once);
    lf_buf_free(&twice);
}

static void check_forms(const struct lf_url *u)
{
    struct lf_buf out;
    struct lf_url bare = LF_URL_INIT;
    bool opaque;
    lf_buf_init(&out, LF_URL_MAX);
    FUZZ_CHECK(lf_url_without_userinfo(u, true, &out) == LF_OK);
    FUZZ_CHECK(parse(&bare, (struct fuzz){out.p, out.len}, NULL));
    FUZZ_CHECK(!lf_url_has_userinfo(&bare));
    FUZZ_CHECK(lf_url_same_origin(u, &bare) == lf_url_same_origin(u, u));
    lf_buf_reset(&out);
    FUZZ_CHECK(lf_url_origin(u, &out, &opaque) == LF_OK);
    FUZZ_CHECK(opaque == (out.len == 0));
    lf_url_free(&bare);
    lf_buf_free(&out);
}

static void check(const struct lf_url *u)
{
    check_again(u);
    check_bytes(u);
    check_canonical(u, false);
    check_canonical(u, true);
    check_forms(u);
}

static void redact(struct fuzz in)
{
    struct lf_buf out;
    lf_buf_init(&out, LF_URL_MAX);
    FUZZ_CHECK(lf_url_redact(in.p, in.n, &out) == LF_OK);
    lf_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size}, ref;
    struct lf_url base = LF_URL_INIT, joined = LF_URL_INIT;
    redact(in);
    if (!fuzz_line(&in, &ref))
        return 0;
    char *block = fuzz_block(ref);
    ref.p = block;
    bool based = in.n && parse(&base, in, NULL);
    if (based)
        check(&base);
    if (parse(&joined, ref, based ? &base : NULL))
        check(&joined);
    lf_url_free(&joined);
    lf_url_free(&base);
    free(block);
    return 0;
}
