/* UTF-8, one sequence at a time. */
#ifndef LF_HTTP_UTF8_H
#define LF_HTTP_UTF8_H

/* The length of the sequence at s, which is not the end; for what is none, minus the
 * number of bytes that one U+FFFD stands for (the "maximal subpart" of the Encoding
 * standard). */
int lf_utf8_len(const unsigned char *s, const unsigned char *end);

#endif
