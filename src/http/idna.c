/* UTS #46 ToASCII on top of libidn2, whose own lookup does not serve: non-transitional,
 * it refuses what IDNA 2008 refuses (emoji, "a--b", labels over 63 bytes); transitional,
 * it maps everything but turns ß into ss. So its transitional lookup maps only the
 * stretches between such letters, fenced by letters that keep its label checks quiet, and
 * answers the questions of single code points; labels are put together, checked and
 * encoded here. */
#include "http/idna.h"

#include <idn2.h>
#include <stdbool.h>
#include <string.h>
#include "http/punycode.h"
#include "http/utf8.h"

/* No name in use comes near; encoding and checks are quadratic. */
enum { NAME_MAX_BYTES = 1024, NAME_MAX_POINTS = 4096, STRETCH = 16 };

#define FENCE      "qqqq" /* q composes with no mark */
#define WHY_CHAR   "the host name holds a character that names must not have"
#define WHY_LABEL  "the host name has a label that is not valid (IDNA)"
#define WHY_LENGTH "the host name is too long"

enum { ZWNJ = 0x200c, ZWJ = 0x200d, IGNORED = 0 };

/* Code points of one domain; a boxed array that fails when it is full. */
struct points {
    size_t n;
    uint32_t at[NAME_MAX_POINTS];
};

struct idna {
    struct points in, mapped;
    struct points label; /* scratch of the label under check */
    bool bidi;           /* some label is written from right to left */
    const char **why;
};

static enum lf_err bad(struct idna *x, const char *phrase)
{
    *x->why = phrase;
    return LF_EURL;
}

/* -- UTF-8 -- */

/* The next code point, or U+FFFD for bytes that are none. */
static uint32_t take_utf8(const unsigned char **s, const unsigned char *end)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    int n = lf_utf8_len(*s, end);
    if (n < 0) {
        *s -= n;
        return 0xfffd;
    }
    uint32_t c = *(*s)++ & mask[n];
    while (--n)
        c = c << 6 | (*(*s)++ & 0x3f);
    return c;
}

static char *put_utf8(char *w, uint32_t c)
{
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *w++ = (char)(lead[more] | c >> (6 * more));
    while (more--)
        *w++ = (char)(0x80 | (c >> (6 * more) & 0x3f));
    return w;
}

/* -- questions to libidn2 -- */

/* Look up before + s + after; *ascii is to be given to idn2_free. */
static int lookup(const char *before, const uint32_t *s, size_t n, const char *after,
                  int flags, char **ascii)
{
    char utf8[(2 * STRETCH + 8) * 4];
    char *w = stpcpy(utf8, before);
    for (size_t i = 0; i < n; i++)
        w = put_utf8(w, s[i]);
    memcpy(w, after, strlen(after) + 1);
    return idn2_lookup_u8((uint8_t *)utf8, (uint8_t **)ascii, flags);
}

static int test(const char *before, const uint32_t *s, size_t n, int flags)
{
    char *ascii = NULL;
    int rc = lookup(before, s, n, "", flags, &ascii);
    idn2_free(ascii);
    return rc;
}

/* Does c, once mapped, begin with a mark (general category M)? */
static bool starts_with_mark(uint32_t c)
{
    return c >= 0x80 && test("", &c, 1, IDN2_TRANSITIONAL) == IDN2_LEADING_COMBINING;
}

/* May c change when put behind another code point? Marks and the jamo that are no lead.
 */
static bool joins_previous(uint32_t c)
{
    if ((c >= 0x1160 && c <= 0x11ff) || (c >= 0xffa0 && c <= 0xffdc))
        return true;
    return starts_with_mark(c);
}

/* -- mapping -- */

static enum lf_err append(struct idna *x, struct points *to, const uint32_t *s, size_t n)
{
    if (n > NAME_MAX_POINTS - to->n)
        return bad(x, WHY_LENGTH);
    memcpy(to->at + to->n, s, n * sizeof *s);
    to->n += n;
    return LF_OK;
}

/* What lookup made of a fenced stretch, as code points without the fence. */
static enum lf_err unfence(struct idna *x, struct points *to, const char *ascii)
{
    uint32_t s[64];
    size_t n = sizeof s / sizeof *s, fence = strlen(FENCE), len = strlen(ascii);
    if (strchr(ascii, '.'))
        return bad(x, WHY_CHAR);
    if (strncmp(ascii, "xn--", 4) == 0) {
        if (lf_punycode_decode(ascii + 4, len - 4, s, &n))
            return bad(x, WHY_CHAR);
    } else {
        if (len > n)
            return bad(x, WHY_LENGTH);
        for (n = 0; n < len; n++)
            s[n] = (unsigned char)ascii[n];
    }
    return append(x, to, s + fence, n - fence - 1);
}

static bool too_big(int rc)
{
    return rc == IDN2_TOO_BIG_LABEL || rc == IDN2_TOO_BIG_DOMAIN ||
           rc == IDN2_PUNYCODE_BIG_OUTPUT || rc == IDN2_ALABEL_ROUNDTRIP_FAILED;
}

/* Map and normalize a stretch without deviations and dots; ones too long for a label of
 * libidn2 in two parts. */
static enum lf_err map_stretch(struct idna *x, struct points *to, const uint32_t *s,
                               size_t n)
{
    char *ascii = NULL;
    int rc = n > STRETCH ? IDN2_TOO_BIG_LABEL
                         : lookup(FENCE, s, n, "q", IDN2_TRANSITIONAL, &ascii);
    if (rc == IDN2_OK) {
        enum lf_err err = unfence(x, to, ascii);
        idn2_free(ascii);
        return err;
    }
    if (rc == IDN2_MALLOC)
        return LF_ERESOURCE;
    if (!too_big(rc))
        return bad(x, WHY_CHAR);
    size_t cut = n / 2;
    while (cut > 0 && joins_previous(s[cut]))
        cut--;
    if (cut == 0)
        return bad(x, WHY_LENGTH);
    enum lf_err err = map_stretch(x, to, s, cut);
    return err ? err : map_stretch(x, to, s + cut, n - cut);
}

/* Letters that transitional processing would change. */
static bool is_deviation(uint32_t c)
{
    return c == 0xdf || c == 0x3c2 || c == ZWNJ || c == ZWJ;
}

/* What Unicode 15.1 and 16 map otherwise than the table of libidn2 2.3.3 does. */
static const struct {
    uint32_t first, last, to;
} newer[] = {
    {0x04c0, 0x04c0, 0x04cf},   {0x10a0, 0x10c5, 0x2d00},   {0x115f, 0x1160, IGNORED},
    {0x17b4, 0x17b5, IGNORED},  {0x180e, 0x180e, IGNORED},  {0x1e9e, 0x1e9e, 0x00df},
    {0x206a, 0x206f, IGNORED},  {0x2132, 0x2132, 0x214e},   {0x2183, 0x2183, 0x2184},
    {0x3164, 0x3164, IGNORED},  {0xffa0, 0xffa0, IGNORED},  {0x1d173, 0x1d17a, IGNORED},
    {0x2f868, 0x2f868, 0x36fc}, {0x2f874, 0x2f874, 0x5f53}, {0x2f91f, 0x2f91f, 0x243ab},
    {0x2f95f, 0x2f95f, 0x7aee}, {0x2f9bf, 0x2f9bf, 0x45d7},
};

static uint32_t renew(uint32_t c)
{
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
        if (c >= newer[i].first && c <= newer[i].last)
            return newer[i].to ? newer[i].to + (c - newer[i].first) : IGNORED;
    return c;
}

/* Map code points that renew has seen; none is a dot. */
static enum lf_err map_points(struct idna *x, struct points *to, const uint32_t *s,
                              size_t n)
{
    enum lf_err err = LF_OK;
    for (size_t i = 0, from; i < n && !err;) {
        uint32_t c = s[i];
        /* ASCII stands for itself unless what follows may compose with it. */
        if (is_deviation(c) || (c < 0x80 && (i + 1 == n || s[i + 1] < 0x80))) {
            c |= c >= 'A' && c <= 'Z' ? 0x20 : 0;
            err = append(x, to, &c, 1);
            i++;
            continue;
        }
        from = i++;
        while (i < n && s[i] >= 0x80 && !is_deviation(s[i]))
            i++;
        err = map_stretch(x, to, s + from, i - from);
    }
    return err;
}

/* -- what a label must be (UTS #46 §4.1) -- */

/* Letters and digits of scripts written from right to left, by their blocks. */
static bool is_rtl(uint32_t c)
{
    bool block = (c >= 0x590 && c <= 0x8ff) || (c >= 0xfb1d && c <= 0xfdff) ||
                 (c >= 0xfe70 && c <= 0xfeff) || (c >= 0x10800 && c <= 0x10fff) ||
                 (c >= 0x1e800 && c <= 0x1efff);
    bool european = c >= 0x6f0 && c <= 0x6f9;
    return block && !european && !starts_with_mark(c);
}

static bool is_alnum(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* RFC 5892 A.1 and A.2: a virama before, or for ZWNJ letters that join on both sides. */
static bool joiner_fits(const uint32_t *s, size_t n, size_t i)
{
    if (i == 0)
        return false;
    if (test("a", s + i - 1, 2, IDN2_NONTRANSITIONAL) == IDN2_OK)
        return true;
    if (s[i] == ZWJ)
        return false;
    size_t from = i > STRETCH / 2 ? i - STRETCH / 2 : 0;
    size_t to = n - i > STRETCH / 2 ? i + STRETCH / 2 : n;
    while (from < i && starts_with_mark(s[from]))
        from++;
    int rc = test("", s + from, to - from, IDN2_NONTRANSITIONAL);
    return rc == IDN2_OK || rc == IDN2_BIDI || rc == IDN2_UNASSIGNED;
}

/* RFC 5893 §2, which holds for every label as soon as one is written right to left. */
static bool bidi_fits(const uint32_t *s, size_t n)
{
    bool rtl = false;
    for (size_t i = 0; i < n; i++)
        rtl |= is_rtl(s[i]);
    if (rtl && s[0] < 0x80)
        return false;
    if (rtl && n <= STRETCH)
        return test("", s, n, IDN2_NONTRANSITIONAL) != IDN2_BIDI;
    if (rtl || n == 0)
        return true;
    bool first = s[0] >= 0x80 || (is_alnum(s[0]) && s[0] > '9');
    return first && (s[n - 1] >= 0x80 || is_alnum(s[n - 1]));
}

static bool label_valid(const uint32_t *s, size_t n)
{
    if (n && starts_with_mark(s[0]))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((s[i] == ZWJ || s[i] == ZWNJ) && !joiner_fits(s, n, i))
            return false;
    return true;
}

static bool all_ascii(const uint32_t *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] >= 0x80)
            return false;
    return true;
}

/* The name behind "xn--" must be one that maps to itself. Leaves it in x->label. */
static enum lf_err decode_label(struct idna *x, const char *s, size_t n)
{
    struct points *to = &x->label;
    uint32_t name[NAME_MAX_BYTES];
    size_t len = NAME_MAX_BYTES;
    if (lf_punycode_decode(s, n, name, &len) || all_ascii(name, len))
        return bad(x, WHY_LABEL);
    for (size_t i = 0; i < len; i++)
        if (renew(name[i]) != name[i])
            return bad(x, WHY_LABEL);
    to->n = 0;
    enum lf_err err = map_points(x, to, name, len);
    if (err)
        return err == LF_EURL ? bad(x, WHY_LABEL) : err;
    bool same = to->n == len && memcmp(to->at, name, len * sizeof *name) == 0;
    return same ? LF_OK : bad(x, WHY_LABEL);
}

static enum lf_err label_add(struct idna *x, struct lf_buf *out, const uint32_t *s,
                             size_t n)
{
    static const uint32_t prefix[] = {'x', 'n', '-', '-'};
    size_t start = out->len;
    bool ascii = all_ascii(s, n);
    bool puny = n >= 4 && memcmp(s, prefix, sizeof prefix) == 0;
    if (!ascii) {
        enum lf_err err = puny ? bad(x, WHY_LABEL) : lf_buf_adds(out, "xn--");
        err = err ? err : lf_punycode_encode(out, s, n);
        if (err)
            return err == LF_EURL ? bad(x, WHY_LABEL) : err;
    }
    for (size_t i = 0; ascii && i < n; i++)
        if (lf_buf_addc(out, (char)s[i]))
            return LF_ERESOURCE;
    if (puny) {
        enum lf_err err = decode_label(x, out->p + start + 4, n - 4);
        if (err)
            return err;
        s = x->label.at;
        n = x->label.n;
    }
    if (!label_valid(s, n) || (x->bidi && !bidi_fits(s, n)))
        return bad(x, WHY_LABEL);
    return LF_OK;
}

/* -- the domain -- */

static bool is_dot(uint32_t c)
{
    return c == '.' || c == 0x3002 || c == 0xff0e || c == 0xff61;
}

/* Map the domain label by label into x->mapped, labels parted by '.'. */
static enum lf_err map_domain(struct idna *x)
{
    static const uint32_t dot = '.';
    const struct points *in = &x->in;
    for (size_t i = 0, from = 0; i <= in->n; i++) {
        if (i < in->n && !is_dot(in->at[i]))
            continue;
        enum lf_err err = map_points(x, &x->mapped, in->at + from, i - from);
        if (!err && i < in->n)
            err = append(x, &x->mapped, &dot, 1);
        if (err)
            return err;
        from = i + 1;
    }
    return LF_OK;
}

static enum lf_err labels_add(struct idna *x, struct lf_buf *out)
{
    const struct points *m = &x->mapped;
    for (size_t i = 0; i < m->n; i++)
        x->bidi |= is_rtl(m->at[i]);
    for (size_t i = 0, from = 0; i <= m->n; i++) {
        if (i < m->n && m->at[i] != '.')
            continue;
        enum lf_err err = label_add(x, out, m->at + from, i - from);
        if (!err && i < m->n)
            err = lf_buf_addc(out, '.');
        if (err)
            return err;
        from = i + 1;
    }
    return LF_OK;
}

enum lf_err lf_idna_to_ascii(struct lf_buf *out, const char *s, size_t n,
                             const char **why)
{
    struct idna x;
    x.in.n = x.mapped.n = x.label.n = 0;
    x.bidi = false;
    x.why = why;
    if (n > NAME_MAX_BYTES)
        return bad(&x, WHY_LENGTH);
    const unsigned char *p = (const unsigned char *)s, *end = p + n;
    while (p < end) {
        uint32_t c = take_utf8(&p, end);
        if (c == 0 || c == 0xfffd)
            return bad(&x, WHY_CHAR);
        c = renew(c);
        if (c != IGNORED)
            x.in.at[x.in.n++] = c;
    }
    enum lf_err err = map_domain(&x);
    return err ? err : labels_add(&x, out);
}
