/* Charsets: labels, marks, Content-Type parameters, and bytes that are no text. */
#include "http/charset.h"

#include "check.h"

static void param(const char *value, const char *want)
{
    size_t n = 0;
    char got[64] = "";
    const char *p = lf_charset_param(value, strlen(value), &n);
    CHECK((p != NULL) == (want != NULL));
    if (!p || !want)
        return;
    snprintf(got, sizeof got, "%.*s", (int)n, p);
    CHECK_STR(got, want);
}

static void test_params(void)
{
    param("text/html", NULL);
    param("text/html; charset=utf-8", "utf-8");
    param("text/html;charset=utf-8;x=y", "utf-8");
    param("text/html;  CHARSET=\"a b\"; x", "a b");
    param("text/html; charset='x'", "x");
    param("text/html; charset=", NULL);
    param("text/html; charset=\"\"", NULL);
    param("text/html; charset=\"open", "open");
    param("text/html; a=\"; charset=no\"; charset=yes", "yes");
    param("text/html; a=\"\\\"; charset=no\"; charset=yes", "yes");
    param("text/html; xcharset=no", NULL);
    param("charset=no", NULL);
    param("", NULL);
    param(";charset=x y", "x");
}

static void mark(const char *p, size_t n, const char *label, size_t len)
{
    size_t got = 9;
    const char *s = lf_charset_bom(p, n, &got);
    CHECK_INT(got, len);
    if (label)
        CHECK_STR(s, label);
    else
        CHECK(s == NULL);
}

static void test_marks(void)
{
    mark("\xEF\xBB\xBFx", 4, "utf-8", 3);
    mark("\xFF\xFEx", 3, "utf-16le", 2);
    mark("\xFE\xFF", 2, "utf-16be", 2);
    mark("\xEF\xBB", 2, NULL, 0);
    mark("\xFF", 1, NULL, 0);
    mark("", 0, NULL, 0);
}

static void decode(const char *label, const char *s, size_t n, const char *want)
{
    struct lf_buf b;
    lf_buf_init(&b, 1 << 20);
    enum lf_err err = lf_charset_decode(label, strlen(label), s, n, &b);
    CHECK_INT(err, want ? LF_OK : LF_EDECODE);
    if (want)
        CHECK_STR(b.p ? b.p : "", want);
    lf_buf_free(&b);
}

static void test_decode(void)
{
    decode("ISO-8859-1", "\xe9\x80", 2, "é€");
    decode("windows-1251", "\xcf", 1, "П");
    decode("koi8-r", "\xd1", 1, "я");
    decode("shift_jis", "\x93\xfa", 2, "日");
    decode("gb2312", "\xc8\xd5", 2, "日");
    decode("euc-kr", "\xc0\xcf", 2, "일");
    decode("big5", "\xa4\xe9", 2, "日");
    decode("iso-2022-jp", "\x1b$BF|\x1b(B", 8, "日");
    decode("utf-16be", "\0a\xd8", 3, "a\xEF\xBF\xBD");
    decode("utf-16", "a\0\0\xd8", 4, "a\xEF\xBF\xBD");
    decode("euc-jp",
           "a\xff"
           "b",
           3,
           "a\xEF\xBF\xBD"
           "b");
    decode("euc-jp", "a\xc6", 2, "a\xEF\xBF\xBD");
    decode("latin1", "", 0, "");
    decode("utf-8", "a\xff\xe2\x82", 4, "a\xEF\xBF\xBD\xEF\xBF\xBD");
    decode("us-ascii", "\x80", 1, "€");
    decode(" Latin1\n", "\xe9", 1, "é");
    /* Held back by the converter, which waits for a point or an accent. */
    decode("windows-1255", "\xf9", 1, "ש");
    decode("windows-1258", "x\xe2", 2, "xâ");
    decode("cp850", "\x84", 1, "ä");
    decode("klingon", "x", 1, NULL);
    decode("", "x", 1, NULL);
    decode("utf-16//IGNORE", "x", 1, NULL);
    decode("a b", "x", 1, NULL);
    decode("0123456789012345678901234567890123456789x", "x", 1, NULL);
}

/* Longer than one step of the converter, with a sequence across its end. */
static void test_long(void)
{
    struct lf_buf in, out;
    lf_buf_init(&in, 1 << 20);
    lf_buf_init(&out, 1 << 20);
    for (int i = 0; i < 5000; i++)
        lf_buf_add(&in, "\x93\xfa", 2);
    CHECK_INT(lf_charset_decode("sjis", 4, in.p, in.len, &out), LF_OK);
    CHECK_INT(out.len, 15000);
    lf_buf_free(&out);
    lf_buf_init(&out, 100);
    CHECK_INT(lf_charset_decode("sjis", 4, in.p, in.len, &out), LF_ETOOLARGE);
    lf_buf_free(&out);
    lf_buf_free(&in);
}

static void test_nul(void)
{
    static const char *const labels[] = {"utf-8", "latin1", "koi8-r", "big5"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        struct lf_charset_reader r;
        char out[64];
        const struct lf_charset *charset = lf_charset_find(labels[i], strlen(labels[i]));
        lf_charset_reader_init(&r, charset, "a\0b", 3);
        CHECK(lf_charset_read(&r, out, sizeof out) == 3 && memcmp(out, "a\0b", 3) == 0);
        CHECK_INT(lf_charset_read(&r, out, sizeof out), 0);
        lf_charset_reader_deinit(&r);
        lf_charset_reader_init(&r, charset, "a\0b", 3);
        r.replace_nul = true;
        CHECK(lf_charset_read(&r, out, sizeof out) == 5 && memcmp(out,
                                                                  "a\xEF\xBF\xBD"
                                                                  "b",
                                                                  5) == 0);
        lf_charset_reader_deinit(&r);
    }
}

static void test_guess(void)
{
    CHECK(lf_charset_looks_utf8("", 0) && lf_charset_looks_utf8("a\0\xc3\xa9", 4));
    CHECK(lf_charset_looks_utf8("x\xe2\x82", 3));
    CHECK(!lf_charset_looks_utf8("\xe9 x", 3) && !lf_charset_looks_utf8("x\xff", 2));
    CHECK(!lf_charset_looks_utf8("\xe2\x28", 2));
}

int main(void)
{
    CHECK(lf_charset_is_utf8("UTF-8", 5) && lf_charset_is_utf8("utf8", 4));
    CHECK(!lf_charset_is_utf8("utf-16", 6) && !lf_charset_is_utf8("", 0));
    test_params();
    test_marks();
    test_decode();
    test_long();
    test_nul();
    test_guess();
    return check_done();
}
