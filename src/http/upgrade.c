/* Requests for and answers to an upgrade. */
#include "http/upgrade.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { MAX_INFORMATIONAL = 16 };

/* ---- the request ---- */

static bool made_here(const struct lf_header *f)
{
    static const char *const names[] = {"connection", "upgrade", "content-length",
                                        "transfer-encoding"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(f->name, names[i]) == 0)
            return true;
    return false;
}

static enum lf_err add_fields(struct lf_buf *out, const struct lf_headers *h)
{
    struct lf_header f;
    enum lf_err err = LF_OK;
    for (size_t at = 0; !err && lf_headers_next(h->block.p, h->block.len, &at, &f);)
        if (!made_here(&f))
            err = lf_buf_addf(out, "%s: %s\r\n", f.name, f.value);
    return err;
}

enum lf_err lf_upgrade_ask(struct lf_buf *out, const struct lf_url *u,
                           const char *protocol, const struct lf_headers *headers)
{
    struct lf_span target = lf_url_target(u), host = lf_url_authority(u);
    struct lf_header own;
    enum lf_err err =
        lf_buf_addf(out, "GET %.*s HTTP/1.1\r\n", (int)target.len, target.p);
    if (!err && !(headers && lf_headers_get(headers, "host", &own)))
        err = lf_buf_addf(out, "Host: %.*s\r\n", (int)host.len, host.p);
    if (!err)
        err = lf_buf_addf(out, "Connection: Upgrade\r\nUpgrade: %s\r\n", protocol);
    if (!err && headers)
        err = add_fields(out, headers);
    return err ? err : lf_buf_adds(out, "\r\n");
}

/* ---- the answer ---- */

static enum lf_err bad(const char **why, const char *sentence)
{
    *why = sentence;
    return LF_EPROTOCOL;
}

/* "HTTP/1.1 101 Switching Protocols" */
static int read_status(const char *p, size_t n)
{
    if (n < 12 || memcmp(p, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)p[7]) ||
        p[8] != ' ' || (n > 12 && p[12] != ' '))
        return 0;
    int status = 0;
    for (int i = 9; i < 12; i++) {
        if (!isdigit((unsigned char)p[i]))
            return 0;
        status = status * 10 + (p[i] - '0');
    }
    return status;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static enum lf_err read_field(struct lf_headers *h, const char *p, size_t n,
                              const char **why)
{
    const char *colon = memchr(p, ':', n);
    if (!colon || !lf_token_valid(p, (size_t)(colon - p)))
        return bad(why, "a header line of the answer has no name");
    const char *value = colon + 1;
    size_t len = n - (size_t)(value - p);
    while (len && blank(*value))
        value++, len--;
    while (len && blank(value[len - 1]))
        len--;
    if (!lf_value_valid(value, len))
        return bad(why, "a header line of the answer has a bare CR or a NUL in it");
    *why = "not enough memory";
    return lf_headers_add(h, p, (size_t)(colon - p), value, len);
}

/* Is the word among the comma-separated ones of all fields of that name? */
static bool has_word(const struct lf_headers *h, const char *name, const char *word)
{
    struct lf_header f;
    size_t len = strlen(word);
    for (size_t at = 0;
         lf_headers_find(h->block.p, h->block.len, &at, name, strlen(name), &f);) {
        for (const char *p = f.value; *p;) {
            p += strspn(p, ", \t");
            size_t n = strcspn(p, ", \t");
            if (n == len && strncasecmp(p, word, n) == 0)
                return true;
            p += n;
        }
    }
    return false;
}

static enum lf_err judge(const struct lf_upgrade *up, const char *protocol,
                         const char **why)
{
    struct lf_header f;
    if (up->status != 101)
        return LF_OK;
    if (!lf_headers_get(&up->headers, "upgrade", &f) ||
        strcasecmp(f.value, protocol) != 0)
        return bad(why, "the server switched to another protocol than the one asked for");
    if (!has_word(&up->headers, "connection", "upgrade"))
        return bad(why, "the answer 101 has no \"Connection: Upgrade\"");
    return LF_OK;
}

/* One whole block of lines, without the blank line. */
static enum lf_err read_block(struct lf_upgrade *up, const char *p, const char *end,
                              const char **why)
{
    const char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);
    int status = read_status(p, (size_t)(eol - p));
    if (!status)
        return bad(why, "the answer is not HTTP/1.1");
    lf_headers_reset(&up->headers);
    for (p = eol + 2; p < end; p = eol + 2) {
        eol = memmem(p, (size_t)(end - p), "\r\n", 2);
        enum lf_err err = read_field(&up->headers, p, (size_t)(eol - p), why);
        if (err)
            return err;
    }
    if (status >= 200 || status == 101)
        up->status = status;
    else if (++up->informational > MAX_INFORMATIONAL)
        return bad(why, "more than 16 informational (1xx) answers");
    return LF_OK;
}

static enum lf_err unfinished(const char *p, size_t n, const char **why)
{
    *why = "more than 64 KB of headers";
    if (n > LF_UPGRADE_MAX_HEAD)
        return LF_ETOOLARGE;
    if (n && memcmp(p, "HTTP/1.", n < 7 ? n : 7) != 0)
        return bad(why, "the answer is not HTTP/1.1");
    return LF_OK;
}

enum lf_err lf_upgrade_read(struct lf_upgrade *up, const char *p, size_t n,
                            const char *protocol, const char **why)
{
    while (!up->status) {
        const char *at = p + up->used;
        size_t left = n - up->used;
        const char *end = left ? memmem(at, left, "\r\n\r\n", 4) : NULL;
        if (!end)
            return unfinished(at, left, why);
        enum lf_err err = read_block(up, at, end + 2, why);
        if (err)
            return err;
        up->used = (size_t)(end + 4 - p);
    }
    return judge(up, protocol, why);
}
