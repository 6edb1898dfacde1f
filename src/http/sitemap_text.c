/* References, CDATA and attributes in a sitemap. */
#include "http/sitemap_text.h"

#include <stdint.h>
#include <string.h>
#include "http/charset.h"
#include "http/utf8.h"

bool lf_sitemap_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct lf_span lf_sitemap_trim(const char *s, size_t n)
{
    while (n && lf_sitemap_is_space(*s))
        s++, n--;
    while (n && lf_sitemap_is_space(s[n - 1]))
        n--;
    return (struct lf_span){s, n};
}

enum lf_err lf_sitemap_escape(const char *s, size_t n, struct lf_buf *out)
{
    enum lf_err err = LF_OK;
    while (!err && n) {
        const char *amp = memchr(s, '&', n);
        size_t plain = amp ? (size_t)(amp - s) : n, step = plain + (amp != NULL);
        err = lf_buf_add(out, s, plain);
        if (!err && amp)
            err = lf_buf_adds(out, "&amp;");
        s += step;
        n -= step;
    }
    return err;
}

/* The character of "#38" or "#x26", or -1. */
static int32_t numeric(const char *s, size_t n)
{
    bool hex = n > 1 && (s[1] == 'x' || s[1] == 'X');
    int32_t value = 0;
    if (n < 2u + hex || n > 12)
        return -1;
    for (size_t i = 1 + hex; i < n; i++) {
        int letter = s[i] | 0x20;
        int digit = s[i] >= '0' && s[i] <= '9'              ? s[i] - '0'
                    : hex && letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
                                                            : -1;
        value = value * (hex ? 16 : 10) + digit;
        if (digit < 0 || value > 0x10ffff)
            return -1;
    }
    return value == 0 || (value >= 0xd800 && value <= 0xdfff) ? -1 : value;
}

static const struct {
    const char *name;
    char c;
} entities[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};

/* The reference named s[0..n], without '&' and ';'. */
static enum lf_err add_reference(const char *s, size_t n, struct lf_buf *out)
{
    char utf8[4];
    int32_t c = *s == '#' ? numeric(s, n) : -1;
    if (c >= 0)
        return lf_buf_add(out, utf8, lf_utf8_put(utf8, (uint32_t)c));
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (strlen(entities[i].name) == n && memcmp(entities[i].name, s, n) == 0)
            return lf_buf_addc(out, entities[i].c);
    return LF_OK;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '-' || c == '_' || c == '#';
}

/* The length of the reference at s, from '&' to ';', or 0. */
static size_t reference_len(const char *s, size_t n)
{
    enum { LONGEST = 64 };
    size_t i = 1;
    while (i < n && i < LONGEST && is_name(s[i]))
        i++;
    return i > 1 && i < n && s[i] == ';' ? i + 1 : 0;
}

enum lf_err lf_sitemap_unescape(const char *s, size_t n, const char *label,
                                struct lf_buf *out)
{
    struct lf_span t = lf_sitemap_trim(s, n);
    enum lf_err err = LF_OK;
    while (!err && t.len) {
        size_t ref = *t.p == '&' ? reference_len(t.p, t.len) : 0;
        if (ref) {
            err = add_reference(t.p + 1, ref - 2, out);
            t.p += ref;
            t.len -= ref;
            continue;
        }
        const char *amp = t.len > 1 ? memchr(t.p + 1, '&', t.len - 1) : NULL;
        size_t plain = amp ? (size_t)(amp - t.p) : t.len;
        err = lf_charset_decode(label, strlen(label), t.p, plain, out);
        t.p += plain;
        t.len -= plain;
    }
    return err;
}

static size_t skip_space(const char *s, size_t n, size_t i)
{
    while (i < n && lf_sitemap_is_space(s[i]))
        i++;
    return i;
}

/* name = "value": how far it goes, n at least when it is broken. */
static size_t attribute_at(const char *s, size_t n, size_t i, struct lf_span *name,
                           struct lf_span *value)
{
    size_t from = i;
    while (i < n && s[i] != '=' && !lf_sitemap_is_space(s[i]))
        i++;
    *name = (struct lf_span){s + from, i - from};
    i = skip_space(s, n, i);
    *value = (struct lf_span){NULL, 0};
    if (i == n || s[i] != '=')
        return i > from ? i : n;
    i = skip_space(s, n, i + 1);
    if (i == n || (s[i] != '"' && s[i] != '\''))
        return n;
    const char *end = memchr(s + i + 1, s[i], n - i - 1);
    if (!end)
        return n;
    *value = (struct lf_span){s + i + 1, (size_t)(end - s) - i - 1};
    return (size_t)(end - s) + 1;
}

struct lf_span lf_sitemap_attribute(const char *tag, size_t n, const char *name)
{
    struct lf_span found, value;
    size_t i = 0;
    while (i < n && !lf_sitemap_is_space(tag[i]))
        i++;
    while ((i = skip_space(tag, n, i)) < n) {
        i = attribute_at(tag, n, i, &found, &value);
        if (value.p && strlen(name) == found.len && !memcmp(found.p, name, found.len))
            return value;
    }
    return (struct lf_span){NULL, 0};
}
