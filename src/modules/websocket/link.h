/* One WebSocket (RFC 6455), client side: frames over a connection, by libwslay; messages
 * put together, pings answered and sent, the closing handshake. No Lua in here.
 *
 * Whatever happens is noted here and told to those who wait: a struct ws_waiter each,
 * which lives until its task has looked. */
#ifndef LF_WEBSOCKET_LINK_H
#define LF_WEBSOCKET_LINK_H

#include "base/buf.h"
#include "base/list.h"
#include "bind/lf_module.h"

enum {
    WS_SEND_HIGH = 256 << 10, /* bytes not yet sent: who sends more waits */
    WS_RECV_HIGH = 256 << 10, /* bytes nobody has received: no more are read */
    WS_REASON = 123,          /* bytes of a reason, at most */
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_NONE = 1005, /* the peer gave no code */
    WS_CLOSE_ABNORMAL = 1006,
    WS_CLOSE_BAD_TEXT = 1007,
    WS_CLOSE_TOO_BIG = 1009,
};

#define WS_CLOSE_TIME 5.0 /* seconds the closing handshake may take */

struct ws_message {
    struct lf_list link; /* in ws->inbox */
    bool text;
    struct lf_buf data;
};

enum ws_state { WS_CONNECTING, WS_OPEN, WS_CLOSING, WS_OVER };

struct ws {
    struct lf_engine *eng;              /* borrowed: outlives us */
    struct lf_conn *conn;               /* owned; NULL when over */
    struct wslay_frame_context *frames; /* owned */
    enum ws_state state;
    struct lf_list waiters; /* struct ws_waiter */
    bool receiving;         /* a task receives */

    /* what comes in */
    struct lf_list inbox; /* owned messages */
    size_t inbox_bytes;
    struct lf_buf message; /* the one that is coming */
    struct lf_buf control; /* the payload of a control frame that is coming */
    bool begun, text;      /* there is a message that has not ended */
    uint64_t frame_at;     /* bytes of the current frame that have come */
    uint64_t max_message;
    struct lf_timer more; /* go on reading, or let the connection go, in a later step */
    bool dry, paused;     /* the connection has no more just now; we do not want more */
    uint64_t heard;       /* how often something has come */

    /* what goes out */
    struct lf_buf out;
    size_t out_at;
    bool close_sent;

    /* pings */
    double ping; /* seconds; LF_NEVER: none are sent by themselves */
    struct lf_timer ping_timer, close_timer;
    uint64_t ping_heard;          /* `heard` when the last one was sent */
    uint64_t ping_sent, ping_got; /* numbers of pings and of their answers */
    bool ping_open;               /* one is out, and nothing has come since */

    /* how it ended */
    bool clean; /* by a closing handshake */
    int close_code;
    char close_reason[WS_REASON + 1];
    size_t close_reason_len;
    enum lf_err err; /* LF_OK: no failure */
    char why[200];
};

struct ws_waiter {
    struct lf_wait wait;
    struct lf_list link;  /* in ws->waiters */
    struct lf_task *task; /* borrowed: while it waits */
    struct ws *ws;        /* NULL: it is gone */
    bool connects, receives;
    uint64_t number; /* of a ping that somebody waits for */
    double began;
    struct lf_timer timer;
    bool late;
};

void ws_init(struct ws *ws, struct lf_engine *eng);
/* The connection is open and upgraded; false when memory ends. */
bool ws_begin(struct ws *ws);
void ws_free(struct ws *ws); /* at once, without a handshake; twice is fine */

/* Do what can be done now, and tell the waiters. */
void ws_pump(struct ws *ws);
void ws_tell(struct ws *ws);
void ws_on_news(struct lf_conn *c, void *ws); /* for lf_dial */

bool ws_send_full(const struct ws *ws);
/* Queue a message; LF_ERESOURCE when memory ends. */
enum lf_err ws_send(struct ws *ws, const void *p, size_t n, bool text);
enum lf_err ws_send_ping(struct ws *ws); /* its number is then ws->ping_sent */
void ws_close(struct ws *ws, int code, const char *reason, size_t n);
bool ws_close_code_valid(int code); /* may it stand in a close frame? */

struct ws_message *ws_first(struct ws *ws); /* NULL: none */
void ws_drop_first(struct ws *ws);

#endif
