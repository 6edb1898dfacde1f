/* What a document's own first bytes say of its character set: the prescan of HTML
 * §13.2.3.2, for its meta elements and for an XML declaration. */
#include "http/charset.h"

#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Browsers look at 1,024 bytes; pages with a long head of comments want more. */
#define PRESCAN 8192

struct scan {
    const char *at, *end;
};

struct span {
    const char *p;
    size_t n;
};

static bool span_is(struct span s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

static void skip_past(struct scan *s, const char *mark)
{
    const char *hit = memmem(s->at, (size_t)(s->end - s->at), mark, strlen(mark));
    s->at = hit ? hit + strlen(mark) : s->end;
}

static struct span take_until(struct scan *s, const char *stops)
{
    struct span out = {s->at, 0};
    while (s->at < s->end && !is_space(*s->at) && !(*s->at && strchr(stops, *s->at)))
        s->at++;
    out.n = (size_t)(s->at - out.p);
    return out;
}

static struct span take_value(struct scan *s)
{
    if (s->at < s->end && (*s->at == '"' || *s->at == '\'')) {
        char quote = *s->at++;
        struct span out = {s->at, 0};
        const char *close = memchr(s->at, quote, (size_t)(s->end - s->at));
        out.n = (size_t)((close ? close : s->end) - s->at);
        s->at = close ? close + 1 : s->end;
        return out;
    }
    return take_until(s, ">");
}

/* The next attribute of the tag the scan stands in. */
static bool next_attribute(struct scan *s, struct span *name, struct span *value)
{
    while (s->at < s->end && (is_space(*s->at) || *s->at == '/'))
        s->at++;
    if (s->at == s->end || *s->at == '>')
        return false;
    *value = (struct span){"", 0};
    *name = take_until(s, "/>=");
    if (!name->n && *s->at == '=')
        s->at++; /* a stray "=": no name, and no standing still */
    skip_space(s);
    if (s->at < s->end && *s->at == '=') {
        s->at++;
        skip_space(s);
        *value = take_value(s);
    }
    return true;
}

/* The prescan's own exceptions: what is written in ASCII bytes is no UTF-16, and a
 * charset that only scripts can read is windows-1252. */
static const struct lf_charset *declared(const char *label, size_t n)
{
    static const char user[] = "x-user-defined";
    struct span s = {label, n};
    while (s.n && is_space(*s.p))
        s.p++, s.n--;
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    if (span_is(s, user))
        return lf_charset_windows_1252();
    const struct lf_charset *found = lf_charset_find(s.p, s.n);
    return found && strncmp(found->name, "UTF-16", 6) == 0 ? lf_charset_utf8() : found;
}

/* "text/html; charset=utf-8" */
static const struct lf_charset *charset_of_content(struct span content)
{
    struct scan s = {content.p, content.p + content.n};
    for (; s.end - s.at > 7; s.at++) {
        if (strncasecmp(s.at, "charset", 7) != 0)
            continue;
        s.at += 7;
        skip_space(&s);
        if (s.at == s.end || *s.at != '=')
            continue;
        s.at++;
        skip_space(&s);
        struct span v = take_value(&s);
        const char *semi = memchr(v.p, ';', v.n);
        return declared(v.p, semi ? (size_t)(semi - v.p) : v.n);
    }
    return NULL;
}

static const struct lf_charset *charset_of_attributes(struct scan *s)
{
    const struct lf_charset *charset = NULL, *of_content = NULL;
    bool pragma = false;
    for (struct span name, value; next_attribute(s, &name, &value);) {
        if (span_is(name, "charset") && !charset)
            charset = declared(value.p, value.n);
        else if (span_is(name, "content") && !of_content)
            of_content = charset_of_content(value);
        else if (span_is(name, "http-equiv"))
            pragma = span_is(value, "content-type");
    }
    return charset ? charset : pragma ? of_content : NULL;
}

/* <?xml version="1.0" encoding="…"?>, which must be the very first bytes. */
static const struct lf_charset *charset_of_xml(struct scan s)
{
    static const char begin[] = "<?xml", key[] = "encoding";
    size_t n = (size_t)(s.end - s.at);
    if (n < sizeof begin || memcmp(s.at, begin, sizeof begin - 1) != 0)
        return NULL;
    const char *close = memchr(s.at, '>', n);
    s.end = close ? close : s.at;
    skip_past(&s, key);
    skip_space(&s);
    if (s.at == s.end || *s.at++ != '=')
        return NULL;
    skip_space(&s);
    if (s.at == s.end || (*s.at != '"' && *s.at != '\''))
        return NULL;
    struct span value = take_value(&s);
    return declared(value.p, value.n);
}

const struct lf_charset *lf_charset_of_document(const char *p, size_t n)
{
    struct scan s = {p, p + (n < PRESCAN ? n : PRESCAN)};
    const struct lf_charset *xml = charset_of_xml(s);
    struct span name, value;
    while ((s.at = memchr(s.at, '<', (size_t)(s.end - s.at))) && s.end - s.at > 5) {
        if (strncmp(s.at, "<!--", 4) == 0) {
            s.at += 2; /* "<!-->" is whole */
            skip_past(&s, "-->");
        } else if (strncasecmp(s.at, "<meta", 5) == 0 &&
                   (is_space(s.at[5]) || s.at[5] == '/')) {
            s.at += 5;
            const struct lf_charset *found = charset_of_attributes(&s);
            if (found)
                return found;
        } else if (s.at[1] == '/' || (lower(s.at[1]) >= 'a' && lower(s.at[1]) <= 'z')) {
            s.at++;
            take_until(&s, ">");
            while (next_attribute(&s, &name, &value))
                ;
        } else {
            s.at++;
        }
    }
    return xml;
}
