/* Which character set a body is in: a byte order mark goes before the header (WHATWG
 * Encoding §6), the header before what an HTML document says of itself, and UTF-8 is what
 * remains. Bytes that are no text become U+FFFD; text that is UTF-8 already is not
 * copied. */
#include "bind/decoded.h"

#include <string.h>
#include <strings.h>
#include "bind/bind.h"
#include "bind/url.h"
#include "http/charset.h"

/* A label, or "" for none. */
struct label {
    const char *p;
    size_t n, mark; /* mark: bytes in front that are no text */
};

static bool is_html(const char *type, size_t n)
{
    static const char *const names[] = {"text/html", "application/xhtml+xml"};
    while (n && (*type == ' ' || *type == '\t'))
        type++, n--;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i]);
        if (n >= len && strncasecmp(type, names[i], len) == 0 &&
            (n == len || strchr("; \t", type[len])))
            return true;
    }
    return false;
}

static struct label find_label(const char *type, size_t type_len, const char *body,
                               size_t n)
{
    struct label l = {.n = 0};
    l.p = lf_charset_bom(body, n, &l.mark);
    if (l.p) {
        l.n = strlen(l.p);
        return l;
    }
    l.p = lf_charset_param(type, type_len, &l.n);
    if (l.p)
        return l;
    const struct lf_charset *own =
        is_html(type, type_len) ? lf_charset_of_document(body, n) : NULL;
    if (!own)
        own = lf_charset_utf8();
    return (struct label){own->name, strlen(own->name), 0};
}

int lf_decoded_push(lua_State *L, const char *type, size_t type_len, const char *url)
{
    size_t n;
    const char *body = lua_tolstring(L, -1, &n);
    struct label l = find_label(type, type_len, body, n);
    if (lf_charset_is_utf8(l.p, l.n) && lf_utf8_valid(body, n)) {
        if (l.mark)
            lua_pushlstring(L, body + l.mark, n - l.mark);
        else
            lua_pushvalue(L, -1);
        return 1;
    }
    struct lf_buf *out = lf_buf_box(L, LF_BUF_MAX);
    enum lf_err err = lf_charset_decode(l.p, l.n, body + l.mark, n - l.mark, out);
    if (err == LF_EDECODE) {
        lua_pushlstring(L, l.p, l.n);
        return lf_error_fail(L, LF_EPARSE, url, "the charset '%.40s' is not known",
                             lua_tostring(L, -1));
    }
    lf_buf_check(L, err);
    lua_pushlstring(L, out->p ? out->p : "", out->len);
    lf_buf_free(out);
    return 1;
}
