/* Dates of ISO 8601, strictly: every number has its digits and its range. */
#include <stdio.h>
#include <string.h>
#include "http/calendar.h"
#include "http/date.h"

struct scan {
    const char *at, *end;
};

static bool take(struct scan *s, const char *any)
{
    if (s->at == s->end || !*s->at || !strchr(any, *s->at))
        return false;
    s->at++;
    return true;
}

/* So many digits that make a number from least to most. */
static bool take_number(struct scan *s, int digits, int least, int most, int *out)
{
    if (s->end - s->at < digits)
        return false;
    *out = 0;
    for (int i = 0; i < digits; i++, s->at++) {
        if (*s->at < '0' || *s->at > '9')
            return false;
        *out = *out * 10 + (*s->at - '0');
    }
    return *out >= least && *out <= most;
}

static bool at_digit(const struct scan *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static bool take_date(struct scan *s, struct lf_moment *m)
{
    m->month = m->day = 1;
    if (!take_number(s, 4, 0, 9999, &m->year))
        return false;
    bool dashed = take(s, "-");
    if (!dashed && !at_digit(s)) /* a year alone */
        return m->month-- > 0;
    if (!take_number(s, 2, 1, 12, &m->month))
        return false;
    m->month--;
    if (dashed && !take(s, "-")) /* a month; without dashes it would look like a time */
        return true;
    return take_number(s, 2, 1, lf_days_in_month(m->year, m->month), &m->day);
}

static bool take_fraction(struct scan *s, int *nanos)
{
    if (!take(s, ".,"))
        return true;
    if (!at_digit(s))
        return false;
    for (int unit = 100000000; at_digit(s); s->at++, unit /= 10)
        *nanos += (*s->at - '0') * unit;
    return true;
}

/* 24:00 is the end of the day; a leap second is the first of the next minute. */
static bool take_time(struct scan *s, struct lf_moment *m, int *nanos)
{
    if (!take_number(s, 2, 0, 24, &m->hour))
        return false;
    bool colon = take(s, ":");
    if (!take_number(s, 2, 0, 59, &m->minute))
        return false;
    bool seconds = colon ? take(s, ":") : at_digit(s);
    if (seconds && (!take_number(s, 2, 0, 60, &m->second) || !take_fraction(s, nanos)))
        return false;
    return m->hour < 24 || (!m->minute && !m->second && !*nanos);
}

static bool take_zone(struct scan *s, int *seconds)
{
    int hours, minutes = 0;
    if (s->at == s->end || take(s, "Zz"))
        return true;
    bool east = *s->at == '+';
    if (!take(s, "+-") || !take_number(s, 2, 0, 23, &hours))
        return false;
    bool colon = take(s, ":");
    if ((colon || at_digit(s)) && !take_number(s, 2, 0, 59, &minutes))
        return false;
    *seconds = (hours * 60 + minutes) * (east ? -60 : 60);
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool lf_date_parse_iso(const char *s, size_t n, int64_t *epoch, int *nanos)
{
    struct scan scan = {s, s + n};
    struct lf_moment m = {0};
    int zone = 0;
    *nanos = 0;
    while (scan.at < scan.end && is_blank(*scan.at))
        scan.at++;
    while (scan.end > scan.at && is_blank(scan.end[-1]))
        scan.end--;
    if (!take_date(&scan, &m))
        return false;
    if (take(&scan, "Tt ")) {
        if (!take_time(&scan, &m, nanos))
            return false;
        while (take(&scan, " "))
            ;
        if (!take_zone(&scan, &zone))
            return false;
    }
    *epoch = lf_moment_epoch(&m) + zone;
    return scan.at == scan.end;
}

/* The remainders tell the compiler what fits. */
void lf_date_format_iso(int64_t epoch, int millis, char out[LF_DATE_ISO_LEN])
{
    int weekday;
    struct lf_moment m = lf_moment_of(epoch, &weekday);
    int n = snprintf(out, LF_DATE_ISO_LEN, "%04u-%02u-%02uT%02u:%02u:%02u",
                     (unsigned)m.year % 10000, (unsigned)(m.month + 1) % 100,
                     (unsigned)m.day % 100, (unsigned)m.hour % 100,
                     (unsigned)m.minute % 100, (unsigned)m.second % 100);
    if (millis < 0)
        memcpy(out + n, "Z", 2);
    else
        snprintf(out + n, LF_DATE_ISO_LEN - (size_t)n, ".%03uZ", (unsigned)millis % 1000);
}
