/* What a scene wants to happen on the wire, written down as a few steps that the
 * connection then plays: send these bytes, wait, send the same for ever, hang, reset.
 *
 * A scene only calls the functions below. A reply that says nothing about its end keeps
 * the connection alive for the next request. */
#ifndef FAULTD_REPLY_H
#define FAULTD_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include "request.h"

enum step_kind { SEND, WAIT, END };
enum ending { KEEP, CLOSE, RESET, HANG };

struct step {
    enum step_kind kind;
    enum ending ending;  /* END */
    const char *fixed;   /* SEND: borrowed for ever; NULL: the unit lies in reply.text */
    size_t off, len, at; /* SEND: the unit, and how far it was sent */
    uint64_t left;       /* SEND: bytes to go, over and over the unit */
    size_t piece;        /* SEND: at most so many bytes at once */
    uint64_t ms;         /* WAIT; SEND: pause after each piece */
};

#define MAX_STEPS 8

struct reply {
    const struct request *req; /* borrowed: valid while the scene runs */
    const struct bytes *body;  /* borrowed: the request's body, if the scene keeps it */
    struct slice arg;          /* what follows the scene's prefix in the path */
    const char *raw;           /* the scene's fixed bytes, for play_raw */
    size_t raw_len;
    uint64_t seen; /* how often this path and ?key= came, this time included; 0: no key */
    bool stale;    /* out: this connection drops its next request unanswered */
    struct bytes text;
    struct step steps[MAX_STEPS];
    int nsteps, at;
};

#define FOR_EVER UINT64_MAX

void reply_begin(struct reply *r);

void say(struct reply *r, const char *text);
void say_bytes(struct reply *r, const void *p, size_t n);
void sayf(struct reply *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_pattern(struct reply *r, uint64_t n); /* the known pattern: see PATTERN */
/* The unit over and over, `times` times or FOR_EVER. */
void say_again(struct reply *r, const void *unit, size_t n, uint64_t times);
/* The bytes in pieces of that size with `ms` after each one, `times` times. */
void drip(struct reply *r, const void *p, size_t n, size_t piece, uint64_t ms,
          uint64_t times);
void wait_ms(struct reply *r, uint64_t ms);
void end(struct reply *r, enum ending how);

/* Repeats every 37 bytes. */
#define PATTERN     "abcdefghijklmnopqrstuvwxyz0123456789\n"
#define PATTERN_LEN 37

/* A status line with the usual reason. */
void say_status(struct reply *r, unsigned status);
/* A sound answer with Content-Length; obeys HEAD and Connection: close. */
void answer(struct reply *r, unsigned status, const char *type, const void *p, size_t n);
void answer_text(struct reply *r, unsigned status, const char *text);
/* The same when the caller makes the body, n bytes, after the header block. */
void answer_head(struct reply *r, unsigned status, const char *headers, uint64_t n);
bool wants_body(const struct reply *r); /* false for HEAD */
void finish(struct reply *r);           /* KEEP, or CLOSE when the client wants that */

#endif
