/* The memory of a tree. libxml2 asks for a piece for every node and every text of one;
 * while a heap is open on a thread they come out of blocks, which go all at once with the
 * tree. Whoever has no heap open gets memory from malloc. Pieces of both kinds may be
 * freed and grown anywhere; what is of a heap comes to an end with it in any case. */
#ifndef LF_HTML_HEAP_H
#define LF_HTML_HEAP_H

#include <stddef.h>

struct lf_heap;

/* libxml2 gets its memory here. Before all else that is asked of it. */
void lf_heap_init(void);

/* Open one on this thread, where none is; NULL: there is none to be had, all is malloc's.
 */
struct lf_heap *lf_heap_open(void);
void lf_heap_close(void); /* nothing more comes out of this thread's */
size_t lf_heap_size(const struct lf_heap *h); /* bytes */

/* Any thread; NULL is fine. */
void lf_heap_free(struct lf_heap *h);

#endif
