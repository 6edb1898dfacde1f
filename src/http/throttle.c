/* Reading what servers say about when to come back. */
#include "http/throttle.h"

#include <string.h>
#include "http/date.h"

#define TIMES_FROM 1e9  /* larger numbers are times, not durations … */
#define MILLI_FROM 1e12 /* … and these count milliseconds */
#define MOST       1e15

/* All of s is a number without a sign, perhaps with a fraction, perhaps with parameters
 * behind it (";w=60"). */
static bool number(const char *s, size_t n, double *out)
{
    double value = 0, unit = 1;
    size_t i = 0, digits = 0;
    for (; i < n && s[i] >= '0' && s[i] <= '9'; i++, digits++)
        value = value < MOST ? value * 10 + (s[i] - '0') : MOST;
    if (digits && i < n && s[i] == '.')
        for (i++; i < n && s[i] >= '0' && s[i] <= '9'; i++)
            value += (s[i] - '0') * (unit /= 10);
    while (i < n && (s[i] == ' ' || s[i] == '\t'))
        i++;
    *out = value;
    return digits && (i == n || s[i] == ';' || s[i] == ',');
}

bool lf_retry_after(const struct lf_headers *h, int64_t now, double *seconds)
{
    struct lf_header f;
    int64_t when;
    if (!lf_headers_get(h, "retry-after", &f))
        return false;
    if (number(f.value, f.value_len, seconds))
        return true;
    if (!f.value_len || f.value[0] == '-' || !lf_date_parse(f.value, f.value_len, &when))
        return false;
    *seconds = when > now ? (double)(when - now) : 0;
    return true;
}

/* ---- fields for rate limits ---- */

/* The number behind `key` ("r=", "remaining=") where a parameter may begin. */
static bool parameter(const struct lf_header *f, const char *key, double *out)
{
    size_t n = strlen(key);
    for (size_t i = 0; i + n < f->value_len; i++) {
        bool begins = i == 0 || strchr(" \t;,", f->value[i - 1]) != NULL;
        if (begins && memcmp(f->value + i, key, n) == 0)
            return number(f->value + i + n, f->value_len - i - n, out);
    }
    return false;
}

static bool field(const struct lf_headers *h, const char *name, double *out)
{
    struct lf_header f;
    return lf_headers_get(h, name, &f) && number(f.value, f.value_len, out);
}

static double until(double reset, int64_t now)
{
    if (reset < TIMES_FROM)
        return reset;
    if (reset >= MILLI_FROM)
        reset /= 1000;
    return reset > (double)now ? reset - (double)now : 0;
}

/* RateLimit: "default";r=0;t=30, or in older drafts limit=10, remaining=0, reset=30. */
static bool combined(const struct lf_headers *h, double *left, double *reset)
{
    struct lf_header f;
    if (!lf_headers_get(h, "ratelimit", &f))
        return false;
    return (parameter(&f, "r=", left) && parameter(&f, "t=", reset)) ||
           (parameter(&f, "remaining=", left) && parameter(&f, "reset=", reset));
}

bool lf_rate_exhausted(const struct lf_headers *h, int64_t now, double *seconds)
{
    double left, reset;
    bool said =
        combined(h, &left, &reset) ||
        (field(h, "ratelimit-remaining", &left) && field(h, "ratelimit-reset", &reset)) ||
        (field(h, "x-ratelimit-remaining", &left) &&
         field(h, "x-ratelimit-reset", &reset)) ||
        (field(h, "x-rate-limit-remaining", &left) &&
         field(h, "x-rate-limit-reset", &reset));
    if (!said || left >= 1)
        return false;
    *seconds = until(reset, now);
    return true;
}
