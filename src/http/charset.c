/* Charsets through iconv. */
#include "http/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

enum { LABEL_MAX = 40, CHUNK = 4096 };

/* Names on the web that mean more than what iconv takes them for. */
static const struct {
    const char *label, *means;
} supersets[] = {
    {"iso-8859-1", "WINDOWS-1252"},
    {"iso8859-1", "WINDOWS-1252"},
    {"iso_8859-1", "WINDOWS-1252"},
    {"latin1", "WINDOWS-1252"},
    {"l1", "WINDOWS-1252"},
    {"iso-8859-9", "WINDOWS-1254"},
    {"latin5", "WINDOWS-1254"},
    {"iso-8859-11", "WINDOWS-874"},
    {"tis-620", "WINDOWS-874"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"gb_2312-80", "GB18030"},
    {"shift_jis", "WINDOWS-31J"},
    {"shift-jis", "WINDOWS-31J"},
    {"sjis", "WINDOWS-31J"},
    {"x-sjis", "WINDOWS-31J"},
    {"euc-kr", "CP949"},
    {"ks_c_5601-1987", "CP949"},
    {"big5", "BIG5-HKSCS"},
    {"utf-16", "UTF-16LE"},
    {"x-cp1252", "WINDOWS-1252"},
    {"x-cp1251", "WINDOWS-1251"},
    {"x-mac-cyrillic", "MAC-CYRILLIC"},
};

static const char *const utf8_names[] = {"utf-8", "utf8", "unicode-1-1-utf-8", "us-ascii",
                                         "ascii"};

static bool same(const char *name, const char *s, size_t n)
{
    return strlen(name) == n && strncasecmp(name, s, n) == 0;
}

bool lf_charset_is_utf8(const char *label, size_t n)
{
    for (size_t i = 0; i < sizeof utf8_names / sizeof *utf8_names; i++)
        if (same(utf8_names[i], label, n))
            return true;
    return false;
}

const char *lf_charset_bom(const char *p, size_t n, size_t *len)
{
    static const struct {
        const char *mark, *label;
    } marks[] = {
        {"\xEF\xBB\xBF", "utf-8"}, {"\xFF\xFE", "utf-16le"}, {"\xFE\xFF", "utf-16be"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        *len = strlen(marks[i].mark);
        if (n >= *len && memcmp(p, marks[i].mark, *len) == 0)
            return marks[i].label;
    }
    *len = 0;
    return NULL;
}

static const char *skip_blank(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* Behind the next ';' that stands outside of quotes; end when there is none. */
static const char *next_param(const char *p, const char *end)
{
    bool quoted = false;
    for (; p < end; p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (*p == '\\' && quoted && p + 1 < end)
            p++;
        else if (*p == ';' && !quoted)
            return p + 1;
    }
    return end;
}

const char *lf_charset_param(const char *value, size_t n, size_t *len)
{
    static const char name[] = "charset=";
    const char *end = value + n;
    for (const char *p = next_param(value, end); p < end; p = next_param(p, end)) {
        p = skip_blank(p, end);
        if ((size_t)(end - p) < sizeof name - 1 ||
            strncasecmp(p, name, sizeof name - 1) != 0)
            continue;
        p += sizeof name - 1;
        const char *stops = "; \t";
        if (p < end && (*p == '"' || *p == '\'')) {
            stops = *p == '"' ? "\"" : "'";
            p++;
        }
        const char *q = p;
        while (q < end && *q && !strchr(stops, *q))
            q++;
        *len = (size_t)(q - p);
        return *len ? p : NULL;
    }
    return NULL;
}

/* An iconv descriptor for the label, or (iconv_t)-1. */
static iconv_t open_label(const char *label, size_t n)
{
    char name[LABEL_MAX + 1];
    if (n == 0 || n > LABEL_MAX)
        return (iconv_t)-1;
    for (size_t i = 0; i < sizeof supersets / sizeof *supersets; i++)
        if (same(supersets[i].label, label, n))
            return iconv_open("UTF-8", supersets[i].means);
    for (size_t i = 0; i < n; i++) {
        /* A '/' would be the start of an option such as //IGNORE. */
        if (label[i] <= 0x20 || label[i] >= 0x7f || label[i] == '/')
            return (iconv_t)-1;
        name[i] = label[i];
    }
    name[n] = '\0';
    return iconv_open("UTF-8", name);
}

static bool is_wide(const char *label, size_t n)
{
    return n >= 6 && strncasecmp(label, "utf-16", 6) == 0;
}

static enum lf_err convert(iconv_t cd, const char *s, size_t n, size_t unit,
                           struct lf_buf *out)
{
    char *in = (char *)s;
    char chunk[CHUNK];
    bool last = false;
    while (!last) {
        char *w = chunk;
        size_t room = sizeof chunk;
        /* The call without input writes what the converter still holds back. */
        last = n == 0;
        size_t r =
            last ? iconv(cd, NULL, NULL, &w, &room) : iconv(cd, &in, &n, &w, &room);
        int why = errno;
        enum lf_err err = lf_buf_add(out, chunk, (size_t)(w - chunk));
        if (err)
            return err;
        if (r != (size_t)-1 || why == E2BIG)
            continue;
        err = lf_buf_adds(out, "\xEF\xBF\xBD");
        if (err)
            return err;
        size_t skip = n < unit ? n : unit;
        in += skip;
        n -= skip;
    }
    return LF_OK;
}

enum lf_err lf_charset_decode(const char *label, size_t label_len, const char *s,
                              size_t n, struct lf_buf *out)
{
    iconv_t cd = open_label(label, label_len);
    if (cd == (iconv_t)-1)
        return LF_EDECODE;
    enum lf_err err = convert(cd, s, n, is_wide(label, label_len) ? 2 : 1, out);
    iconv_close(cd);
    return err;
}
