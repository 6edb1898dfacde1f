/* What the opening handshake (RFC 6455 §4) adds to an HTTP upgrade. */
#ifndef LF_WEBSOCKET_SHAKE_H
#define LF_WEBSOCKET_SHAKE_H

#include "bind/lf_module.h"

enum { WS_SHAKE_FIELDS = 19 };

struct ws_shake {
    char key[25];    /* 16 random bytes as base64 */
    char accept[29]; /* what the server makes of it */
};

/* [-0, +1, v] Push the option 'protocols' of the table at `opts` (or nil) as "a, b", or
 * nil; the result is what was pushed. */
const char *ws_shake_push_offered(lua_State *L, int opts);

/* Make a new key. Fills `fields` for lf_dial, which point into `s` and `offered`; false
 * when there are no random bytes, or no memory. */
bool ws_shake_begin(struct ws_shake *s, const char *offered,
                    const char *fields[static WS_SHAKE_FIELDS]);

/* The answer was 101: NULL, or what is wrong with it. */
const char *ws_shake_judge(const struct ws_shake *s, const struct lf_conn *c,
                           const char *offered);

#endif
