/* The Gregorian calendar, for all years that fit: moments in UTC and the seconds since
 * 1970-01-01 00:00:00 that they are, without leap seconds. */
#ifndef LF_HTTP_CALENDAR_H
#define LF_HTTP_CALENDAR_H

#include <stdint.h>

struct lf_moment {
    int year, month, day; /* month from 0, day from 1 */
    int hour, minute, second;
};

int lf_days_in_month(int year, int month);

/* A day behind its month's last runs into the next. */
int64_t lf_moment_epoch(const struct lf_moment *m);

/* The moment, brought into the years 0 to 9999, and the day of the week from Sunday. */
struct lf_moment lf_moment_of(int64_t epoch, int *weekday);

#endif
