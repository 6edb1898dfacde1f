/* White space, slugs, lengths. Transliteration is glibc's, by the locale C.UTF-8, which
 * it has built in; no locale of the machine comes near. */
#include "http/words.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>
#include "http/utf8.h"

/* ---- characters ---- */

#define JOINER 0x200du /* makes one character of its neighbours */

/* The character at s, and its bytes; what is not UTF-8 gives its bytes and UINT32_MAX. */
static size_t take_char(const char *s, const char *end, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)s;
    int n = lf_utf8_len(p, (const unsigned char *)end);
    static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (n < 0) {
        *c = UINT32_MAX;
        return (size_t)-n;
    }
    *c = p[0] & lead[n];
    for (int i = 1; i < n; i++)
        *c = *c << 6 | (p[i] & 0x3f);
    return (size_t)n;
}

/* Unicode's White_Space. */
static bool is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Belongs to the character before it: combining marks, variation selectors, tones of
 * skin, and what joins. */
static bool is_mark(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) ||
           (c >= 0x1dc0 && c <= 0x1dff) || (c >= 0x20d0 && c <= 0x20ff) || c == JOINER ||
           (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xfe20 && c <= 0xfe2f) ||
           (c >= 0x1f3fb && c <= 0x1f3ff);
}

/* ---- white space ---- */

static size_t plain_run(const char *s, const char *end)
{
    const char *p = s;
    while (p<end && * p> ' ')
        p++;
    return (size_t)(p - s);
}

enum lf_err lf_words_squeeze(const char *s, size_t n, struct lf_buf *out)
{
    const char *end = s + n;
    size_t start = out->len;
    bool gap = false;
    enum lf_err err = LF_OK;
    while (!err && s < end) {
        uint32_t c;
        size_t len = plain_run(s, end);
        if (!len)
            len = take_char(s, end, &c);
        else
            c = 0;
        if (is_space(c)) {
            gap = true;
        } else {
            if (gap && out->len > start)
                err = lf_buf_addc(out, ' ');
            gap = false;
            if (!err)
                err = lf_buf_add(out, s, len);
        }
        s += len;
    }
    return err;
}

/* ---- cutting ---- */

size_t lf_words_cut(const char *s, size_t n, size_t most, bool *all)
{
    const char *end = s + n, *p = s;
    uint32_t c, before = 0;
    *all = false;
    for (size_t count = 0; p < end; before = c) {
        size_t len = take_char(p, end, &c);
        if (!is_mark(c) && before != JOINER && count++ == most)
            return (size_t)(p - s);
        p += len;
    }
    *all = true;
    return n;
}

/* ---- slugs ---- */

struct slug {
    struct lf_letters *letters; /* borrowed */
    struct lf_buf *out;         /* borrowed */
    size_t start;               /* where it begins in out */
    bool gap;                   /* a '-' belongs before the next letter */
};

static void open_letters(struct lf_letters *l)
{
    l->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    l->ascii = iconv_open("ASCII//TRANSLIT", "UTF-8");
    l->open = true;
}

void lf_letters_deinit(struct lf_letters *l)
{
    if (!l->open)
        return;
    if (l->ascii != (iconv_t)-1)
        iconv_close(l->ascii);
    if (l->locale)
        freelocale(l->locale);
    *l = LF_LETTERS_INIT;
}

static enum lf_err add_letter(struct slug *g, const char *s, size_t n)
{
    enum lf_err err = LF_OK;
    if (g->gap && g->out->len > g->start)
        err = lf_buf_addc(g->out, '-');
    g->gap = false;
    return err ? err : lf_buf_add(g->out, s, n);
}

static enum lf_err add_ascii(struct slug *g, char c)
{
    if (c >= 'A' && c <= 'Z')
        c = (char)(c + 32);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return add_letter(g, &c, 1);
    if (c != '\'')
        g->gap = true;
    return LF_OK;
}

/* The letters that glibc writes for the character; 0: it knows none. */
static size_t transliterate(iconv_t ascii, const char *s, size_t n, char out[32])
{
    char *from = (char *)(size_t)s, *to = out;
    size_t left = n, room = 32;
    if (ascii == (iconv_t)-1)
        return 0;
    iconv(ascii, NULL, NULL, NULL, NULL);
    size_t lost = iconv(ascii, &from, &left, &to, &room);
    size_t made = (size_t)(to - out);
    return lost == (size_t)-1 || (made == 1 && *out == '?') ? 0 : made;
}

/* Stays with a letter of another script; one of ASCII has lost its accents. */
static enum lf_err add_mark(struct slug *g, const char *s, size_t n)
{
    const struct lf_buf *out = g->out;
    bool on_letter =
        out->len > g->start && !g->gap && (unsigned char)out->p[out->len - 1] >= 0x80;
    return on_letter ? add_letter(g, s, n) : LF_OK;
}

/* Of some letters only the small one has a way to write it in ASCII. */
static size_t to_ascii(struct slug *g, const char *s, size_t n, uint32_t c, char out[32])
{
    char small[4];
    size_t made = transliterate(g->letters->ascii, s, n, out);
    if (made)
        return made;
    n = lf_utf8_put(small, (uint32_t)towlower((wint_t)c));
    return transliterate(g->letters->ascii, small, n, out);
}

static enum lf_err add_char(struct slug *g, const char *s, size_t n, uint32_t c)
{
    char text[32];
    enum lf_err err = LF_OK;
    size_t made = c == UINT32_MAX ? 0 : to_ascii(g, s, n, c, text);
    for (size_t i = 0; !err && i < made; i++)
        err = add_ascii(g, text[i]);
    if (err || made)
        return err;
    if (c != UINT32_MAX && wcwidth((wchar_t)c) == 0)
        return add_mark(g, s, n);
    if (c == UINT32_MAX || !iswalnum((wint_t)c)) {
        g->gap = true;
        return LF_OK;
    }
    return add_letter(g, text, lf_utf8_put(text, (uint32_t)towlower((wint_t)c)));
}

static enum lf_err add_all(struct slug *g, const char *s, const char *end)
{
    enum lf_err err = LF_OK;
    while (!err && s < end) {
        uint32_t c;
        size_t len = take_char(s, end, &c);
        err = c < 0x80 ? add_ascii(g, *s) : add_char(g, s, len, c);
        s += len;
    }
    return err;
}

/* The locale is the thread's own for the time; iconv looks up there how to transliterate.
 */
enum lf_err lf_words_slug(struct lf_letters *l, const char *s, size_t n,
                          struct lf_buf *out)
{
    struct slug g = {.letters = l, .out = out, .start = out->len};
    if (!l->open)
        open_letters(l);
    locale_t before = uselocale(l->locale);
    enum lf_err err = add_all(&g, s, s + n);
    uselocale(before);
    return err;
}
