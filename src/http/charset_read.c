/* Reading bytes of some character set as UTF-8. A reader is the same whoever reads: the
 * text of a response and a document decode alike. */
#include "http/charset.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include "http/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define ROOM        8 /* more than any one step writes */
#define NONE        ((iconv_t)-1)

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

/* As lf_utf8_len, for the rest of a text. */
static int char_len(const char *p, const char *end)
{
    return lf_utf8_len((const unsigned char *)p, (const unsigned char *)end);
}

bool lf_charset_looks_utf8(const char *p, size_t n)
{
    for (const char *end = p + n; p < end;) {
        p += ascii_run(p, (size_t)(end - p));
        if (p == end)
            break;
        int len = char_len(p, end);
        if (len < 0) {
            unsigned char c = (unsigned char)*p;
            return p - len == end && c >= 0xc2 && c <= 0xf4;
        }
        p += len;
    }
    return true;
}

static size_t put(char *out, const char *s, size_t n)
{
    memcpy(out, s, n);
    return n;
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
    size_t n = 0;
    while (cap - n >= ROOM) {
        n += copy_ascii(r, out + n, cap - n);
        if (r->at == r->end || cap - n < ROOM)
            break;
        int len = char_len(r->at, r->end);
        bool bad = len < 0 || (!*r->at && r->replace_nul);
        n += bad ? put(out + n, REPLACEMENT, 3) : put(out + n, r->at, (size_t)len);
        r->at += len < 0 ? -len : len;
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
        n += lf_utf8_put(out + n, c || !r->replace_nul ? c : 0xfffd);
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

/* The converter stopped at bytes that are no text: step over them. */
static char *skip_bad(const struct lf_charset_reader *r, char *in, int why)
{
    bool wide = strncasecmp(r->charset->name, "UTF-16", 6) == 0;
    size_t left = (size_t)(r->end - in);
    size_t skip = why == EINVAL ? left : wide ? 2 : 1; /* EINVAL: cut off */
    return in + (skip < left ? skip : left);
}

static size_t read_iconv(struct lf_charset_reader *r, char *out, size_t cap)
{
    size_t room = r->replace_nul ? cap / 3 : cap;
    char *to = out, *in = (char *)r->at;
    while (in < r->end && room >= ROOM) {
        size_t left = (size_t)(r->end - in);
        if (iconv(r->cd, &in, &left, &to, &room) != (size_t)-1 || errno == E2BIG)
            break;
        if (room < 3)
            break;
        in = skip_bad(r, in, errno);
        to += put(to, REPLACEMENT, 3);
        room -= 3;
    }
    /* Some converters hold a letter back, an accent may follow: Hebrew, Vietnamese. */
    if (in == r->end && room >= ROOM)
        iconv(r->cd, NULL, NULL, &to, &room);
    r->at = in;
    size_t n = (size_t)(to - out);
    return r->replace_nul ? replace_nul(out, n) : n;
}

void lf_charset_reader_init(struct lf_charset_reader *r, const struct lf_charset *charset,
                            const char *p, size_t n)
{
    r->at = p;
    r->end = p + n;
    r->charset = charset;
    r->cd = NONE;
    r->replace_nul = false;
    if (charset->iconv)
        r->cd = iconv_open("UTF-8", charset->iconv);
    if (charset->iconv && r->cd == NONE)
        r->charset = lf_charset_windows_1252();
}

void lf_charset_reader_deinit(struct lf_charset_reader *r)
{
    if (r->cd != NONE)
        iconv_close(r->cd);
    r->cd = NONE;
}

size_t lf_charset_read(struct lf_charset_reader *r, char *out, size_t cap)
{
    if (r->cd != NONE)
        return read_iconv(r, out, cap);
    if (r->charset == lf_charset_utf8())
        return read_utf8(r, out, cap);
    return read_windows_1252(r, out, cap);
}
