/* Names with prefixes, as only XML has them. */
#include "modules/html/dom.h"

#include <strings.h>

static bool is_written(const xmlAttr *a, const char *name, bool fold)
{
    int (*differ)(const char *, const char *) = fold ? strcasecmp : strcmp;
    if (!a->ns || !a->ns->prefix)
        return differ((const char *)a->name, name) == 0;
    size_t n = strlen((const char *)a->ns->prefix);
    return strncmp((const char *)a->ns->prefix, name, n) == 0 && name[n] == ':' &&
           differ((const char *)a->name, name + n + 1) == 0;
}

const char *lf_dom_attr_named(const xmlNode *n, const char *name, bool fold)
{
    for (const xmlAttr *a = n->properties; a; a = a->next)
        if (is_written(a, name, fold))
            return lf_dom_value(a);
    return NULL;
}
