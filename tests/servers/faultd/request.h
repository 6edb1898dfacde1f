/* A request as it came over the wire: where its parts lie in the connection's buffer, and
 * the decoder for its body. It is lenient about everything but the framing, because it
 * must be able to show what a client really sent. */
#ifndef FAULTD_REQUEST_H
#define FAULTD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bytes.h"

struct slice {
    const char *p; /* borrowed from the connection's input */
    size_t len;
};

#define SLICE_FMT(s) (int)(s).len, (s).p

enum framing { NO_BODY, BY_LENGTH, BY_CHUNKS };

struct request {
    struct slice head;     /* request line to blank line, both included */
    struct slice method;   /* "GET" */
    struct slice path;     /* without the query; "/" at least */
    struct slice query;    /* without "?"; empty when there is none */
    enum framing framing;  /* how the body is delimited */
    uint64_t length;       /* with BY_LENGTH */
    bool expects_continue; /* Expect: 100-continue */
    bool closes;           /* Connection: close, or HTTP/1.0 */
};

/* Bytes of the head at p; 0 while it is not complete, -1 when it is not HTTP/1. */
long request_parse(struct request *r, const char *p, size_t n);

bool slice_is(struct slice s, const char *text);
/* The value of the first header of that name; false when there is none. */
bool request_header(const struct request *r, const char *name, struct slice *value);

/* The n-th (from 0) value of a query key, or of any key when `key` is NULL,
 * percent-decoded and added to `out`; with key NULL the whole "key=value" pair. False
 * when there is none. */
bool query_value(struct slice query, const char *key, size_t n, struct bytes *out);
uint64_t query_number(struct slice query, const char *key, uint64_t fallback);

/* Digits at the start of s, saturating; `fallback` when there are none. */
uint64_t slice_number(struct slice s, uint64_t fallback);

struct body {
    enum framing framing;
    int state;     /* of the chunk decoder */
    uint64_t left; /* bytes of this chunk, or of the whole */
    uint64_t seen; /* decoded bytes so far */
    bool done, bad;
};

void body_begin(struct body *b, const struct request *r);
/* Takes what belongs to the body and gives the count; decoded bytes go to `keep` unless
 * it is NULL or would grow beyond 16 MiB. */
size_t body_feed(struct body *b, const char *p, size_t n, struct bytes *keep);

#endif
