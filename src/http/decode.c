/* Content-Encoding undone. A decoder is a row of layers; what one makes is fed to the
 * next and the last one's goes to the sink. A layer keeps only its library's state:
 * decoded bytes pass through a piece of the C stack, so that ten thousand idle decoders
 * are cheap.
 *
 * Never in here: a limit on the size of the body. That is the sink's. */
#define ZLIB_CONST
#include "http/decode.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    PIECE = 16 * 1024,        /* on the C stack, once a layer */
    BROTLI_PIECE = 64 * 1024, /* in brotli's own window, nothing is copied */
    ZSTD_WINDOW_LOG = 27,
    GZIP_FIRST_BYTE = 0x1f,
    WBITS_GZIP = 16 + MAX_WBITS,
    WBITS_RAW = -MAX_WBITS,
};

enum state {
    FRESH,   /* no byte yet */
    INSIDE,  /* the data must go on */
    ENDED,   /* complete; more may follow where the format allows it */
    PADDING, /* gzip: only zero bytes from here on */
};

struct layer {
    const struct coding *coding;
    enum state state;
    bool is_open;
    bool again;            /* gzip: past the first member */
    unsigned char head[2]; /* deflate: the bytes that tell zlib from raw */
    unsigned char head_len;
    union {
        z_stream z;
        BrotliDecoderState *br; /* owned */
        ZSTD_DStream *zstd;     /* owned */
    };
};

struct lf_decoder {
    enum lf_err failed; /* stays */
    char why[LF_DECODER_WHY];
    lf_decoder_sink *sink; /* borrowed for one feed */
    void *arg;
    unsigned n;
    struct layer layers[]; /* in the order of decoding: the last coding named is first */
};

struct coding {
    const char *name;
    bool (*open)(struct layer *l);
    enum lf_err (*feed)(struct lf_decoder *d, struct layer *l, const char *in, size_t n);
    bool (*reset)(struct layer *l);
    void (*close)(struct layer *l);
};

__attribute__((format(printf, 3, 4))) static enum lf_err
fail(struct lf_decoder *d, enum lf_err err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d->why, sizeof d->why, fmt, ap);
    va_end(ap);
    return err;
}

static enum lf_err no_memory(struct lf_decoder *d)
{
    return fail(d, LF_ERESOURCE, "no memory to decode the body");
}

static enum lf_err junk(struct lf_decoder *d, const struct layer *l)
{
    return fail(d, LF_EDECODE, "junk after the %s data", l->coding->name);
}

static enum lf_err corrupt(struct lf_decoder *d, const struct layer *l, const char *how)
{
    return fail(d, LF_EDECODE, "the %s data is corrupt: %s", l->coding->name, how);
}

/* What a layer made goes on to the next one. */
static enum lf_err emit(struct lf_decoder *d, struct layer *l, const char *p, size_t n)
{
    if (n == 0)
        return LF_OK;
    if (l == &d->layers[d->n - 1])
        return d->sink(d->arg, p, n);
    return l[1].coding->feed(d, l + 1, p, n);
}

/* ---- gzip and deflate ---- */

static const struct {
    const char *zlib, *ours;
} zlib_says[] = {
    {"incorrect data check", "wrong CRC"},
    {"incorrect length check", "wrong length"},
    {"header crc mismatch", "wrong CRC of the header"},
};

static enum lf_err inflate_failed(struct lf_decoder *d, struct layer *l, int rc)
{
    if (rc == Z_MEM_ERROR)
        return no_memory(d);
    if (rc == Z_NEED_DICT)
        return corrupt(d, l, "it asks for a preset dictionary");
    const char *msg = l->z.msg ? l->z.msg : "unknown reason";
    if (strcmp(msg, "incorrect header check") == 0)
        return l->again ? junk(d, l)
                        : fail(d, LF_EDECODE, "the body is not %s data", l->coding->name);
    for (size_t i = 0; i < sizeof zlib_says / sizeof *zlib_says; i++)
        if (strcmp(msg, zlib_says[i].zlib) == 0)
            return corrupt(d, l, zlib_says[i].ours);
    return corrupt(d, l, msg);
}

/* Inflate until the input is used up or the stream ends; *used counts the input.
 * Z_FINISH although more may come: a small body that is whole in one call then needs no
 * window, which is 32 KB; otherwise it only turns Z_OK into Z_BUF_ERROR. */
static enum lf_err run_inflate(struct lf_decoder *d, struct layer *l, const char *in,
                               size_t n, size_t *used)
{
    char out[PIECE];
    z_stream *z = &l->z;
    uInt given = n < UINT_MAX ? (uInt)n : UINT_MAX;
    z->next_in = (const Bytef *)in;
    z->avail_in = given;
    l->state = INSIDE;
    int rc;
    do {
        z->next_out = (Bytef *)out;
        z->avail_out = sizeof out;
        rc = inflate(z, Z_FINISH);
        enum lf_err err = emit(d, l, out, sizeof out - z->avail_out);
        if (err)
            return err;
        if (rc == Z_STREAM_END)
            l->state = ENDED;
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            return inflate_failed(d, l, rc);
    } while (l->state == INSIDE && z->avail_out == 0);
    *used = given - z->avail_in;
    return LF_OK;
}

static enum lf_err feed_padding(struct lf_decoder *d, const struct layer *l,
                                const char *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (in[i])
            return junk(d, l);
    return LF_OK;
}

static enum lf_err next_member(struct lf_decoder *d, struct layer *l, unsigned char first)
{
    l->again = true;
    if (first == 0)
        l->state = PADDING;
    else if (first != GZIP_FIRST_BYTE || inflateReset(&l->z) != Z_OK)
        return junk(d, l);
    else
        l->state = INSIDE;
    return LF_OK;
}

static enum lf_err feed_gzip(struct lf_decoder *d, struct layer *l, const char *in,
                             size_t n)
{
    while (n > 0) {
        enum lf_err err = LF_OK;
        size_t used = 0;
        if (l->state == ENDED)
            err = next_member(d, l, (unsigned char)*in);
        if (!err && l->state == PADDING)
            return feed_padding(d, l, in, n);
        if (!err)
            err = run_inflate(d, l, in, n, &used);
        if (err)
            return err;
        in += used;
        n -= used;
    }
    return LF_OK;
}

static enum lf_err inflate_once(struct lf_decoder *d, struct layer *l, const char *in,
                                size_t n)
{
    while (n > 0) {
        if (l->state == ENDED)
            return junk(d, l);
        size_t used = 0;
        enum lf_err err = run_inflate(d, l, in, n, &used);
        if (err)
            return err;
        in += used;
        n -= used;
    }
    return LF_OK;
}

/* RFC 1950 2.2. A raw stream cannot look like this: it would begin with a stored block
 * whose padding bits are not zero, which no encoder writes. */
static bool is_zlib_header(const unsigned char *h)
{
    return (h[0] & 0x0f) == Z_DEFLATED && h[0] >> 4 <= 7 && (h[0] * 256 + h[1]) % 31 == 0;
}

static enum lf_err feed_deflate(struct lf_decoder *d, struct layer *l, const char *in,
                                size_t n)
{
    if (l->head_len == sizeof l->head)
        return inflate_once(d, l, in, n);
    while (n > 0 && l->head_len < sizeof l->head) {
        l->head[l->head_len++] = (unsigned char)*in++;
        n--;
    }
    l->state = INSIDE;
    if (l->head_len < sizeof l->head)
        return LF_OK;
    if (inflateReset2(&l->z, is_zlib_header(l->head) ? MAX_WBITS : WBITS_RAW) != Z_OK)
        return no_memory(d);
    enum lf_err err = inflate_once(d, l, (const char *)l->head, sizeof l->head);
    return err ? err : inflate_once(d, l, in, n);
}

static bool open_gzip(struct layer *l)
{
    return inflateInit2(&l->z, WBITS_GZIP) == Z_OK;
}

static bool open_deflate(struct layer *l)
{
    return inflateInit2(&l->z, WBITS_RAW) == Z_OK;
}

static bool reset_zlib(struct layer *l)
{
    return inflateReset(&l->z) == Z_OK;
}

static void close_zlib(struct layer *l)
{
    inflateEnd(&l->z);
}

/* ---- br ---- */

static enum lf_err drain_brotli(struct lf_decoder *d, struct layer *l)
{
    while (BrotliDecoderHasMoreOutput(l->br)) {
        size_t n = BROTLI_PIECE;
        const uint8_t *p = BrotliDecoderTakeOutput(l->br, &n);
        enum lf_err err = emit(d, l, (const char *)p, n);
        if (err)
            return err;
    }
    return LF_OK;
}

static enum lf_err brotli_failed(struct lf_decoder *d, struct layer *l)
{
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(l->br);
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES)
        return no_memory(d);
    return corrupt(d, l, BrotliDecoderErrorString(code));
}

static enum lf_err feed_brotli(struct lf_decoder *d, struct layer *l, const char *in,
                               size_t n)
{
    const uint8_t *at = (const uint8_t *)in;
    if (l->state == ENDED)
        return junk(d, l);
    l->state = INSIDE;
    BrotliDecoderResult rc;
    do {
        size_t room = 0;
        rc = BrotliDecoderDecompressStream(l->br, &n, &at, &room, NULL, NULL);
        if (rc == BROTLI_DECODER_RESULT_ERROR)
            return brotli_failed(d, l);
        enum lf_err err = drain_brotli(d, l);
        if (err)
            return err;
    } while (rc == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
    if (rc != BROTLI_DECODER_RESULT_SUCCESS)
        return LF_OK;
    l->state = ENDED;
    return n ? junk(d, l) : LF_OK;
}

static bool open_brotli(struct layer *l)
{
    l->br = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    return l->br != NULL;
}

static void close_brotli(struct layer *l)
{
    BrotliDecoderDestroyInstance(l->br);
}

static bool reset_brotli(struct layer *l) /* the library has no reset */
{
    close_brotli(l);
    l->is_open = open_brotli(l);
    return l->is_open;
}

/* ---- zstd ---- */

static enum lf_err zstd_failed(struct lf_decoder *d, struct layer *l, size_t rc)
{
    switch (ZSTD_getErrorCode(rc)) {
    case ZSTD_error_memory_allocation:
        return no_memory(d);
    case ZSTD_error_prefix_unknown:
        return l->again ? junk(d, l) : fail(d, LF_EDECODE, "the body is not zstd data");
    case ZSTD_error_frameParameter_windowTooLarge:
        return corrupt(d, l, "it asks for a window over 128 MB");
    case ZSTD_error_checksum_wrong:
        return corrupt(d, l, "wrong checksum");
    default:
        return corrupt(d, l, ZSTD_getErrorName(rc));
    }
}

static enum lf_err feed_zstd(struct lf_decoder *d, struct layer *l, const char *in,
                             size_t n)
{
    char out[PIECE];
    ZSTD_inBuffer src = {in, n, 0};
    ZSTD_outBuffer dst;
    do {
        dst = (ZSTD_outBuffer){out, sizeof out, 0};
        size_t rc = ZSTD_decompressStream(l->zstd, &dst, &src);
        if (ZSTD_isError(rc))
            return zstd_failed(d, l, rc);
        l->state = rc == 0 ? ENDED : INSIDE;
        l->again = l->again || l->state == ENDED;
        enum lf_err err = emit(d, l, out, dst.pos);
        if (err)
            return err;
        /* once a frame has ended, a call without input would begin the next one */
    } while (src.pos < src.size || (l->state == INSIDE && dst.pos == dst.size));
    return LF_OK;
}

static bool open_zstd(struct layer *l)
{
    l->zstd = ZSTD_createDStream();
    if (!l->zstd)
        return false;
    l->is_open = true; /* the caller closes it should the next line fail */
    return !ZSTD_isError(
        ZSTD_DCtx_setParameter(l->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
}

static bool reset_zstd(struct layer *l)
{
    return !ZSTD_isError(ZSTD_DCtx_reset(l->zstd, ZSTD_reset_session_only));
}

static void close_zstd(struct layer *l)
{
    ZSTD_freeDStream(l->zstd);
}

/* ---- the header ---- */

static const struct coding gzip = {"gzip", open_gzip, feed_gzip, reset_zlib, close_zlib};
static const struct coding deflated = {"deflate", open_deflate, feed_deflate, reset_zlib,
                                       close_zlib};
static const struct coding brotli = {"br", open_brotli, feed_brotli, reset_brotli,
                                     close_brotli};
static const struct coding zstd = {"zstd", open_zstd, feed_zstd, reset_zstd, close_zstd};

static const struct {
    const char *name;
    const struct coding *coding; /* NULL: nothing to undo */
} names[] = {
    {"gzip", &gzip}, {"x-gzip", &gzip}, {"deflate", &deflated},
    {"br", &brotli}, {"zstd", &zstd},   {"identity", NULL},
};

static bool find_coding(const char *p, size_t n, const struct coding **out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) == n && strncasecmp(names[i].name, p, n) == 0) {
            *out = names[i].coding;
            return true;
        }
    }
    return false;
}

/* The name comes from the peer: cut, and without what would spoil a terminal. */
static void say_unknown(const char *p, size_t n, char *why)
{
    char name[41];
    size_t len = n < sizeof name - 1 ? n : sizeof name - 1;
    for (size_t i = 0; i < len; i++)
        name[i] = p[i] >= ' ' && p[i] <= '~' ? p[i] : '?';
    name[len] = '\0';
    snprintf(why, LF_DECODER_WHY, "unknown Content-Encoding \"%s\"", name);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next element of a comma list without the blanks around it (RFC 9110 5.6.1); false
 * at the end. Elements may be empty. */
static bool next_element(const char **at, const char *end, const char **p, size_t *n)
{
    if (*at >= end)
        return false;
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    const char *stop = comma ? comma : end, *start = *at;
    *at = comma ? comma + 1 : end;
    while (start < stop && is_blank(*start))
        start++;
    while (start < stop && is_blank(stop[-1]))
        stop--;
    *p = start;
    *n = (size_t)(stop - start);
    return true;
}

/* The codings in the order they were applied. */
static enum lf_err parse_codings(const char *value, size_t n, const struct coding **row,
                                 unsigned *count, char *why)
{
    const char *at = value, *name;
    size_t len;
    while (next_element(&at, value + n, &name, &len)) {
        const struct coding *c = NULL;
        if (len == 0)
            continue;
        if (!find_coding(name, len, &c)) {
            say_unknown(name, len, why);
            return LF_EDECODE;
        }
        if (c && *count == LF_DECODER_LAYERS) {
            snprintf(why, LF_DECODER_WHY, "more than %d codings in Content-Encoding",
                     LF_DECODER_LAYERS);
            return LF_EDECODE;
        }
        if (c)
            row[(*count)++] = c;
    }
    return LF_OK;
}

static bool open_layers(struct lf_decoder *d, const struct coding **row)
{
    for (unsigned i = 0; i < d->n; i++) {
        struct layer *l = &d->layers[i];
        l->coding = row[d->n - 1 - i];
        if (!l->coding->open(l))
            return false;
        l->is_open = true;
    }
    return true;
}

enum lf_err lf_decoder_new(const char *value, size_t n, struct lf_decoder **out,
                           char why[static LF_DECODER_WHY])
{
    const struct coding *row[LF_DECODER_LAYERS];
    unsigned count = 0;
    *out = NULL;
    *why = '\0';
    enum lf_err err = parse_codings(value, n, row, &count, why);
    if (err || count == 0)
        return err;
    struct lf_decoder *d = calloc(1, sizeof *d + count * sizeof d->layers[0]);
    if (d)
        d->n = count;
    if (!d || !open_layers(d, row)) {
        lf_decoder_free(d);
        snprintf(why, LF_DECODER_WHY, "no memory to decode the body");
        return LF_ERESOURCE;
    }
    *out = d;
    return LF_OK;
}

void lf_decoder_free(struct lf_decoder *d)
{
    if (!d)
        return;
    for (unsigned i = 0; i < d->n; i++)
        if (d->layers[i].is_open)
            d->layers[i].coding->close(&d->layers[i]);
    free(d);
}

enum lf_err lf_decoder_feed(struct lf_decoder *d, const char *in, size_t n,
                            lf_decoder_sink *sink, void *arg)
{
    if (d->failed || n == 0)
        return d->failed;
    d->sink = sink;
    d->arg = arg;
    d->failed = d->layers[0].coding->feed(d, &d->layers[0], in, n);
    return d->failed;
}

enum lf_err lf_decoder_finish(struct lf_decoder *d)
{
    if (d->failed || d->layers[0].state == FRESH)
        return d->failed;
    for (unsigned i = 0; i < d->n && !d->failed; i++) {
        const struct layer *l = &d->layers[i];
        if (l->state != ENDED && l->state != PADDING)
            d->failed =
                fail(d, LF_EDECODE, "the %s data ends too early", l->coding->name);
    }
    return d->failed;
}

const char *lf_decoder_why(const struct lf_decoder *d)
{
    return d->why;
}

bool lf_decoder_reset(struct lf_decoder *d)
{
    d->failed = LF_OK;
    d->why[0] = '\0';
    for (unsigned i = 0; i < d->n; i++) {
        struct layer *l = &d->layers[i];
        l->state = FRESH;
        l->again = false;
        l->head_len = 0;
        if (!l->is_open || !l->coding->reset(l))
            return false;
    }
    return true;
}
