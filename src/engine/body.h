/* What a request sends: bytes and files, one after the other, or what is fed to it while
 * it goes. Inside libcurl's callbacks only our memory and the files are touched. */
#ifndef LF_ENGINE_BODY_H
#define LF_ENGINE_BODY_H

#include "base/arena.h"
#include "engine/engine.h"

struct lf_piece {
    const char *bytes, *path; /* borrowed until lf_req_free: one of them */
    uint64_t len;
    int fd; /* of a file, owned; -1: not open */
};

struct lf_feed {
    struct lf_buf buf; /* owned */
    size_t taken;      /* bytes of it that were sent */
    uint64_t given;    /* bytes that ever came in */
    bool sent;         /* some were: they cannot be sent again */
    bool asked;        /* the transport wanted some: there is a connection */
    bool ended;
    lf_done_fn *wanted; /* whoever waits for room; NULL: nobody */
    void *arg;          /* borrowed: the waiter's */
};

struct lf_body {
    struct lf_piece one;     /* mostly there is just one */
    struct lf_piece *pieces; /* arena, or &one; NULL: none */
    size_t npieces;
    size_t at; /* where we are: the piece … */
    uint64_t off;
    struct lf_feed *feed; /* arena; instead of pieces */
    uint64_t len;         /* LF_BODY_UNKNOWN: not said */
    bool files;           /* some piece is one */
};

/* Copy what the options say; false when memory ends. */
bool lf_body_init(struct lf_body *b, struct lf_arena *arena, const struct lf_opts *o);

static inline bool lf_body_any(const struct lf_body *b)
{
    return b->pieces || b->feed;
}

/* Open the files, once, and begin at the front. False when one cannot be: lf_req_fail was
 * called. */
bool lf_body_begin(struct lf_req *req);
bool lf_body_again(const struct lf_body *b); /* can it be sent from the front? */
/* Close the files; nothing is sent any more. Harmless when there are none. */
void lf_body_end(struct lf_body *b);
void lf_body_drop(struct lf_body *b); /* a redirect goes on without it */

#endif
