/* robots.txt: any bytes give rules; the answer is that of the rule it names, and what
 * follows the 500 KiB or stands in comments changes nothing.
 *
 * seeds: robots-google/robots-google-cases.json: url,robots
 * seed: /a%2fb\nUser-agent: luafetch\nDisallow: /\x2a.php$\nAllow: /a*b\nCrawl-delay: 1.5
 * seed: /x?y\nuser agent foo/1.0\ndisalow: /x\nSitemap: http://a.example/s.xml\n
 * size: 16384 */
#include <math.h>
#include "fuzz.h"
#include "http/robots.h"

static const struct lf_span agents[] = {{"luafetch", 8}, {"FooBot/2.1", 10}, {"", 0}};

struct answer {
    bool allowed;
    unsigned line; /* 0: no rule decided */
};

static struct answer ask(const struct lf_robots *r, struct lf_span agent,
                         struct lf_span url)
{
    struct answer a = {false, 0};
    const struct lf_robots_rule *rule = NULL;
    const char *why = NULL;
    enum lf_err err = lf_robots_check(r, agent, url, &a.allowed, &rule, &why);
    FUZZ_CHECK(err == LF_OK || (err == LF_EURL && why));
    if (err)
        return a;
    FUZZ_CHECK(rule ? rule->allow == a.allowed : a.allowed);
    if (rule) {
        FUZZ_CHECK(rule->line > 0);
        a.line = rule->line;
    }
    return a;
}

static void check_rest(const struct lf_robots *r, struct lf_span agent, struct fuzz text)
{
    double seconds;
    struct lf_span url;
    size_t n = 0;
    if (lf_robots_delay(r, agent, &seconds))
        FUZZ_CHECK(isfinite(seconds) && seconds >= 0);
    while (lf_robots_sitemap(r, n, &url)) {
        FUZZ_CHECK(url.len > 0 && url.len <= text.n);
        n++;
    }
    FUZZ_CHECK(n <= text.n);
    FUZZ_CHECK(ask(r, agent, (struct lf_span){"/robots.txt", 11}).allowed);
}

/* Of the text with a comment and a blank line around it the answer is the same. */
static void check_comment(const struct lf_robots *r, struct fuzz text, struct lf_span url)
{
    static const char before[] = "# a comment\n";
    size_t n = sizeof before - 1;
    struct lf_robots *again;
    char *more = malloc(n + text.n + 1);
    FUZZ_CHECK(more);
    memcpy(more, before, n);
    if (text.n)
        memcpy(more + n, text.p, text.n);
    FUZZ_CHECK(lf_robots_parse(more, n + text.n, &again) == LF_OK);
    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++) {
        struct answer a = ask(r, agents[i], url), b = ask(again, agents[i], url);
        FUZZ_CHECK(a.allowed == b.allowed && a.line + (a.line > 0) == b.line);
    }
    lf_robots_free(again);
    free(more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size}, first = {"", 0};
    struct lf_robots *r;
    fuzz_line(&in, &first);
    struct lf_span url = {first.p, first.n};
    char *text = fuzz_block(in);
    in.p = text;
    FUZZ_CHECK(lf_robots_parse(text, in.n, &r) == LF_OK);
    FUZZ_CHECK(lf_robots_size(r) < 4096 + 64 * in.n);
    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++) {
        ask(r, agents[i], url);
        check_rest(r, agents[i], in);
    }
    if (in.n < 3 || memcmp(in.p, "\xef\xbb\xbf", 3) != 0) /* a mark only at the front */
        check_comment(r, in, url);
    lf_robots_free(r);
    free(text);
    return 0;
}
