/* The answer to an Upgrade: read byte by byte it is the same as read at once, and nothing
 * behind its empty line belongs to it.
 *
 * seeds: llhttp/response
 * seed: HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection:
 * Upgrade\r\n\r\n\x81\x01a seed: HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 X\r\nupgrade:
 * WebSocket\r\nconnection: a, upgrade\r\n\r\n */
#include "fuzz.h"
#include "http/upgrade.h"

static enum lf_err read(struct lf_upgrade *up, const char *p, size_t n)
{
    const char *why = NULL;
    char *block = fuzz_block((struct fuzz){p, n});
    enum lf_err err = lf_upgrade_read(up, block, n, "websocket", &why);
    FUZZ_CHECK(err == LF_OK || why);
    FUZZ_CHECK(err || up->used <= n);
    free(block);
    return err;
}

static void init(struct lf_upgrade *up)
{
    *up = (struct lf_upgrade){0};
    lf_headers_init(&up->headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    unsigned step = 1 + fuzz_byte(&in) % 64;
    struct lf_upgrade whole, grown;
    enum lf_err err = LF_OK, grown_err = LF_OK;
    init(&whole);
    init(&grown);
    err = read(&whole, in.p, in.n);
    for (size_t n = 0; !grown_err && !grown.status && n < in.n;) {
        n = step < in.n - n ? n + step : in.n;
        grown_err = read(&grown, in.p, n);
    }
    FUZZ_CHECK(err == grown_err);
    if (!err) {
        FUZZ_CHECK(whole.status == grown.status);
        FUZZ_CHECK(!whole.status || whole.used == grown.used);
        FUZZ_CHECK(!whole.status || whole.headers.count == grown.headers.count);
    }
    lf_headers_free(&whole.headers);
    lf_headers_free(&grown.headers);
    return 0;
}
