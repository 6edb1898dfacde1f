/* Another attempt of a request: whether, and when; and what an answer says about how its
 * host wants to be treated. */
#ifndef LF_ENGINE_RETRY_H
#define LF_ENGINE_RETRY_H

#include "engine/engine.h"

/* The head is there: its host may be parked from now on. */
void lf_retry_listen(struct lf_req *req);
/* True: this answer is not the last one, its body is of no interest. */
bool lf_retry_answered(struct lf_req *req);
/* There will be no other attempt after all. */
void lf_retry_drop(struct lf_req *req);
/* The attempt has failed. True: there will be another one. */
bool lf_retry_failed(struct lf_req *req);
/* Make everything as it was before the attempt; false: lf_req_fail was called. */
bool lf_retry_reset(struct lf_req *req);
/* Tell the host's rate how the exchange ended. */
void lf_retry_learn(struct lf_req *req);

#endif
