/* Content-Encoding undone as the bytes arrive (RFC 9110 8.4): gzip (also x-gzip),
 * deflate, br and zstd, up to five layers, in any chopping of the input, with memory that
 * does not depend on how far a body expands.
 *
 * What is accepted, and never silently:
 *   gzip     members that follow one another are joined and every CRC and length is
 *            checked (RFC 1952); zero bytes after the last member are padding; any other
 *            byte there is an error
 *   deflate  zlib wrapped (RFC 1950) as the RFC says, or raw as some servers send it;
 *            told apart by the first two bytes
 *   br       one stream (RFC 7932), windows up to 16 MB
 *   zstd     frames are joined, skippable ones skipped (RFC 8878); windows up to 128 MB,
 *            which is libzstd's default and more than the 8 MB of RFC 9659
 * A body that ends before its encoding does is an error, except that no byte at all is an
 * empty body. compress, x-compress and all other names are unknown. */
#ifndef LF_HTTP_DECODE_H
#define LF_HTTP_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

enum { LF_DECODER_LAYERS = 5, LF_DECODER_WHY = 160 };

struct lf_decoder;

/* Takes the next decoded bytes, at most 64 KB, valid during the call. What it returns but
 * LF_OK ends the decoding and is handed to whoever fed; it must not call the decoder. */
typedef enum lf_err lf_decoder_sink(void *arg, const char *p, size_t n);

/* A decoder for the value of Content-Encoding, several headers joined by a comma. *out is
 * the caller's to free; NULL when there is nothing to undo. LF_EDECODE: an unknown coding
 * or too many; then `why` holds a sentence that names it. LF_ERESOURCE: no memory. */
enum lf_err lf_decoder_new(const char *value, size_t n, struct lf_decoder **out,
                           char why[static LF_DECODER_WHY]);
void lf_decoder_free(struct lf_decoder *d);

/* LF_EDECODE: the data is corrupt or goes on after its end. An error stays: every later
 * call gives it again. */
enum lf_err lf_decoder_feed(struct lf_decoder *d, const char *in, size_t n,
                            lf_decoder_sink *sink, void *arg);

/* The body has ended. LF_EDECODE when the encoding has not. */
enum lf_err lf_decoder_finish(struct lf_decoder *d);

/* One sentence about the last LF_EDECODE or LF_ERESOURCE of this decoder; else "". */
const char *lf_decoder_why(const struct lf_decoder *d);

/* Ready for another body with the same codings, after an error too, keeping the memory.
 * False: it cannot be used again and is to be freed. */
bool lf_decoder_reset(struct lf_decoder *d);

#endif
