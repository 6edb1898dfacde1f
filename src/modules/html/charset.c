/* Labels, detection and decoding of character sets. The label table is sorted; UTF-8 and
 * windows-1252, which are nearly all of the web, are decoded here, the rest by iconv. */
#include "modules/html/charset.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* clang-format off */
#define CHARSETS(X) \
    X(CS_UTF_8, "UTF-8", NULL) \
    X(CS_IBM866, "IBM866", "IBM866") \
    X(CS_ISO_8859_2, "ISO-8859-2", "ISO-8859-2") \
    X(CS_ISO_8859_3, "ISO-8859-3", "ISO-8859-3") \
    X(CS_ISO_8859_4, "ISO-8859-4", "ISO-8859-4") \
    X(CS_ISO_8859_5, "ISO-8859-5", "ISO-8859-5") \
    X(CS_ISO_8859_6, "ISO-8859-6", "ISO-8859-6") \
    X(CS_ISO_8859_7, "ISO-8859-7", "ISO-8859-7") \
    X(CS_ISO_8859_8, "ISO-8859-8", "ISO-8859-8") \
    X(CS_ISO_8859_8_I, "ISO-8859-8-I", "ISO-8859-8") \
    X(CS_ISO_8859_10, "ISO-8859-10", "ISO-8859-10") \
    X(CS_ISO_8859_13, "ISO-8859-13", "ISO-8859-13") \
    X(CS_ISO_8859_14, "ISO-8859-14", "ISO-8859-14") \
    X(CS_ISO_8859_15, "ISO-8859-15", "ISO-8859-15") \
    X(CS_ISO_8859_16, "ISO-8859-16", "ISO-8859-16") \
    X(CS_KOI8_R, "KOI8-R", "KOI8-R") \
    X(CS_KOI8_U, "KOI8-U", "KOI8-U") \
    X(CS_MACINTOSH, "macintosh", "MACINTOSH") \
    X(CS_WINDOWS_874, "windows-874", "CP874") \
    X(CS_WINDOWS_1250, "windows-1250", "CP1250") \
    X(CS_WINDOWS_1251, "windows-1251", "CP1251") \
    X(CS_WINDOWS_1252, "windows-1252", NULL) \
    X(CS_WINDOWS_1253, "windows-1253", "CP1253") \
    X(CS_WINDOWS_1254, "windows-1254", "CP1254") \
    X(CS_WINDOWS_1255, "windows-1255", "CP1255") \
    X(CS_WINDOWS_1256, "windows-1256", "CP1256") \
    X(CS_WINDOWS_1257, "windows-1257", "CP1257") \
    X(CS_WINDOWS_1258, "windows-1258", "CP1258") \
    X(CS_X_MAC_CYRILLIC, "x-mac-cyrillic", "MAC-CYRILLIC") \
    X(CS_GBK, "GBK", "GB18030") \
    X(CS_GB18030, "gb18030", "GB18030") \
    X(CS_BIG5, "Big5", "BIG5-HKSCS") \
    X(CS_EUC_JP, "EUC-JP", "EUC-JP-MS") \
    X(CS_ISO_2022_JP, "ISO-2022-JP", "ISO-2022-JP") \
    X(CS_SHIFT_JIS, "Shift_JIS", "CP932") \
    X(CS_EUC_KR, "EUC-KR", "CP949") \
    X(CS_UTF_16BE, "UTF-16BE", "UTF-16BE") \
    X(CS_UTF_16LE, "UTF-16LE", "UTF-16LE")

#define CS_ENUM(id, name, conv) id,
enum { CHARSETS(CS_ENUM) };
#undef CS_ENUM

static const struct label {
    const char *name;
    unsigned char charset;
} labels[] = {
    {"866", CS_IBM866}, {"ansi_x3.4-1968", CS_WINDOWS_1252}, {"arabic", CS_ISO_8859_6},
    {"ascii", CS_WINDOWS_1252}, {"asmo-708", CS_ISO_8859_6}, {"big5", CS_BIG5},
    {"big5-hkscs", CS_BIG5}, {"chinese", CS_GBK}, {"cn-big5", CS_BIG5},
    {"cp1250", CS_WINDOWS_1250}, {"cp1251", CS_WINDOWS_1251}, {"cp1252", CS_WINDOWS_1252},
    {"cp1253", CS_WINDOWS_1253}, {"cp1254", CS_WINDOWS_1254}, {"cp1255", CS_WINDOWS_1255},
    {"cp1256", CS_WINDOWS_1256}, {"cp1257", CS_WINDOWS_1257}, {"cp1258", CS_WINDOWS_1258},
    {"cp819", CS_WINDOWS_1252}, {"cp866", CS_IBM866}, {"csbig5", CS_BIG5},
    {"cseuckr", CS_EUC_KR}, {"cseucpkdfmtjapanese", CS_EUC_JP}, {"csgb2312", CS_GBK},
    {"csibm866", CS_IBM866}, {"csiso2022jp", CS_ISO_2022_JP}, {"csiso58gb231280", CS_GBK},
    {"csiso88596e", CS_ISO_8859_6}, {"csiso88596i", CS_ISO_8859_6},
    {"csiso88598e", CS_ISO_8859_8}, {"csiso88598i", CS_ISO_8859_8_I},
    {"csisolatin1", CS_WINDOWS_1252}, {"csisolatin2", CS_ISO_8859_2},
    {"csisolatin3", CS_ISO_8859_3}, {"csisolatin4", CS_ISO_8859_4},
    {"csisolatin5", CS_WINDOWS_1254}, {"csisolatin6", CS_ISO_8859_10},
    {"csisolatin9", CS_ISO_8859_15}, {"csisolatinarabic", CS_ISO_8859_6},
    {"csisolatincyrillic", CS_ISO_8859_5}, {"csisolatingreek", CS_ISO_8859_7},
    {"csisolatinhebrew", CS_ISO_8859_8}, {"cskoi8r", CS_KOI8_R},
    {"csksc56011987", CS_EUC_KR}, {"csmacintosh", CS_MACINTOSH},
    {"csshiftjis", CS_SHIFT_JIS}, {"csunicode", CS_UTF_16LE}, {"cyrillic", CS_ISO_8859_5},
    {"dos-874", CS_WINDOWS_874}, {"ecma-114", CS_ISO_8859_6}, {"ecma-118", CS_ISO_8859_7},
    {"elot_928", CS_ISO_8859_7}, {"euc-jp", CS_EUC_JP}, {"euc-kr", CS_EUC_KR},
    {"gb18030", CS_GB18030}, {"gb2312", CS_GBK}, {"gb_2312", CS_GBK},
    {"gb_2312-80", CS_GBK}, {"gbk", CS_GBK}, {"greek", CS_ISO_8859_7},
    {"greek8", CS_ISO_8859_7}, {"hebrew", CS_ISO_8859_8}, {"ibm819", CS_WINDOWS_1252},
    {"ibm866", CS_IBM866}, {"iso-10646-ucs-2", CS_UTF_16LE},
    {"iso-2022-jp", CS_ISO_2022_JP}, {"iso-8859-1", CS_WINDOWS_1252},
    {"iso-8859-10", CS_ISO_8859_10}, {"iso-8859-11", CS_WINDOWS_874},
    {"iso-8859-13", CS_ISO_8859_13}, {"iso-8859-14", CS_ISO_8859_14},
    {"iso-8859-15", CS_ISO_8859_15}, {"iso-8859-16", CS_ISO_8859_16},
    {"iso-8859-2", CS_ISO_8859_2}, {"iso-8859-3", CS_ISO_8859_3},
    {"iso-8859-4", CS_ISO_8859_4}, {"iso-8859-5", CS_ISO_8859_5},
    {"iso-8859-6", CS_ISO_8859_6}, {"iso-8859-6-e", CS_ISO_8859_6},
    {"iso-8859-6-i", CS_ISO_8859_6}, {"iso-8859-7", CS_ISO_8859_7},
    {"iso-8859-8", CS_ISO_8859_8}, {"iso-8859-8-e", CS_ISO_8859_8},
    {"iso-8859-8-i", CS_ISO_8859_8_I}, {"iso-8859-9", CS_WINDOWS_1254},
    {"iso-ir-100", CS_WINDOWS_1252}, {"iso-ir-101", CS_ISO_8859_2},
    {"iso-ir-109", CS_ISO_8859_3}, {"iso-ir-110", CS_ISO_8859_4},
    {"iso-ir-126", CS_ISO_8859_7}, {"iso-ir-127", CS_ISO_8859_6},
    {"iso-ir-138", CS_ISO_8859_8}, {"iso-ir-144", CS_ISO_8859_5},
    {"iso-ir-148", CS_WINDOWS_1254}, {"iso-ir-149", CS_EUC_KR},
    {"iso-ir-157", CS_ISO_8859_10}, {"iso-ir-58", CS_GBK}, {"iso8859-1", CS_WINDOWS_1252},
    {"iso8859-10", CS_ISO_8859_10}, {"iso8859-11", CS_WINDOWS_874},
    {"iso8859-13", CS_ISO_8859_13}, {"iso8859-14", CS_ISO_8859_14},
    {"iso8859-15", CS_ISO_8859_15}, {"iso8859-2", CS_ISO_8859_2},
    {"iso8859-3", CS_ISO_8859_3}, {"iso8859-4", CS_ISO_8859_4},
    {"iso8859-5", CS_ISO_8859_5}, {"iso8859-6", CS_ISO_8859_6},
    {"iso8859-7", CS_ISO_8859_7}, {"iso8859-8", CS_ISO_8859_8},
    {"iso8859-9", CS_WINDOWS_1254}, {"iso88591", CS_WINDOWS_1252},
    {"iso885910", CS_ISO_8859_10}, {"iso885911", CS_WINDOWS_874},
    {"iso885913", CS_ISO_8859_13}, {"iso885914", CS_ISO_8859_14},
    {"iso885915", CS_ISO_8859_15}, {"iso88592", CS_ISO_8859_2},
    {"iso88593", CS_ISO_8859_3}, {"iso88594", CS_ISO_8859_4}, {"iso88595", CS_ISO_8859_5},
    {"iso88596", CS_ISO_8859_6}, {"iso88597", CS_ISO_8859_7}, {"iso88598", CS_ISO_8859_8},
    {"iso88599", CS_WINDOWS_1254}, {"iso_8859-1", CS_WINDOWS_1252},
    {"iso_8859-15", CS_ISO_8859_15}, {"iso_8859-1:1987", CS_WINDOWS_1252},
    {"iso_8859-2", CS_ISO_8859_2}, {"iso_8859-2:1987", CS_ISO_8859_2},
    {"iso_8859-3", CS_ISO_8859_3}, {"iso_8859-3:1988", CS_ISO_8859_3},
    {"iso_8859-4", CS_ISO_8859_4}, {"iso_8859-4:1988", CS_ISO_8859_4},
    {"iso_8859-5", CS_ISO_8859_5}, {"iso_8859-5:1988", CS_ISO_8859_5},
    {"iso_8859-6", CS_ISO_8859_6}, {"iso_8859-6:1987", CS_ISO_8859_6},
    {"iso_8859-7", CS_ISO_8859_7}, {"iso_8859-7:1987", CS_ISO_8859_7},
    {"iso_8859-8", CS_ISO_8859_8}, {"iso_8859-8:1988", CS_ISO_8859_8},
    {"iso_8859-9", CS_WINDOWS_1254}, {"iso_8859-9:1989", CS_WINDOWS_1254},
    {"koi", CS_KOI8_R}, {"koi8", CS_KOI8_R}, {"koi8-r", CS_KOI8_R},
    {"koi8-ru", CS_KOI8_U}, {"koi8-u", CS_KOI8_U}, {"koi8_r", CS_KOI8_R},
    {"korean", CS_EUC_KR}, {"ks_c_5601-1987", CS_EUC_KR}, {"ks_c_5601-1989", CS_EUC_KR},
    {"ksc5601", CS_EUC_KR}, {"ksc_5601", CS_EUC_KR}, {"l1", CS_WINDOWS_1252},
    {"l2", CS_ISO_8859_2}, {"l3", CS_ISO_8859_3}, {"l4", CS_ISO_8859_4},
    {"l5", CS_WINDOWS_1254}, {"l6", CS_ISO_8859_10}, {"l9", CS_ISO_8859_15},
    {"latin1", CS_WINDOWS_1252}, {"latin2", CS_ISO_8859_2}, {"latin3", CS_ISO_8859_3},
    {"latin4", CS_ISO_8859_4}, {"latin5", CS_WINDOWS_1254}, {"latin6", CS_ISO_8859_10},
    {"logical", CS_ISO_8859_8_I}, {"mac", CS_MACINTOSH}, {"macintosh", CS_MACINTOSH},
    {"ms932", CS_SHIFT_JIS}, {"ms_kanji", CS_SHIFT_JIS}, {"shift-jis", CS_SHIFT_JIS},
    {"shift_jis", CS_SHIFT_JIS}, {"sjis", CS_SHIFT_JIS}, {"sun_eu_greek", CS_ISO_8859_7},
    {"tis-620", CS_WINDOWS_874}, {"ucs-2", CS_UTF_16LE}, {"unicode", CS_UTF_16LE},
    {"unicode-1-1-utf-8", CS_UTF_8}, {"unicode11utf8", CS_UTF_8},
    {"unicode20utf8", CS_UTF_8}, {"unicodefeff", CS_UTF_16LE},
    {"unicodefffe", CS_UTF_16BE}, {"us-ascii", CS_WINDOWS_1252}, {"utf-16", CS_UTF_16LE},
    {"utf-16be", CS_UTF_16BE}, {"utf-16le", CS_UTF_16LE}, {"utf-8", CS_UTF_8},
    {"utf8", CS_UTF_8}, {"visual", CS_ISO_8859_8}, {"windows-1250", CS_WINDOWS_1250},
    {"windows-1251", CS_WINDOWS_1251}, {"windows-1252", CS_WINDOWS_1252},
    {"windows-1253", CS_WINDOWS_1253}, {"windows-1254", CS_WINDOWS_1254},
    {"windows-1255", CS_WINDOWS_1255}, {"windows-1256", CS_WINDOWS_1256},
    {"windows-1257", CS_WINDOWS_1257}, {"windows-1258", CS_WINDOWS_1258},
    {"windows-31j", CS_SHIFT_JIS}, {"windows-874", CS_WINDOWS_874},
    {"windows-949", CS_EUC_KR}, {"x-cp1250", CS_WINDOWS_1250},
    {"x-cp1251", CS_WINDOWS_1251}, {"x-cp1252", CS_WINDOWS_1252},
    {"x-cp1253", CS_WINDOWS_1253}, {"x-cp1254", CS_WINDOWS_1254},
    {"x-cp1255", CS_WINDOWS_1255}, {"x-cp1256", CS_WINDOWS_1256},
    {"x-cp1257", CS_WINDOWS_1257}, {"x-cp1258", CS_WINDOWS_1258}, {"x-euc-jp", CS_EUC_JP},
    {"x-gbk", CS_GBK}, {"x-mac-cyrillic", CS_X_MAC_CYRILLIC},
    {"x-mac-roman", CS_MACINTOSH}, {"x-mac-ukrainian", CS_X_MAC_CYRILLIC},
    {"x-sjis", CS_SHIFT_JIS}, {"x-unicode20utf8", CS_UTF_8}, {"x-x-big5", CS_BIG5},
};
/* clang-format on */

#define CS_ROW(id, name, conv) [id] = {name, conv},
static const struct lf_charset charsets[] = {CHARSETS(CS_ROW)};
#undef CS_ROW

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int compare_label(const void *key, const void *row)
{
    return strcmp(key, ((const struct label *)row)->name);
}

const struct lf_charset *lf_charset_utf8(void)
{
    return &charsets[CS_UTF_8];
}

const struct lf_charset *lf_charset_find(const char *label, size_t n)
{
    char key[32];
    while (n && is_space(*label))
        label++, n--;
    while (n && is_space(label[n - 1]))
        n--;
    if (n >= sizeof key)
        return NULL;
    for (size_t i = 0; i < n; i++)
        key[i] = lower(label[i]);
    key[n] = '\0';
    const struct label *found = bsearch(key, labels, sizeof labels / sizeof *labels,
                                        sizeof *labels, compare_label);
    return found ? &charsets[found->charset] : NULL;
}

/* --- the prescan of HTML §13.2.3.2 --- */

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
        return lf_charset_find(v.p, semi ? (size_t)(semi - v.p) : v.n);
    }
    return NULL;
}

static const struct lf_charset *charset_of_attributes(struct scan *s)
{
    const struct lf_charset *charset = NULL, *of_content = NULL;
    bool pragma = false;
    for (struct span name, value; next_attribute(s, &name, &value);) {
        if (span_is(name, "charset") && !charset)
            charset = lf_charset_find(value.p, value.n);
        else if (span_is(name, "content") && !of_content)
            of_content = charset_of_content(value);
        else if (span_is(name, "http-equiv"))
            pragma = span_is(value, "content-type");
    }
    return charset ? charset : pragma ? of_content : NULL;
}

const struct lf_charset *lf_charset_of_meta(const char *p, size_t n)
{
    struct scan s = {p, p + (n < PRESCAN ? n : PRESCAN)};
    struct span name, value;
    while ((s.at = memchr(s.at, '<', (size_t)(s.end - s.at))) && s.end - s.at > 5) {
        if (strncmp(s.at, "<!--", 4) == 0) {
            s.at += 2; /* "<!-->" is whole */
            skip_past(&s, "-->");
        } else if (strncasecmp(s.at, "<meta", 5) == 0 &&
                   (is_space(s.at[5]) || s.at[5] == '/')) {
            s.at += 5;
            const struct lf_charset *found = charset_of_attributes(&s);
            if (found) /* UTF-16 cannot be written in ASCII bytes */
                return strncmp(found->name, "UTF-16", 6) ? found : lf_charset_utf8();
        } else if (s.at[1] == '/' || (lower(s.at[1]) >= 'a' && lower(s.at[1]) <= 'z')) {
            s.at++;
            take_until(&s, ">");
            while (next_attribute(&s, &name, &value))
                ;
        } else {
            s.at++;
        }
    }
    return NULL;
}

/* --- UTF-8 --- */

/* Bytes at p that are plain ASCII without NUL; what memchr is for one byte. */
static size_t ascii_run(const char *p, size_t n)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    size_t i = 0;
    for (uint64_t w; n - i >= sizeof w; i += sizeof w) {
        memcpy(&w, p + i, sizeof w);
        if ((w | (w - ones)) & high)
            break;
    }
    while (i < n && (unsigned char)(p[i] - 1) < 0x7f)
        i++;
    return i;
}

/* Length of the well-formed character at p, 2 to 4, or 0 with *bad bytes to replace by
 * one U+FFFD (Encoding §4.1.1: the maximal part of a sequence). */
static size_t utf8_char(const unsigned char *p, size_t n, size_t *bad)
{
    unsigned char c = p[0], lo = 0x80, hi = 0xbf;
    size_t len = c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    *bad = 1;
    if (!len)
        return 0;
    if (c == 0xe0)
        lo = 0xa0;
    else if (c == 0xed)
        hi = 0x9f;
    else if (c == 0xf0)
        lo = 0x90;
    else if (c == 0xf4)
        hi = 0x8f;
    for (size_t i = 1; i < len; i++, lo = 0x80, hi = 0xbf) {
        if (i >= n || p[i] < lo || p[i] > hi)
            return 0;
        *bad = i + 1;
    }
    return len;
}

/* Well formed; a character cut off by the end counts as well formed. */
static bool is_utf8(const char *p, size_t n)
{
    size_t bad;
    for (size_t i = 0; i < n;) {
        i += ascii_run(p + i, n - i);
        if (i == n)
            break;
        size_t len = p[i] ? utf8_char((const unsigned char *)p + i, n - i, &bad) : 1;
        if (!len)
            return i + bad == n && (unsigned char)p[i] >= 0xc2;
        i += len;
    }
    return true;
}

const struct lf_charset *lf_charset_detect(const char *p, size_t n, const char *label,
                                           size_t label_len, bool html, size_t *bom)
{
    *bom = 0;
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        return *bom = 3, &charsets[CS_UTF_8];
    if (n >= 2 && memcmp(p, "\xfe\xff", 2) == 0)
        return *bom = 2, &charsets[CS_UTF_16BE];
    if (n >= 2 && memcmp(p, "\xff\xfe", 2) == 0)
        return *bom = 2, &charsets[CS_UTF_16LE];
    const struct lf_charset *found = label ? lf_charset_find(label, label_len) : NULL;
    if (!found && html)
        found = lf_charset_of_meta(p, n);
    if (found)
        return found;
    return &charsets[is_utf8(p, n) ? CS_UTF_8 : CS_WINDOWS_1252];
}

/* --- readers --- */

#define REPLACEMENT "\xef\xbf\xbd"
#define ROOM        8 /* more than any one step writes */

static size_t put_utf8(char *out, unsigned c)
{
    if (c < 0x80)
        return out[0] = (char)c, 1;
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3f));
    out[2] = (char)(0x80 | (c & 0x3f));
    return 3;
}

/* Copies the ASCII that lies ahead; returns its length. */
static size_t copy_ascii(struct lf_charset_reader *r, char *out, size_t cap)
{
    size_t left = (size_t)(r->end - r->at);
    size_t n = ascii_run(r->at, left < cap ? left : cap);
    memcpy(out, r->at, n);
    r->at += n;
    return n;
}

static size_t read_utf8(struct lf_charset_reader *r, char *out, size_t cap)
{
    size_t n = 0, bad;
    while (cap - n >= ROOM) {
        n += copy_ascii(r, out + n, cap - n);
        if (r->at == r->end || cap - n < ROOM)
            break;
        size_t len = *r->at ? utf8_char((const unsigned char *)r->at,
                                        (size_t)(r->end - r->at), &bad)
                            : 0;
        memcpy(out + n, len ? r->at : REPLACEMENT, len ? len : 3);
        n += len ? len : 3;
        r->at += len ? len : *r->at ? bad : 1;
    }
    return n;
}

static const unsigned short windows_1252_c1[32] = {
    0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
    0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
    0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

static size_t read_windows_1252(struct lf_charset_reader *r, char *out, size_t cap)
{
    size_t n = 0;
    while (cap - n >= ROOM) {
        n += copy_ascii(r, out + n, cap - n);
        if (r->at == r->end || cap - n < ROOM)
            break;
        unsigned c = (unsigned char)*r->at++;
        if (c >= 0x80 && c < 0xa0)
            c = windows_1252_c1[c - 0x80];
        n += put_utf8(out + n, c ? c : 0xfffd);
    }
    return n;
}

/* Backwards, so that no byte is written before it was read; out has room for three
 * times n. */
static size_t replace_nul(char *out, size_t n)
{
    size_t nuls = 0;
    for (const char *p = out; (p = memchr(p, 0, (size_t)(out + n - p))); p++)
        nuls++;
    size_t to = n + 2 * nuls, total = to;
    while (to > n) {
        n--;
        if (out[n])
            out[--to] = out[n];
        else
            memcpy(out + (to -= 3), REPLACEMENT, 3);
    }
    return total;
}

static size_t read_iconv(struct lf_charset_reader *r, char *out, size_t cap)
{
    bool wide = strncmp(r->charset->name, "UTF-16", 6) == 0;
    size_t room = cap / 3 < ROOM ? ROOM : cap / 3;
    char *to = out, *in = (char *)r->at;
    while (in < r->end && room >= ROOM) {
        size_t left = (size_t)(r->end - in);
        if (iconv(r->cd, &in, &left, &to, &room) != (size_t)-1 || errno == E2BIG)
            break;
        size_t skip = errno == EINVAL ? left : wide ? 2 : 1; /* EINVAL: cut off */
        in += skip < left ? skip : left;
        memcpy(to, REPLACEMENT, 3);
        to += 3;
        room -= 3;
    }
    r->at = in;
    return replace_nul(out, (size_t)(to - out));
}

void lf_charset_reader_init(struct lf_charset_reader *r, const struct lf_charset *charset,
                            const char *p, size_t n)
{
    r->at = p;
    r->end = p + n;
    r->charset = charset;
    r->cd = (iconv_t)-1;
    if (charset->iconv)
        r->cd = iconv_open("UTF-8", charset->iconv);
    if (charset->iconv && r->cd == (iconv_t)-1)
        r->charset = &charsets[CS_WINDOWS_1252];
}

void lf_charset_reader_deinit(struct lf_charset_reader *r)
{
    if (r->cd != (iconv_t)-1)
        iconv_close(r->cd);
    r->cd = (iconv_t)-1;
}

size_t lf_charset_read(struct lf_charset_reader *r, char *out, size_t cap)
{
    if (r->cd != (iconv_t)-1)
        return read_iconv(r, out, cap);
    if (r->charset == &charsets[CS_UTF_8])
        return read_utf8(r, out, cap);
    return read_windows_1252(r, out, cap);
}
