/* Retry-After and the fields for rate limits: any header, at any time, gives either
 * nothing or seconds that one can wait.
 *
 * seed: Retry-After: 120
 * seed: Retry-After: Sun, 06 Nov 1994 08:50:37 GMT
 * seed: RateLimit-Remaining: 0\nRateLimit-Reset: 30
 * seed: RateLimit: limit=100, remaining=0, reset=50
 * seed: RateLimit: "default";r=0;t=30
 * seed: X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1700000000
 * size: 512 */
#include <math.h>
#include "fuzz.h"
#include "http/throttle.h"

typedef bool read_fn(const struct lf_headers *h, int64_t now, double *seconds);

static void check(read_fn *fn, const struct lf_headers *h, int64_t now)
{
    double seconds = -1, later = -1;
    if (!fn(h, now, &seconds)) {
        FUZZ_CHECK(!fn(h, now, &later));
        return;
    }
    FUZZ_CHECK(isfinite(seconds) && seconds >= 0);
    /* Who asks later waits no longer. */
    if (fn(h, now + 60, &later))
        FUZZ_CHECK(later <= seconds);
}

static void add_field(struct lf_headers *h, struct fuzz line)
{
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon)
        return;
    const char *value = colon + 1, *end = line.p + line.n;
    while (value < end && *value == ' ')
        value++;
    FUZZ_CHECK(lf_headers_add(h, line.p, (size_t)(colon - line.p), value,
                              (size_t)(end - value)) == LF_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times[] = {0, 784111777, 1700000000, 253402300799};
    struct fuzz in = {(const char *)data, size}, line;
    struct lf_headers h;
    lf_headers_init(&h);
    while (fuzz_line(&in, &line))
        add_field(&h, line);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        check(lf_retry_after, &h, times[i]);
        check(lf_rate_exhausted, &h, times[i]);
    }
    lf_headers_free(&h);
    return 0;
}
