/* The URL parser, its accessors and percent-encoding. The public suites run over it in
 * tests/conformance; here stands what those do not ask. */
#include "http/url.h"

#include <stdlib.h>
#include "check.h"
#include "http/percent.h"
#include "http/punycode.h"

/* The serialized URL, or why there is none. Static memory. */
static const char *href(const char *s, const char *base)
{
    static char text[4096];
    struct lf_url u = LF_URL_INIT, b = LF_URL_INIT;
    const char *why = "?";
    enum lf_err err = base ? lf_url_parse(&b, base, strlen(base), NULL, &why) : LF_OK;
    if (!err)
        err = lf_url_parse(&u, s, strlen(s), base ? &b : NULL, &why);
    snprintf(text, sizeof text, "%s", err ? why : u.href.p);
    lf_url_free(&u);
    lf_url_free(&b);
    return text;
}

static void test_table(void)
{
    static const char base[] = "http://u:p@a.test:81/b/c?q#f";
    static const struct {
        const char *s, *base, *want;
    } rows[] = {
        {"HTTP://Example.COM:80", NULL, "http://example.com/"},
        {" \thttps://a.test/x y\r\n", NULL, "https://a.test/x%20y"},
        {"http://a.test/a/./b/../%2e%2E/c", NULL, "http://a.test/c"},
        {"http:\\\\a.test\\b?c\\d", NULL, "http://a.test/b?c\\d"},
        {"http://a.test/\xff\xe2\x82", NULL, "http://a.test/%EF%BF%BD%EF%BF%BD"},
        {"http://0x7f.1", NULL, "http://127.0.0.1/"},
        {"http://%31%32%37.0.0.1", NULL, "http://127.0.0.1/"},
        {"http://[1:0::0:2]", NULL, "http://[1::2]/"},
        {"http://[::ffff:1.2.3.4]", NULL, "http://[::ffff:102:304]/"},
        {"http://b\xc3\xbc"
         "cher.test",
         NULL, "http://xn--bcher-kva.test/"},
        {"http://fa\xc3\x9f.test", NULL, "http://xn--fa-hia.test/"},
        {"http://\xe2\x98\x83.test", NULL, "http://xn--n3h.test/"},
        {"http://x@y:z@a.test", NULL, "http://x%40y:z@a.test/"},
        {"http://:@a.test", NULL, "http://a.test/"},
        {"mailto:a b ?c", NULL, "mailto:a b%20?c"},
        {"file:C|/x/..", NULL, "file:///C:/"},
        {"x:/a/..//b", NULL, "x:/.//b"},
        {"d", base, "http://u:p@a.test:81/b/d"},
        {"?", base, "http://u:p@a.test:81/b/c?"},
        {"#", base, "http://u:p@a.test:81/b/c?q#"},
        {"", base, "http://u:p@a.test:81/b/c?q"},
        {"//x", base, "http://x/"},
        {"http:d", base, "http://u:p@a.test:81/b/d"},
        {"https:d", base, "https://d/"},
        {"../../..", base, "http://u:p@a.test:81/"},
        {"#f", "mailto:x?y#z", "mailto:x?y#f"},
        {"/x", NULL, "it has no scheme, and there is no base URL"},
        {"x", "mailto:x", "it has no scheme, and the base URL has no path to start from"},
        {"http://", NULL, "the host is missing"},
        {"http://u@", NULL, "the host is missing"},
        {"http://a:65536", NULL, "the port is not a number from 0 to 65535"},
        {"http://a:8x", NULL, "the port is not a number from 0 to 65535"},
        {"http://1.2.3.256", NULL, "the host is not a valid IPv4 address"},
        {"http://[1::2::3]", NULL, "the host is not a valid IPv6 address"},
        {"http://a b", NULL, "the host holds a character that hosts must not have"},
        {"http://a%00b", NULL, "the host holds a character that hosts must not have"},
        {"http://\xc2\xad", NULL, "the host is empty"},
        {"http://\xef\xbf\xbd.test", NULL,
         "the host name holds a character that names must not have"},
        {"http://\xc3\xbc.xn--a", NULL,
         "the host name has a label that is not valid (IDNA)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(href(rows[i].s, rows[i].base), rows[i].want);
}

static int is(struct lf_span s, const char *want)
{
    if (!s.p || !want)
        return !s.p && !want;
    return s.len == strlen(want) && memcmp(s.p, want, s.len) == 0;
}

static void parse(struct lf_url *u, const char *s)
{
    const char *why;
    CHECK_INT(lf_url_parse(u, s, strlen(s), NULL, &why), LF_OK);
}

static void test_parts(void)
{
    struct lf_url u = LF_URL_INIT;
    parse(&u, "https://u:p@a.test:8443/x/y?q#f");
    CHECK(is(lf_url_scheme_name(&u), "https"));
    CHECK(is(lf_url_username(&u), "u"));
    CHECK(is(lf_url_password(&u), "p"));
    CHECK(is(lf_url_host(&u), "a.test"));
    CHECK(is(lf_url_authority(&u), "a.test:8443"));
    CHECK(is(lf_url_path(&u), "/x/y"));
    CHECK(is(lf_url_query(&u), "q"));
    CHECK(is(lf_url_fragment(&u), "f"));
    CHECK(is(lf_url_target(&u), "/x/y?q"));
    CHECK(is(lf_url_without_fragment(&u), "https://u:p@a.test:8443/x/y?q"));
    CHECK_INT(u.port, 8443);
    CHECK_INT(lf_url_port(&u), 8443);
    CHECK_INT(u.scheme, LF_URL_HTTPS);
    CHECK_INT(lf_url_scheme_of("WSS", 3), LF_URL_WSS);
    CHECK_INT(lf_url_scheme_of("htt", 3), LF_URL_OTHER);
    CHECK(lf_url_is_http(&u) && lf_url_has_userinfo(&u));
    parse(&u, "http://a.test:80");
    CHECK(is(lf_url_username(&u), NULL));
    CHECK(is(lf_url_password(&u), NULL));
    CHECK(is(lf_url_query(&u), NULL));
    CHECK(is(lf_url_fragment(&u), NULL));
    CHECK(is(lf_url_target(&u), "/"));
    CHECK_INT(u.port, -1);
    CHECK_INT(lf_url_port(&u), 80);
    CHECK(!lf_url_has_userinfo(&u));
    parse(&u, "http://:p@a.test");
    CHECK(is(lf_url_username(&u), NULL));
    CHECK(is(lf_url_password(&u), "p"));
    parse(&u, "mailto:x@y");
    CHECK(u.opaque && !u.has_host);
    CHECK(is(lf_url_host(&u), NULL));
    CHECK(is(lf_url_username(&u), NULL));
    CHECK(is(lf_url_path(&u), "x@y"));
    CHECK_INT(lf_url_port(&u), -1);
    lf_url_free(&u);
}

static const char *origin(const char *s)
{
    static char text[128];
    struct lf_url u = LF_URL_INIT;
    struct lf_buf b;
    bool opaque;
    lf_buf_init(&b, 100);
    parse(&u, s);
    CHECK_INT(lf_url_origin(&u, &b, &opaque), LF_OK);
    snprintf(text, sizeof text, "%s", opaque ? "null" : b.p);
    lf_buf_free(&b);
    lf_url_free(&u);
    return text;
}

static bool same_origin(const char *s, const char *t)
{
    struct lf_url a = LF_URL_INIT, b = LF_URL_INIT;
    parse(&a, s);
    parse(&b, t);
    bool same = lf_url_same_origin(&a, &b);
    lf_url_free(&a);
    lf_url_free(&b);
    return same;
}

static void test_origin(void)
{
    CHECK_STR(origin("https://u:p@A.test:443/x"), "https://a.test");
    CHECK_STR(origin("http://a.test:443/x"), "http://a.test:443");
    CHECK_STR(origin("blob:https://a.test/x"), "https://a.test");
    CHECK_STR(origin("blob:x"), "null");
    CHECK_STR(origin("file:///x"), "null");
    CHECK(same_origin("http://u@a.test/x", "http://a.test:80/y"));
    CHECK(!same_origin("http://a.test", "https://a.test"));
    CHECK(!same_origin("http://a.test", "http://a.test:81"));
    CHECK(!same_origin("http://a.test", "http://b.test"));
    CHECK(!same_origin("http://a.test", "ws://a.test"));
    CHECK(!same_origin("file:///x", "file:///x"));
}

static void test_other_forms(void)
{
    static const struct {
        const char *s, *want;
    } rows[] = {
        {"http://a.test/%7ex/%c3%bc?%41%2f#f", "http://a.test/~x/%C3%BC?A%2F"},
        {"http://a.test/?b=2&a=9&b=1&a", "http://a.test/?a=9&a&b=2&b=1"},
        {"http://a.test?", "http://a.test/?"},
        {"http://a.test/%", "http://a.test/%"},
        {"http://a.test/%6%33", "http://a.test/%6%33"}, /* not %63 */
        {"http://a.test/%%341", "http://a.test/%%341"},
    };
    struct lf_url u = LF_URL_INIT, copy = LF_URL_INIT;
    struct lf_buf b;
    lf_buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        parse(&u, rows[i].s);
        lf_buf_reset(&b);
        CHECK_INT(lf_url_canonical(&u, true, &b), LF_OK);
        CHECK_STR(b.p, rows[i].want);
    }
    parse(&u, "http://u:p@a.test/x?y#z");
    lf_buf_reset(&b);
    CHECK_INT(lf_url_without_userinfo(&u, false, &b), LF_OK);
    CHECK_STR(b.p, "http://a.test/x?y");
    CHECK_INT(lf_url_copy(&copy, &u), LF_OK);
    lf_url_free(&u);
    CHECK_STR(copy.href.p, "http://u:p@a.test/x?y#z");
    CHECK(is(lf_url_host(&copy), "a.test"));
    lf_url_free(&copy);
    lf_url_free(NULL);
    lf_buf_free(&b);
}

/* A failure leaves nothing of the URL before, and the struct can be used again. */
static void test_reuse(void)
{
    struct lf_url u = LF_URL_INIT;
    const char *why = NULL;
    parse(&u, "http://a.test/long/enough/to/need/memory/of/its/own/and/more/of/it");
    parse(&u, "x:y");
    CHECK_STR(u.href.p, "x:y");
    CHECK(!u.has_host && u.opaque);
    CHECK_INT(lf_url_parse(&u, "http://", 7, NULL, &why), LF_EURL);
    CHECK_INT(u.href.len, 0);
    parse(&u, "http://a.test");
    CHECK_STR(u.href.p, "http://a.test/");
    lf_url_free(&u);
}

/* Lengths at which every byte grows, in every part. */
static void test_growth(void)
{
    enum { N = 3000 };
    char *s = malloc(4 * N + 64);
    if (!CHECK(s != NULL))
        return;
    char *w = stpcpy(s, "http://");
    memset(w, '=', N);
    w = stpcpy(w + N, "@a.test/");
    memset(w, '"', N);
    w[N] = '?';
    memset(w + N + 1, '"', N);
    w[2 * N + 1] = '#';
    memset(w + 2 * N + 2, '"', N);
    struct lf_url u = LF_URL_INIT;
    const char *why;
    size_t n = (size_t)(w - s) + 3 * N + 2;
    CHECK_INT(lf_url_parse(&u, s, n, NULL, &why), LF_OK);
    CHECK_INT(u.href.len, n + 2 * 4 * N);
    CHECK_INT(strlen(u.href.p), u.href.len);
    CHECK_INT(lf_url_path(&u).len, 3 * N + 1);
    lf_url_free(&u);
    free(s);
}

static const char *coded(enum lf_err (*code)(struct lf_buf *, const char *, size_t),
                         const char *s)
{
    static char text[256];
    struct lf_buf b;
    lf_buf_init(&b, 200);
    CHECK_INT(code(&b, s, strlen(s)), LF_OK);
    snprintf(text, sizeof text, "%s", b.p ? b.p : "");
    lf_buf_free(&b);
    return text;
}

static enum lf_err component(struct lf_buf *b, const char *s, size_t n)
{
    return lf_percent_encode(b, s, n, LF_PERCENT_COMPONENT);
}

static void test_percent(void)
{
    CHECK_STR(coded(component, "a b/\xc3\xa9?!'()*~-_."), "a%20b%2F%C3%A9%3F!'()*~-_.");
    CHECK_STR(coded(lf_form_encode, "a b+c%20*-._~!"), "a+b%2Bc%2520*-._%7E%21");
    CHECK_STR(coded(lf_percent_decode, "a%20b+%zz%4"), "a b+%zz%4");
    CHECK_STR(coded(lf_form_decode, "a+b%2Bc%"), "a b+c%");
    struct lf_buf b;
    lf_buf_init(&b, 5);
    CHECK_INT(lf_percent_encode(&b, "  ", 2, LF_PERCENT_FORM), LF_ETOOLARGE);
    lf_buf_free(&b);
    const char *s = "&a=1&&b&=c&d==", *end = s + strlen(s);
    struct lf_form_pair pair;
    int n = 0;
    size_t names = 0, values = 0;
    for (; lf_form_next(&s, end, &pair); n++) {
        names += pair.name_len;
        values += pair.value_len;
    }
    CHECK_INT(n, 4);
    CHECK_INT(names, 3);
    CHECK_INT(values, 3);
}

static void test_punycode(void)
{
    static const uint32_t text[] = {'b', 0xfc, 'c', 'h', 'e', 'r'};
    uint32_t to[8];
    size_t n = 8;
    struct lf_buf b;
    lf_buf_init(&b, 100);
    CHECK_INT(lf_punycode_encode(&b, text, 6), LF_OK);
    CHECK_STR(b.p, "bcher-kva");
    CHECK_INT(lf_punycode_decode(b.p, b.len, to, &n), LF_OK);
    CHECK_INT(n, 6);
    CHECK(memcmp(to, text, sizeof text) == 0);
    n = 5;
    CHECK_INT(lf_punycode_decode(b.p, b.len, to, &n), LF_EURL);
    n = 8;
    CHECK_INT(lf_punycode_decode("99999999", 8, to, &n), LF_EURL);
    lf_buf_free(&b);
}

int main(void)
{
    test_table();
    test_parts();
    test_origin();
    test_other_forms();
    test_reuse();
    test_growth();
    test_percent();
    test_punycode();
    return check_done();
}
