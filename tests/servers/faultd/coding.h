/* Content codings without a library: a gzip writer that stores instead of compressing,
 * and bombs, which are one compressed unit of zeros over and over. */
#ifndef FAULTD_CODING_H
#define FAULTD_CODING_H

#include "bytes.h"

/* The deflate stream of 24,000 bytes of PATTERN, raw (no zlib header). */
#define CODED_LENGTH 24000
struct coded {
    const unsigned char *p;
    size_t len;
};
extern const struct coded pattern_deflated, pattern_br, pattern_zstd;
extern const struct coded zeros_br; /* 10 MiB of zeros */

void gzip_head(struct bytes *out);
void gzip_tail(struct bytes *out, unsigned crc, unsigned long long length);
void gzip_pattern(struct bytes *out);                        /* really compressed */
void gzip_store(struct bytes *out, const void *p, size_t n); /* n < 64 KiB */
void zlib_pattern(struct bytes *out);                        /* "deflate" */
void zlib_store(struct bytes *out, const void *p, size_t n); /* n < 64 KiB */

/* `mb` MiB of zeros, about 1 KiB each. */
void gzip_bomb(struct bytes *out, unsigned mb);
void zlib_bomb(struct bytes *out, unsigned mb);
void zstd_bomb(struct bytes *out, unsigned mb);

#endif
