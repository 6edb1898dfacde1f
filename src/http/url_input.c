/* Trimming and cleaning of what is to be parsed as a URL. */
#include "http/url_input.h"

#include "http/percent.h"
#include "http/utf8.h"

unsigned lf_url_look_over(const char *s, size_t n)
{
    enum { SETS = LF_PERCENT_PATH | LF_PERCENT_SPECIAL_QUERY | LF_PERCENT_FRAGMENT };
    unsigned all = 0, bits = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        all |= c;
        bits |= lf_percent_sets[c];
        if (c == '\t' || c == '\n' || c == '\r')
            return LF_URL_UNCLEAN | LF_URL_ESCAPE;
    }
    return (all & 0x80 ? LF_URL_UNCLEAN : 0) | (bits & SETS ? LF_URL_ESCAPE : 0);
}

void lf_url_trim(const char **s, size_t *n)
{
    while (*n && (unsigned char)**s <= ' ')
        ++*s, --*n;
    while (*n && (unsigned char)(*s)[*n - 1] <= ' ')
        --*n;
}

enum lf_err lf_url_clean(struct lf_buf *to, const char *s, size_t n)
{
    enum lf_err err = lf_buf_reserve(to, n);
    const unsigned char *c = (const unsigned char *)s, *end = c + n;
    while (c < end && !err) {
        int len = lf_utf8_len(c, end);
        if (len < 0)
            err = lf_buf_adds(to, "\xef\xbf\xbd");
        else if (*c != '\t' && *c != '\n' && *c != '\r')
            err = lf_buf_add(to, c, (size_t)len);
        c += len < 0 ? -len : len;
    }
    return err;
}
