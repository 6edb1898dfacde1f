/* Escapes, query pairs and hosts: decoding undoes encoding in every set; a domain in
 * ASCII stays as it is; addresses.
 *
 * seeds: url-wpt/percent-encoding.json: input
 * seeds: url-wpt/toascii.json: input
 * seed: a=b&c=%zz&&=d&e
 * seed: ::ffff:127.0.0.1
 * seed: xn--bcher-kva.example */
#include "fuzz.h"
#include "http/address.h"
#include "http/percent.h"
#include "http/url_host.h"

static const enum lf_percent_set sets[] = {LF_PERCENT_USERINFO, LF_PERCENT_COMPONENT,
                                           LF_PERCENT_FORM, LF_PERCENT_RESERVED};

static void check_set(struct fuzz in, enum lf_percent_set set)
{
    struct lf_buf coded, plain;
    lf_buf_init(&coded, LF_BUF_MAX);
    lf_buf_init(&plain, LF_BUF_MAX);
    FUZZ_CHECK(lf_percent_encode(&coded, in.p, in.n, set) == LF_OK);
    FUZZ_CHECK(coded.len <= 3 * in.n);
    if (!memchr(in.p, '%', in.n)) { /* which some sets leave */
        FUZZ_CHECK(lf_percent_decode(&plain, coded.p, coded.len) == LF_OK);
        FUZZ_CHECK(plain.len == in.n && (!in.n || memcmp(plain.p, in.p, in.n) == 0));
    }
    lf_buf_free(&coded);
    lf_buf_free(&plain);
}

static void check_form(struct fuzz in)
{
    struct lf_buf coded, plain;
    lf_buf_init(&coded, LF_BUF_MAX);
    lf_buf_init(&plain, LF_BUF_MAX);
    FUZZ_CHECK(lf_form_encode(&coded, in.p, in.n) == LF_OK);
    FUZZ_CHECK(lf_form_decode(&plain, coded.p, coded.len) == LF_OK);
    FUZZ_CHECK(plain.len == in.n && (!in.n || memcmp(plain.p, in.p, in.n) == 0));
    lf_buf_free(&coded);
    lf_buf_free(&plain);
}

static void check_pairs(struct fuzz in)
{
    const char *at = in.p, *end = in.p + in.n;
    struct lf_form_pair pair;
    while (lf_form_next(&at, end, &pair)) {
        FUZZ_CHECK(pair.name >= in.p && pair.name + pair.name_len <= end);
        FUZZ_CHECK(pair.value_len == 0 || pair.value + pair.value_len <= end);
    }
    FUZZ_CHECK(at <= end);
}

static void check_host(struct fuzz in, bool special)
{
    struct lf_buf once, twice;
    const char *why = NULL;
    lf_buf_init(&once, LF_BUF_MAX);
    lf_buf_init(&twice, LF_BUF_MAX);
    FUZZ_CHECK(lf_buf_reserve(&once, 1) == LF_OK && lf_buf_reserve(&twice, 1) == LF_OK);
    enum lf_err err = lf_url_host_add(&once, in.p, in.n, special, &why);
    FUZZ_CHECK(err == LF_OK || (err == LF_EURL && why));
    for (size_t i = 0; i < once.len; i++)
        FUZZ_CHECK(err || (unsigned char)once.p[i] < 0x80);
    if (!err) {
        FUZZ_CHECK(lf_url_host_add(&twice, once.p, once.len, special, &why) == LF_OK);
        FUZZ_CHECK(fuzz_same(&once, &twice));
    }
    lf_buf_free(&once);
    lf_buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    struct lf_address a;
    char *block = fuzz_block(in);
    in.p = block;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        check_set(in, sets[i]);
    check_form(in);
    check_pairs(in);
    if (in.n) {
        check_host(in, true);
        check_host(in, false);
    }
    if (lf_address_parse(&a, in.p, in.n)) {
        FUZZ_CHECK(lf_address_in(&a, &a, 32));
        lf_address_public(&a);
    }
    free(block);
    return 0;
}
