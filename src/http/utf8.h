/* UTF-8, one sequence at a time. */
#ifndef LF_HTTP_UTF8_H
#define LF_HTTP_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of the sequence at s, which is not the end; for what is none, minus the
 * number of bytes that one U+FFFD stands for (the "maximal subpart" of the Encoding
 * standard). */
int lf_utf8_len(const unsigned char *s, const unsigned char *end);

/* Write the code point, up to 0x10ffff; the number of bytes, up to 4. */
size_t lf_utf8_put(char *out, uint32_t c);

#endif
