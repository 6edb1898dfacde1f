/* Days and months. */
#include "http/calendar.h"

enum { DAYS = 7, DAY_SECONDS = 86400 };

/* Days from 1970-01-01 to the first of a month (0 to 11). The year is taken to begin in
 * March, so that the leap day comes last. */
static int64_t days_to_month(int64_t year, int month)
{
    int64_t y = month < 2 ? year - 1 : year;
    int64_t since_march = (month + 10) % 12;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t day = (153 * since_march + 2) / 5 + of_era * 365 + of_era / 4 - of_era / 100;
    return era * 146097 + day - 719468;
}

int lf_days_in_month(int year, int month)
{
    int64_t next =
        month == 11 ? days_to_month(year + 1, 0) : days_to_month(year, month + 1);
    return (int)(next - days_to_month(year, month));
}

int64_t lf_moment_epoch(const struct lf_moment *m)
{
    int64_t day = days_to_month(m->year, m->month) + m->day - 1;
    return ((day * 24 + m->hour) * 60 + m->minute) * 60 + m->second;
}

/* Year and month of a day since 1970; the rest is the day of the month, from 0. */
static int64_t split_days(int64_t day, struct lf_moment *m)
{
    m->year = (int)(1970 + (day < 0 ? day / 365 - 2 : day / 366));
    while (days_to_month(m->year + 1, 0) <= day)
        m->year++;
    m->month = 11;
    while (days_to_month(m->year, m->month) > day)
        m->month--;
    return day - days_to_month(m->year, m->month);
}

struct lf_moment lf_moment_of(int64_t epoch, int *weekday)
{
    const int64_t first = -62167219200, last = 253402300799; /* years 0 and 9999 */
    struct lf_moment m;
    epoch = epoch < first ? first : epoch > last ? last : epoch;
    int64_t day = epoch / DAY_SECONDS - (epoch % DAY_SECONDS < 0);
    int second = (int)(epoch - day * DAY_SECONDS);
    m.day = (int)split_days(day, &m) + 1;
    m.hour = second / 3600;
    m.minute = second / 60 % 60;
    m.second = second % 60;
    *weekday = (int)(((day + 4) % DAYS + DAYS) % DAYS);
    return m;
}
