/* Where a character set is said, and whole texts decoded by a label. */
#include "http/charset.h"

#include <string.h>
#include <strings.h>

bool lf_charset_is_utf8(const char *label, size_t n)
{
    return lf_charset_find(label, n) == lf_charset_utf8();
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

/* The name in a form that iconv may be asked with; false when it cannot be one. */
static bool iconv_name(const char *label, size_t n, char *name, size_t room)
{
    if (n == 0 || n >= room)
        return false;
    for (size_t i = 0; i < n; i++) {
        /* A '/' would be the start of an option such as //IGNORE. */
        if (label[i] <= 0x20 || label[i] >= 0x7f || label[i] == '/')
            return false;
        name[i] = label[i];
    }
    name[n] = '\0';
    return true;
}

static enum lf_err read_all(struct lf_charset_reader *r, struct lf_buf *out)
{
    char chunk[4096];
    enum lf_err err = LF_OK;
    for (size_t n; !err && (n = lf_charset_read(r, chunk, sizeof chunk)) > 0;)
        err = lf_buf_add(out, chunk, n);
    return err;
}

enum lf_err lf_charset_decode(const char *label, size_t label_len, const char *s,
                              size_t n, struct lf_buf *out)
{
    char name[41];
    struct lf_charset foreign = {name, name};
    struct lf_charset_reader reader;
    const struct lf_charset *charset = lf_charset_find(label, label_len);
    if (!charset && iconv_name(label, label_len, name, sizeof name))
        charset = &foreign;
    if (!charset)
        return LF_EDECODE;
    lf_charset_reader_init(&reader, charset, s, n);
    enum lf_err err = reader.charset == charset ? read_all(&reader, out) : LF_EDECODE;
    lf_charset_reader_deinit(&reader);
    return err;
}
