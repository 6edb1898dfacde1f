/* Character sets by the names the web uses (WHATWG Encoding), read as UTF-8.
 *
 * A reader hands out UTF-8 that is always well formed and free of NUL: what cannot be
 * decoded becomes U+FFFD and reading goes on, so that nothing behind a bad byte is lost.
 * Knows libc and iconv only. */
#ifndef LF_HTML_CHARSET_H
#define LF_HTML_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <iconv.h>

struct lf_charset {
    const char *name;  /* as the Encoding Standard writes it: "windows-1252" */
    const char *iconv; /* what iconv calls it; NULL where the reader needs none */
};

const struct lf_charset *lf_charset_utf8(void);

/* By label, case and surrounding white space ignored: "Latin1" is windows-1252 (Encoding
 * §4.2). NULL for unknown ones, x-user-defined and the "replacement" family. */
const struct lf_charset *lf_charset_find(const char *label, size_t n);

/* What the first bytes of an HTML document declare (HTML §13.2.3.2, prescan), or NULL. */
const struct lf_charset *lf_charset_of_meta(const char *p, size_t n);

/* The encoding of a document: byte order mark, else `label` (of the HTTP header; may be
 * NULL), else its meta when `html`, else UTF-8 if all of it is, else windows-1252.
 * *bom gets the length of the mark. */
const struct lf_charset *lf_charset_detect(const char *p, size_t n, const char *label,
                                           size_t label_len, bool html, size_t *bom);

struct lf_charset_reader {
    const char *at, *end; /* borrowed: the bytes not yet read */
    const struct lf_charset *charset;
    iconv_t cd; /* owned; (iconv_t)-1 for none */
};

/* Where iconv does not know the character set or has no memory, windows-1252 is read. */
void lf_charset_reader_init(struct lf_charset_reader *r, const struct lf_charset *charset,
                            const char *p, size_t n);
void lf_charset_reader_deinit(struct lf_charset_reader *r);

/* Up to `cap` bytes (give at least 32) of whole characters; 0 at the end. */
size_t lf_charset_read(struct lf_charset_reader *r, char *out, size_t cap);

#endif
