/* Digest authentication: the examples of RFC 7616 and 2617, and challenges as servers
 * write them. */
#include "check.h"
#include "http/digest.h"

static struct lf_challenge c;
static struct lf_buf out;
static const char *why;

static bool find(const char *value)
{
    bool found = false;
    why = NULL;
    enum lf_err err = lf_challenge_find(&c, value, strlen(value), &found, &why);
    CHECK(!err || !found);
    return found;
}

static const char *answer(const char *user, const char *pass, const char *method,
                          const char *uri, const char *cnonce, unsigned count)
{
    struct lf_digest_request r = {.user = user, .pass = pass, .method = method};
    r.user_len = strlen(user);
    r.pass_len = strlen(pass);
    r.uri = uri;
    r.uri_len = strlen(uri);
    r.cnonce = cnonce;
    r.count = count;
    lf_buf_reset(&out);
    return lf_digest_answer(&out, &c, &r, &why) ? "refused" : out.p;
}

static bool says(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

#define RFC7616                                                                          \
    "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=%s, "     \
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "                           \
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
#define RFC7616_CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

static void test_rfc7616(void)
{
    char value[512];
    snprintf(value, sizeof value, RFC7616, "SHA-256");
    CHECK(find(value));
    CHECK_STR(
        answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", RFC7616_CNONCE, 1),
        "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
        "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
        "uri=\"/dir/index.html\", algorithm=SHA-256, cnonce=\"" RFC7616_CNONCE
        "\", nc=00000001, qop=auth, "
        "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", "
        "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"");
    snprintf(value, sizeof value, RFC7616, "MD5");
    CHECK(find(value));
    CHECK(says(
        answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", RFC7616_CNONCE, 1),
        "response=\"8ca523f5e9506fed4657c9700eebdbec\""));
}

/* RFC 2617 §3.5 and, without qop, RFC 2069 as its errata have it. */
static void test_old(void)
{
    CHECK(find("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
               "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
               "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
    const char *a =
        answer("Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b", 1);
    CHECK(says(a, "response=\"6629fae49393a05397450978507c4ef1\""));
    CHECK(!says(a, "algorithm"));
    CHECK(find("digest realm=\"testrealm@host.com\", "
               "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\""));
    a = answer("Mufasa", "CircleOfLife", "GET", "/dir/index.html", "x", 1);
    CHECK(says(a, "response=\"1949323746fe6a43ef61f9606e7febea\""));
    CHECK(!says(a, "cnonce") && !says(a, "qop") && !says(a, "opaque"));
}

/* H(H(user:realm:pass):nonce:cnonce), computed apart. */
static void test_sess(void)
{
    CHECK(find("Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=MD5-sess"));
    CHECK(says(answer("u", "p", "GET", "/", "c", 1),
               "response=\"6e4aac8b22e97762f88ccd0d5ccf5b1d\""));
    CHECK(find("Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=SHA-256-sess"));
    const char *a = answer("u", "p", "GET", "/", "c", 11);
    CHECK(says(a, "nc=0000000b"));
    CHECK(says(
        a,
        "response=\"2cdb82b94986291bac8616b13fe3f279214fff82acc179360e7105143c69b4b7\""));
}

static void test_reading(void)
{
    CHECK(!find("Basic realm=\"a\""));
    CHECK(!why);
    CHECK(!find(""));
    CHECK(!find("Negotiate abc=="));
    CHECK(find("Negotiate abc==, Basic realm=\"x\", Digest realm=\"a, b\" , nonce = n1,"
               "stale=TRUE, charset=UTF-8, userhash=false"));
    CHECK_STR(c.realm.p, "a, b");
    CHECK_STR(c.nonce.p, "n1");
    CHECK(c.stale && !c.qop && !c.has_opaque && !c.algorithm_name);
    CHECK(find("Digest nonce=\"a\\\"b\\\\\", realm=\"\""));
    CHECK_STR(c.nonce.p, "a\"b\\");
    CHECK(says(answer("ü\"", "p", "GET", "/", "c", 1), "username=\"ü\\\"\""));
    CHECK(says(out.p, "nonce=\"a\\\"b\\\\\""));
    /* the first that can be answered */
    CHECK(find("Digest realm=a, nonce=n1, algorithm=SHA-512-256, qop=\"auth\", "
               "Digest realm=a, nonce=n2, algorithm=SHA-256, qop=\"auth\", "
               "Digest realm=a, nonce=n3, algorithm=MD5, qop=\"auth\""));
    CHECK_STR(c.nonce.p, "n2");
}

static void test_refused(void)
{
    CHECK(!find("Digest realm=a, nonce=n, qop=\"auth-int\""));
    CHECK(why && says(why, "auth-int"));
    CHECK(!find("Digest realm=a, nonce=n, algorithm=token"));
    CHECK(why && says(why, "algorithm"));
    CHECK(!find("Digest realm=a, nonce=n, qop=\"\"")); /* an empty buffer has no memory */
    CHECK(why && says(why, "auth-int"));
    CHECK(!find("Digest realm=a"));
    CHECK(why && says(why, "nonce"));
    CHECK(find("Digest realm=a, nonce=n"));
    CHECK_STR(answer("a\nb", "p", "GET", "/", "c", 1), "refused");
    CHECK_STR(answer("a", "p\x7f", "GET", "/", "c", 1), "refused");
}

/* Whatever a server says, cut anywhere: no crash, no endless loop. */
static void test_cut(void)
{
    static const char text[] =
        "Negotiate abc==, Digest realm=\"a\\\"\", nonce = \"n\", qop=\"auth\", =, x";
    for (size_t i = 0; i <= sizeof text - 1; i++)
        for (size_t j = i; j <= sizeof text - 1; j++) {
            bool found;
            enum lf_err err = lf_challenge_find(&c, text + i, j - i, &found, &why);
            if (err && err != LF_EREQUEST)
                CHECK_INT(err, LF_OK);
        }
    CHECK(find(text));
}

int main(void)
{
    lf_challenge_init(&c);
    lf_buf_init(&out, LF_BUF_MAX);
    test_rfc7616();
    test_old();
    test_sess();
    test_reading();
    test_refused();
    test_cut();
    lf_challenge_free(&c);
    lf_buf_free(&out);
    return check_done();
}
