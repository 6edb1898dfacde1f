/* Reading Refresh: a whole number of seconds, and perhaps a URL behind it. */
#include "http/refresh.h"

#include <string.h>
#include <strings.h>

struct scan {
    const char *at, *end;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "5", or ".5", which is 0; a fraction is read over. */
static bool take_seconds(struct scan *s, double *seconds)
{
    *seconds = 0;
    if (s->at == s->end || (!is_digit(*s->at) && *s->at != '.'))
        return false;
    for (; s->at < s->end && is_digit(*s->at); s->at++)
        *seconds = *seconds * 10 + (*s->at - '0');
    while (s->at < s->end && (is_digit(*s->at) || *s->at == '.'))
        s->at++;
    return true;
}

/* "url=", which may be missing, as in "5; /next". */
static void skip_label(struct scan *s)
{
    struct scan t = *s;
    if (t.end - t.at < 4 || strncasecmp(t.at, "url", 3) != 0)
        return;
    t.at += 3;
    skip_space(&t);
    if (t.at == t.end || *t.at != '=')
        return;
    t.at++;
    skip_space(&t);
    *s = t;
}

static struct lf_span rest(struct scan *s)
{
    skip_label(s);
    if (s->at < s->end && (*s->at == '"' || *s->at == '\'')) {
        char quote = *s->at++;
        const char *close = memchr(s->at, quote, (size_t)(s->end - s->at));
        if (close)
            s->end = close;
    }
    return (struct lf_span){s->at, (size_t)(s->end - s->at)};
}

bool lf_refresh_parse(const char *p, size_t n, double *seconds, struct lf_span *url)
{
    struct scan s = {p, p + n};
    *url = (struct lf_span){NULL, 0};
    skip_space(&s);
    if (!take_seconds(&s, seconds))
        return false;
    if (s.at < s.end && *s.at != ';' && *s.at != ',' && !is_space(*s.at))
        return false;
    skip_space(&s);
    if (s.at < s.end && (*s.at == ';' || *s.at == ','))
        s.at++;
    skip_space(&s);
    if (s.at < s.end)
        *url = rest(&s);
    return true;
}
