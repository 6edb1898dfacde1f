/* Punycode as RFC 3492 §6 has it. */
#include "http/punycode.h"

#include <string.h>

enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 128 };

static uint32_t adapt(uint32_t delta, uint32_t count, int first)
{
    delta = first ? delta / DAMP : delta / 2;
    delta += delta / count;
    uint32_t k = 0;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
    if (k <= bias)
        return TMIN;
    return k - bias > TMAX ? TMAX : k - bias;
}

static enum lf_err add_delta(struct lf_buf *out, uint32_t delta, uint32_t bias)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = threshold(k, bias);
        if (delta < t)
            return lf_buf_addc(out, digits[delta]);
        enum lf_err err = lf_buf_addc(out, digits[t + (delta - t) % (BASE - t)]);
        if (err)
            return err;
        delta = (delta - t) / (BASE - t);
    }
}

static uint32_t smallest_from(const uint32_t *s, size_t n, uint32_t floor)
{
    uint32_t min = UINT32_MAX;
    for (size_t i = 0; i < n; i++)
        if (s[i] >= floor && s[i] < min)
            min = s[i];
    return min;
}

enum lf_err lf_punycode_encode(struct lf_buf *out, const uint32_t *s, size_t n)
{
    uint32_t done = 0, next = FIRST, delta = 0, bias = BIAS;
    enum lf_err err = LF_OK;
    for (size_t i = 0; i < n && !err; i++)
        if (s[i] < FIRST) {
            err = lf_buf_addc(out, (char)s[i]);
            done++;
        }
    uint32_t basic = done;
    if (basic && !err)
        err = lf_buf_addc(out, '-');
    for (; done < n && !err; delta++, next++) {
        uint32_t m = smallest_from(s, n, next);
        if (m - next > (UINT32_MAX - delta - n) / (done + 1))
            return LF_EURL;
        delta += (m - next) * (done + 1);
        next = m;
        for (size_t i = 0; i < n && !err; i++) {
            delta += s[i] < next;
            if (s[i] != next)
                continue;
            err = add_delta(out, delta, bias);
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
    }
    return err;
}

static uint32_t digit(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 26);
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a') : BASE;
}

/* One generalized integer (RFC 3492 §3.3) added to *i. */
static enum lf_err take_delta(const char **s, const char *end, uint32_t bias, uint32_t *i)
{
    uint32_t weight = 1;
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t d = *s < end ? digit(*(*s)++) : BASE;
        if (d >= BASE || d > (UINT32_MAX - *i) / weight)
            return LF_EURL;
        *i += d * weight;
        uint32_t t = threshold(k, bias);
        if (d < t)
            return LF_OK;
        if (weight > UINT32_MAX / (BASE - t))
            return LF_EURL;
        weight *= BASE - t;
    }
}

enum lf_err lf_punycode_decode(const char *s, size_t n, uint32_t *to, size_t *len)
{
    const char *end = s + n;
    const char *dash = n ? memrchr(s, '-', n) : NULL;
    size_t room = *len, count = 0;
    for (; dash && s < dash; s++, count++) {
        if (count == room || (unsigned char)*s >= FIRST)
            return LF_EURL;
        to[count] = (unsigned char)*s;
    }
    s += dash != NULL;
    uint32_t next = FIRST, bias = BIAS;
    for (uint32_t i = 0; s < end; i++) {
        uint32_t from = i;
        if (count == room || take_delta(&s, end, bias, &i))
            return LF_EURL;
        bias = adapt(i - from, (uint32_t)count + 1, from == 0);
        next += i / (uint32_t)(count + 1);
        i %= (uint32_t)(count + 1);
        if (next > 0x10ffff || (next >= 0xd800 && next < 0xe000))
            return LF_EURL;
        memmove(to + i + 1, to + i, (count - i) * sizeof *to);
        to[i] = next;
        count++;
    }
    *len = count;
    return LF_OK;
}
