/* Bars are laid out from the right: the numbers always stand, the bar takes what the name
 * leaves, and a narrow terminal has none. */
#include "bind/bars.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAME_COLUMNS = 24, BAR_COLUMNS = 30, LEAST_BAR = 8, NUMBER = 32 };

/* "734 MB", "12.3 MB", "1.23 GB" */
static void human(double n, char out[static NUMBER])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    while (n >= 999.5 && unit + 1 < sizeof units / sizeof *units)
        n /= 1000, unit++;
    snprintf(out, NUMBER, "%.*f %s",
             unit == 0 || n >= 99.95 ? 0
             : n >= 9.995            ? 1
                                     : 2,
             n, units[unit]);
}

/* "0:07", "3:20", "1:02:09" */
static void clock_of(double seconds, char out[static NUMBER])
{
    unsigned long s = seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 1000000000ul;
    if (s >= 3600)
        snprintf(out, NUMBER, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, NUMBER, "%lu:%02lu", s / 60, s % 60);
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The file's own name, padded or cut to `columns` characters; control bytes would move
 * the cursor. */
static size_t put_name(char *out, const char *path, size_t columns)
{
    const char *slash = strrchr(path, '/'), *s = slash ? slash + 1 : path;
    size_t n = 0, used = 0;
    for (; *s && n < 4 * (size_t)NAME_COLUMNS; s++) {
        if (!continues(*s) && used++ == columns)
            break;
        out[n++] = (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s;
    }
    for (; used < columns; used++)
        out[n++] = ' ';
    return n;
}

static size_t put_bar(char *out, double part, size_t columns)
{
    size_t inside = columns - 2, full = (size_t)(part * (double)inside + 0.5);
    out[0] = '[';
    for (size_t i = 0; i < inside; i++)
        out[1 + i] = i + 1 < full || full == inside ? '=' : i + 1 == full ? '>' : ' ';
    out[columns - 1] = ']';
    return columns;
}

/* " 42 %  308 MB of 734 MB  12.3 MB/s  0:35" */
static size_t put_numbers(char *out, size_t room, const struct lf_download *d, double now)
{
    char have[NUMBER], all[NUMBER], fast[NUMBER], left[NUMBER];
    double took = now - d->started;
    double rate = took > 0 ? (double)(d->down - d->before) / took : 0;
    human((double)d->down, have);
    human(rate, fast);
    if (d->total == LF_BODY_UNKNOWN)
        return (size_t)snprintf(out, room, "  %s  %s/s", have, fast);
    human((double)d->total, all);
    double rest = d->total > d->down ? (double)(d->total - d->down) : 0;
    if (rate > 0)
        clock_of(rest / rate, left);
    else
        snprintf(left, sizeof left, "-:--");
    double part = d->total ? (double)(d->total - (uint64_t)rest) / (double)d->total : 1;
    return (size_t)snprintf(out, room, " %3d %%  %s of %s  %s/s  %s", (int)(part * 100),
                            have, all, fast, left);
}

size_t lf_bar_format(const struct lf_download *d, double now, size_t columns,
                     char out[static LF_BAR_ROOM])
{
    char numbers[5 * NUMBER];
    size_t used = put_numbers(numbers, sizeof numbers, d, now);
    if (used > columns)
        numbers[used = columns] = '\0';
    size_t room = columns - used;
    size_t name = room < NAME_COLUMNS ? room : NAME_COLUMNS;
    size_t n = put_name(out, d->path, name);
    size_t bar = room - name > BAR_COLUMNS ? BAR_COLUMNS : room - name;
    if (bar > LEAST_BAR && d->total != LF_BODY_UNKNOWN && d->total) {
        double part = (double)d->down / (double)d->total;
        out[n++] = ' ';
        n += put_bar(out + n, part < 1 ? part : 1, bar - 1);
    }
    memcpy(out + n, numbers, used);
    out[n + used] = '\0';
    return n + used;
}
