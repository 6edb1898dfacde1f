/* Digest challenges: what can be answered is, in one line of a header.
 *
 * seed: Digest realm="a", nonce="b", qop="auth, auth-int", algorithm=SHA-256, opaque="c"
 * seed: Digest qop="", realm=, nonce=a
 * seed: Basic realm="x", Digest realm="\"q\"", nonce=n, algorithm=MD5-sess, stale=TRUE
 * seed: Negotiate a==, Digest nonce="b",realm="r", userhash=true */
#include "fuzz.h"
#include "http/digest.h"
#include "http/headers.h"

static void answer(const struct lf_challenge *c, unsigned seed)
{
    static const char *const users[] = {"user", "a\"b\\c", "\xc3\xa4", "x:y"};
    const struct lf_digest_request r = {
        .user = users[seed % 4],
        .pass = "secret",
        .user_len = strlen(users[seed % 4]),
        .pass_len = 6,
        .method = "GET",
        .uri = "/a?b=\"c",
        .uri_len = 7,
        .cnonce = "0a4f113b",
        .count = seed + 1,
    };
    struct lf_buf out;
    const char *why = NULL;
    lf_buf_init(&out, LF_BUF_MAX);
    enum lf_err err = lf_digest_answer(&out, c, &r, &why);
    FUZZ_CHECK(err == LF_OK || (err == LF_EREQUEST && why));
    if (!err) {
        FUZZ_CHECK(strncmp(out.p, "Digest ", 7) == 0 && strlen(out.p) == out.len);
        FUZZ_CHECK(lf_value_valid(out.p, out.len));
    }
    lf_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    unsigned seed = fuzz_byte(&in);
    struct lf_challenge c;
    const char *why = NULL;
    bool found = false;
    char *value = fuzz_block(in);
    lf_challenge_init(&c);
    enum lf_err err = lf_challenge_find(&c, value, in.n, &found, &why);
    FUZZ_CHECK(err == LF_OK || (err == LF_EREQUEST && why && !found));
    /* a field never holds what would end its line: the engine gives no such value */
    if (!err && found && lf_value_valid(in.p, in.n))
        answer(&c, seed);
    lf_challenge_free(&c);
    free(value);
    return 0;
}
