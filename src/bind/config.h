/* What a request inherits: the defaults of the run, or those of a session. Plain C: knows
 * no Lua. */
#ifndef LF_BIND_CONFIG_H
#define LF_BIND_CONFIG_H

#include <stdbool.h>
#include "engine/engine.h"

struct lf_config {
    struct lf_opts opts; /* its strings are borrowed: see whoever holds the config */
    bool total_said, max_body_said; /* not just the defaults: streams heed them too */
    bool observed;                  /* retry.on_retry is a function: there, as proxy_fn */
    bool proxy_fn; /* a function says the proxy: in the options table, or the session's */
    struct lf_headers headers; /* owned: complete, in the order they are sent */
    struct lf_headers resolve; /* owned: host or host:port, "address,address" */
    struct lf_buf params;      /* owned: a form-urlencoded query */
    struct lf_buf auth;        /* owned: value of Authorization; empty: none */
    bool digest;               /* auth is "user NUL password", for challenges */
    struct lf_buf origins;     /* owned: lines "https://host:port\n" that may get it */
};

void lf_config_init(struct lf_config *c); /* as lf_opts_init, and nothing else */
void lf_config_free(struct lf_config *c);
/* `to` is initialized; what it held is replaced. */
enum lf_err lf_config_copy(struct lf_config *to, const struct lf_config *from);

/* luafetch's own headers: User-Agent, Accept, Accept-Encoding. `user_agent`: NULL for
 * luafetch's own, "" for none. */
enum lf_err lf_config_headers(struct lf_config *c, const char *user_agent);

/* LF_EREQUEST, with *why, when user or password cannot be said. */
enum lf_err lf_config_set_digest(struct lf_config *c, struct lf_span user,
                                 struct lf_span pass, const char **why);
/* What it was set to: user, then password. */
void lf_config_digest(const struct lf_config *c, struct lf_span *user,
                      struct lf_span *pass);

/* Whether the config's auth may go to this URL. */
enum lf_err lf_config_auth_fits(const struct lf_config *c, const struct lf_url *u,
                                struct lf_buf *scratch, bool *fits);
enum lf_err lf_config_add_origin(struct lf_config *c, const struct lf_url *u);

/* ---- lists of fields ---- */

extern const char lf_accept_encoding[], lf_accept[];

/* Every name of `add` takes the place of its first field in `h`; new names go to the end.
 * `spare` is memory to work in. */
enum lf_err lf_fields_merge(struct lf_headers *h, const struct lf_headers *add,
                            struct lf_headers *spare);
/* The same for one field. */
enum lf_err lf_fields_set(struct lf_headers *h, const char *name, const char *value,
                          size_t vlen, struct lf_headers *spare);
bool lf_fields_has(const struct lf_headers *h, const char *name, size_t n);

/* Lay the query `add` over the query `q`: a name in `add` replaces those in `q`, which
 * otherwise stay in front. */
enum lf_err lf_query_merge(struct lf_buf *q, const struct lf_buf *add,
                           struct lf_buf *spare);

#endif
