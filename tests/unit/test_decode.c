/* http/decode: each coding in any chopping, cut at every position, damaged, followed by
 * junk; layers; bombs against a sink that refuses. The inputs are packed here. */
#include "check.h"
#include "http/decode.h"
#include "base/buf.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <zlib.h>
#include <zstd.h>

/* A result: the bytes, how it ended, and the sentence. */
struct result {
    struct lf_buf body; /* owned */
    enum lf_err err;
    char why[LF_DECODER_WHY];
    size_t largest; /* piece the sink was given */
};

static enum lf_err to_body(void *arg, const char *p, size_t n)
{
    struct result *r = arg;
    r->largest = n > r->largest ? n : r->largest;
    return lf_buf_add(&r->body, p, n);
}

static enum lf_err feed_chopped(struct lf_decoder *d, const struct lf_buf *in,
                                size_t step, struct result *r)
{
    enum lf_err err = LF_OK;
    for (size_t at = 0; at < in->len && !err; at += step) {
        size_t n = in->len - at < step ? in->len - at : step;
        char *copy = malloc(n); /* its own block, so that a sanitizer sees over-reads */
        memcpy(copy, in->p + at, n);
        err = lf_decoder_feed(d, copy, n, to_body, r);
        free(copy);
    }
    return err ? err : lf_decoder_finish(d);
}

static void decode(const char *codings, const struct lf_buf *in, size_t step, size_t max,
                   struct result *r)
{
    *r = (struct result){.err = LF_OK};
    lf_buf_init(&r->body, max);
    struct lf_decoder *d;
    r->err = lf_decoder_new(codings, strlen(codings), &d, r->why);
    if (!d)
        return;
    r->err = feed_chopped(d, in, step, r);
    snprintf(r->why, sizeof r->why, "%s", lf_decoder_why(d));
    lf_decoder_free(d);
}

static void pack_zlib(const char *p, size_t n, int wbits, struct lf_buf *out)
{
    z_stream z = {0};
    deflateInit2(&z, 6, Z_DEFLATED, wbits, 8, Z_DEFAULT_STRATEGY);
    lf_buf_reserve(out, deflateBound(&z, n));
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)out->p + out->len;
    z.avail_out = (uInt)(out->cap - out->len);
    CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    deflateEnd(&z);
}

static void pack_gzip(const char *p, size_t n, struct lf_buf *out)
{
    pack_zlib(p, n, 16 + MAX_WBITS, out);
}

static void pack_deflate(const char *p, size_t n, struct lf_buf *out)
{
    pack_zlib(p, n, MAX_WBITS, out);
}

static void pack_raw(const char *p, size_t n, struct lf_buf *out)
{
    pack_zlib(p, n, -MAX_WBITS, out);
}

static void pack_zstd(const char *p, size_t n, struct lf_buf *out)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    lf_buf_reserve(out, ZSTD_compressBound(n));
    out->len += ZSTD_compress2(c, out->p + out->len, out->cap - out->len, p, n);
    ZSTD_freeCCtx(c);
}

/* The encoder is not linked here, so: a brotli stream of stored blocks, RFC 7932 9.2. */
static void pack_brotli(const char *p, size_t n, struct lf_buf *out)
{
    uint64_t bits = 0;
    unsigned used = 1; /* WBITS 16: one zero bit */
    while (n > 0) {
        size_t len = n < 65536 ? n : 65536;
        /* ISLAST 0, MNIBBLES 4, MLEN - 1, ISUNCOMPRESSED 1, then up to a byte border */
        bits |= (uint64_t)(len - 1) << (used + 3) | (uint64_t)1 << (used + 19);
        for (used += 20; used > 0; bits >>= 8, used = used > 8 ? used - 8 : 0)
            lf_buf_addc(out, (char)bits);
        lf_buf_add(out, p, len);
        bits = used = 0;
        p += len;
        n -= len;
    }
    bits |= (uint64_t)3 << used; /* ISLAST, ISLASTEMPTY */
    lf_buf_addc(out, (char)bits);
}

static const struct {
    const char *name, *codings;
    void (*pack)(const char *p, size_t n, struct lf_buf *out);
} formats[] = {
    {"gzip", "gzip", pack_gzip},  {"zlib", "deflate", pack_deflate},
    {"raw", "deflate", pack_raw}, {"br", "br", pack_brotli},
    {"zstd", "zstd", pack_zstd},
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Text that packs, but not to nothing. */
static void make_text(struct lf_buf *out, size_t n)
{
    unsigned seed = 7;
    while (out->len < n) {
        seed = seed * 1103515245 + 12345;
        lf_buf_addf(out, "line %u of %u; ", seed >> 20, seed >> 8 & 0xff);
    }
    out->len = n;
}

static void is_whole(const struct result *r, const struct lf_buf *want)
{
    CHECK_INT(r->err, LF_OK);
    CHECK_STR(r->why, "");
    CHECK_INT(r->body.len, want->len);
    CHECK(r->body.len == want->len &&
          (want->len == 0 || memcmp(r->body.p, want->p, want->len) == 0));
}

static void is_error(const char *codings, const struct lf_buf *in, const char *why)
{
    static const size_t steps[] = {1, 3, (size_t)1 << 30};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct result r;
        decode(codings, in, steps[i], LF_BUF_MAX, &r);
        CHECK_INT(r.err, LF_EDECODE);
        CHECK_STR(r.why, why);
        lf_buf_free(&r.body);
    }
}

static void test_chopping(void)
{
    static const size_t sizes[] = {0, 1, 2, 700, 16384, 300000};
    static const size_t steps[] = {1, 2, 7, 1000, (size_t)1 << 30};
    for (size_t f = 0; f < FORMATS; f++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
                struct lf_buf text, packed;
                struct result r;
                lf_buf_init(&text, LF_BUF_MAX);
                lf_buf_init(&packed, LF_BUF_MAX);
                lf_buf_reserve(&text, 1);
                make_text(&text, sizes[s]);
                formats[f].pack(text.p, text.len, &packed);
                decode(formats[f].codings, &packed, steps[k], LF_BUF_MAX, &r);
                is_whole(&r, &text);
                CHECK(r.largest <= 65536);
                lf_buf_free(&text);
                lf_buf_free(&packed);
                lf_buf_free(&r.body);
            }
}

static void test_truncation(void)
{
    struct lf_buf text;
    lf_buf_init(&text, LF_BUF_MAX);
    make_text(&text, 3000);
    for (size_t f = 0; f < FORMATS; f++) {
        struct lf_buf packed;
        lf_buf_init(&packed, LF_BUF_MAX);
        formats[f].pack(text.p, text.len, &packed);
        size_t whole = packed.len, failed = 0;
        for (packed.len = 1; packed.len < whole; packed.len++) {
            struct result r;
            decode(formats[f].codings, &packed, 1 + packed.len % 64, LF_BUF_MAX, &r);
            failed += r.err == LF_EDECODE && strstr(r.why, "ends too early");
            lf_buf_free(&r.body);
        }
        if (!CHECK_INT(failed, whole - 1))
            printf("  in %s\n", formats[f].name);
        struct result r; /* no byte at all is an empty body */
        packed.len = 0;
        decode(formats[f].codings, &packed, 1, LF_BUF_MAX, &r);
        CHECK_INT(r.err, LF_OK);
        lf_buf_free(&packed);
    }
    lf_buf_free(&text);
}

static void test_members(void)
{
    static const size_t steps[] = {1, 5, (size_t)1 << 30};
    struct lf_buf packed;
    const struct lf_buf want = {.p = (char *)(uintptr_t) "one, two", .len = 8};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
        for (int coding = 0; coding < 2; coding++) {
            struct result r;
            lf_buf_init(&packed, LF_BUF_MAX);
            void (*pack)(const char *, size_t, struct lf_buf *) =
                coding ? pack_zstd : pack_gzip;
            pack("one, ", 5, &packed);
            pack("", 0, &packed);
            pack("two", 3, &packed);
            decode(coding ? "zstd" : "x-gzip", &packed, steps[k], LF_BUF_MAX, &r);
            is_whole(&r, &want);
            lf_buf_free(&r.body);
            if (!coding) {
                lf_buf_add(&packed, "\0\0\0\0\0", 5);
                decode("GZip", &packed, steps[k], LF_BUF_MAX, &r);
                is_whole(&r, &want);
                lf_buf_free(&r.body);
            }
            lf_buf_free(&packed);
        }
}

static void check_damage(size_t f, const char *tail, size_t n, const char *why)
{
    struct lf_buf packed;
    lf_buf_init(&packed, LF_BUF_MAX);
    formats[f].pack("hello, hello", 12, &packed);
    lf_buf_add(&packed, tail, n);
    is_error(formats[f].codings, &packed, why);
    lf_buf_free(&packed);
}

static void test_junk(void)
{
    check_damage(0, "junk", 4, "junk after the gzip data");
    check_damage(0, "\x1fJunk", 5, "junk after the gzip data");
    check_damage(0, "\0\0x", 3, "junk after the gzip data");
    check_damage(0, "\x1f\x8b\x08", 3, "the gzip data ends too early");
    check_damage(1, "\0", 1, "junk after the deflate data");
    check_damage(2, "x", 1, "junk after the deflate data");
    check_damage(3, "x", 1, "junk after the br data");
    check_damage(4, "junk...", 7, "junk after the zstd data");
}

static void check_flipped(size_t f, size_t from_end, const char *why)
{
    struct lf_buf packed;
    lf_buf_init(&packed, LF_BUF_MAX);
    formats[f].pack("hello, hello", 12, &packed);
    packed.p[packed.len - from_end] ^= 1;
    is_error(formats[f].codings, &packed, why);
    lf_buf_free(&packed);
}

static void test_checksums(void)
{
    check_flipped(0, 8, "the gzip data is corrupt: wrong CRC");
    check_flipped(0, 4, "the gzip data is corrupt: wrong length");
    check_flipped(1, 1, "the deflate data is corrupt: wrong CRC");
    check_flipped(4, 1, "the zstd data is corrupt: wrong checksum");
}

static void test_not_packed(void)
{
    const struct lf_buf html = {.p = (char *)(uintptr_t) "<!doctype html>", .len = 15};
    const struct lf_buf dict = {.p = (char *)(uintptr_t) "\x78\xbb\1\2\3\4\5", .len = 7};
    const struct lf_buf window = {.p = (char *)(uintptr_t) "\x28\xb5\x2f\xfd\x00\xa0\1\0",
                                  .len = 8};
    is_error("gzip", &html, "the body is not gzip data");
    is_error("zstd", &html, "the body is not zstd data");
    is_error("deflate", &html, "the deflate data is corrupt: invalid code lengths set");
    is_error("deflate", &dict,
             "the deflate data is corrupt: it asks for a preset dictionary");
    is_error("zstd", &window,
             "the zstd data is corrupt: it asks for a window over 128 MB");
}

/* Whatever bytes are changed: a sentence or the right bytes, and never a crash. */
static void test_any_damage(void)
{
    struct lf_buf text;
    lf_buf_init(&text, LF_BUF_MAX);
    make_text(&text, 400);
    for (size_t f = 0; f < FORMATS; f++) {
        struct lf_buf packed;
        lf_buf_init(&packed, LF_BUF_MAX);
        formats[f].pack(text.p, text.len, &packed);
        for (size_t i = 0; i < packed.len * 8; i++) {
            struct result r;
            packed.p[i / 8] ^= (char)(1 << i % 8);
            decode(formats[f].codings, &packed, 1 + i % 50, 1 << 20, &r);
            bool sound = r.err ? r.err == LF_EDECODE && r.why[0] : r.why[0] == '\0';
            if (!sound)
                printf("  %s, bit %zu: %s, %s\n", formats[f].name, i, lf_err_name(r.err),
                       r.why);
            CHECK(sound);
            packed.p[i / 8] ^= (char)(1 << i % 8);
            lf_buf_free(&r.body);
        }
        lf_buf_free(&packed);
    }
    lf_buf_free(&text);
}

static void test_layers(void)
{
    struct lf_buf text, rows[6];
    struct result r;
    lf_buf_init(&text, LF_BUF_MAX);
    make_text(&text, 100000);
    rows[0] = text;
    for (size_t i = 1; i < 6; i++) {
        lf_buf_init(&rows[i], LF_BUF_MAX);
        formats[i - 1].pack(rows[i - 1].p, rows[i - 1].len, &rows[i]);
    }
    decode("gzip, deflate", &rows[2], 1, LF_BUF_MAX, &r);
    is_whole(&r, &text);
    lf_buf_free(&r.body);
    decode("gzip ,deflate,\tdeflate, identity,, BR, Zstd ", &rows[5], 11, LF_BUF_MAX, &r);
    is_whole(&r, &text);
    lf_buf_free(&r.body);
    rows[5].len--;
    decode("gzip,deflate,deflate,br,zstd", &rows[5], 9999, LF_BUF_MAX, &r);
    CHECK_INT(r.err, LF_EDECODE);
    CHECK_STR(r.why, "the zstd data ends too early");
    lf_buf_free(&r.body);
    decode("deflate, gzip", &rows[2], 1, LF_BUF_MAX, &r);
    CHECK_STR(r.why, "the body is not gzip data");
    lf_buf_free(&r.body);
    for (size_t i = 0; i < 6; i++)
        lf_buf_free(&rows[i]);
}

/* The outer coding is whole, but what it packs is nothing. */
static void test_hollow_layer(void)
{
    struct lf_buf packed;
    lf_buf_init(&packed, LF_BUF_MAX);
    pack_gzip("", 0, &packed);
    is_error("deflate, gzip", &packed, "the deflate data ends too early");
    lf_buf_free(&packed);
}

static void check_header(const char *value, enum lf_err err, const char *why, bool some)
{
    char got[LF_DECODER_WHY];
    struct lf_decoder *d;
    CHECK_INT(lf_decoder_new(value, strlen(value), &d, got), err);
    CHECK_STR(got, why);
    CHECK_INT(d != NULL, some);
    lf_decoder_free(d);
}

static void test_header(void)
{
    check_header("", LF_OK, "", false);
    check_header(" , ,", LF_OK, "", false);
    check_header("identity", LF_OK, "", false);
    check_header("Identity, IDENTITY", LF_OK, "", false);
    check_header("gzip,gzip,gzip,gzip,gzip,identity", LF_OK, "", true);
    check_header("gzip,gzip,gzip,gzip,gzip,br", LF_EDECODE,
                 "more than 5 codings in Content-Encoding", false);
    check_header("gzip, rot13", LF_EDECODE, "unknown Content-Encoding \"rot13\"", false);
    check_header("x-compress", LF_EDECODE, "unknown Content-Encoding \"x-compress\"",
                 false);
    check_header("gzi", LF_EDECODE, "unknown Content-Encoding \"gzi\"", false);
    check_header("gzip br", LF_EDECODE, "unknown Content-Encoding \"gzip br\"", false);
    check_header("a\033[2J\xff", LF_EDECODE, "unknown Content-Encoding \"a?[2J?\"",
                 false);
    check_header("0123456789012345678901234567890123456789and more", LF_EDECODE,
                 "unknown Content-Encoding \"0123456789012345678901234567890123456789\"",
                 false);
}

static void test_reset(void)
{
    for (size_t f = 0; f < FORMATS; f++) {
        struct lf_buf packed;
        struct lf_decoder *d;
        char why[LF_DECODER_WHY];
        lf_buf_init(&packed, LF_BUF_MAX);
        formats[f].pack("again", 5, &packed);
        lf_decoder_new(formats[f].codings, strlen(formats[f].codings), &d, why);
        for (int i = 0; i < 4; i++) { /* every second body is cut */
            struct result r = {.err = LF_OK};
            lf_buf_init(&r.body, LF_BUF_MAX);
            packed.len -= i % 2;
            CHECK_INT(feed_chopped(d, &packed, 2, &r), i % 2 ? LF_EDECODE : LF_OK);
            packed.len += i % 2;
            CHECK(i % 2 || (r.body.len == 5 && memcmp(r.body.p, "again", 5) == 0));
            CHECK(lf_decoder_reset(d));
            CHECK_STR(lf_decoder_why(d), "");
            lf_buf_free(&r.body);
        }
        lf_decoder_free(d);
        lf_buf_free(&packed);
    }
}

static void test_refusal(void)
{
    struct lf_buf zeros, packed;
    lf_buf_init(&zeros, LF_BUF_MAX);
    lf_buf_reserve(&zeros, 20 << 20);
    memset(zeros.p, 0, 20 << 20);
    zeros.len = 20 << 20;
    for (size_t f = 0; f < FORMATS; f++) {
        struct result r;
        lf_buf_init(&packed, LF_BUF_MAX);
        formats[f].pack(zeros.p, zeros.len, &packed);
        decode(formats[f].codings, &packed, (size_t)1 << 30, 1 << 20, &r);
        CHECK_INT(r.err, LF_ETOOLARGE);
        CHECK_STR(r.why, "");
        CHECK(r.body.len <= 1 << 20 && r.body.len > (1 << 20) - 65536);
        lf_buf_free(&r.body);
        lf_buf_free(&packed);
    }
    lf_buf_free(&zeros);
}

static enum lf_err count_only(void *arg, const char *p, size_t n)
{
    (void)p;
    *(size_t *)arg += n;
    return LF_OK;
}

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* 256 MB through gzip twice: a few KB of input, and no more memory than anything else. */
static void test_bomb_memory(void)
{
    static char zeros[1 << 20];
    struct lf_buf inner, outer;
    char why[LF_DECODER_WHY];
    struct lf_decoder *d;
    size_t made = 0;
    lf_buf_init(&inner, LF_BUF_MAX);
    lf_buf_init(&outer, LF_BUF_MAX);
    for (int i = 0; i < 256; i++)
        pack_gzip(zeros, sizeof zeros, &inner);
    pack_gzip(inner.p, inner.len, &outer);
    lf_decoder_new("gzip, gzip", 10, &d, why);
    long before = peak_kb();
    CHECK_INT(lf_decoder_feed(d, outer.p, outer.len, count_only, &made), LF_OK);
    CHECK_INT(lf_decoder_finish(d), LF_OK);
    CHECK_INT(made, 256 << 20);
    CHECK(peak_kb() - before < 4096);
    lf_decoder_free(d);
    lf_buf_free(&inner);
    lf_buf_free(&outer);
}

/* Samples by others: a file, its codings, and how it must end. */
static const struct {
    const char *file, *codings;
    enum lf_err err;
    const char *why;
} samples[] = {
    {"bomb-br.bin", "br", LF_ETOOLARGE, ""},
    {"bomb-deflate.bin", "deflate", LF_ETOOLARGE, ""},
    {"bomb-gzip.bin", "gzip", LF_ETOOLARGE, ""},
    {"bomb-zstd.bin", "zstd", LF_ETOOLARGE, ""},
    {"feed-sample1.xml.gz", "gzip", LF_OK, ""},
    {"html-br.bin", "br", LF_OK, ""},
    {"html-gzip.bin", "gzip", LF_OK, ""},
    {"html-gzip-deflate.bin", "gzip, deflate", LF_OK, ""},
    {"html-gzip-deflate-gzip.bin", "gzip, deflate, gzip", LF_OK, ""},
    {"html-rawdeflate.bin", "deflate", LF_OK, ""},
    {"html-zlibdeflate.bin", "deflate", LF_OK, ""},
    {"html-zstd-static-content-size.bin", "zstd", LF_OK, ""},
    {"html-zstd-static-no-content-size.bin", "zstd", LF_OK, ""},
    {"html-zstd-streaming-no-content-size.bin", "zstd", LF_OK, ""},
    {"truncated-crc-error.gz", "gzip", LF_EDECODE, "the gzip data ends too early"},
    {"truncated-crc-error-short.gz", "gzip", LF_EDECODE, "the gzip data ends too early"},
    {"unexpected-eof.gz", "gzip", LF_EDECODE, "the gzip data ends too early"},
};

static bool read_sample(const char *dir, const char *file, struct lf_buf *in)
{
    char path[1024];
    lf_buf_init(in, LF_BUF_MAX);
    snprintf(path, sizeof path, "%s/%s", dir, file);
    FILE *f = fopen(path, "rb");
    if (!CHECK(f != NULL))
        return false;
    lf_buf_reserve(in, 1 << 20);
    in->len = fread(in->p, 1, 1 << 20, f);
    fclose(f);
    return true;
}

static void run_sample(const char *dir, size_t i)
{
    struct lf_buf in;
    struct result r;
    if (!read_sample(dir, samples[i].file, &in))
        return;
    decode(samples[i].codings, &in, 1 + i * 37, 1 << 20, &r);
    if (!CHECK_INT(r.err, samples[i].err) || !CHECK_STR(r.why, samples[i].why))
        printf("  in %s\n", samples[i].file);
    if (strncmp(samples[i].file, "html-", 5) == 0)
        CHECK(r.body.p && strstr(r.body.p, "</html>"));
    lf_buf_free(&r.body);
    lf_buf_free(&in);
}

/* The brotli made above is stored blocks only; this one is packed. */
static void cut_brotli_sample(const char *dir)
{
    struct lf_buf in;
    if (!read_sample(dir, "html-br.bin", &in))
        return;
    size_t whole = in.len, failed = 0;
    for (in.len = 1; in.len < whole; in.len++) {
        struct result r;
        decode("br", &in, (size_t)1 << 30, LF_BUF_MAX, &r);
        failed += r.err == LF_EDECODE;
        lf_buf_free(&r.body);
    }
    CHECK_INT(failed, whole - 1);
    lf_buf_free(&in);
}

static void test_samples(void)
{
    char dir[512];
    const char *data = getenv("LF_DATA");
    snprintf(dir, sizeof dir, "%s/scrapy-samples/compressed",
             data ? data : "../shared/data");
    DIR *there = opendir(dir);
    if (!there) {
        printf("skipped: no samples in %s\n", dir);
        return;
    }
    closedir(there);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        run_sample(dir, i);
    cut_brotli_sample(dir);
}

int main(void)
{
    test_bomb_memory(); /* first: it looks at the peak of memory */
    test_chopping();
    test_truncation();
    test_members();
    test_junk();
    test_checksums();
    test_not_packed();
    test_any_damage();
    test_layers();
    test_hollow_layer();
    test_header();
    test_reset();
    test_refusal();
    test_samples();
    return check_done();
}
