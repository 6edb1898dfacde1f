/* Comparing paths with the patterns of robots.txt. */
#include "http/robots_path.h"

#include <string.h>
#include "http/percent.h"

static enum lf_err add_escape(struct lf_buf *out, unsigned char c)
{
    char escape[3];
    lf_percent_put_escape(escape, c);
    return lf_buf_add(out, escape, sizeof escape);
}

enum lf_err lf_robots_written(const char *s, size_t n, struct lf_buf *out)
{
    const char *end = s + n;
    enum lf_err err = LF_OK;
    while (!err && s < end) {
        int byte = *s == '%' ? lf_percent_byte(s, end) : -1;
        if (byte >= 0) {
            err = add_escape(out, (unsigned char)byte);
            s += 3;
            continue;
        }
        err = (unsigned char)*s < 0x80 ? lf_buf_addc(out, *s)
                                       : add_escape(out, (unsigned char)*s);
        s++;
    }
    return err;
}

/* RFC 3986 §2.3: needs no escape, and means the same with one. */
static bool is_unreserved(unsigned char c)
{
    return !(lf_percent_sets[c] & LF_PERCENT_RESERVED);
}

/* RFC 3986 §2.2, and '%' itself: stays as it is written. */
static bool is_reserved(unsigned char c)
{
    return c && strchr(":/?#[]@!$&'()*+,;=%", c);
}

enum lf_err lf_robots_plain(const char *s, size_t n, bool pattern, struct lf_buf *out)
{
    const char *end = s + n;
    enum lf_err err = LF_OK;
    while (!err && s < end) {
        int byte = *s == '%' ? lf_percent_byte(s, end) : -1;
        unsigned char c = byte >= 0 ? (unsigned char)byte : (unsigned char)*s;
        bool is_operator = pattern && (c == '*' || (c == '$' && s + 1 == end));
        bool raw = is_unreserved(c) || (byte < 0 && is_reserved(c));
        if (byte < 0 && (c == '*' || c == '$'))
            raw = is_operator;
        err = raw ? lf_buf_addc(out, (char)c) : add_escape(out, c);
        s += byte >= 0 ? 3 : 1;
    }
    return err;
}

/* Where the literal first stands at or after s, or NULL. memmem is linear. */
static const char *find(const char *s, const char *end, const char *literal, size_t n)
{
    return n ? memmem(s, (size_t)(end - s), literal, n) : s;
}

/* The first literal is bound to the beginning; each next one is taken where it comes
 * first, which leaves the most for those behind it. */
bool lf_robots_match(const char *pattern, size_t pattern_len, const char *path,
                     size_t path_len, bool whole)
{
    const char *p = pattern, *p_end = pattern + pattern_len;
    const char *s = path, *end = path + path_len;
    bool anchored = pattern_len && p_end[-1] == '$', bound = true;
    p_end -= anchored;
    for (;;) {
        const char *star = memchr(p, '*', (size_t)(p_end - p));
        size_t n = (size_t)((star ? star : p_end) - p);
        if (n > (size_t)(end - s))
            return false;
        if (!star && anchored && !bound)
            return whole && memcmp(end - n, p, n) == 0;
        const char *at = bound ? (memcmp(s, p, n) == 0 ? s : NULL) : find(s, end, p, n);
        if (!at)
            return false;
        s = at + n;
        if (!star)
            return !anchored || (whole && s == end);
        p = star + 1;
        bound = false;
    }
}
