/* One look through a tree for what it declares. */
#include "modules/html/nsmap.h"

#include <stdlib.h>
#include <string.h>
#include "modules/html/dom.h"

enum { MAX_NAMES = 1000 };

static bool add(struct lf_nsmap *names, const xmlNs *ns)
{
    if (!ns->prefix || !ns->href || names->n == MAX_NAMES ||
        lf_nsmap_uri(names, (const char *)ns->prefix))
        return true;
    if ((names->n & (names->n + 1)) == 0) { /* full at 0, 1, 3, 7 … */
        const xmlNs **list =
            realloc(names->list, (2 * names->n + 1) * sizeof *names->list);
        if (!list)
            return false;
        names->list = list;
    }
    names->list[names->n++] = ns;
    return true;
}

bool lf_nsmap_find(struct lf_nsmap *names, xmlNode *root)
{
    if (names->known)
        return true;
    for (xmlNode *n = root; n; n = lf_dom_next(n, root))
        for (const xmlNs *ns = n->nsDef; ns; ns = ns->next)
            if (!add(names, ns))
                return false;
    names->known = true;
    return true;
}

void lf_nsmap_free(struct lf_nsmap *names)
{
    free(names->list);
    *names = (struct lf_nsmap){0};
}

const char *lf_nsmap_uri(const struct lf_nsmap *names, const char *prefix)
{
    if (strcmp(prefix, "xml") == 0)
        return (const char *)XML_XML_NAMESPACE;
    for (size_t i = 0; i < names->n; i++)
        if (strcmp((const char *)names->list[i]->prefix, prefix) == 0)
            return (const char *)names->list[i]->href;
    return NULL;
}
