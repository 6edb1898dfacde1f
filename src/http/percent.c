/* Percent-encoding by one table of sets. */
#include "http/percent.h"

#include <string.h>

enum {
    FORM = LF_PERCENT_FORM,
    RES = LF_PERCENT_RESERVED | FORM,
    COMP = LF_PERCENT_COMPONENT | RES,
    USER = LF_PERCENT_USERINFO | COMP,
    PATH = LF_PERCENT_PATH | USER,
    SQ = LF_PERCENT_SPECIAL_QUERY,
    QUERY = LF_PERCENT_QUERY | SQ | PATH,
    FRAG = LF_PERCENT_FRAGMENT,
    ALL = LF_PERCENT_C0 | FRAG | QUERY,
};

/* From `component` outwards each set holds the one before it, but the fragment's set
 * lacks
 * '#' and the query's lacks '`', and the two sets beyond the standard's component set
 * differ in '*' and '~'. */
const uint16_t lf_percent_sets[256] = {
    [0x00 ... 0x1f] = ALL,
    [0x7f ... 0xff] = ALL,
    [' '] = FRAG | QUERY,
    ['"'] = FRAG | QUERY,
    ['<'] = FRAG | QUERY,
    ['>'] = FRAG | QUERY,
    ['#'] = QUERY,
    ['`'] = FRAG | PATH,
    ['?'] = PATH,
    ['^'] = PATH,
    ['{'] = PATH,
    ['}'] = PATH,
    ['/'] = USER,
    [':'] = USER,
    [';'] = USER,
    ['='] = USER,
    ['@'] = USER,
    ['['] = USER,
    ['\\'] = USER,
    [']'] = USER,
    ['|'] = USER,
    ['$'] = COMP,
    ['%'] = COMP,
    ['&'] = COMP,
    ['+'] = COMP,
    [','] = COMP,
    ['\''] = SQ | RES,
    ['!'] = RES,
    ['('] = RES,
    [')'] = RES,
    ['*'] = LF_PERCENT_RESERVED,
    ['~'] = FORM,
};

static const char hex[] = "0123456789ABCDEF";

char *lf_percent_put_escape(char *w, unsigned char c)
{
    *w++ = '%';
    *w++ = hex[c >> 4];
    *w++ = hex[c & 15];
    return w;
}

static int digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *lf_percent_put(char *w, const char *s, size_t n, enum lf_percent_set set)
{
    for (const char *end = s + n; s < end; s++) {
        unsigned char c = (unsigned char)*s;
        if (!(lf_percent_sets[c] & set)) {
            *w++ = (char)c;
            continue;
        }
        w = lf_percent_put_escape(w, c);
    }
    return w;
}

enum lf_err lf_percent_encode(struct lf_buf *out, const char *s, size_t n,
                              enum lf_percent_set set)
{
    size_t more = n;
    for (size_t i = 0; i < n; i++)
        more += lf_percent_sets[(unsigned char)s[i]] & set ? 2 : 0;
    enum lf_err err = lf_buf_reserve(out, more);
    if (err)
        return err;
    char *w = lf_percent_put(out->p + out->len, s, n, set);
    *w = '\0';
    out->len = (size_t)(w - out->p);
    return LF_OK;
}

int lf_percent_byte(const char *s, const char *end)
{
    if (end - s < 3 || s[0] != '%')
        return -1;
    int hi = digit((unsigned char)s[1]), lo = digit((unsigned char)s[2]);
    return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

static enum lf_err decode(struct lf_buf *out, const char *s, size_t n, bool plus)
{
    enum lf_err err = lf_buf_reserve(out, n);
    if (err)
        return err;
    char *w = out->p + out->len;
    const char *end = s + n;
    while (s < end) {
        int byte = lf_percent_byte(s, end);
        if (byte >= 0)
            *w++ = (char)byte;
        else
            *w++ = plus && *s == '+' ? ' ' : *s;
        s += byte >= 0 ? 3 : 1;
    }
    *w = '\0';
    out->len = (size_t)(w - out->p);
    return LF_OK;
}

enum lf_err lf_percent_decode(struct lf_buf *out, const char *s, size_t n)
{
    return decode(out, s, n, false);
}

enum lf_err lf_form_encode(struct lf_buf *out, const char *s, size_t n)
{
    size_t from = out->len;
    enum lf_err err = lf_percent_encode(out, s, n, LF_PERCENT_FORM);
    if (err)
        return err;
    if (!n || !memchr(s, ' ', n))
        return LF_OK;
    char *w = out->p + from, *end = out->p + out->len;
    for (const char *r = w; r < end;) {
        bool space = lf_percent_byte(r, end) == ' ';
        *w++ = space ? '+' : *r;
        r += space ? 3 : 1;
    }
    *w = '\0';
    out->len = (size_t)(w - out->p);
    return LF_OK;
}

enum lf_err lf_form_decode(struct lf_buf *out, const char *s, size_t n)
{
    return decode(out, s, n, true);
}

bool lf_form_next(const char **s, const char *end, struct lf_form_pair *pair)
{
    while (*s < end && **s == '&')
        ++*s;
    if (*s >= end)
        return false;
    const char *stop = memchr(*s, '&', (size_t)(end - *s));
    if (!stop)
        stop = end;
    const char *eq = memchr(*s, '=', (size_t)(stop - *s));
    *pair = (struct lf_form_pair){
        .name = *s,
        .name_len = (size_t)((eq ? eq : stop) - *s),
        .value = eq ? eq + 1 : stop,
        .value_len = eq ? (size_t)(stop - eq - 1) : 0,
    };
    *s = stop;
    return true;
}
