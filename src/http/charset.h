/* Character sets by the names the web uses (WHATWG Encoding), read as UTF-8.
 *
 * What cannot be decoded becomes U+FFFD and reading goes on, so that nothing behind a bad
 * byte is lost. UTF-8 and windows-1252, which are nearly all of the web, are decoded
 * here, the rest by iconv. */
#ifndef LF_HTTP_CHARSET_H
#define LF_HTTP_CHARSET_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

struct lf_charset {
    const char *name;  /* as the Encoding Standard writes it: "windows-1252" */
    const char *iconv; /* what iconv calls it; NULL where the reader needs none */
};

const struct lf_charset *lf_charset_utf8(void);
const struct lf_charset *lf_charset_windows_1252(void);

/* By label, case and surrounding white space ignored: "Latin1" is windows-1252 (Encoding
 * §4.2). NULL for unknown ones, x-user-defined and the "replacement" family. */
const struct lf_charset *lf_charset_find(const char *label, size_t n);

/* Find the charset parameter of a Content-Type value (RFC 9110 §8.3.1): where it stands
 * and its length, quotes left off; NULL when there is none. Allocates nothing and takes
 * more than browsers do; as browsers read it: lf_ctype_charset. */
const char *lf_charset_param(const char *value, size_t n, size_t *len);

/* The charset a byte order mark tells, and the mark's length; NULL when there is none. */
const char *lf_charset_bom(const char *p, size_t n, size_t *len);

/* What the first bytes of an HTML document declare, by a meta element or else an XML
 * declaration (HTML §13.2.3.2, prescan), or NULL. */
const struct lf_charset *lf_charset_of_document(const char *p, size_t n);

/* Does the label mean UTF-8? */
bool lf_charset_is_utf8(const char *label, size_t n);

/* Well formed; a character cut off by the end counts as well formed. */
bool lf_charset_looks_utf8(const char *p, size_t n);

/* Append s as UTF-8. A label that the web does not know is asked of iconv. LF_EDECODE:
 * nobody knows the label. */
enum lf_err lf_charset_decode(const char *label, size_t label_len, const char *s,
                              size_t n, struct lf_buf *out);

/* Append s, which is UTF-8, in another character set; UTF-16 without a mark. What it
 * lacks, and bytes that are not UTF-8, become `replacement`; without one (NULL) it is
 * LF_EPARSE, and *bad the place in s. LF_EDECODE: nobody knows the label. */
enum lf_err lf_charset_encode(const char *label, size_t label_len, const char *s,
                              size_t n, const char *replacement, struct lf_buf *out,
                              size_t *bad);

/* Piece by piece. The output is always well-formed UTF-8. */
struct lf_charset_reader {
    const char *at, *end; /* borrowed: the bytes not yet read */
    const struct lf_charset *charset;
    iconv_t cd;       /* owned; (iconv_t)-1 for none */
    bool replace_nul; /* NUL becomes U+FFFD; false after init, set it before reading */
};

/* Where iconv does not know the character set or has no memory, windows-1252 is read. */
void lf_charset_reader_init(struct lf_charset_reader *r, const struct lf_charset *charset,
                            const char *p, size_t n);
void lf_charset_reader_deinit(struct lf_charset_reader *r);

/* Up to `cap` bytes (give at least 32) of whole characters; 0 at the end. */
size_t lf_charset_read(struct lf_charset_reader *r, char *out, size_t cap);

#endif
