/* Content types: what browsers make of them. The public rows are in
 * tests/conformance/mimesniff.lua. */
#include "http/ctype.h"

#include "check.h"

static struct lf_ctype type;
static struct lf_buf text;

/* Read and written again; NULL: no content type. */
static const char *again_n(const char *s, size_t n)
{
    lf_buf_reset(&text);
    enum lf_err err = lf_ctype_parse(&type, s, n);
    if (err)
        return CHECK_INT(err, LF_EPARSE) ? NULL : "?";
    CHECK_INT(lf_ctype_serialize(&type, &text), LF_OK);
    return text.p;
}

static const char *again(const char *s)
{
    return again_n(s, strlen(s));
}

static const char *charset(const char *s)
{
    if (lf_ctype_parse(&type, s, strlen(s)) != LF_OK)
        return "no type";
    const struct lf_charset *found = lf_ctype_charset(&type);
    return found ? found->name : "none";
}

static void test_essence(void)
{
    CHECK_STR(again(" TEXT/Html\t"), "text/html");
    CHECK(lf_ctype_is(&type, "text/html") && !lf_ctype_is(&type, "text/htm"));
    CHECK_STR(again("text/html ; x"), "text/html");
    static const char *const bad[] = {
        "",          "/",          "text", "text/", "/html",  "a b/c",       "a/b c",
        "text/;x=y", "text /html", ";x=y", "*",     "a/b/c;", "t\xe9xt/html"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(again(bad[i]) == NULL);
        CHECK(type.essence.len == 0 && type.params.count == 0);
    }
    CHECK(again_n("text\0/html", 10) == NULL);
    CHECK(!lf_ctype_is(&type, "text/html") && lf_ctype_is(&type, ""));
}

static void test_params(void)
{
    CHECK_STR(again("a/b;X=Y;x=z; y"), "a/b;x=Y");
    CHECK_STR(again("a/b;x=\"\""), "a/b;x=\"\"");
    CHECK_STR(again("a/b;x="), "a/b");
    CHECK_STR(again("a/b;x=\"a;b\\\"\";y=z"), "a/b;x=\"a;b\\\"\";y=z");
    CHECK_STR(again("a/b;x=\"open"), "a/b;x=open");
    CHECK_STR(again("a/b;x=\"open\\"), "a/b;x=\"open\\\\\"");
    CHECK_STR(again("a/b;x=\"y\"junk;z=1"), "a/b;x=y;z=1");
    CHECK_STR(again("a/b;;;=;=x;x==y"), "a/b;x=\"=y\"");
}

static void test_many(void)
{
    char s[8192] = "a/b";
    for (int i = 0; i < 500; i++)
        snprintf(s + strlen(s), sizeof s - strlen(s), ";p%d=x", i);
    CHECK(again(s) && type.params.count < 100 && type.params.count > 10);
}

static void test_charset(void)
{
    CHECK_STR(charset("text/html;charset=latin1"), "windows-1252");
    CHECK_STR(charset("text/html; charset=\" UTF8 \""), "UTF-8");
    CHECK_STR(charset("text/html;charset='utf-8'"), "none");
    CHECK_STR(charset("text/html"), "none");
    CHECK_STR(charset("charset=utf-8"), "no type");
}

static bool among(const char *value, const char *types)
{
    return lf_ctype_among(value, strlen(value), types);
}

static void test_among(void)
{
    CHECK(among("text/html", "text/html"));
    CHECK(among(" Text/HTML ;charset=x", "image/png , text/html"));
    CHECK(among("text/html", "text/*") && among("text/html", "*/*"));
    CHECK(!among("text/html", "text/plain, application/*"));
    CHECK(!among("text/htmlx", "text/html") && !among("text/htm", "text/html"));
    CHECK(!among("", "text/html") && !among("text/html", "") && !among("text", "text/*"));
    CHECK(!among("text/html", " , ,"));
}

int main(void)
{
    lf_ctype_init(&type);
    lf_buf_init(&text, LF_BUF_MAX);
    test_essence();
    test_params();
    test_many();
    test_charset();
    test_among();
    lf_ctype_free(&type);
    lf_buf_free(&text);
    return check_done();
}
