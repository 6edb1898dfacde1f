/* What modules may use of the engine, too: timers, descriptors, threads for what blocks,
 * and connections that are opened as a request's are. Part of engine.h, whose law holds
 * here: nothing completes inside a call that starts it. */
#ifndef LF_ENGINE_IO_H
#define LF_ENGINE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/list.h"

#define LF_NEVER 1e18

struct lf_engine;
struct lf_headers;
struct lf_url;
struct lf_way;

double lf_engine_now(const struct lf_engine *eng); /* monotonic, or the jumping clock */
/* 0: real time; else the clock jumps, and this is its number. */
uint64_t lf_engine_play(const struct lf_engine *eng);

/* ---- timers: in your memory, a heap underneath ---- */

struct lf_timer {
    double due;
    uint64_t seq; /* equal times fire in the order of starting */
    size_t pos;   /* place in the heap + 1; 0: not running */
    bool weak;    /* does not keep the loop alive by itself */
    void (*fire)(struct lf_timer *t);
};

/* (Re)start; false when memory ends. */
bool lf_timer_start(struct lf_engine *eng, struct lf_timer *t, double seconds);
void lf_timer_stop(struct lf_engine *eng, struct lf_timer *t); /* harmless when stopped */

/* ---- descriptors ---- */

enum { LF_READ = 1, LF_WRITE = 2 };
struct lf_watch; /* opaque, owned by the caller, freed with lf_watch_free */
struct lf_watch *lf_watch_new(struct lf_engine *eng, int fd, int events,
                              void (*ready)(void *arg, int events), void *arg);
void lf_watch_set(struct lf_watch *w, int events); /* 0: pause */
void lf_watch_free(struct lf_watch *w);

/* ---- the offload pool: threads for what blocks ---- */

struct lf_job { /* in your memory, which must stay until done, drop or a cancel that
                   worked */
    struct lf_list link;
    bool running;
    bool matters; /* the end of the engine waits until it has run, or was dropped */
    void (*work)(struct lf_job *job); /* in a thread: no Lua, no engine */
    void (*done)(struct lf_job *job); /* on the loop, after work */
    void (*drop)(
        struct lf_job *job); /* instead of done, when the engine has gone: free */
};
enum lf_err lf_offload(struct lf_engine *eng, struct lf_job *job);
/* True: it had not begun and never will. False: done() still comes. */
bool lf_offload_cancel(struct lf_engine *eng, struct lf_job *job);

/* ---- connections: bytes to and from a server ---- */

struct lf_conn;

struct lf_conn_opts {
    const struct lf_url *url; /* http or https: where to, and in TLS or not; copied */
    /* NULL: nothing is said. "websocket": an HTTP/1.1 GET of the URL that asks for that
     * protocol; it is open when the server has answered 101 (RFC 9110 §7.8). */
    const char *upgrade;
    const struct lf_headers *headers; /* of that GET; borrowed during the call */
    const struct lf_headers *resolve; /* host or host:port, "address,address"; NULL */
    const struct lf_way
        *way;              /* engine.h; borrowed during the call; NULL: the plain one */
    const char *ca;        /* CA file instead of the engine's; copied */
    bool verify;           /* check certificates */
    int ip;                /* 4 or 6; 0: both */
    double connect, total; /* seconds until it stands; until it is open */
};

enum lf_conn_state { LF_CONN_OPENING, LF_CONN_OPEN, LF_CONN_FAILED };

struct lf_conn_info {
    enum lf_conn_state state;
    enum lf_err err;     /* when FAILED: the kind; LF_EHTTP: an answer but 101 */
    const char *message; /* ... and the sentence, without the URL */
    const char *phase;   /* "dns", "connect", "tls", "headers"; "body": once open */
    int status;          /* of the answer; 0: none */
};

/* Runs in lf_engine_step: when opening has ended, well or not, and then whenever what
 * lf_conn_want asked for is there. It may send, receive and want, but not free. */
typedef void lf_conn_fn(struct lf_conn *c, void *arg);

/* A failure here (LF_EREQUEST, LF_EPROXY: no such proxy; LF_ERESOURCE) sets *why. */
enum lf_err lf_conn_open(struct lf_engine *eng, const struct lf_conn_opts *o,
                         lf_conn_fn *news, void *arg, struct lf_conn **out,
                         const char **why);
void lf_conn_free(struct lf_conn *c); /* closes at once; NULL is fine */
const struct lf_conn_info *lf_conn_info(const struct lf_conn *c);
/* The answer's header fields. */
const struct lf_headers *lf_conn_headers(const struct lf_conn *c);

enum lf_io {
    LF_IO_OK,
    LF_IO_AGAIN, /* not now: lf_conn_want */
    LF_IO_END,   /* recv: the peer sends no more */
    LF_IO_FAILED /* see lf_conn_info */
};
/* Neither waits. Receive until AGAIN: bytes that TLS has decrypted already wake nobody.
 */
enum lf_io lf_conn_send(struct lf_conn *c, const void *p, size_t n, size_t *sent);
enum lf_io lf_conn_recv(struct lf_conn *c, void *p, size_t n, size_t *got);
/* Tell when it can be read, written: LF_READ | LF_WRITE. 0: nothing. */
enum lf_err lf_conn_want(struct lf_conn *c, int events);

/* SHA-1 as base64, for handshakes that want it: 28 characters and a NUL. False when
 * memory ends. */
bool lf_sha1_base64(const void *p, size_t n, char out[static 29]);

#endif
