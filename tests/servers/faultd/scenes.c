/* scene.h: the table itself. A new scene is one line here. */
#include "scene.h"

#include <string.h>

#define OK         "HTTP/1.1 200 OK\r\n"
#define OK_CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define FOUND(url) "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " url "\r\n\r\n"
#define SECOND_ONE "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npoisoned\n"

/* Rows: made by a function, or fixed bytes and how the connection ends after them. */
#define MADE(path, play, what) MADE_FLAGS(path, play, what, 0)
#define MADE_FLAGS(path, play, what, flags)                                              \
    {                                                                                    \
        path, play, what, NULL, 0, KEEP, flags                                           \
    }
#define RAW(path, ending, what, bytes)                                                   \
    {                                                                                    \
        path, play_raw, what, bytes, sizeof(bytes) - 1, ending, 0                        \
    }

static void play_index(struct reply *r);

/* clang-format off */
static const struct scene scenes[] = {
    /* sound */
    MADE("/bytes/", play_bytes, "N bytes of the pattern"),
    MADE("/ok", play_ok, "200 and \"ok\", keep-alive"),
    MADE("/delay/", play_delay, "waits MS before it answers"),
    MADE("/delay-headers/", play_delay_headers, "waits MS in the middle of the headers"),
    MADE("/delay-body/", play_delay_body, "waits MS between headers and body"),
    MADE("/drip", play_drip, "?n= bytes of body, one every ?ms="),
    MADE("/status/", play_status, "that status"),
    MADE("/respond", play_respond, "?status=, any number of ?h=Name:value, ?body="),
    MADE("/raw", play_raw_query, "exactly ?data=, then ?end=close|keep|reset|hang"),
    MADE_FLAGS("/echo", play_echo, "the request as it came", KEEPS_BODY),
    MADE("/upload", play_upload, "reads the body, tells its length as JSON"),
    MADE_FLAGS("/early/", play_early, "answers status N before the body is read", EARLY),
    MADE("/chunked/", play_chunked, "N chunks of 37 bytes"),
    MADE("/headers/", play_headers, "N small headers (at most 100,000)"),
    MADE("/trailers", play_trailers, "chunked, with two trailers"),
    MADE("/1xx/", play_interim, "N interim answers (?status=103), then 200"),
    MADE("/cookies/set", play_set_cookies, "a Set-Cookie from each pair of the query"),
    MADE("/cookies", play_cookies, "the Cookie header as body"),
    MADE("/close-after", play_close_after, "Connection: close"),
    MADE("/stale", play_stale, "answers; the connection's next request gets FIN only"),
    MADE("/fail/", play_fail, "first N of ?key= get ?status=503 (0: FIN), ?after=S"),
    MADE("/quota/", play_quota, "N in any second; 429 beyond, with Retry-After: ?after=S"),
    MADE("/count", play_count, "how often ?key= came, by path, as JSON"),
    MADE("/stats", play_stats, "the server's totals as JSON"),
    MADE("/redirect/", play_redirect, "N hops to /ok, ?status=302"),
    MADE("/redirect-to", play_redirect_to, "to ?url=, ?status=302"),
    MADE("/redirect-loop", play_redirect_loop, "to itself"),
    RAW("/redirect-relative", KEEP, "Location: ./ok?relative#part",
        FOUND("./ok?relative#part")),

    /* codings */
    MADE("/gzip", play_gzip, "as /bytes/24000, gzip; ?cut=N drops the last N bytes"),
    MADE("/deflate", play_deflate, "the same, zlib"),
    MADE("/deflate-raw", play_deflate_raw, "the same, raw deflate, as some servers send it"),
    MADE("/br", play_br, "the same, brotli"),
    MADE("/zstd", play_zstd, "the same, zstd"),
    MADE("/gzip-chunked", play_gzip_chunked, "gzip in chunks of 16 bytes"),
    MADE("/gzip-two", play_gzip_two, "two members: \"first\", \"second\""),
    MADE("/gzip-empty", play_gzip_empty, "marked gzip, no byte of body"),
    MADE("/gzip-truncated", play_gzip_truncated, "half of it, Content-Length right"),
    MADE("/gzip-crc", play_gzip_crc, "wrong checksum"),
    MADE("/gzip-size", play_gzip_size, "wrong length in the trailer"),
    MADE("/gzip-junk", play_gzip_junk, "text after the end"),
    MADE("/gzip-plain", play_gzip_plain, "plain text marked gzip"),
    MADE("/gzip-bomb", play_gzip_bomb, "?mb=10 MiB of zeros in 1 KiB each"),
    MADE("/deflate-bomb", play_deflate_bomb, "the same, zlib"),
    MADE("/zstd-bomb", play_zstd_bomb, "?mb=10 MiB of zeros, zstd"),
    MADE("/br-bomb", play_br_bomb, "10 MiB of zeros in 27 bytes"),
    MADE("/encoding-layers/", play_layers, "\"ok\" in N layers: deflate, gzip, deflate …"),
    MADE("/encoding-unknown", play_unknown_coding, "Content-Encoding: x-mystery"),

    /* closed, reset, silent */
    RAW("/empty", CLOSE, "FIN before any byte",
        ""),
    RAW("/reset", RESET, "RST before any byte",
        ""),
    MADE("/reset-headers", play_reset_headers, "RST in the headers"),
    MADE("/reset-body", play_reset_body, "RST in the body"),
    RAW("/cut-status", CLOSE, "FIN in the status line",
        "HTTP/1.1 20"),
    RAW("/cut-headers", CLOSE, "FIN in the headers",
        OK "Content-Type: text/plain\r\nContent-Le"),
    RAW("/cut-header-line", CLOSE, "FIN after a whole header line, no blank line",
        OK "Content-Type: text/plain\r\n"),
    RAW("/hang", HANG, "never answers",
        ""),
    RAW("/hang-headers", HANG, "stops in the headers",
        OK "X-Half: "),
    RAW("/hang-body", HANG, "stops in the body",
        OK "Content-Length: 1000\r\n\r\nonly part of it\n"),
    MADE("/drip-headers", play_drip_headers, "a byte every ?ms=1000"),

    /* lengths and chunks */
    RAW("/short", CLOSE, "16 of 100 bytes, then FIN",
        OK "Content-Length: 100\r\n\r\nonly part of it\n"),
    RAW("/excess", KEEP, "more than Content-Length, stays open",
        OK "Content-Length: 3\r\n\r\nok\nand more\n"),
    RAW("/excess-response", KEEP, "a second response nobody asked for",
        OK "Content-Length: 3\r\n\r\nok\n" SECOND_ONE),
    RAW("/until-close", CLOSE, "no length: the body ends with the connection",
        OK "Content-Type: text/plain\r\n\r\nok\n"),
    RAW("/two-lengths", CLOSE, "two different Content-Length",
        OK "Content-Length: 3\r\nContent-Length: 5\r\n\r\nok\nok"),
    RAW("/same-lengths", KEEP, "the same Content-Length twice",
        OK "Content-Length: 3\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/length-list", CLOSE, "Content-Length: 3, 5",
        OK "Content-Length: 3, 5\r\n\r\nok\nok"),
    RAW("/length-negative", CLOSE, "Content-Length: -3",
        OK "Content-Length: -3\r\n\r\nok\n"),
    RAW("/length-letters", CLOSE, "Content-Length: three",
        OK "Content-Length: three\r\n\r\nok\n"),
    RAW("/length-mixed", CLOSE, "Content-Length: 3x",
        OK "Content-Length: 3x\r\n\r\nok\n"),
    RAW("/length-plus", CLOSE, "Content-Length: +3",
        OK "Content-Length: +3\r\n\r\nok\n"),
    RAW("/length-overflow", CLOSE, "Content-Length beyond 64 bits",
        OK "Content-Length: 99999999999999999999999\r\n\r\nok\n"),
    RAW("/length-empty", CLOSE, "Content-Length without a value",
        OK "Content-Length:\r\n\r\nok\n"),
    RAW("/length-and-chunked", CLOSE, "both: chunked must win",
        OK "Content-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nok\n\r\n0\r\n\r\n"),
    RAW("/no-last-chunk", CLOSE, "FIN where a chunk should start",
        OK_CHUNKED "3\r\nok\n\r\n"),
    RAW("/cut-chunk", CLOSE, "FIN inside a chunk",
        OK_CHUNKED "64\r\nonly part"),
    RAW("/bad-chunk", CLOSE, "chunk size is no number",
        OK_CHUNKED "3\r\nok\n\r\nxyz\r\nok\n\r\n0\r\n\r\n"),
    RAW("/chunk-negative", CLOSE, "chunk size -3",
        OK_CHUNKED "-3\r\nok\n\r\n0\r\n\r\n"),
    RAW("/chunk-overflow", CLOSE, "chunk size beyond 64 bits",
        OK_CHUNKED "fffffffffffffffff\r\nok\n\r\n0\r\n\r\n"),
    RAW("/chunk-no-crlf", CLOSE, "no line break after the chunk's data",
        OK_CHUNKED "3\r\nok\n3\r\nok\n0\r\n\r\n"),
    RAW("/chunk-extension", KEEP, "a short chunk extension: allowed",
        OK_CHUNKED "3;name=value\r\nok\n\r\n0\r\n\r\n"),
    RAW("/chunked-twice", CLOSE, "Transfer-Encoding: chunked, chunked",
        OK "Transfer-Encoding: chunked, chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n"),
    RAW("/transfer-order", CLOSE, "Transfer-Encoding: chunked, gzip (chunked not last)",
        OK "Transfer-Encoding: chunked, gzip\r\n\r\n3\r\nok\n\r\n0\r\n\r\n"),
    RAW("/transfer-unknown", CLOSE, "Transfer-Encoding: x-mystery",
        OK "Transfer-Encoding: x-mystery\r\n\r\nok\n"),

    /* without end */
    MADE("/endless", play_endless, "a body without end"),
    MADE("/endless-chunks", play_endless_chunks, "chunks without end"),
    MADE("/endless-headers", play_endless_headers, "headers without end"),
    MADE("/endless-header-line", play_endless_header_line, "one header line without end"),
    MADE("/endless-1xx", play_endless_interim, "interim answers without end"),
    MADE("/endless-trailers", play_endless_trailers, "trailers without end"),
    MADE("/endless-extension", play_endless_extension, "a chunk extension without end"),

    /* not quite HTTP */
    RAW("/101", CLOSE, "101 Switching Protocols that nobody asked for",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
        "not http"),
    RAW("/garbage", CLOSE, "no status line",
        "lorem ipsum dolor\r\n\r\nsit\n"),
    RAW("/http09", CLOSE, "HTTP/0.9: a body alone",
        "<p>just a body</p>\n"),
    RAW("/http10", CLOSE, "HTTP/1.0, ends with the connection",
        "HTTP/1.0 200 OK\r\n\r\nok\n"),
    RAW("/version", CLOSE, "HTTP/7.3",
        "HTTP/7.3 200 OK\r\n\r\nok\n"),
    RAW("/tls", CLOSE, "a TLS alert instead of HTTP",
        "\x15\x03\x03\x00\x02\x02\x46"),
    RAW("/status-999", KEEP, "status 999",
        "HTTP/1.1 999 Far Out\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/status-no-reason", KEEP, "no reason phrase",
        "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/status-short", CLOSE, "a status of two digits",
        "HTTP/1.1 20 OK\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/status-letters", CLOSE, "a status that is no number",
        "HTTP/1.1 abc OK\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/header-nul", CLOSE, "NUL in a header",
        OK "X-Nul: a\0b\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/header-cr", CLOSE, "bare CR in a header",
        OK "X-Cr: a\rSet-Cookie: evil=1\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/header-no-colon", CLOSE, "a header line without colon",
        OK "What is this\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/header-no-name", CLOSE, "a header without a name",
        OK ": value\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/header-space", CLOSE, "a blank before the colon",
        OK "X-Space : a\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/header-fold", KEEP, "a folded header (obs-fold)",
        OK "X-Fold: one\r\n two\r\nContent-Length: 3\r\n\r\nok\n"),
    RAW("/header-lf", KEEP, "lines end with LF only",
        "HTTP/1.1 200 OK\nContent-Length: 3\n\nok\n"),
    RAW("/header-latin1", KEEP, "a byte above 127 in a header",
        OK "X-Name: caf\xe9\r\nContent-Length: 3\r\n\r\nok\n"),

    /* redirects to where nobody should go */
    RAW("/redirect-ftp", KEEP, "to ftp:",
        FOUND("ftp://127.0.0.1/x")),
    RAW("/redirect-file", KEEP, "to file:",
        FOUND("file:///etc/passwd")),
    RAW("/redirect-gopher", KEEP, "to gopher:",
        FOUND("gopher://127.0.0.1/x")),
    RAW("/redirect-javascript", KEEP, "to javascript:",
        FOUND("javascript:alert(1)")),
    RAW("/redirect-data", KEEP, "to data:",
        FOUND("data:text/plain,hello")),
    RAW("/redirect-bad", KEEP, "to a URL that is none",
        FOUND("http://[::1/x")),
    RAW("/redirect-empty", KEEP, "with an empty Location",
        FOUND("")),
    RAW("/redirect-nowhere", KEEP, "without Location",
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
    RAW("/redirect-two", KEEP, "with two different Location",
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /ok\r\n"
        "Location: /status/404\r\n\r\n"),
    MADE("/", play_index, "this list"),
};
/* clang-format on */

#define COUNT (sizeof scenes / sizeof *scenes)

static void play_index(struct reply *r)
{
    struct bytes text = {0};
    for (size_t i = 0; i < COUNT; i++)
        bytes_addf(&text, "%-22s %s\n", scenes[i].path, scenes[i].what);
    answer(r, 200, "text/plain; charset=utf-8", text.p, text.len);
    bytes_free(&text);
}

static void play_nothing(struct reply *r)
{
    answer_text(r, 404, "no such scene: GET / lists them\n");
}

static const struct scene nothing = MADE("", play_nothing, "404");

static bool fits(const struct scene *s, struct slice path)
{
    size_t n = strlen(s->path);
    bool prefix = n > 1 && s->path[n - 1] == '/';
    return path.len >= n && (prefix || path.len == n) && memcmp(s->path, path.p, n) == 0;
}

const struct scene *scene_find(const struct request *req)
{
    for (size_t i = 0; i < COUNT; i++)
        if (fits(&scenes[i], req->path))
            return &scenes[i];
    return &nothing;
}

void scene_play(const struct scene *s, struct reply *r)
{
    size_t n = strlen(s->path);
    r->arg = (struct slice){r->req->path.p + n, r->req->path.len - n};
    r->raw = s->raw;
    r->raw_len = s->raw_len;
    s->play(r);
    if (s->play == play_raw)
        end(r, s->ending);
}
