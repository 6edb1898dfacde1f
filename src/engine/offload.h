/* The offload pool, inside: see lf_offload in engine.h. */
#ifndef LF_ENGINE_OFFLOAD_H
#define LF_ENGINE_OFFLOAD_H

#include "engine/engine.h"

struct lf_pool;

void lf_pool_free(
    struct lf_pool *pool); /* waits for nothing: late jobs free themselves */
unsigned lf_pool_pending(const struct lf_pool *pool);
bool lf_pool_drain(struct lf_pool *pool); /* call done() of what has ended */

#endif
