/* Authorization values: RFC 4648 §10, RFC 7617 §2, and what is refused. */
#include "http/auth.h"

#include "check.h"

static const struct {
    const char *plain, *coded;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void test_base64(void)
{
    struct lf_buf b;
    lf_buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        lf_buf_reset(&b);
        CHECK_INT(lf_base64_encode(&b, vectors[i].plain, strlen(vectors[i].plain)),
                  LF_OK);
        CHECK_STR(b.p, vectors[i].coded);
    }
    lf_buf_reset(&b);
    lf_base64_encode(&b, "\xff\xfe\xfd\x00", 4);
    CHECK_STR(b.p, "//79AA==");
    lf_buf_free(&b);
    lf_buf_init(&b, 7);
    CHECK_INT(lf_base64_encode(&b, "foob", 4), LF_ETOOLARGE);
    CHECK_INT(b.len, 0);
    lf_buf_free(&b);
}

static void basic(const char *user, size_t ulen, const char *pass, size_t plen,
                  const char *want)
{
    struct lf_buf b;
    const char *why = NULL;
    lf_buf_init(&b, 1000);
    enum lf_err err = lf_auth_basic(&b, user, ulen, pass, plen, &why);
    CHECK_INT(err, want ? LF_OK : LF_EREQUEST);
    if (want)
        CHECK_STR(b.p, want);
    else
        CHECK(why != NULL && b.len == 0);
    lf_buf_free(&b);
}

static void test_basic(void)
{
    basic("Aladdin", 7, "open sesame", 11, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    basic("test", 4, "123\xc2\xa3", 5, "Basic dGVzdDoxMjPCow==");
    basic("", 0, "", 0, "Basic Og==");
    basic("u", 1, "a:b", 3, "Basic dTphOmI=");
    basic("u:v", 3, "p", 1, NULL);
    basic("u\n", 2, "p", 1, NULL);
    basic("u", 1, "p\0q", 3, NULL);
    basic("u", 1, "p\x7f", 2, NULL);
}

static void bearer(const char *token, size_t n, const char *want)
{
    struct lf_buf b;
    lf_buf_init(&b, 1000);
    CHECK_INT(lf_auth_bearer(&b, token, n, NULL), want ? LF_OK : LF_EREQUEST);
    if (want)
        CHECK_STR(b.p, want);
    lf_buf_free(&b);
}

static void test_bearer(void)
{
    bearer("mF_9.B5f-4.1JqM", 15, "Bearer mF_9.B5f-4.1JqM");
    bearer("", 0, NULL);
    bearer("a b", 3, NULL);
    bearer("a\r\nX: y", 7, NULL);
    bearer("a\0b", 3, NULL);
    bearer("\xc3\xa9", 2, NULL);
}

int main(void)
{
    test_base64();
    test_basic();
    test_bearer();
    return check_done();
}
