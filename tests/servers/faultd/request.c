/* request.h: one pass over the head, a query reader, and a chunk decoder by states. */
#include "request.h"

#include <string.h>
#include <strings.h>

#define MAX_HEAD (1 << 20)
#define MAX_KEEP (16u << 20)

static struct slice between(const char *from, const char *to)
{
    return (struct slice){from, (size_t)(to - from)};
}

static struct slice trim(struct slice s)
{
    while (s.len && (*s.p == ' ' || *s.p == '\t'))
        s.p++, s.len--;
    while (s.len &&
           (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' || s.p[s.len - 1] == '\r'))
        s.len--;
    return s;
}

bool slice_is(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.p, text, s.len) == 0;
}

static bool slice_has(struct slice s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= s.len; i++)
        if (strncasecmp(s.p + i, word, n) == 0)
            return true;
    return false;
}

uint64_t slice_number(struct slice s, uint64_t fallback)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < s.len && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    return i ? n : fallback;
}

/* A proxy is asked with the whole URL; only its path chooses the scene. */
static struct slice skip_origin(struct slice target)
{
    const char *at = memmem(target.p, target.len, "://", 3);
    if (*target.p == '/' || !at)
        return target;
    const char *end = target.p + target.len;
    const char *path = memchr(at + 3, '/', (size_t)(end - at - 3));
    return path ? between(path, end) : (struct slice){"/", 1};
}

static bool parse_line(struct request *r, const char *p, const char *end)
{
    const char *sp = memchr(p, ' ', (size_t)(end - p));
    const char *last = memrchr(p, ' ', (size_t)(end - p));
    if (!sp || last <= sp + 1 || end - last < 9 || memcmp(last + 1, "HTTP/1.", 7) != 0)
        return false;
    r->method = between(p, sp);
    struct slice target = skip_origin(between(sp + 1, last));
    const char *query = memchr(target.p, '?', target.len);
    r->path = query ? between(target.p, query) : target;
    r->query = query ? between(query + 1, target.p + target.len) : (struct slice){"", 0};
    r->closes = last[8] == '0';
    return true;
}

static void read_header(struct request *r, struct slice name, struct slice value)
{
    if (slice_is(name, "content-length") && r->framing == NO_BODY) {
        r->length = slice_number(value, 0);
        r->framing = r->length ? BY_LENGTH : NO_BODY;
    } else if (slice_is(name, "transfer-encoding") && slice_has(value, "chunked")) {
        r->framing = BY_CHUNKS;
    } else if (slice_is(name, "expect") && slice_has(value, "100-continue")) {
        r->expects_continue = true;
    } else if (slice_is(name, "connection") && slice_has(value, "close")) {
        r->closes = true;
    }
}

/* Splits the line at *at into name and value and moves on; false at the blank line. */
static bool next_header(const char **at, const char *end, struct slice *name,
                        struct slice *value)
{
    const char *line = *at, *nl = memchr(line, '\n', (size_t)(end - line));
    if (!nl)
        return false;
    *at = nl + 1;
    const char *colon = memchr(line, ':', (size_t)(nl - line));
    *name = between(line, colon ? colon : nl);
    *value = colon ? trim(between(colon + 1, nl)) : (struct slice){nl, 0};
    return trim(between(line, nl)).len > 0;
}

static const char *head_end(const char *p, size_t n)
{
    const char *crlf = memmem(p, n, "\r\n\r\n", 4);
    const char *lf = memmem(p, crlf ? (size_t)(crlf - p) : n, "\n\n", 2);
    return lf ? lf + 2 : crlf ? crlf + 4 : NULL;
}

long request_parse(struct request *r, const char *p, size_t n)
{
    const char *end = head_end(p, n);
    if (!end)
        return n > MAX_HEAD ? -1 : 0;
    *r = (struct request){.head = between(p, end)};
    const char *nl = memchr(p, '\n', n);
    if (!parse_line(r, p, nl > p && nl[-1] == '\r' ? nl - 1 : nl))
        return -1;
    struct slice name, value;
    for (const char *at = nl + 1; next_header(&at, end, &name, &value);)
        read_header(r, name, value);
    return end - p;
}

bool request_header(const struct request *r, const char *name, struct slice *value)
{
    const char *end = r->head.p + r->head.len;
    const char *at = memchr(r->head.p, '\n', r->head.len);
    struct slice found;
    for (at++; next_header(&at, end, &found, value);)
        if (slice_is(found, name))
            return true;
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void percent_decode(struct slice s, struct bytes *out)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i] == '+' ? ' ' : s.p[i];
        if (c == '%' && i + 2 < s.len && hex_digit(s.p[i + 1]) >= 0 &&
            hex_digit(s.p[i + 2]) >= 0) {
            c = (char)(hex_digit(s.p[i + 1]) * 16 + hex_digit(s.p[i + 2]));
            i += 2;
        }
        bytes_add(out, &c, 1);
    }
}

static bool pair_has_key(struct slice pair, const char *key, struct slice *value)
{
    size_t n = strlen(key);
    if (pair.len <= n || memcmp(pair.p, key, n) != 0 || pair.p[n] != '=')
        return false;
    *value = (struct slice){pair.p + n + 1, pair.len - n - 1};
    return true;
}

/* The raw value of the n-th pair that fits. */
static bool find_pair(struct slice query, const char *key, size_t n, struct slice *value)
{
    const char *at = query.p, *end = query.p + query.len;
    while (at < end) {
        const char *amp = memchr(at, '&', (size_t)(end - at));
        struct slice pair = between(at, amp ? amp : end);
        *value = pair;
        if (pair.len && (!key || pair_has_key(pair, key, value)) && n-- == 0)
            return true;
        at += pair.len + 1;
    }
    return false;
}

bool query_value(struct slice query, const char *key, size_t n, struct bytes *out)
{
    struct slice value;
    if (!find_pair(query, key, n, &value))
        return false;
    percent_decode(value, out);
    return true;
}

uint64_t query_number(struct slice query, const char *key, uint64_t fallback)
{
    struct slice value;
    return find_pair(query, key, 0, &value) ? slice_number(value, fallback) : fallback;
}

/* ---- body ---- */

enum chunk_state { SIZE, SIZE_REST, DATA, DATA_END, TRAILER, TRAILER_REST };

void body_begin(struct body *b, const struct request *r)
{
    *b = (struct body){.framing = r->framing, .left = r->length};
    b->done = r->framing == NO_BODY;
    if (r->framing == BY_CHUNKS)
        b->left = 0;
}

static size_t take(struct body *b, const char *p, size_t n, struct bytes *keep)
{
    if (n > b->left)
        n = (size_t)b->left;
    if (keep && keep->len + n <= MAX_KEEP)
        bytes_add(keep, p, n);
    b->left -= n;
    b->seen += n;
    return n;
}

static void end_of_size_line(struct body *b)
{
    b->state = b->left ? DATA : TRAILER;
}

/* One byte of what lies between the data. */
static void chunk_byte(struct body *b, char c)
{
    int digit = hex_digit(c);
    switch ((enum chunk_state)b->state) {
    case SIZE:
        if (digit >= 0)
            b->left = b->left * 16 + (uint64_t)digit;
        else if (c == '\n')
            end_of_size_line(b);
        else
            b->state = SIZE_REST;
        b->bad = b->left >> 56;
        break;
    case SIZE_REST:
        if (c == '\n')
            end_of_size_line(b);
        break;
    case DATA_END:
        if (c == '\n')
            b->state = SIZE;
        break;
    case TRAILER:
        if (c == '\n')
            b->done = true;
        else if (c != '\r')
            b->state = TRAILER_REST;
        break;
    case TRAILER_REST:
        if (c == '\n')
            b->state = TRAILER;
        break;
    case DATA:
        break;
    }
}

static size_t feed_chunks(struct body *b, const char *p, size_t n, struct bytes *keep)
{
    size_t i = 0;
    while (i < n && !b->done && !b->bad) {
        if (b->state != DATA) {
            chunk_byte(b, p[i++]);
            continue;
        }
        i += take(b, p + i, n - i, keep);
        if (!b->left)
            b->state = DATA_END;
    }
    return i;
}

size_t body_feed(struct body *b, const char *p, size_t n, struct bytes *keep)
{
    if (b->framing == BY_CHUNKS)
        return feed_chunks(b, p, n, keep);
    size_t took = take(b, p, n, keep);
    b->done = b->left == 0;
    return took;
}
