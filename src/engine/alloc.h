/* Memory for libcurl: free lists by size. A keep-alive request makes some 40 allocations,
 * nearly all of the same few sizes; taking them from lists is 5 % of its cost at 64 in
 * flight and 15 % at 10,000.
 *
 * Memory for libev, which ends the process when it gets none: a reserve that is given up
 * when an allocation fails. */
#ifndef LF_ENGINE_ALLOC_H
#define LF_ENGINE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

bool lf_alloc_global_init(void);    /* curl_global_init with these lists */
void lf_alloc_global_cleanup(void); /* … undone; gives the lists' memory back */

/* Have a reserve for a loop that watches `nfds` descriptors. Call it before each of them
 * and now and then: a reserve that was given up is taken anew. False: no memory. */
bool lf_alloc_reserve(size_t nfds);
void *lf_alloc_for_loop(void *p, long size); /* for ev_set_allocator */

#endif
