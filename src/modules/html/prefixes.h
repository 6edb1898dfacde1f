/* What a query on an XML document calls the namespaces: by its option `namespaces`, and
 * else as the document does. */
#ifndef LF_HTML_PREFIXES_H
#define LF_HTML_PREFIXES_H

#include <lua.h>
#include "modules/html/node.h"

struct lf_prefixes {
    lua_State *L;
    int table;                    /* stack index of {prefix = URI}; 0: none given */
    const struct lf_nsmap *names; /* borrowed: the document's */
};

/* [-0, +1, v] From the options table at `idx`, {namespaces = {prefix = URI, …}}, which
 * may be absent. Raises on anything else. */
struct lf_prefixes lf_prefixes_read(lua_State *L, int idx, struct lf_document *d);

/* [-0, +0, m] The URI of a prefix, or NULL; `arg` is a struct lf_prefixes. Good as long
 * as the table and the document are there. */
const char *lf_prefixes_uri(void *arg, const char *prefix);

#endif
