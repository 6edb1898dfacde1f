/* A connection to a Redis server: commands as bytes out, replies in. Knows nothing of
 * jobs. What it has to tell comes through `news`: from the loop, or from a flush. */
#ifndef LF_JOB_REDIS_WIRE_H
#define LF_JOB_REDIS_WIRE_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include "base/buf.h"
#include "bind/lf_module.h"

struct redis_wire;

enum redis_news {
    REDIS_OPENED, /* it stands */
    REDIS_REPLIED,
    REDIS_LOST /* it does not stand any more, or never did: see `why` */
};

struct redis_wire {
    struct lf_engine *eng; /* borrowed: outlives us */
    struct lf_conn *conn;  /* owned; NULL: none */
    redisReader *reader;   /* owned, with conn */
    struct lf_buf out;     /* not yet sent: from out_at */
    size_t out_at;
    bool lost;              /* that was told: conn is only there to be freed */
    size_t heard, elements; /* of the reply that is not yet whole: bytes, members */
    bool too_long;          /* that reply */
    redisReplyObjectFunctions makers, *usual; /* usual: hiredis's own */
    char why[200];
    /* `reply`: borrowed during the call; NULL but for REPLIED. It may write and flush,
     * but not close. */
    void (*news)(struct redis_wire *w, enum redis_news what, const redisReply *reply);
};

void redis_wire_init(struct redis_wire *w, struct lf_engine *eng);
/* Begin to connect, after closing what there was. */
enum lf_err redis_wire_open(struct redis_wire *w, const struct lf_url *url,
                            double seconds);
void redis_wire_close(struct redis_wire *w); /* harmless when it is */
/* Nothing more is said or told; the connection stays until the next open or close. */
void redis_wire_drop(struct redis_wire *w);

/* A command: its number of words, then each. They add to w->out. */
enum lf_err redis_wire_begin(struct redis_wire *w, size_t words);
enum lf_err redis_wire_word(struct redis_wire *w, const void *p, size_t n);
enum lf_err redis_wire_number(struct redis_wire *w, int64_t n);
/* Send what can be sent now, and the rest when it can be. */
void redis_wire_flush(struct redis_wire *w);

#endif
