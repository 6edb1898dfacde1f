/* Dates of HTTP. Both readers are tolerant scanners over parts in any order; they share
 * names and numbers, not the rules. No locale and no time zone of the
 * machine comes near. */
#include "http/date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "http/calendar.h"

#define MISSING (-1)

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const long_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
enum { MONTHS = 12, DAYS = 7 };

struct scan {
    const char *start, *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
    return is_digit(c) || is_letter(c);
}

static int find_name(const char *const *names, int count, const char *s, size_t n)
{
    for (int i = 0; i < count; i++)
        if (strlen(names[i]) == n && strncasecmp(names[i], s, n) == 0)
            return i;
    return MISSING;
}

/* At most `most` digits; their number is returned. */
static int take_digits(struct scan *s, int most, int *value)
{
    int n = 0;
    *value = 0;
    for (; n < most && s->at < s->end && is_digit(*s->at); n++)
        *value = *value * 10 + (*s->at++ - '0');
    return n;
}

static bool take_colon(struct scan *s)
{
    if (s->end - s->at < 2 || *s->at != ':' || !is_digit(s->at[1]))
        return false;
    s->at++;
    return true;
}

/* --- what curl takes --- */

/* Minutes to add for UTC, by curl's table; the letters are the military zones. Case
 * matters: "cet" is none. */
static const struct {
    const char *name;
    int minutes;
} zones[] = {
    {"GMT", 0},    {"UT", 0},      {"UTC", 0},     {"WET", 0},     {"BST", -60},
    {"WAT", 60},   {"AST", 240},   {"ADT", 180},   {"EST", 300},   {"EDT", 240},
    {"CST", 360},  {"CDT", 300},   {"MST", 420},   {"MDT", 360},   {"PST", 480},
    {"PDT", 420},  {"YST", 540},   {"YDT", 480},   {"HST", 600},   {"HDT", 540},
    {"CAT", 600},  {"AHST", 600},  {"NT", 660},    {"IDLW", 720},  {"CET", -60},
    {"MET", -60},  {"MEWT", -60},  {"MEST", -120}, {"CEST", -120}, {"MESZ", -120},
    {"FWT", -60},  {"FST", -120},  {"EET", -120},  {"WAST", -420}, {"WADT", -480},
    {"CCT", -480}, {"JST", -540},  {"EAST", -600}, {"EADT", -660}, {"GST", -600},
    {"NZT", -720}, {"NZST", -720}, {"NZDT", -780}, {"IDLE", -720},
};

static bool letter_zone(char c, int *minutes)
{
    if (c < 'A' || c > 'Z' || c == 'J')
        return false;
    int hours = c == 'Z' ? 0 : c < 'J' ? -(c - 'A' + 1) : c < 'N' ? -(c - 'A') : c - 'M';
    *minutes = hours * 60;
    return true;
}

static bool find_zone(const char *s, size_t n, int *minutes)
{
    if (n == 1)
        return letter_zone(*s, minutes);
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (strlen(zones[i].name) == n && memcmp(zones[i].name, s, n) == 0) {
            *minutes = zones[i].minutes;
            return true;
        }
    }
    return false;
}

struct parts {
    struct lf_moment m; /* MISSING where nothing was said yet */
    int weekday;
    int zone; /* minutes to add */
    bool has_zone;
    bool day_tried; /* the next number is the year */
};

static bool take_word(struct parts *p, struct scan *s)
{
    const char *word = s->at;
    while (s->at < s->end && is_letter(*s->at))
        s->at++;
    size_t n = (size_t)(s->at - word);
    if (p->weekday == MISSING) {
        p->weekday =
            n == 3 ? find_name(days, DAYS, word, n) : find_name(long_days, DAYS, word, n);
        if (p->weekday != MISSING)
            return true;
    }
    if (p->m.month == MISSING) {
        p->m.month = find_name(months, MONTHS, word, n);
        if (p->m.month != MISSING)
            return true;
    }
    if (p->has_zone)
        return false;
    p->has_zone = find_zone(word, n, &p->zone);
    return p->has_zone;
}

/* "8:49:37" or "8:49" */
static bool take_time(struct parts *p, struct scan *s)
{
    struct scan t = *s;
    int hour, minute, second = 0;
    if (p->m.second != MISSING)
        return false;
    if (!take_digits(&t, 2, &hour) || hour > 23 || !take_colon(&t))
        return false;
    if (!take_digits(&t, 2, &minute) || minute > 59)
        return false;
    if (take_colon(&t) && (!take_digits(&t, 2, &second) || second > 60))
        return false;
    p->m.hour = hour;
    p->m.minute = minute;
    p->m.second = second;
    s->at = t.at;
    return true;
}

/* Four digits behind a sign, up to 14 hours: "+0530" */
static bool is_offset(const struct parts *p, const struct scan *s, const char *number,
                      int value)
{
    return !p->has_zone && s->at - number == 4 && value <= 1400 && number > s->start &&
           (number[-1] == '+' || number[-1] == '-');
}

static void set_offset(struct parts *p, bool east, int value)
{
    int minutes = value / 100 * 60 + value % 100;
    p->zone = east ? -minutes : minutes;
    p->has_zone = true;
}

/* A number is the day when it can be one and none is known, else the year. */
static bool set_day_or_year(struct parts *p, int value)
{
    if (!p->day_tried && p->m.day == MISSING) {
        p->day_tried = true;
        if (value > 0 && value < 32) {
            p->m.day = value;
            return true;
        }
    }
    if (!p->day_tried || p->m.year != MISSING)
        return false;
    p->m.year = value >= 100 ? value : value < 70 ? value + 2000 : value + 1900;
    if (p->m.day == MISSING)
        p->day_tried = false;
    return true;
}

static bool take_number(struct parts *p, struct scan *s)
{
    enum { MOST = 9 };
    const char *number = s->at;
    int value;
    if (take_time(p, s))
        return true;
    while (s->end - s->at > 1 && *s->at == '0' && is_digit(s->at[1]))
        s->at++;
    take_digits(s, MOST, &value);
    if (s->at < s->end && is_digit(*s->at))
        return false;
    if (is_offset(p, s, number, value)) {
        set_offset(p, number[-1] == '+', value);
        return true;
    }
    bool no_date = p->m.year == MISSING && p->m.month == MISSING && p->m.day == MISSING;
    if (s->at - number != 8 || !no_date)
        return set_day_or_year(p, value);
    p->m.year = value / 10000;
    p->m.month = value / 100 % 100 - 1;
    p->m.day = value % 100;
    return true;
}

/* Words beyond the sixth are not looked at: "… GMT-0400 (EDT)". */
static bool take_parts(struct parts *p, struct scan *s)
{
    enum { PARTS = 6 };
    for (int n = 0; n < PARTS; n++) {
        while (s->at < s->end && !is_alnum(*s->at))
            s->at++;
        if (s->at == s->end)
            return true;
        if (!(is_digit(*s->at) ? take_number(p, s) : take_word(p, s)))
            return false;
    }
    return true;
}

bool lf_date_parse(const char *s, size_t n, int64_t *epoch)
{
    enum { FIRST_GREGORIAN = 1583 };
    struct lf_moment none = {MISSING, MISSING, MISSING, MISSING, MISSING, MISSING};
    struct parts p = {.m = none, .weekday = MISSING};
    struct scan scan = {s, s, s + n};
    if (!take_parts(&p, &scan))
        return false;
    if (p.m.second == MISSING)
        p.m.hour = p.m.minute = p.m.second = 0;
    if (p.m.year < FIRST_GREGORIAN || p.m.month < 0 || p.m.month >= MONTHS)
        return false;
    if (p.m.day < 1 || p.m.day > 31)
        return false;
    *epoch = lf_moment_epoch(&p.m) + (int64_t)p.zone * 60;
    return true;
}

/* --- the dates of cookies --- */

static bool is_delimiter(char c)
{
    unsigned char u = (unsigned char)c;
    return u == 0x09 || (u >= 0x20 && u <= 0x2f) || (u >= 0x3b && u <= 0x40) ||
           (u >= 0x5b && u <= 0x60) || (u >= 0x7b && u <= 0x7e);
}

static bool ends_number(const struct scan *s)
{
    return s->at == s->end || !is_digit(*s->at);
}

static bool cookie_time(struct lf_moment *m, struct scan t)
{
    struct lf_moment got;
    if (m->second != MISSING)
        return false;
    if (!take_digits(&t, 2, &got.hour) || !take_colon(&t) ||
        !take_digits(&t, 2, &got.minute) || !take_colon(&t) ||
        !take_digits(&t, 2, &got.second) || !ends_number(&t))
        return false;
    m->hour = got.hour;
    m->minute = got.minute;
    m->second = got.second;
    return true;
}

static bool cookie_day(struct lf_moment *m, struct scan t)
{
    int value;
    if (m->day != MISSING || !take_digits(&t, 2, &value) || !ends_number(&t))
        return false;
    m->day = value;
    return true;
}

static bool cookie_month(struct lf_moment *m, struct scan t)
{
    if (m->month != MISSING || t.end - t.at < 3)
        return false;
    m->month = find_name(months, MONTHS, t.at, 3);
    return m->month != MISSING;
}

static bool cookie_year(struct lf_moment *m, struct scan t)
{
    int value;
    if (m->year != MISSING || take_digits(&t, 4, &value) < 2 || !ends_number(&t))
        return false;
    m->year = value < 70 ? value + 2000 : value < 100 ? value + 1900 : value;
    return true;
}

static bool is_cookie_date(const struct lf_moment *m)
{
    enum { FIRST_YEAR = 1601 };
    return m->year >= FIRST_YEAR && m->month != MISSING && m->day >= 1 &&
           m->day <= lf_days_in_month(m->year, m->month) && m->second != MISSING &&
           m->hour <= 23 && m->minute <= 59 && m->second <= 59;
}

bool lf_date_parse_cookie(const char *s, size_t n, int64_t *epoch)
{
    struct lf_moment m = {MISSING, MISSING, MISSING, MISSING, MISSING, MISSING};
    struct scan token = {s, s, s};
    const char *end = s + n;
    while (token.at < end) {
        token.end = token.at;
        while (token.end < end && !is_delimiter(*token.end))
            token.end++;
        if (token.end > token.at && !cookie_time(&m, token) && !cookie_day(&m, token) &&
            !cookie_month(&m, token))
            cookie_year(&m, token);
        token.at = token.end + 1;
    }
    if (!is_cookie_date(&m))
        return false;
    *epoch = lf_moment_epoch(&m);
    return true;
}

/* --- writing --- */

/* The remainders tell the compiler what fits. */
void lf_date_format(int64_t epoch, char out[LF_DATE_LEN])
{
    int weekday;
    struct lf_moment m = lf_moment_of(epoch, &weekday);
    snprintf(out, LF_DATE_LEN, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[weekday],
             (unsigned)m.day % 100, months[m.month], (unsigned)m.year % 10000,
             (unsigned)m.hour % 100, (unsigned)m.minute % 100, (unsigned)m.second % 100);
}
