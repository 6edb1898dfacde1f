/* Retry-After and the fields for rate limits: numbers, dates, rubbish. */
#include "http/throttle.h"

#include "check.h"

enum { NOW = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

typedef bool read_fn(const struct lf_headers *h, int64_t now, double *seconds);

/* What is read of these fields "Name: value\n…"; -1: nothing. */
static double read_fields(read_fn *fn, const char *fields, int64_t now)
{
    struct lf_headers h;
    double seconds = -1;
    lf_headers_init(&h);
    for (const char *at = fields, *eol; (eol = strchr(at, '\n')); at = eol + 1) {
        const char *colon = strchr(at, ':');
        lf_headers_add(&h, at, (size_t)(colon - at), colon + 2,
                       (size_t)(eol - colon - 2));
    }
    bool said = fn(&h, now, &seconds);
    lf_headers_free(&h);
    return said ? seconds : -1;
}

static double after(const char *value)
{
    char fields[200];
    snprintf(fields, sizeof fields, "Retry-After: %s\n", value);
    return read_fields(lf_retry_after, fields, NOW);
}

static void test_retry_after(void)
{
    CHECK(after("0") == 0);
    CHECK(after("120") == 120);
    CHECK(after("1.5") == 1.5);
    CHECK(after("Sun, 06 Nov 1994 08:50:37 GMT") == 60);
    CHECK(after("Sun, 06 Nov 1994 08:00:00 GMT") == 0); /* over already */
    CHECK(after("Fri, 31 Dec 9999 23:59:59 GMT") > 1e9);
    CHECK(after("99999999999999999999999999") >= 1e15);
    CHECK(after("-1") == -1);
    CHECK(after("-120") == -1);
    CHECK(after("soon") == -1);
    CHECK(after("") == -1);
    CHECK(after("5 minutes") == -1);
    CHECK(after("0x10") == -1);
    CHECK(read_fields(lf_retry_after, "Other: 5\n", NOW) == -1);
}

static double exhausted(const char *fields)
{
    return read_fields(lf_rate_exhausted, fields, NOW + 1000000000);
}

static void test_rate_fields(void)
{
    CHECK(exhausted("RateLimit-Remaining: 0\nRateLimit-Reset: 30\n") == 30);
    CHECK(exhausted("RateLimit-Remaining: 3\nRateLimit-Reset: 30\n") == -1);
    CHECK(exhausted("RateLimit-Remaining: 0\n") == -1);
    CHECK(exhausted("RateLimit: \"default\";r=0;t=25\n") == 25);
    CHECK(exhausted("RateLimit: \"default\";r=50;t=25\n") == -1);
    CHECK(exhausted("RateLimit: limit=100, remaining=0, reset=12\n") == 12);
    CHECK(exhausted("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 7\n") == 7);
    CHECK(exhausted("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1784111797\n") == 20);
    CHECK(exhausted("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1784111797000\n") ==
          20);
    CHECK(exhausted("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1000000001\n") == 0);
    CHECK(exhausted("X-Rate-Limit-Remaining: 0\nX-Rate-Limit-Reset: 9\n") == 9);
    CHECK(exhausted("X-RateLimit-Remaining: none\nX-RateLimit-Reset: 9\n") == -1);
    CHECK(exhausted("RateLimit: ;;;=,r=\n") == -1);
    CHECK(exhausted("RateLimit: r=0\n") == -1);
}

int main(void)
{
    test_retry_after();
    test_rate_fields();
    return check_done();
}
