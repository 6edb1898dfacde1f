/* A request, or a session, while it is being said: options are gathered here from all the
 * tables that have a say, and then applied in a fixed order, since tables have none.
 * Plain C: knows no Lua. */
#ifndef LF_BIND_DRAFT_H
#define LF_BIND_DRAFT_H

#include <stdbool.h>
#include "bind/config.h"

/* Where an options table stands. */
enum lf_where {
    LF_IN_REQUEST = 1, /* fetch's options */
    LF_IN_TABLE = 2,   /* a request table: these and the URL */
    LF_IN_SESSION = 4,
};

/* How the body was said. */
enum lf_body_kind {
    LF_BODY_NONE,
    LF_BODY_RAW,
    LF_BODY_JSON,
    LF_BODY_FORM,
    LF_BODY_MULTIPART
};

struct lf_rate_said {
    double rate, per, burst;
};

enum lf_auth_said { LF_AUTH_INHERIT, LF_AUTH_NONE, LF_AUTH_SET };

/* What is being put together. Kept for re-use: its buffers grow to what is usual. Strings
 * are borrowed from the options tables; the body from the stack slot `anchor`. */
struct lf_draft {
    struct lf_config c; /* a copy of what is inherited, then changed */

    const char *url, *base_url; /* NULL: not given */
    size_t url_len, base_url_len;
    const char *user_agent; /* NULL: as inherited; "": none */
    size_t user_agent_len;
    const char *referer; /* NULL: as inherited; "": none */
    size_t referer_len;
    bool watched;                /* there is an on_progress */
    bool robots;                 /* only checked here: session.lua heeds it */
    struct lf_buf range;         /* owned: value of a Range field; empty: none */
    struct lf_headers add, drop; /* headers to set and to leave away */
    enum lf_body_kind body;
    char content_type[80]; /* of a multipart body: names its boundary */
    enum lf_where body_where;
    enum lf_auth_said auth;
    struct lf_span user, pass, bearer;
    struct lf_domain_conf limits;
    struct lf_buf rules;           /* struct lf_host_rule, what limits.rules points at */
    struct lf_host_rule rule;      /* the one that is read just now … */
    struct lf_rate_said rate_said; /* … and the rate */
    struct lf_jar *jar; /* borrowed: of the session's option; NULL: a new one … */
    bool no_jar;        /* … or none */

    int anchor;       /* stack slot that keeps the body alive */
    enum lf_err fail; /* it cannot be sent … */
    char why[160];    /* … for this reason */

    struct lf_headers layer, spare; /* to work in */
    struct lf_buf text, sort;
};

void lf_draft_init(struct lf_draft *d);
void lf_draft_free(struct lf_draft *d);

/* Start anew over what is inherited. */
enum lf_err lf_draft_begin(struct lf_draft *d, const struct lf_config *base, int anchor);

/* Keep a failure, the first one only. */
void lf_draft_fail(struct lf_draft *d, enum lf_err kind, const char *why);

/* When all is read: apply to c.headers what was said about headers. No Lua. */
enum lf_err lf_draft_headers(struct lf_draft *d);

#endif
