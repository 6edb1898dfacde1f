/* Hosts of URLs: domains, IPv4 and IPv6 addresses, opaque hosts. */
#include "http/url_host.h"

#include <stdint.h>
#include <string.h>
#include "http/idna.h"
#include "http/percent.h"

#define WHY_CODE_POINT "the host holds a character that hosts must not have"
#define WHY_IPV4       "the host is not a valid IPv4 address"
#define WHY_IPV6       "the host is not a valid IPv6 address"
#define WHY_EMPTY      "the host is empty"

/* What a byte means in a host. */
enum {
    FORBIDDEN = 1, /* "forbidden host code point" */
    DOMAIN = 2,    /* forbidden in a domain only */
    UPPER = 4,     /* to be lowered */
    WIDE = 8       /* not ASCII */
};

static const uint8_t class_of[256] = {
    [0x00] = FORBIDDEN,       [0x01 ... 0x08] = DOMAIN, [0x09 ... 0x0a] = FORBIDDEN,
    [0x0b ... 0x0c] = DOMAIN, [0x0d] = FORBIDDEN,       [0x0e ... 0x1f] = DOMAIN,
    [0x7f] = DOMAIN,          [' '] = FORBIDDEN,        ['#'] = FORBIDDEN,
    ['/'] = FORBIDDEN,        [':'] = FORBIDDEN,        ['<'] = FORBIDDEN,
    ['>'] = FORBIDDEN,        ['?'] = FORBIDDEN,        ['@'] = FORBIDDEN,
    ['['] = FORBIDDEN,        ['\\'] = FORBIDDEN,       [']'] = FORBIDDEN,
    ['^'] = FORBIDDEN,        ['|'] = FORBIDDEN,        ['%'] = DOMAIN,
    ['A' ... 'Z'] = UPPER,    [0x80 ... 0xff] = WIDE,
};

static enum lf_err bad(const char **why, const char *phrase)
{
    *why = phrase;
    return LF_EURL;
}

static unsigned classes(const char *s, size_t n)
{
    unsigned all = 0;
    for (size_t i = 0; i < n; i++)
        all |= class_of[(unsigned char)s[i]];
    return all;
}

/* -- IPv4 (§3.5 "IPv4 parser") -- */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* The number s in base 8, 10 or 16 by its prefix. False when it is none; a value over 32
 * bits gives UINT64_MAX. */
static bool ipv4_number(const char *s, size_t n, uint64_t *value)
{
    int base = 10;
    if (n == 0)
        return false;
    if (n >= 2 && s[0] == '0') {
        base = (s[1] | 0x20) == 'x' ? 16 : 8;
        s += base == 16 ? 2 : 1;
        n -= base == 16 ? 2 : 1;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        int d = digit(s[i]);
        if (d >= base)
            return false;
        v = v > UINT32_MAX ? v : v * (unsigned)base + (unsigned)d;
    }
    *value = v > UINT32_MAX ? UINT64_MAX : v;
    return true;
}

/* Where the last label begins, a dot at the very end left aside; *n becomes the length
 * without that dot. */
static const char *last_label(const char *s, size_t *n)
{
    if (*n && s[*n - 1] == '.')
        --*n;
    const char *dot = *n ? memrchr(s, '.', *n) : NULL;
    return dot ? dot + 1 : s;
}

static bool ends_in_number(const char *s, size_t n)
{
    const char *last = last_label(s, &n);
    size_t len = n - (size_t)(last - s);
    if (len == 0 || *last < '0' || *last > '9')
        return false;
    uint64_t value;
    return strspn(last, "0123456789") >= len || ipv4_number(last, len, &value);
}

static bool ipv4_parse(const char *s, size_t n, uint32_t *address)
{
    uint64_t sum = 0;
    if (s[n - 1] == '.')
        n--;
    const char *end = s + n;
    for (int i = 0; i < 4; i++) {
        const char *dot = memchr(s, '.', (size_t)(end - s));
        uint64_t v;
        if (!ipv4_number(s, (size_t)((dot ? dot : end) - s), &v))
            return false;
        if (!dot) {
            *address = (uint32_t)(sum | v);
            return v >> (8 * (4 - i)) == 0;
        }
        if (v > 255)
            return false;
        sum |= v << (8 * (3 - i));
        s = dot + 1;
    }
    return false;
}

/* Replace the host that begins at `start` of out by its dotted form. */
static enum lf_err ipv4_normalize(struct lf_buf *out, size_t start, const char **why)
{
    uint32_t a;
    char text[16], *w = text + sizeof text;
    if (!ipv4_parse(out->p + start, out->len - start, &a))
        return bad(why, WHY_IPV4);
    for (int i = 0; i < 4; i++, a >>= 8) {
        unsigned part = a & 255;
        do
            *--w = (char)('0' + part % 10);
        while (part /= 10);
        *--w = '.';
    }
    w++; /* not the dot in front */
    out->len = start;
    return lf_buf_add(out, w, (size_t)(text + sizeof text - w));
}

/* -- IPv6 (§3.5 "IPv6 parser") -- */

/* The dotted tail of an address: exactly four decimal numbers without leading zeros. */
static bool ipv6_tail(const char *s, const char *end, uint16_t *piece)
{
    unsigned part[4];
    for (int i = 0; i < 4; i++) {
        if (i && (s == end || *s++ != '.'))
            return false;
        const char *from = s;
        part[i] = 0;
        while (s < end && *s >= '0' && *s <= '9' && part[i] <= 255)
            part[i] = part[i] * 10 + (unsigned)(*s++ - '0');
        if (s == from || part[i] > 255 || (s - from > 1 && *from == '0'))
            return false;
    }
    piece[0] = (uint16_t)(part[0] << 8 | part[1]);
    piece[1] = (uint16_t)(part[2] << 8 | part[3]);
    return s == end;
}

static bool ipv6_parse(const char *s, const char *end, uint16_t piece[8])
{
    int n = 0, gap = -1;
    memset(piece, 0, 8 * sizeof *piece);
    if (s < end && *s == ':') {
        if (end - s < 2 || s[1] != ':')
            return false;
        s += 2;
        gap = 0;
    }
    while (s < end) {
        if (n == 8)
            return false;
        if (*s == ':') {
            if (gap >= 0)
                return false;
            s++;
            gap = n;
            continue;
        }
        const char *from = s;
        unsigned v = 0;
        while (s < end && s - from < 4 && digit(*s) < 16)
            v = v << 4 | (unsigned)digit(*s++);
        if (s < end && *s == '.') {
            if (n > 6 || !ipv6_tail(from, end, piece + n))
                return false;
            n += 2;
            break;
        }
        if (s == from)
            return false;
        piece[n++] = (uint16_t)v;
        if (s == end)
            break;
        if (*s++ != ':' || s == end)
            return false;
    }
    if (gap < 0)
        return n == 8;
    int moved = n - gap, zeros = 8 - n;
    if (zeros == 0)
        return false;
    memmove(piece + gap + zeros, piece + gap, (size_t)moved * sizeof *piece);
    memset(piece + gap, 0, (size_t)zeros * sizeof *piece);
    return true;
}

/* The first of the longest runs of zeros, of at least two; *len its length. */
static int longest_zeros(const uint16_t piece[8], int *len)
{
    int best = -1;
    *len = 1;
    for (int i = 0, run; i < 8; i += run + 1) {
        run = 0;
        while (i + run < 8 && piece[i + run] == 0)
            run++;
        if (run > *len) {
            best = i;
            *len = run;
        }
    }
    return best;
}

static enum lf_err ipv6_add(struct lf_buf *out, const char *s, size_t n, const char **why)
{
    uint16_t piece[8];
    if (n < 2 || s[n - 1] != ']' || !ipv6_parse(s + 1, s + n - 1, piece))
        return bad(why, WHY_IPV6);
    int len, gap = longest_zeros(piece, &len);
    enum lf_err err = lf_buf_addc(out, '[');
    for (int i = 0; i < 8 && !err; i++) {
        if (i == gap) {
            err = lf_buf_adds(out, i == 0 ? "::" : ":");
            i += len - 1;
        } else {
            err = lf_buf_addf(out, i == 7 ? "%x" : "%x:", piece[i]);
        }
    }
    return err ? err : lf_buf_addc(out, ']');
}

/* -- domains -- */

static enum lf_err lower_add(struct lf_buf *out, const char *s, size_t n)
{
    enum lf_err err = lf_buf_add(out, s, n);
    if (err)
        return err;
    for (char *c = out->p + out->len - n; *c; c++)
        if (class_of[(unsigned char)*c] & UPPER)
            *c = (char)(*c | 0x20);
    return LF_OK;
}

/* ASCII needs no mapping, and punycode in it is not looked into: names that are in use
 * break the rules of IDNA, and the standard lets them pass. */
static enum lf_err domain_add(struct lf_buf *out, const char *s, size_t n,
                              const char **why)
{
    unsigned all = classes(s, n);
    size_t start = out->len;
    bool ascii = !(all & WIDE);
    enum lf_err err = ascii ? lower_add(out, s, n) : lf_idna_to_ascii(out, s, n, why);
    if (err)
        return err;
    const char *host = out->p + start;
    size_t len = out->len - start;
    if (len == 0)
        return bad(why, WHY_EMPTY);
    if ((ascii ? all : classes(host, len)) & (FORBIDDEN | DOMAIN))
        return bad(why, WHY_CODE_POINT);
    return ends_in_number(host, len) ? ipv4_normalize(out, start, why) : LF_OK;
}

static enum lf_err decoded_domain_add(struct lf_buf *out, const char *s, size_t n,
                                      const char **why)
{
    struct lf_buf plain;
    lf_buf_init(&plain, LF_BUF_MAX);
    enum lf_err err = lf_percent_decode(&plain, s, n);
    if (!err)
        err = domain_add(out, plain.p, plain.len, why);
    lf_buf_free(&plain);
    return err;
}

static enum lf_err opaque_add(struct lf_buf *out, const char *s, size_t n,
                              const char **why)
{
    if (classes(s, n) & FORBIDDEN)
        return bad(why, WHY_CODE_POINT);
    return lf_percent_encode(out, s, n, LF_PERCENT_C0);
}

enum lf_err lf_url_host_add(struct lf_buf *out, const char *s, size_t n, bool special,
                            const char **why)
{
    if (s[0] == '[')
        return ipv6_add(out, s, n, why);
    if (!special)
        return opaque_add(out, s, n, why);
    return memchr(s, '%', n) ? decoded_domain_add(out, s, n, why)
                             : domain_add(out, s, n, why);
}
