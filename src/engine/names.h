/* Names to addresses: c-ares on the loop, one lookup a name however many wait for it,
 * kept as long as its TTL says (also that there is none). The system's resolver, in a
 * thread, for what c-ares does not know: names of one label, ".local", or all when asked
 * to. */
#ifndef LF_ENGINE_NAMES_H
#define LF_ENGINE_NAMES_H

#include "engine/engine.h"

struct lf_names;
struct lf_name;

struct lf_lookup { /* in the request's memory */
    struct lf_list link;
    struct lf_name *name; /* borrowed: while waiting */
    void (*ready)(struct lf_lookup *lk);
};

/* What a name means: valid until the next step of the engine. */
struct lf_addresses {
    const char *v4, *v6; /* "1.2.3.4,5.6.7.8"; "" if none */
    uint32_t id;         /* another one for every answer */
    bool several;        /* more than one address in all */
    const char *why;     /* NULL, or why there is none */
};

struct lf_names *lf_names_new(struct lf_engine *eng, bool use_system);
void lf_names_free(struct lf_names *names);

enum lf_name_state { LF_NAME_KNOWN, LF_NAME_PENDING, LF_NAME_NO_MEMORY };
/* KNOWN: *out is filled. PENDING: ready() is called in a later step, then ask again. */
enum lf_name_state lf_names_get(struct lf_names *names, const char *host, size_t len,
                                struct lf_lookup *lk, struct lf_addresses *out);
void lf_names_cancel(struct lf_lookup *lk); /* harmless when it does not wait */

#endif
