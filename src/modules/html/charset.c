/* The order in which the sources of a document's character set are believed. */
#include "modules/html/charset.h"

#include <string.h>

const struct lf_charset *lf_charset_detect(const char *p, size_t n, const char *label,
                                           size_t label_len, bool html, size_t *bom)
{
    const char *mark = lf_charset_bom(p, n, bom);
    if (mark)
        return lf_charset_find(mark, strlen(mark));
    const struct lf_charset *found = label ? lf_charset_find(label, label_len) : NULL;
    if (!found && html)
        found = lf_charset_of_document(p, n);
    if (found)
        return found;
    return lf_charset_looks_utf8(p, n) ? lf_charset_utf8() : lf_charset_windows_1252();
}
