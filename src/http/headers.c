/* Ordered header fields in one flat block. */
#include "http/headers.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { LENGTHS = 2 * sizeof(uint32_t), MAX_BLOCK = 16 << 20 };

void lf_headers_init(struct lf_headers *h)
{
    lf_buf_init(&h->block, MAX_BLOCK);
    h->count = 0;
}

void lf_headers_free(struct lf_headers *h)
{
    lf_buf_free(&h->block);
    h->count = 0;
}

void lf_headers_reset(struct lf_headers *h)
{
    lf_buf_reset(&h->block);
    h->count = 0;
}

enum lf_err lf_headers_add(struct lf_headers *h, const char *name, size_t nlen,
                           const char *value, size_t vlen)
{
    if (nlen > MAX_BLOCK || vlen > MAX_BLOCK)
        return LF_ETOOLARGE;
    enum lf_err err = lf_buf_reserve(&h->block, LENGTHS + nlen + vlen + 2);
    if (err)
        return err;
    char *p = h->block.p + h->block.len;
    uint32_t lens[2] = {(uint32_t)nlen, (uint32_t)vlen};
    memcpy(p, lens, LENGTHS);
    p += LENGTHS;
    memcpy(p, name, nlen);
    p[nlen] = '\0';
    p += nlen + 1;
    memcpy(p, value, vlen);
    p[vlen] = '\0';
    h->block.len += LENGTHS + nlen + vlen + 2;
    h->count++;
    return LF_OK;
}

enum lf_err lf_headers_continue(struct lf_headers *h, size_t last, const char *more,
                                size_t n)
{
    uint32_t lens[2];
    if (n > MAX_BLOCK)
        return LF_ETOOLARGE;
    enum lf_err err = lf_buf_reserve(&h->block, n + 1);
    if (err)
        return err;
    memcpy(lens, h->block.p + last, LENGTHS);
    lens[1] += (uint32_t)n + 1;
    memcpy(h->block.p + last, lens, LENGTHS);
    char *p = h->block.p + h->block.len - 1; /* the NUL of the value */
    *p++ = ' ';
    memcpy(p, more, n);
    p[n] = '\0';
    h->block.len += n + 1;
    return LF_OK;
}

bool lf_headers_next(const char *block, size_t len, size_t *at, struct lf_header *out)
{
    if (*at >= len)
        return false;
    uint32_t lens[2];
    memcpy(lens, block + *at, LENGTHS);
    out->name = block + *at + LENGTHS;
    out->name_len = lens[0];
    out->value = out->name + lens[0] + 1;
    out->value_len = lens[1];
    *at += LENGTHS + lens[0] + lens[1] + 2;
    return true;
}

static bool same_name(const struct lf_header *f, const char *name, size_t nlen)
{
    return f->name_len == nlen && strncasecmp(f->name, name, nlen) == 0;
}

bool lf_headers_find(const char *block, size_t len, size_t *at, const char *name,
                     size_t nlen, struct lf_header *out)
{
    while (lf_headers_next(block, len, at, out))
        if (same_name(out, name, nlen))
            return true;
    return false;
}

bool lf_headers_get(const struct lf_headers *h, const char *name, struct lf_header *out)
{
    size_t at = 0;
    return lf_headers_find(h->block.p, h->block.len, &at, name, strlen(name), out);
}

bool lf_headers_remove(struct lf_headers *h, const char *name, size_t nlen)
{
    struct lf_header f;
    bool found = false;
    size_t at = 0, from = 0;
    while (lf_headers_next(h->block.p, h->block.len, &at, &f)) {
        if (same_name(&f, name, nlen)) {
            memmove(h->block.p + from, h->block.p + at, h->block.len - at);
            h->block.len -= at - from;
            h->count--;
            at = from;
            found = true;
        }
        from = at;
    }
    return found;
}

enum lf_err lf_headers_copy(struct lf_headers *to, const struct lf_headers *from)
{
    lf_headers_reset(to);
    enum lf_err err = lf_buf_add(&to->block, from->block.p, from->block.len);
    if (!err)
        to->count = from->count;
    return err;
}

/* RFC 9110 §5.6.2: letters, digits and !#$%&'*+-.^_`|~, one bit a byte. */
static const uint32_t token_bytes[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};

bool lf_token_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (!(token_bytes[c / 32] >> c % 32 & 1))
            return false;
    }
    return n > 0;
}

bool lf_value_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] == '\r' || s[i] == '\n' || s[i] == '\0')
            return false;
    return true;
}
