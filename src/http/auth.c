/* Values of the Authorization header. */
#include "http/auth.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *put_quad(char *w, const unsigned char *p, size_t n)
{
    uint32_t v = (uint32_t)p[0] << 16;
    if (n > 1)
        v |= (uint32_t)p[1] << 8;
    if (n > 2)
        v |= p[2];
    w[0] = digits[v >> 18];
    w[1] = digits[v >> 12 & 63];
    w[2] = n > 1 ? digits[v >> 6 & 63] : '=';
    w[3] = n > 2 ? digits[v & 63] : '=';
    return w + 4;
}

enum lf_err lf_base64_encode(struct lf_buf *out, const void *p, size_t n)
{
    const unsigned char *s = p;
    if (n > LF_BUF_MAX / 2)
        return LF_ETOOLARGE;
    enum lf_err err = lf_buf_reserve(out, (n + 2) / 3 * 4);
    if (err)
        return err;
    char *w = out->p + out->len;
    for (size_t i = 0; i < n; i += 3)
        w = put_quad(w, s + i, n - i);
    out->len = (size_t)(w - out->p);
    out->p[out->len] = '\0';
    return LF_OK;
}

static bool has_control(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return true;
    return false;
}

static enum lf_err refuse(const char **why, const char *text)
{
    if (why)
        *why = text;
    return LF_EREQUEST;
}

enum lf_err lf_auth_basic(struct lf_buf *out, const char *user, size_t ulen,
                          const char *pass, size_t plen, const char **why)
{
    if (ulen && memchr(user, ':', ulen))
        return refuse(why, "a user name for basic authentication cannot hold ':'");
    if (has_control(user, ulen) || has_control(pass, plen))
        return refuse(why, "user and password cannot hold control characters");
    struct lf_buf plain;
    lf_buf_init(&plain, out->max);
    enum lf_err err = lf_buf_add(&plain, user, ulen);
    if (!err)
        err = lf_buf_addc(&plain, ':');
    if (!err)
        err = lf_buf_add(&plain, pass, plen);
    if (!err)
        err = lf_buf_adds(out, "Basic ");
    if (!err)
        err = lf_base64_encode(out, plain.p, plain.len);
    if (plain.p)
        explicit_bzero(plain.p, plain.len);
    lf_buf_free(&plain);
    return err;
}

enum lf_err lf_auth_bearer(struct lf_buf *out, const char *token, size_t n,
                           const char **why)
{
    for (size_t i = 0; i < n; i++)
        if (token[i] <= 0x20 || token[i] >= 0x7f)
            return refuse(why, "a bearer token is visible ASCII without spaces");
    if (n == 0)
        return refuse(why, "the bearer token is empty");
    enum lf_err err = lf_buf_adds(out, "Bearer ");
    return err ? err : lf_buf_add(out, token, n);
}
