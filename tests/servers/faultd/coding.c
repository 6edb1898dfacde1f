/* coding.h: the arrays were made with zlib, libbrotli and libzstd from
 * (PATTERN repeated) cut at 24,000 bytes, at their highest levels. */
#include "coding.h"

#include <stdint.h>
#include <string.h>

#include "reply.h"

/* clang-format off */
static const unsigned char deflate_bytes[] = {
    0xed, 0xca, 0x59, 0x16, 0x42, 0x00, 0x00, 0x00, 0xc0, 0x7f, 0xa7, 0xa1, 0x52, 0x3a, 0x0e, 0xa2,
    0x52, 0x76, 0xd9, 0x4e, 0xdf, 0x3d, 0xbc, 0x99, 0xef, 0x49, 0xb3, 0xfc, 0x51, 0x94, 0xcf, 0xd7,
    0xbb, 0xfa, 0x7c, 0xeb, 0xa6, 0xed, 0xfa, 0x61, 0x9c, 0x7e, 0xf3, 0xb2, 0x6e, 0x7b, 0x18, 0x9d,
    0xce, 0x97, 0xf8, 0x7a, 0x4b, 0xee, 0x41, 0x2a, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92,
    0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24,
    0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49,
    0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92,
    0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x74, 0xfc, 0xf4, 0x07,
};
static const unsigned char br_bytes[] = {
    0x1b, 0xbf, 0x5d, 0xf8, 0x65, 0x70, 0x5e, 0x5f, 0x4b, 0x70, 0x8b, 0xd4, 0xc1, 0x38, 0x31, 0x68,
    0x98, 0xaa, 0x2a, 0x00, 0x6d, 0xac, 0xf3, 0x21, 0xa6, 0x5c, 0x6a, 0xeb, 0x63, 0xae, 0x6d, 0x3f,
    0xce, 0xeb, 0x7e, 0xde, 0xef, 0x87, 0x08, 0x13, 0xca, 0xb8, 0x90, 0x0a, 0x00,
};
static const unsigned char zstd_bytes[] = {
    0x28, 0xb5, 0x2f, 0xfd, 0x60, 0xc0, 0x5c, 0x75, 0x01, 0x00, 0x54, 0x02, 0x61, 0x62, 0x63, 0x64,
    0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74,
    0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
    0x0a, 0x01, 0x00, 0xc5, 0xec, 0xd0, 0xae, 0x9e,
};
static const unsigned char br_zeros_bytes[] = {
    0xcb, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x2f, 0xff, 0xff,
    0x3f, 0xf0, 0x4f, 0x00, 0xc4, 0x61, 0x11, 0x80, 0xee, 0xfd, 0x07,
};
/* clang-format on */

#define CODED(array)                                                                     \
    {                                                                                    \
        array, sizeof array                                                              \
    }
const struct coded pattern_deflated = CODED(deflate_bytes);
const struct coded pattern_br = CODED(br_bytes);
const struct coded pattern_zstd = CODED(zstd_bytes);
const struct coded zeros_br = CODED(br_zeros_bytes);

static uint32_t crc32_of(uint32_t crc, const unsigned char *p, size_t n)
{
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int bit = 0; bit < 8; bit++)
                c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
            table[i] = c;
        }
    crc = ~crc;
    while (n--)
        crc = table[(crc ^ *p++) & 255] ^ (crc >> 8);
    return ~crc;
}

static uint32_t adler32_of(const unsigned char *p, size_t n)
{
    uint32_t a = 1, b = 0;
    while (n--) {
        a = (a + *p++) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static const unsigned char *pattern_text(void)
{
    static unsigned char text[CODED_LENGTH];
    if (!*text)
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (unsigned char)PATTERN[i % PATTERN_LEN];
    return text;
}

static void add_little(struct bytes *out, uint32_t v, int n)
{
    for (int i = 0; i < n; i++, v >>= 8)
        bytes_add(out, (unsigned char[]){(unsigned char)v}, 1);
}

static void add_big32(struct bytes *out, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes_add(out, (unsigned char[]){(unsigned char)(v >> shift)}, 1);
}

/* A last deflate block that stores its bytes. */
static void add_stored(struct bytes *out, const void *p, size_t n)
{
    bytes_add(out, "\1", 1);
    add_little(out, (uint32_t)n, 2);
    add_little(out, ~(uint32_t)n, 2);
    bytes_add(out, p, n);
}

void gzip_head(struct bytes *out)
{
    bytes_add(out, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
}

void gzip_tail(struct bytes *out, unsigned crc, unsigned long long length)
{
    add_little(out, crc, 4);
    add_little(out, (uint32_t)length, 4);
}

void gzip_pattern(struct bytes *out)
{
    gzip_head(out);
    bytes_add(out, pattern_deflated.p, pattern_deflated.len);
    gzip_tail(out, crc32_of(0, pattern_text(), CODED_LENGTH), CODED_LENGTH);
}

void gzip_store(struct bytes *out, const void *p, size_t n)
{
    gzip_head(out);
    add_stored(out, p, n);
    gzip_tail(out, crc32_of(0, p, n), n);
}

void zlib_pattern(struct bytes *out)
{
    bytes_add(out, "\x78\xda", 2);
    bytes_add(out, pattern_deflated.p, pattern_deflated.len);
    add_big32(out, adler32_of(pattern_text(), CODED_LENGTH));
}

void zlib_store(struct bytes *out, const void *p, size_t n)
{
    bytes_add(out, "\x78\x01", 2);
    add_stored(out, p, n);
    add_big32(out, adler32_of(p, n));
}

/* 1 MiB of zeros, deflated with a full flush: it needs nothing before it and ends on a
 * byte, so it can be repeated. */
static void add_zeros(struct bytes *out, unsigned mb)
{
    static const unsigned char first[] = {0xec, 0xc1, 0x31, 0x01, 0,    0,    0,   0xc2,
                                          0xa0, 0xf5, 0x4f, 0x6d, 0x08, 0x5f, 0xa0};
    static const unsigned char last[] = {0x3e, 0x03, 0, 0, 0xff, 0xff};
    static const unsigned char middle[1016];
    for (; mb; mb--) {
        bytes_add(out, first, sizeof first);
        bytes_add(out, middle, sizeof middle);
        bytes_add(out, last, sizeof last);
    }
    add_stored(out, "", 0);
}

void gzip_bomb(struct bytes *out, unsigned mb)
{
    static const unsigned char zeros[1 << 16];
    uint32_t crc = 0;
    for (unsigned i = 0; i < mb * 16; i++)
        crc = crc32_of(crc, zeros, sizeof zeros);
    gzip_head(out);
    add_zeros(out, mb);
    gzip_tail(out, crc, (unsigned long long)mb << 20);
}

/* Of n zeros the Adler sums are a = 1 and b = n. */
void zlib_bomb(struct bytes *out, unsigned mb)
{
    bytes_add(out, "\x78\xda", 2);
    add_zeros(out, mb);
    add_big32(out, (uint32_t)((((unsigned long long)mb << 20) % 65521) << 16 | 1));
}

/* A frame of 128 KiB run-length blocks, four bytes each. */
void zstd_bomb(struct bytes *out, unsigned mb)
{
    bytes_add(out, "\x28\xb5\x2f\xfd\0\x38", 6);
    for (unsigned i = 0; i < mb * 8; i++)
        bytes_add(out, i + 1 < mb * 8 ? "\x02\0\x10" : "\x03\0\x10", 4);
}
