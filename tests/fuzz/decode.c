/* Content codings: whatever the input and however it is cut, the decoder says the same as
 * when it gets all at once.
 *
 * seeds: scrapy-samples/compressed
 * size: 65536 */
#include "fuzz.h"
#include "http/decode.h"

enum { MOST = 1 << 20 }; /* decoded bytes that are looked at */

static const char *const codings[] = {"gzip",     "deflate",     "br",
                                      "zstd",     "br, gzip",    "deflate, gzip",
                                      "zstd, br", "gzip, x-gzip"};
enum { CODINGS = sizeof codings / sizeof *codings };

struct outcome {
    struct lf_buf body; /* owned */
    enum lf_err err;
    char why[LF_DECODER_WHY];
};

static enum lf_err sink(void *arg, const char *p, size_t n)
{
    struct outcome *o = arg;
    FUZZ_CHECK(n <= 65536);
    return o->body.len + n > MOST ? LF_ETOOLARGE : lf_buf_add(&o->body, p, n);
}

/* A generator of lengths from one byte, so that an input says its own cuts. */
static size_t next_step(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    uint32_t r = *state >> 16;
    return r & 7 ? 1 + r % 17 : 1 + r % 4096;
}

static void feed(struct lf_decoder *d, struct fuzz in, uint32_t *cuts, struct outcome *o)
{
    o->err = LF_OK;
    for (size_t at = 0, step; at < in.n && !o->err; at += step) {
        step = cuts ? next_step(cuts) : in.n;
        step = step < in.n - at ? step : in.n - at;
        char *piece = fuzz_block((struct fuzz){in.p + at, step});
        o->err = lf_decoder_feed(d, piece, step, sink, o);
        free(piece);
    }
    if (o->err) /* it stays */
        FUZZ_CHECK(o->err == LF_ETOOLARGE ||
                   lf_decoder_feed(d, in.p, in.n, sink, o) == o->err);
    else
        o->err = lf_decoder_finish(d);
    FUZZ_CHECK(o->err == LF_OK || o->err == LF_EDECODE || o->err == LF_ETOOLARGE);
    FUZZ_CHECK((o->err == LF_EDECODE) == (*lf_decoder_why(d) != '\0'));
    snprintf(o->why, sizeof o->why, "%s", lf_decoder_why(d));
}

/* How much comes before an error may depend on the cuts, and so whether the sink's limit
 * is met first; what comes may not.
 * libzstd 1.5.4 takes a last block of zero repeated bytes when it has the whole frame,
 * and calls it corrupt in pieces: no encoder makes one. */
static void check_same(const char *coding, const struct outcome *a,
                       const struct outcome *b)
{
    size_t n = a->body.len < b->body.len ? a->body.len : b->body.len;
    bool too_large = a->err == LF_ETOOLARGE || b->err == LF_ETOOLARGE;
    FUZZ_CHECK(a->err == b->err || (a->err && b->err && too_large) ||
               strstr(coding, "zstd"));
    FUZZ_CHECK(a->err || b->err || a->body.len == b->body.len);
    FUZZ_CHECK(n == 0 || memcmp(a->body.p, b->body.p, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    uint32_t cuts = fuzz_byte(&in);
    const char *coding = codings[fuzz_byte(&in) % CODINGS];
    struct outcome whole, cut;
    struct lf_decoder *d;
    char why[LF_DECODER_WHY];
    FUZZ_CHECK(lf_decoder_new(coding, strlen(coding), &d, why) == LF_OK && d);
    lf_buf_init(&whole.body, LF_BUF_MAX);
    lf_buf_init(&cut.body, LF_BUF_MAX);
    feed(d, in, NULL, &whole);
    if (lf_decoder_reset(d)) {
        feed(d, in, &cuts, &cut);
        check_same(coding, &whole, &cut);
    }
    lf_decoder_free(d);
    lf_buf_free(&whole.body);
    lf_buf_free(&cut.body);
    return 0;
}
