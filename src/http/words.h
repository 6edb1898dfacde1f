/* Text for people, in UTF-8: white space folded, names for addresses and files, cutting
 * to a length. Any bytes are safe to give; those that are not UTF-8 count as characters.
 */
#ifndef LF_HTTP_WORDS_H
#define LF_HTTP_WORDS_H

#include <iconv.h>
#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

/* Append s with each run of white space (Unicode's White_Space) as one blank, and none
 * around it. */
enum lf_err lf_words_squeeze(const char *s, size_t n, struct lf_buf *out);

/* What slugs are made with; opened when it is first needed, since it costs as much as a
 * hundred of them. Zero it (LF_LETTERS_INIT) before. */
struct lf_letters {
    bool open;
    locale_t locale; /* owned; 0: none */
    iconv_t ascii;   /* owned */
};
#define LF_LETTERS_INIT ((struct lf_letters){.open = false})
void lf_letters_deinit(struct lf_letters *l);

/* Append a name of letters and digits with a '-' between words, in lower case: accents
 * are taken off and Latin letters written in ASCII ("Straße" is "strasse"), apostrophes
 * left out; letters of other scripts stay. May be empty. */
enum lf_err lf_words_slug(struct lf_letters *l, const char *s, size_t n,
                          struct lf_buf *out);

/* How many bytes the first `most` characters have. Combining marks, and what a joiner
 * adds, belong to the character before them. *all: s has no more than that. */
size_t lf_words_cut(const char *s, size_t n, size_t most, bool *all);

#endif
