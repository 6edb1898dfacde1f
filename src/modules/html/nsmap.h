/* Namespace prefixes of an XML document: what queries may call a namespace. */
#ifndef LF_HTML_NSMAP_H
#define LF_HTML_NSMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <libxml/tree.h>

struct lf_nsmap {
    const xmlNs **list; /* owned; the declarations are borrowed: of the tree */
    size_t n;
    bool known; /* the tree was looked through */
};

/* The first declaration of each prefix below `root`, at most 1,000 of them. False when
 * memory ends. Only the first call looks. */
bool lf_nsmap_find(struct lf_nsmap *names, xmlNode *root);
void lf_nsmap_free(struct lf_nsmap *names);

/* The URI that `prefix` stands for; NULL for none. */
const char *lf_nsmap_uri(const struct lf_nsmap *names, const char *prefix);

#endif
