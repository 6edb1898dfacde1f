/* UTF-8 into other character sets, by iconv. */
#include <errno.h>
#include <string.h>
#include "http/charset.h"
#include "http/utf8.h"

/* What iconv calls it; for the two that the reader does itself too. */
static const char *iconv_name(const struct lf_charset *c)
{
    if (c == lf_charset_utf8())
        return "UTF-8";
    return c == lf_charset_windows_1252() ? "CP1252" : c->iconv;
}

struct writer {
    iconv_t cd;    /* owned */
    const char *s; /* borrowed: what is left */
    size_t left;
    struct lf_buf *out; /* borrowed */
};

/* One call of iconv into fresh room; its errno, 0 when all of s is done. */
static int convert(struct writer *w, const char **s, size_t *left, enum lf_err *err)
{
    enum { ROOM = 4096 };
    char chunk[ROOM], *to = chunk, *from = s ? (char *)(size_t)*s : NULL;
    size_t room = sizeof chunk;
    int code = iconv(w->cd, s ? &from : NULL, left, &to, &room) == (size_t)-1 ? errno : 0;
    if (s)
        *s = from;
    *err = lf_buf_add(w->out, chunk, (size_t)(to - chunk));
    return code;
}

static enum lf_err replace(struct writer *w, const char *replacement)
{
    const unsigned char *p = (const unsigned char *)w->s;
    int len = lf_utf8_len(p, p + w->left);
    size_t n = strlen(replacement), step = (size_t)(len < 0 ? -len : len);
    enum lf_err err;
    w->s += step;
    w->left -= step;
    int code = convert(w, &replacement, &n, &err);
    return !err && code ? LF_EPARSE : err;
}

static enum lf_err write_all(struct writer *w, const char *replacement)
{
    enum lf_err err = LF_OK;
    while (!err && w->left) {
        int code = convert(w, &w->s, &w->left, &err);
        if (err || !code || code == E2BIG)
            continue;
        err = replacement ? replace(w, replacement) : LF_EPARSE;
    }
    if (!err)
        convert(w, NULL, NULL, &err); /* back to the initial state */
    return err;
}

enum lf_err lf_charset_encode(const char *label, size_t label_len, const char *s,
                              size_t n, const char *replacement, struct lf_buf *out,
                              size_t *bad)
{
    const struct lf_charset *charset = lf_charset_find(label, label_len);
    if (!charset)
        return LF_EDECODE;
    struct writer w = {.s = s, .left = n, .out = out};
    w.cd = iconv_open(iconv_name(charset), "UTF-8");
    if (w.cd == (iconv_t)-1)
        return errno == ENOMEM ? LF_ERESOURCE : LF_EDECODE;
    enum lf_err err = write_all(&w, replacement);
    *bad = (size_t)(w.s - s);
    iconv_close(w.cd);
    return err;
}
