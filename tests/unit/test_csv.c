/* CSV by pieces: RFC 4180 and what others write, in any chopping; and quoting. */
#include "http/csv.h"

#include <stdint.h>
#include "check.h"

static struct lf_buf out;

static void show(const struct lf_csv_reader *r, size_t fields)
{
    for (size_t i = 0; i < fields; i++) {
        struct lf_span f = lf_csv_field(r, i);
        if (i == 0)
            lf_buf_addf(&out, "%s%zu:", out.len ? ";" : "", r->began);
        lf_buf_addf(&out, "%s%.*s", i ? "|" : "", (int)f.len, f.p);
    }
}

/* Records as "line:field|field", joined by ";", then "!" and what went wrong. */
static const char *read_pieces(const char *s, size_t n, size_t piece, bool strict)
{
    const struct lf_csv_conf conf = {',', strict, 64};
    struct lf_csv_reader r;
    enum lf_err err;
    lf_csv_reader_init(&r, &conf);
    lf_buf_reset(&out);
    lf_buf_adds(&out, "");
    for (size_t at = 0, fields; !(err = lf_csv_next(&r, &fields));) {
        show(&r, fields);
        if (fields)
            continue;
        if (r.ended)
            break;
        if (at < n)
            lf_csv_feed(&r, s + at, n - at < piece ? n - at : piece);
        else
            lf_csv_finish(&r);
        at += piece;
    }
    if (err)
        lf_buf_addf(&out, "!%s", r.why);
    lf_csv_reader_deinit(&r);
    return out.p;
}

static const char *read_as(const char *s, bool strict)
{
    static char first[1024];
    size_t n = strlen(s);
    snprintf(first, sizeof first, "%s", read_pieces(s, n, n ? n : 1, strict));
    for (size_t piece = 1; piece < 12; piece++)
        CHECK_STR(read_pieces(s, n, piece, strict), first);
    return first;
}

static const char *read_text(const char *s)
{
    return read_as(s, false);
}

static void test_records(void)
{
    CHECK_STR(read_text(""), "");
    CHECK_STR(read_text("a,b\n1,2\n"), "1:a|b;2:1|2");
    CHECK_STR(read_text("a,b\r\n1,2"), "1:a|b;2:1|2");
    CHECK_STR(read_text("a\rb\r\rc"), "1:a;2:b;4:c");
    CHECK_STR(read_text("\xef\xbb\xbf"
                        "a"),
              "1:a");
    CHECK_STR(read_text("\xef\xbb"), "1:\xef\xbb");
    CHECK_STR(read_text("\xef\xbb\xbf\"a\"\"b\""), "1:a\"b");
    CHECK_STR(read_text(",\n,,\n"), "1:|;2:||");
    CHECK_STR(read_text("\n\r\n a \n\"\"\n\n"), "3: a ;4:");
    CHECK_STR(read_text("\"a\nb\r\nc\rd\",e\nf"), "1:a\nb\r\nc\rd|e;5:f");
    CHECK_STR(read_text("\"a\r\",b\r\n\nc"), "1:a\r|b;4:c");
    CHECK_STR(read_text("\"\"\"\",\"a,b\""), "1:\"|a,b");
    CHECK_STR(read_text("a,"), "1:a|");
}

static void test_strictness(void)
{
    CHECK_STR(read_text("a\"b\"c,\"d\"e\"\n"), "1:a\"b\"c|de\"");
    CHECK_STR(read_as("x\ny,a\"b", true),
              "1:x!line 2: a quote in a field that does not begin with one");
    CHECK_STR(read_as("x\n\"a\" ,b", true), "1:x!line 2: text behind a closing quote");
    CHECK_STR(read_text("x\n\ny,\"a\nb\n"), "1:x!line 3: a quote that is never closed");
}

static void test_limits(void)
{
    char text[200];
    memset(text, 'x', sizeof text);
    memcpy(text, "a\nb\n\"", 5);
    CHECK_STR(read_pieces(text, sizeof text, 7, false),
              "1:a;2:b!the record of line 3 is too large");

    static char commas[LF_CSV_FIELDS + 1];
    memset(commas, ',', sizeof commas);
    CHECK_STR(read_pieces(commas, sizeof commas, 1000, false),
              "!the record of line 1 is too large");
}

static const char *write_field(const char *s, char delimiter)
{
    lf_buf_reset(&out);
    lf_buf_adds(&out, "");
    CHECK_INT(lf_csv_add(&out, s, strlen(s), delimiter), LF_OK);
    return out.p;
}

static void test_writing(void)
{
    CHECK_STR(write_field("plain text", ','), "plain text");
    CHECK_STR(write_field("", ','), "");
    CHECK_STR(write_field("a,b", ','), "\"a,b\"");
    CHECK_STR(write_field("a,b", ';'), "a,b");
    CHECK_STR(write_field("\"a\"", ','), "\"\"\"a\"\"\"");
    CHECK_STR(write_field("a\nb", ','), "\"a\nb\"");
    CHECK_STR(write_field("a\r", ','), "\"a\r\"");
    CHECK_STR(write_field(" a", ','), "\" a\"");
    CHECK_STR(write_field("a\t", ','), "\"a\t\"");
    CHECK_STR(write_field("\xef\xbb\xbf", ','), "\"\xef\xbb\xbf\"");
    CHECK_STR(write_field("x\xef\xbb\xbf", ','), "x\xef\xbb\xbf");
}

static void test_formula(void)
{
    static const char *const yes[] = {"=1+1", "+x", "-",    "@a",
                                      "\t=1", "\r", "-1-1", "+."};
    static const char *const no[] = {"", "a", "-1", "+1.5", "1", "'=1", " =1", "-.5"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        CHECK(lf_csv_is_formula(yes[i], strlen(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        CHECK(!lf_csv_is_formula(no[i], strlen(no[i])));
}

int main(void)
{
    lf_buf_init(&out, LF_BUF_MAX);
    test_records();
    test_strictness();
    test_limits();
    test_writing();
    test_formula();
    lf_buf_free(&out);
    return check_done();
}
