/* Digest authentication of one request: a 401 with a challenge is answered once a nonce,
 * in a hop of its own, and only at the origin the user and password were given for. */
#ifndef LF_ENGINE_LOGIN_H
#define LF_ENGINE_LOGIN_H

#include "base/arena.h"
#include "engine/engine.h"

struct lf_login;

/* *out is NULL when the options name no user. False when memory ends. */
bool lf_login_new(struct lf_arena *arena, const struct lf_opts *o, struct lf_login **out);
void lf_login_free(struct lf_login *l); /* NULL is fine; its memory is the arena's */

bool lf_login_wanted(const struct lf_req *req);
/* Prepare the hop that answers; false when it failed (lf_req_fail was called). */
bool lf_login_prepare(struct lf_req *req);
/* Make Authorization anew for another hop at the same origin. */
bool lf_login_sign(struct lf_req *req);

#endif
