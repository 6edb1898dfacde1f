/* Dates: the three forms of HTTP, what curl takes besides, the dates of cookies, and the
 * way back. */
#include "http/date.h"

#include "check.h"

static const int64_t NO = INT64_MIN;

static int64_t parse(const char *s)
{
    int64_t t;
    return lf_date_parse(s, strlen(s), &t) ? t : NO;
}

static int64_t cookie(const char *s)
{
    int64_t t;
    return lf_date_parse_cookie(s, strlen(s), &t) ? t : NO;
}

static void test_forms(void)
{
    const int64_t t = 784111777;
    CHECK_INT(parse("Sun, 06 Nov 1994 08:49:37 GMT"), t);
    CHECK_INT(parse("Sunday, 06-Nov-94 08:49:37 GMT"), t);
    CHECK_INT(parse("Sun Nov  6 08:49:37 1994"), t);
    CHECK_INT(parse("Sun, 06 Nov 1994 08:49:37 CET"), t - 3600);
    CHECK_INT(parse("Sun, 06 Nov 1994 08:49:37 -0130"), t + 5400);
    CHECK_INT(parse("06 Nov 1994 08:49:37 J"), NO);
    CHECK_INT(parse("1994 Nov 6"), t - 31777);
    CHECK_INT(parse("19941106 08:49"), t - 37);
    CHECK_INT(parse("01 Jan 70 00:00:00 GMT"), 0);
    CHECK_INT(parse("31 Dec 1969 23:59:59 GMT"), -1);
    CHECK_INT(parse("29 Feb 1900"), parse("1 Mar 1900"));
}

static void test_refused(void)
{
    static const char *const bad[] = {
        "",
        " ",
        "-1",
        "0",
        "Sun",
        "08:49:37",
        "1",
        "Nov 6",
        "6 Nov 1500",
        "6 Foo 1994",
        "99999999999999",
        "32 Nov 1994",
        "+",
        "-0400",
        "20111323",
        "20110023",
        "00000000",
        "6 Nov 12345678901",
        ":",
        "Nov Nov 94",
        "GMT GMT GMT",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(parse(bad[i]) == NO))
            printf("  %s\n", bad[i]);
    int64_t t;
    CHECK(!lf_date_parse("6 Nov 1994" + 10, 0, &t));
    CHECK(lf_date_parse("6 Nov 19941", 10, &t) && t == 784080000);
    CHECK(!lf_date_parse("6 Nov\0 1994 x", 13, &t));
}

static void test_cookie_dates(void)
{
    CHECK_INT(cookie("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    CHECK_INT(cookie("Sunday, 06-Nov-94 08:49:37 GMT-0500 (EST)"), 784111777);
    CHECK_INT(cookie("08:49:37 november 6th, 1994"), 784111777);
    CHECK_INT(cookie("6 Nov 69 0:0:0"), parse("6 Nov 2069"));
    CHECK_INT(cookie("6 Nov 70 0:0:0"), parse("6 Nov 1970"));
    CHECK_INT(cookie("29 Feb 2024 00:00:00"), parse("29 Feb 2024"));
    CHECK_INT(cookie("29 Feb 2023 00:00:00"), NO);
    CHECK_INT(cookie("6 Nov 1600 00:00:00"), NO);
    CHECK_INT(cookie("6 Nov 1994 24:00:00"), NO);
    CHECK_INT(cookie("6 Nov 1994 23:59:60"), NO);
    CHECK_INT(cookie("6 Nov 1994 08:49"), NO);
    CHECK_INT(cookie("6 Nov 1994"), NO);
    CHECK_INT(cookie("0 Nov 1994 0:0:0"), NO);
    CHECK_INT(cookie("6 Nov 19945 0:0:0"), NO);
    CHECK_INT(cookie(""), NO);
}

static void format(int64_t t, const char *want)
{
    char got[LF_DATE_LEN];
    lf_date_format(t, got);
    CHECK_STR(got, want);
}

static void test_format(void)
{
    format(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
    format(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    format(-1, "Wed, 31 Dec 1969 23:59:59 GMT");
    format(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    format(253402300799, "Fri, 31 Dec 9999 23:59:59 GMT");
    format(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
    format(INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT");
}

/* Every day of eight centuries and what the two readers make of it. */
static void test_there_and_back(void)
{
    char text[LF_DATE_LEN];
    int64_t got, bad = 0;
    for (int64_t day = -130000; day < 160000; day++) {
        int64_t t = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        lf_date_format(t, text);
        bad += !lf_date_parse(text, strlen(text), &got) || got != t;
        bad += !lf_date_parse_cookie(text, strlen(text), &got) || got != t;
    }
    CHECK_INT(bad, 0);
}

int main(void)
{
    test_forms();
    test_refused();
    test_cookie_dates();
    test_format();
    test_there_and_back();
    return check_done();
}
