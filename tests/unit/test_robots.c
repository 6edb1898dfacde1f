/* robots.txt: the examples of RFC 9309, matching, and what hostile files may cost. */
#include "http/robots.h"

#include <stdlib.h>
#include "base/clock.h"
#include "check.h"
#include "http/robots_path.h"

static struct lf_span span(const char *s)
{
    return (struct lf_span){s, strlen(s)};
}

/* "+3": allowed by the rule of line 3; "-3": forbidden by it; "+": by none. */
static const char *ask_n(const char *text, size_t n, const char *agent, const char *url)
{
    static char out[32];
    struct lf_robots *r;
    const struct lf_robots_rule *rule;
    const char *why;
    bool allowed;
    CHECK_INT(lf_robots_parse(text, n, &r), LF_OK);
    enum lf_err err = lf_robots_check(r, span(agent), span(url), &allowed, &rule, &why);
    snprintf(out, sizeof out, rule ? "%s%u" : "%s", allowed ? "+" : "-",
             rule ? rule->line : 0);
    lf_robots_free(r);
    return err ? lf_err_name(err) : out;
}

static const char *ask(const char *text, const char *agent, const char *url)
{
    return ask_n(text, strlen(text), agent, url);
}

static bool match(const char *pattern, const char *path)
{
    return lf_robots_match(pattern, strlen(pattern), path, strlen(path), true);
}

static void test_match(void)
{
    CHECK(match("", "/") && match("/", "/x") && match("*", "/") && match("$", ""));
    CHECK(match("/a*c$", "/abc") && match("/a*c$", "/acc") && !match("/a*c$", "/acd"));
    CHECK(match("/a**c", "/abxc") && match("*b", "/ab") && !match("*bb", "/ab"));
    CHECK(match("/*.php$", "/a.php.php") && !match("/*.php$", "/a.php5"));
    CHECK(match("/ab*ba$", "/abba") && !match("/ab*ba$", "/aba"));
    CHECK(match("/x$", "/x") && !match("/x$", "/x/") && !match("/x", "/"));
    CHECK(match("/a$b", "/a$b") && match("/*$", "/anything") && match("/a*$", "/a"));
    CHECK(!lf_robots_match("/*$", 3, "/cut", 4, false));
}

/* RFC 9309 §2.2.2 and §2.2.3, and where comparing as written says otherwise. */
static void test_escapes(void)
{
    static const char one[] = "User-agent: *\nDisallow: %s\n";
    static const struct {
        const char *path, *url, *answer;
    } rows[] = {
        {"/foo/bar?baz=quz", "https://a.example/foo/bar?baz=quz", "-2"},
        {"/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar",
         "-2"},
        {"/foo/bar/\xe3\x83\x84", "/foo/bar/%E3%83%84", "-2"},
        {"/foo/bar/\xe3\x83\x84", "/foo/bar/\xe3\x83\x84", "-2"},
        {"/foo/bar/%E3%83%84", "/foo/bar/%e3%83%84", "-2"},
        {"/foo/bar/%62%61%7A", "/foo/bar/baz", "-2"},
        {"/~joe/", "/%7Ejoe/index.html", "-2"},
        {"/%7ejoe/", "/~joe/index.html", "-2"},
        {"/a%3cd.html", "/a%3Cd.html", "-2"},
        {"/a%2fb.html", "/a/b.html", "+"},
        {"/a b", "/a%20b", "-2"},
        {"/path/file-with-a-%2A.html", "/path/file-with-a-*.html", "-2"},
        {"/path/foo-%24", "/path/foo-$", "-2"},
        {"/private/", "https://a.example/public/../private/x", "-2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        snprintf(text, sizeof text, one, rows[i].path);
        CHECK_STR(ask(text, "any", rows[i].url), rows[i].answer);
    }
    CHECK_STR(ask("User-agent: *\nDisallow: /\nAllow: /~joe/", "x", "/~joe/"), "+3");
    CHECK_STR(ask("User-agent: *\nDisallow: /\nAllow: /~joe/", "x", "/%7Ejoe/"), "-2");
    CHECK_STR(ask("User-agent: *\nDisallow: /", "x", "http://["), "url");
}

static void test_groups(void)
{
    static const char text[] =
        "User-agent: *\nDisallow: *.gif$\nDisallow: /example/\n"
        "Allow: /publications/\n\n"
        "User-agent: foobot\nDisallow:/\nAllow:/example/page.html\n"
        "Allow:/example/allowed.gif\n\n"
        "User-agent: barbot\nUser-agent: bazbot\n"
        "Disallow: /example/page.html\n\nUser-agent: quxbot\n";
    CHECK_STR(ask(text, "foobot", "http://e.example/example/page.html"), "+8");
    CHECK_STR(ask(text, "FooBot/2.1 (x)", "http://e.example/x"), "-7");
    CHECK_STR(ask(text, "bazbot", "http://e.example/example/page.html"), "-13");
    CHECK_STR(ask(text, "bazbot", "http://e.example/x.gif"), "+");
    CHECK_STR(ask(text, "quxbot", "http://e.example/example/"), "+");
    CHECK_STR(ask(text, "foo", "http://e.example/a/x.gif"), "-2");
    CHECK_STR(ask("User-agent: a\nDisallow: /1\nUser-agent: b\nDisallow: /2\n"
                  "User-agent: A\nDisallow: /3",
                  "a", "/3"),
              "-6");
    CHECK_STR(ask("\xef\xbb\xbfUser-agent: bot2000\r\rDisallow: /", "bot2000", "/"),
              "-3");
    CHECK_STR(ask("User-agent: *\r\nDisallow: /x # all of it\r\n", "b", "/x"), "-2");
    CHECK_STR(ask("Disallow: /\nUser-agent: *", "b", "/"), "+");
    CHECK_STR(ask("<html><body>Not found</body></html>", "b", "/"), "+");
}

static void test_delay(void)
{
    static const char text[] = "User-agent: a\nCrawl-delay: 2.5\nDisallow:\n"
                               "User-agent: *\nCrawl-delay: 10\nAllow: /\n"
                               "User-agent: c\nCrawl-delay: soon\nCrawl-delay: -1";
    struct lf_robots *r;
    struct lf_span url;
    double s;
    CHECK_INT(lf_robots_parse(text, sizeof text - 1, &r), LF_OK);
    CHECK(lf_robots_delay(r, span("A/1"), &s) && s == 2.5);
    CHECK(lf_robots_delay(r, span("b"), &s) && s == 10);
    CHECK(!lf_robots_delay(r, span("c"), &s));
    CHECK(!lf_robots_sitemap(r, 0, &url));
    lf_robots_free(r);
}

/* A line that the limit cuts is no rule, since its beginning could be a wider one. */
static void test_limits(void)
{
    size_t n = LF_ROBOTS_MAX + 100;
    char *text = malloc(n + 1);
    if (!text)
        return;
    memset(text, '#', n);
    memcpy(text, "User-agent: *\nDisallow: /a\n", 27);
    memcpy(text + LF_ROBOTS_MAX - 13, "\nDisallow: /bcd", 15);
    CHECK_STR(ask_n(text, n, "x", "/a"), "-2");
    CHECK_STR(ask_n(text, n, "x", "/bcd"), "+");
    free(text);
}

/* Repeat `item` up to the limit behind a first line; how long one question takes. */
static double cost(const char *first, const char *item, const char *url)
{
    size_t len = strlen(item), n = strlen(first);
    char *text = malloc(LF_ROBOTS_MAX + 1);
    if (!text)
        return 0;
    memcpy(text, first, n);
    for (; n + len <= LF_ROBOTS_MAX; n += len)
        memcpy(text + n, item, len);
    double begin = lf_clock_now();
    ask_n(text, n, "x", url);
    double took = lf_clock_now() - begin;
    free(text);
    return took;
}

static void test_cost(void)
{
    enum { LONG = 200000, BOUND = 10 }; /* seconds, under a sanitizer too */
    char *url = malloc(LONG + 1);
    if (!url)
        return;
    memset(url, 'a', LONG);
    url[0] = '/';
    url[LONG] = '\0';
    CHECK(cost("User-agent: x\n", "Allow:*ab\n", url) < BOUND);
    CHECK(cost("User-agent: x\n", "Allow:*a*a*a*a*a*a*a*a*a*a*a*b\n", url) < BOUND);
    CHECK(cost("Allow: ", "*a", url) < BOUND);
    CHECK(cost("", "User-agent: x\nUser-agent: y\n", url) < BOUND);
    CHECK(cost("", "User-agent: x\nAllow: /\n", url) < BOUND);
    CHECK(cost("User-agent: x\nDisallow: ", "%", url) < BOUND);
    CHECK(cost("", "\r", url) < BOUND);
    free(url);
}

/* RFC 9309 §2.2.2: implicitly allowed, and it alone. */
static void test_itself(void)
{
    static const char none[] = "User-agent: *\nDisallow: /\n";
    CHECK_STR(ask(none, "x", "https://a.example/robots.txt"), "+");
    CHECK_STR(ask(none, "x", "/robots.txt#top"), "+");
    CHECK_STR(ask(none, "x", "/%72obots.txt"), "+");
    CHECK_STR(ask(none, "x", "/robots.txt?x"), "-2");
    CHECK_STR(ask(none, "x", "/x/robots.txt"), "-2");
    CHECK_STR(ask(none, "x", "/robots.txt.bak"), "-2");
}

int main(void)
{
    test_itself();
    test_match();
    test_escapes();
    test_groups();
    test_delay();
    test_limits();
    test_cost();
    return check_done();
}
