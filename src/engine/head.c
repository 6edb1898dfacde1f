/* The head of an answer, line by line, as HEADERFUNCTION brings it.
 *
 * libcurl hands over every block (1xx, the final one) and the trailers; it lets pass what
 * must not pass: two lengths, a bare CR, an unasked 101, transfer codings in an order
 * that it does not undo. All of these end the exchange here. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "engine/req.h"
#include "http/ctype.h"

enum {
    MAX_INFORMATIONAL = 16,
    MAX_HEAD = 300 << 10,
    MAX_FIELDS = 5000,
    MAX_TRAILERS = 64 << 10,
    HEAD_ROOM = 500,       /* set aside for a header block: most fit */
    TRUST_LENGTH = 1 << 20 /* memory set aside on the word of a Content-Length */
};

void lf_head_reset(struct lf_head *h)
{
    *h = (struct lf_head){.length = -1};
}

static bool refuse(struct lf_req *req, enum lf_err err, const char *why)
{
    lf_req_fail(req, err, "%s", why);
    return false;
}

/* ---- one field ---- */

static bool space(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **p, size_t *n)
{
    while (*n && space(**p))
        (*p)++, (*n)--;
    while (*n && space((*p)[*n - 1]))
        (*n)--;
}

/* ---- the fields that decide about the body ---- */

/* Only digits, all of the same value where the field is repeated (RFC 9110 §8.6). */
static bool note_length(struct lf_req *req, const char *value, size_t n)
{
    int64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)value[i]) || v > INT64_MAX / 10 - 1)
            return refuse(req, LF_EPROTOCOL, "Content-Length is not a number");
        v = v * 10 + (value[i] - '0');
    }
    if (!n)
        return refuse(req, LF_EPROTOCOL, "Content-Length is empty");
    if (req->head.length >= 0 && req->head.length != v)
        return refuse(req, LF_EPROTOCOL, "two different Content-Length");
    req->head.length = v;
    return true;
}

/* libcurl undoes "chunked" and nothing else; the rest would reach us coded. */
static bool note_transfer_encoding(struct lf_req *req, const char *value, size_t n)
{
    if (n == 8 && strncasecmp(value, "identity", n) == 0)
        return true;
    if (n != 7 || strncasecmp(value, "chunked", n) != 0 || req->head.chunked)
        return refuse(req, LF_EPROTOCOL, "Transfer-Encoding is not \"chunked\"");
    req->head.chunked = true;
    return true;
}

static bool note_encoding(struct lf_req *req, const char *value, size_t n)
{
    (void)value, (void)n;
    req->head.encoded = true;
    return true;
}

static bool note_location(struct lf_req *req, const char *value, size_t n)
{
    struct lf_header first;
    if (!req->head.located++)
        return true;
    if (lf_headers_get(&req->res.headers, "location", &first) && first.value_len == n &&
        memcmp(first.value, value, n) == 0)
        return true;
    return refuse(req, LF_EPROTOCOL, "two different Location");
}

/* Without a jar the cookies of a redirect live as long as the request. What the jar does
 * not want is no error of the request. */
static bool note_cookie(struct lf_req *req, const char *value, size_t n)
{
    int status = req->res.status;
    const char *why;
    if (!req->jar && status >= 300 && status < 400)
        req->jar = lf_jar_new();
    if (!req->jar || status < 200)
        return true;
    if (lf_jar_set(req->jar, &req->url, value, n, time(NULL), &why) == LF_ERESOURCE)
        return refuse(req, LF_ERESOURCE, "out of memory");
    return true;
}

static const struct {
    const char *name;
    size_t len;
    bool (*note)(struct lf_req *req, const char *value, size_t n);
    bool frames; /* libcurl reads it too: we must both see it, or neither */
} noted[] = {
    {"content-length", 14, note_length, true},
    {"transfer-encoding", 17, note_transfer_encoding, true},
    {"content-encoding", 16, note_encoding, false},
    {"location", 8, note_location, false},
    {"set-cookie", 10, note_cookie, false},
};

static int find_noted(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof noted / sizeof *noted; i++)
        if (len == noted[i].len && strncasecmp(name, noted[i].name, len) == 0)
            return (int)i;
    return -1;
}

/* `spaced`: there was white space before the colon. libcurl does not know the field then
 * (RFC 9112 §5.1 forbids it), and would take the body for one that ends with the
 * connection, or the chunks for the body. */
static bool note(struct lf_req *req, const char *name, size_t nlen, bool spaced,
                 const char *value, size_t vlen)
{
    int i = find_noted(name, nlen);
    if (i >= 0 && noted[i].frames && spaced)
        return refuse(req, LF_EPROTOCOL,
                      "white space before the colon of Content-Length or "
                      "Transfer-Encoding");
    return i < 0 || noted[i].note(req, value, vlen);
}

/* RFC 9112 §5.2: a line that begins with white space continues the field before it. */
static bool unfold(struct lf_req *req, const char *line, size_t n)
{
    struct lf_headers *h = &req->res.headers;
    struct lf_header f;
    size_t at = req->head.last;
    if (!h->count)
        return refuse(req, LF_EPROTOCOL, "the header block begins with a folded line");
    lf_headers_next(h->block.p, h->block.len, &at, &f);
    if (find_noted(f.name, f.name_len) >= 0)
        return refuse(req, LF_EPROTOCOL,
                      "a folded line continues a header that must be whole");
    trim(&line, &n);
    if (lf_headers_continue(h, req->head.last, line, n))
        return refuse(req, LF_ERESOURCE, "out of memory");
    return true;
}

static bool add_field(struct lf_req *req, const char *line, size_t n)
{
    struct lf_headers *h = &req->res.headers;
    const char *colon = memchr(line, ':', n);
    if (!colon)
        return refuse(req, LF_EPROTOCOL, "a header line has no colon");
    if (h->count >= MAX_FIELDS)
        return refuse(req, LF_ETOOLARGE, "the answer has more than 5000 header lines");
    const char *value = colon + 1;
    size_t nlen = (size_t)(colon - line), vlen = n - nlen - 1;
    while (nlen && space(line[nlen - 1]))
        nlen--;
    trim(&value, &vlen);
    bool spaced = line + nlen < colon;
    if (!note(req, line, nlen, spaced, value, vlen))
        return false;
    req->head.last = h->block.len;
    if (lf_headers_add(h, line, nlen, value, vlen))
        return refuse(req, LF_ERESOURCE, "out of memory");
    return true;
}

/* ---- the block as a whole ---- */

static bool begin_block(struct lf_req *req, const char *line, size_t n)
{
    struct lf_head *h = &req->head;
    const char *sp = memchr(line, ' ', n);
    int status = 0;
    for (int i = 1; sp && i <= 3 && sp + i < line + n && isdigit((unsigned char)sp[i]);
         i++)
        status = status * 10 + (sp[i] - '0');
    req->res.status = status;
    req->res.http_version = line[5] == '2' ? 20 : n > 7 && line[7] == '0' ? 10 : 11;
    lf_headers_reset(&req->res.headers);
    lf_buf_reserve(&req->res.headers.block, HEAD_ROOM); /* else it grows by and by */
    h->last = h->located = 0;
    h->length = -1;
    h->chunked = h->encoded = false;
    return true;
}

static bool has_body(const struct lf_req *req)
{
    return req->res.status != 204 && req->res.status != 304 &&
           strcmp(req->method, "HEAD") != 0;
}

static bool start_decoder(struct lf_req *req)
{
    struct lf_headers *h = &req->res.headers;
    struct lf_header f;
    struct lf_buf list;
    char why[LF_DECODER_WHY];
    enum lf_err err = LF_OK;
    lf_buf_init(&list, MAX_HEAD);
    for (size_t at = 0; !err && lf_headers_find(h->block.p, h->block.len, &at,
                                                "content-encoding", 16, &f);) {
        if (list.len)
            err = lf_buf_addc(&list, ',');
        if (!err)
            err = lf_buf_add(&list, f.value, f.value_len);
    }
    if (!err && list.len)
        err = lf_decoder_new(list.p, list.len, &req->decoder, why);
    lf_buf_free(&list);
    if (err == LF_EDECODE)
        return refuse(req, err, why);
    return err ? refuse(req, err, "out of memory") : true;
}

/* What does not say its type may be anything. */
static bool type_wanted(const struct lf_req *req, struct lf_header *type)
{
    return !req->types || req->res.status >= 300 ||
           !lf_headers_get(&req->res.headers, "content-type", type) ||
           lf_ctype_among(type->value, type->value_len, req->types);
}

static bool prepare_body(struct lf_req *req)
{
    struct lf_header type;
    if (!type_wanted(req, &type)) {
        lf_req_fail(req, LF_EBLOCKED, "the answer is %.*s, which is not wanted",
                    (int)(type.value_len < 80 ? type.value_len : 80), type.value);
        return false;
    }
    if (!has_body(req))
        return true;
    if (req->decode && req->head.encoded && !start_decoder(req))
        return false;
    int64_t length = req->head.length;
    if (!req->decoder && length >= 0 && (uint64_t)length > req->max_body) {
        lf_req_fail(req, LF_ETOOLARGE,
                    "the body has %lld bytes, more than max_body (%llu) allows",
                    (long long)length, (unsigned long long)req->max_body);
        return false;
    }
    /* When this fails the body itself will, with its own sentence. */
    if (length > 0)
        lf_buf_reserve(&req->res.body,
                       (size_t)(length < TRUST_LENGTH ? length : TRUST_LENGTH));
    return true;
}

/* A 407 through a tunnel would be the server's own. */
static bool proxy_refuses(const struct lf_req *req)
{
    return req->res.status == 407 && req->x.proxy && lf_proxy_is_http(req->x.proxy) &&
           req->url.scheme == LF_URL_HTTP;
}

static bool end_block(struct lf_req *req)
{
    int status = req->res.status;
    if (status == 101)
        return refuse(req, LF_EPROTOCOL, "the server switched protocols unasked (101)");
    if (status < 200) {
        if (++req->head.blocks > MAX_INFORMATIONAL)
            return refuse(req, LF_EPROTOCOL, "more than 16 informational (1xx) answers");
        return true;
    }
    if (proxy_refuses(req)) {
        lf_fail_proxy_status(req, status);
        return false;
    }
    req->x.head_done = true;
    req->x.phase = LF_PHASE_BODY;
    if (req->head.chunked)
        req->head.length = -1; /* RFC 9112 §6.3: chunked wins */
    lf_retry_listen(req);
    req->head.redirect = lf_redirect_wanted(req);
    if (req->head.redirect)
        return true;
    req->head.again = lf_retry_answered(req);
    if (req->head.again)
        return true;
    req->x.until_close = req->res.http_version < 20 && !req->head.chunked &&
                         req->head.length < 0 && has_body(req);
    if (!prepare_body(req) || (req->save && !lf_save_begin(req)))
        return false;
    if (req->stream.on)
        lf_stream_news(req);
    return true;
}

bool lf_head_line(struct lf_req *req, const char *line, size_t n)
{
    struct lf_head *h = &req->head;
    size_t raw = n;
    if (n && line[n - 1] == '\n')
        n--;
    if (n && line[n - 1] == '\r')
        n--;
    if (req->x.head_done) { /* trailers: bounded, and not ours to interpret */
        h->trailer_bytes += (unsigned)raw;
        return h->trailer_bytes <= MAX_TRAILERS ||
               refuse(req, LF_EPROTOCOL, "more than 64 KB of trailers");
    }
    h->bytes += (unsigned)raw;
    if (h->bytes > MAX_HEAD)
        return refuse(req, LF_ETOOLARGE, "more than 300 KB of headers");
    if (n >= 5 && memcmp(line, "HTTP/", 5) == 0)
        return begin_block(req, line, n);
    if (n == 0)
        return end_block(req);
    if (memchr(line, '\r', n) || memchr(line, '\0', n))
        return refuse(req, LF_EPROTOCOL, "a header line has a bare CR or a NUL in it");
    if (space(line[0]))
        return unfold(req, line, n);
    return add_field(req, line, n);
}
