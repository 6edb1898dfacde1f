/* Memory for libcurl: free lists by size. A keep-alive request makes some 40 allocations,
 * nearly all of the same few sizes; taking them from lists is 5 % of its cost at 64 in
 * flight and 15 % at 10,000. */
#ifndef LF_ENGINE_ALLOC_H
#define LF_ENGINE_ALLOC_H

#include <stdbool.h>

bool lf_alloc_global_init(void);    /* curl_global_init with these lists */
void lf_alloc_global_cleanup(void); /* … undone; gives the lists' memory back */

#endif
