/* (node, about what) → a small number: what a walk learned about siblings. Makes "~" and
 * :nth-… linear on long lists. All zero is an empty memo. */
#ifndef LF_HTML_MEMO_H
#define LF_HTML_MEMO_H

#include <stdbool.h>
#include <stddef.h>

struct lf_memo {
    struct lf_memo_entry *entries; /* owned */
    size_t used, cap;
};

/* *value is left alone when nothing is known. A NULL memo knows nothing. */
bool lf_memo_get(const struct lf_memo *m, const void *node, const void *about,
                 int *value);

/* False when memory ended: then it is not remembered. */
bool lf_memo_put(struct lf_memo *m, const void *node, const void *about, int value);

void lf_memo_free(struct lf_memo *m); /* m is empty then */

#endif
