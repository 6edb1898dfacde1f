/* Digest authentication (RFC 7616): reading challenges, computing what answers them. MD5,
 * SHA-256 and their -sess forms; qop "auth", or none at all (RFC 2069). */
#ifndef LF_HTTP_DIGEST_H
#define LF_HTTP_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

enum lf_digest_algorithm { LF_DIGEST_MD5, LF_DIGEST_SHA256 };

struct lf_challenge {
    struct lf_buf realm, nonce, opaque; /* owned */
    enum lf_digest_algorithm algorithm;
    const char *algorithm_name; /* as it is sent back; NULL: the server named none */
    bool sess;                  /* MD5-sess, SHA-256-sess */
    bool qop;                   /* "auth"; else none was offered */
    bool has_opaque, stale;
};

struct lf_digest_request {
    const char *user, *pass;
    size_t user_len, pass_len;
    const char *method, *uri; /* uri: as in the request line */
    size_t uri_len;
    const char *cnonce; /* token characters, the client's own */
    unsigned count;     /* how often the nonce was used, this time included: 1… */
};

void lf_challenge_init(struct lf_challenge *c);
void lf_challenge_free(struct lf_challenge *c); /* c is as after init */

/* Look for a Digest challenge in the value of a WWW-Authenticate field, which may hold
 * several of any scheme: the first that can be answered. LF_OK with *found; LF_EREQUEST
 * when there are some but none can be answered, with *why a static sentence;
 * LF_ERESOURCE. What c held is replaced when one is found. */
enum lf_err lf_challenge_find(struct lf_challenge *c, const char *value, size_t n,
                              bool *found, const char **why);

/* Append the value of Authorization. LF_EREQUEST, with *why, for a user that cannot be
 * said; LF_ERESOURCE. */
enum lf_err lf_digest_answer(struct lf_buf *out, const struct lf_challenge *c,
                             const struct lf_digest_request *r, const char **why);

#endif
