/* The state of a WebSocket and how it goes on. */
#include "modules/websocket/link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wslay/wslay.h>

enum { PING_PAYLOAD = 8, CONTROL_MAX = 125, MANY_MESSAGES = 1024, DISCARDS = 64 };

#define LINGER 1.0 /* seconds for our close frame to arrive when the peer broke rules */

/* ---- those who wait ---- */

void ws_tell(struct ws *ws)
{
    for (struct lf_list *n = ws->waiters.next; n != &ws->waiters; n = n->next)
        lf_task_wake(lf_container(n, struct ws_waiter, link)->task);
}

/* ---- the end ---- */

/* The connection goes in a later step: we may be in its news. */
static void over(struct ws *ws, double linger)
{
    ws->state = WS_OVER;
    lf_conn_want(ws->conn, linger > 0 ? LF_READ : 0);
    lf_timer_stop(ws->eng, &ws->ping_timer);
    lf_timer_stop(ws->eng, &ws->close_timer);
    lf_timer_start(ws->eng, &ws->more, linger);
    lf_buf_free(&ws->message);
    lf_buf_free(&ws->control);
}

/* Closing with bytes unread would be a reset, which may overtake our close frame. */
static void discard(struct ws *ws)
{
    char p[4096];
    size_t got;
    enum lf_io io = LF_IO_OK;
    for (int i = 0; i < DISCARDS && io == LF_IO_OK; i++)
        io = lf_conn_recv(ws->conn, p, sizeof p, &got);
    if (io == LF_IO_END || io == LF_IO_FAILED)
        over(ws, 0);
}

static void broken(struct ws *ws, enum lf_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void broken(struct ws *ws, enum lf_err err, const char *fmt, ...)
{
    va_list ap;
    if (ws->state == WS_OVER)
        return;
    va_start(ap, fmt);
    vsnprintf(ws->why, sizeof ws->why, fmt, ap);
    va_end(ap);
    ws->err = err;
    double linger = ws->close_code ? LINGER : 0;
    if (!ws->close_code)
        ws->close_code = WS_CLOSE_ABNORMAL;
    over(ws, linger);
}

static void no_memory(struct ws *ws)
{
    broken(ws, LF_ERESOURCE, "not enough memory");
}

/* ---- sending ---- */

static ssize_t on_send(const uint8_t *p, size_t n, int flags, void *arg)
{
    struct ws *ws = arg;
    (void)flags;
    return lf_buf_add(&ws->out, p, n) ? -1 : (ssize_t)n;
}

static int on_mask(uint8_t *p, size_t n, void *arg)
{
    (void)arg;
    return getrandom(p, n, 0) == (ssize_t)n ? 0 : -1;
}

/* The room is made first: a frame that was begun must be added as a whole. */
static enum lf_err add_frame(struct ws *ws, int opcode, const void *p, size_t n)
{
    enum { HEADER = 14 };
    struct wslay_frame_iocb f = {
        .fin = 1,
        .opcode = (uint8_t)opcode,
        .payload_length = n,
        .mask = 1,
        .data = p,
        .data_length = n,
    };
    if (lf_buf_reserve(&ws->out, n + HEADER))
        return LF_ERESOURCE;
    return wslay_frame_send(ws->frames, &f) == (ssize_t)n ? LF_OK : LF_ERESOURCE;
}

static bool flush(struct ws *ws)
{
    size_t sent;
    while (ws->out_at < ws->out.len) {
        switch (lf_conn_send(ws->conn, ws->out.p + ws->out_at, ws->out.len - ws->out_at,
                             &sent)) {
        case LF_IO_OK:
            ws->out_at += sent;
            break;
        case LF_IO_AGAIN:
            return true;
        default:
            return false;
        }
    }
    lf_buf_free(&ws->out);
    ws->out_at = 0;
    return true;
}

static size_t unsent(const struct ws *ws)
{
    return ws->out.len - ws->out_at;
}

bool ws_send_full(const struct ws *ws)
{
    return unsent(ws) > WS_SEND_HIGH;
}

/* What was sent makes room, but not for each frame anew. */
static void compact(struct ws *ws)
{
    if (ws->out_at < WS_SEND_HIGH)
        return;
    memmove(ws->out.p, ws->out.p + ws->out_at, unsent(ws));
    ws->out.len -= ws->out_at;
    ws->out_at = 0;
}

enum lf_err ws_send(struct ws *ws, const void *p, size_t n, bool text)
{
    compact(ws);
    enum lf_err err = add_frame(ws, text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, p, n);
    if (err)
        no_memory(ws);
    ws_pump(ws);
    return err;
}

enum lf_err ws_send_ping(struct ws *ws)
{
    unsigned char payload[PING_PAYLOAD];
    uint64_t number = ws->ping_sent + 1;
    for (int i = 0; i < PING_PAYLOAD; i++)
        payload[i] = (unsigned char)(number >> (8 * (PING_PAYLOAD - 1 - i)));
    enum lf_err err = add_frame(ws, WSLAY_PING, payload, sizeof payload);
    if (!err)
        ws->ping_sent = number;
    return err;
}

static void send_close(struct ws *ws, int code, const char *reason, size_t n)
{
    unsigned char payload[2 + WS_REASON];
    size_t len = 0;
    if (ws->close_sent)
        return;
    if (code != WS_CLOSE_NONE) {
        payload[0] = (unsigned char)(code >> 8);
        payload[1] = (unsigned char)code;
        if (n)
            memcpy(payload + 2, reason, n);
        len = 2 + n;
    }
    ws->close_sent = true;
    if (add_frame(ws, WSLAY_CONNECTION_CLOSE, payload, len))
        no_memory(ws);
}

/* The peer has broken the rules: say so, as far as the socket takes it at once. */
static void violation(struct ws *ws, int code, enum lf_err err, const char *why)
{
    if (ws->state == WS_OVER)
        return;
    send_close(ws, code, NULL, 0);
    flush(ws);
    ws->close_code = code;
    broken(ws, err, "%s", why);
}

/* ---- receiving: control frames ---- */

/* RFC 6455 §7.4, and those that were registered since (1012 to 1014). */
bool ws_close_code_valid(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != WS_CLOSE_NONE &&
            code != WS_CLOSE_ABNORMAL) ||
           (code >= 3000 && code <= 4999);
}

static void got_close(struct ws *ws)
{
    const unsigned char *p = (const unsigned char *)ws->control.p;
    size_t n = ws->control.len;
    int code = n >= 2 ? p[0] << 8 | p[1] : WS_CLOSE_NONE;
    if (n == 1 || (n >= 2 && !ws_close_code_valid(code))) {
        violation(ws, WS_CLOSE_PROTOCOL, LF_EPROTOCOL,
                  "the server sent a close frame without a valid code");
        return;
    }
    if (n > 2 && !lf_utf8_valid(ws->control.p + 2, n - 2)) {
        violation(ws, WS_CLOSE_BAD_TEXT, LF_EPROTOCOL,
                  "the server's reason to close is not UTF-8");
        return;
    }
    ws->close_code = code;
    ws->close_reason_len = n > 2 ? n - 2 : 0;
    if (n > 2)
        memcpy(ws->close_reason, p + 2, n - 2);
    send_close(ws, code, NULL, 0);
    ws->clean = true;
    if (ws->state == WS_OPEN) { /* what is still to be sent goes before our answer */
        ws->state = WS_CLOSING;
        lf_timer_start(ws->eng, &ws->close_timer, WS_CLOSE_TIME);
    }
}

static void got_pong(struct ws *ws)
{
    uint64_t number = 0;
    if (ws->control.len != PING_PAYLOAD)
        return;
    for (int i = 0; i < PING_PAYLOAD; i++)
        number = number << 8 | (unsigned char)ws->control.p[i];
    if (number > ws->ping_got && number <= ws->ping_sent) {
        ws->ping_got = number;
        ws_tell(ws);
    }
}

static void got_control(struct ws *ws, int opcode)
{
    if (opcode == WSLAY_CONNECTION_CLOSE)
        got_close(ws);
    else if (opcode == WSLAY_PONG)
        got_pong(ws);
    else if (!ws->close_sent && add_frame(ws, WSLAY_PONG, ws->control.p, ws->control.len))
        no_memory(ws);
    lf_buf_reset(&ws->control);
}

/* ---- receiving: messages ---- */

static void got_message(struct ws *ws)
{
    ws->begun = false;
    if (ws->text && !lf_utf8_valid(ws->message.p, ws->message.len)) {
        violation(ws, WS_CLOSE_BAD_TEXT, LF_EPROTOCOL,
                  "the server sent a text that is not UTF-8");
        return;
    }
    if (ws->state == WS_CLOSING) { /* nobody wants it any more */
        lf_buf_free(&ws->message);
        return;
    }
    struct ws_message *m = malloc(sizeof *m);
    if (!m) {
        no_memory(ws);
        return;
    }
    m->text = ws->text;
    m->data = ws->message;
    lf_buf_init(&ws->message, LF_BUF_MAX);
    lf_list_append(&ws->inbox, &m->link);
    ws->inbox_bytes += m->data.len + WS_RECV_HIGH / MANY_MESSAGES;
    ws_tell(ws);
}

struct ws_message *ws_first(struct ws *ws)
{
    return lf_list_empty(&ws->inbox)
               ? NULL
               : lf_container(ws->inbox.next, struct ws_message, link);
}

static void drop(struct ws_message *m)
{
    lf_list_remove(&m->link);
    lf_buf_free(&m->data);
    free(m);
}

void ws_drop_first(struct ws *ws)
{
    struct ws_message *m = ws_first(ws);
    ws->inbox_bytes -= m->data.len + WS_RECV_HIGH / MANY_MESSAGES;
    drop(m);
    if (ws->paused && ws->inbox_bytes < WS_RECV_HIGH / 2 && ws->state != WS_OVER) {
        ws->paused = false;
        /* not at once: a task that receives must not keep the others from their turn */
        if (!lf_timer_start(ws->eng, &ws->more, 0))
            no_memory(ws);
    }
}

/* Why a frame that begins here cannot be; NULL: it can. */
static const char *judge(const struct ws *ws, const struct wslay_frame_iocb *f)
{
    if (f->rsv)
        return "the server set a reserved bit of a frame";
    if (f->mask)
        return "the server masked a frame";
    switch (f->opcode) {
    case WSLAY_CONTINUATION_FRAME:
        return ws->begun ? NULL : "the server continued a message that it had not begun";
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        return ws->begun ? "the server began a message inside of another one" : NULL;
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return NULL;
    default:
        return "the server sent a frame of an unknown kind";
    }
}

static bool begin_frame(struct ws *ws, const struct wslay_frame_iocb *f)
{
    const char *why = judge(ws, f);
    if (why) {
        violation(ws, WS_CLOSE_PROTOCOL, LF_EPROTOCOL, why);
        return false;
    }
    if (wslay_is_ctrl_frame(f->opcode))
        return true;
    if (f->payload_length > ws->max_message - ws->message.len) {
        char text[120];
        snprintf(text, sizeof text, "a message has more bytes than max_message (%llu)",
                 (unsigned long long)ws->max_message);
        violation(ws, WS_CLOSE_TOO_BIG, LF_ETOOLARGE, text);
        return false;
    }
    if (f->opcode != WSLAY_CONTINUATION_FRAME) {
        ws->begun = true;
        ws->text = f->opcode == WSLAY_TEXT_FRAME;
    }
    return true;
}

/* A piece of a frame, or the whole one. */
static void got_piece(struct ws *ws, const struct wslay_frame_iocb *f)
{
    bool control = wslay_is_ctrl_frame(f->opcode);
    if (ws->frame_at == 0 && !begin_frame(ws, f))
        return;
    if (f->data_length &&
        lf_buf_add(control ? &ws->control : &ws->message, f->data, f->data_length)) {
        no_memory(ws);
        return;
    }
    ws->frame_at += f->data_length;
    if (ws->frame_at < f->payload_length)
        return;
    ws->frame_at = 0;
    if (control)
        got_control(ws, f->opcode);
    else if (f->fin)
        got_message(ws);
}

/* ---- receiving: bytes ---- */

static ssize_t on_recv(uint8_t *p, size_t n, int flags, void *arg)
{
    struct ws *ws = arg;
    size_t got;
    (void)flags;
    switch (lf_conn_recv(ws->conn, p, n, &got)) {
    case LF_IO_OK:
        ws->heard++;
        return (ssize_t)got;
    case LF_IO_AGAIN:
        ws->dry = true;
        return -1;
    case LF_IO_END:
        broken(ws, LF_ECLOSED, "the connection ended without a closing handshake");
        return -1;
    default:
        broken(ws, LF_ECLOSED, "%s", lf_conn_info(ws->conn)->message);
        return -1;
    }
}

static void read_frames(struct ws *ws)
{
    ws->dry = false;
    while (!ws->dry && !ws->clean && ws->state != WS_OVER) {
        struct wslay_frame_iocb f = {0};
        if (ws->state == WS_OPEN && ws->inbox_bytes >= WS_RECV_HIGH) {
            ws->paused = true;
            return;
        }
        ssize_t r = wslay_frame_recv(ws->frames, &f);
        if (r >= 0)
            got_piece(ws, &f);
        else if (r != WSLAY_ERR_WANT_READ)
            violation(ws, WS_CLOSE_PROTOCOL, LF_EPROTOCOL,
                      "the server sent a frame with a wrong length");
    }
}

/* ---- the whole ---- */

static void end_if_done(struct ws *ws)
{
    if (ws->clean && ws->close_sent && !unsent(ws))
        over(ws, 0);
}

static void step(struct ws *ws)
{
    if (!ws->clean && !ws->paused)
        read_frames(ws);
    if (ws->state == WS_OVER)
        return;
    if (!flush(ws)) {
        broken(ws, LF_ECLOSED, "%s", lf_conn_info(ws->conn)->message);
        return;
    }
    end_if_done(ws);
    if (ws->state == WS_OVER)
        return;
    bool read = !ws->clean && !ws->paused;
    if (lf_conn_want(ws->conn, (read ? LF_READ : 0) | (unsent(ws) ? LF_WRITE : 0)))
        no_memory(ws);
}

void ws_pump(struct ws *ws)
{
    if (ws->state != WS_OPEN && ws->state != WS_CLOSING)
        return;
    bool full = ws_send_full(ws);
    step(ws);
    if (ws->state == WS_OVER || (full && !ws_send_full(ws)))
        ws_tell(ws);
}

void ws_on_news(struct lf_conn *c, void *arg)
{
    struct ws *ws = arg;
    (void)c;
    if (ws->state == WS_CONNECTING)
        ws_tell(ws);
    else if (ws->state == WS_OVER)
        discard(ws);
    else
        ws_pump(ws);
}

void ws_close(struct ws *ws, int code, const char *reason, size_t n)
{
    if (ws->state != WS_OPEN)
        return;
    ws->state = WS_CLOSING;
    ws->paused = false;
    send_close(ws, code, reason, n);
    if (!lf_timer_start(ws->eng, &ws->close_timer, WS_CLOSE_TIME))
        no_memory(ws);
    ws_pump(ws);
}

/* ---- time ---- */

static void on_close_time(struct lf_timer *t)
{
    struct ws *ws = lf_container(t, struct ws, close_timer);
    broken(ws, LF_ETIMEOUT, "timeout after %g s in the closing handshake", WS_CLOSE_TIME);
    ws_tell(ws);
}

static void on_more(struct lf_timer *t)
{
    struct ws *ws = lf_container(t, struct ws, more);
    if (ws->state != WS_OVER) {
        ws_pump(ws);
        return;
    }
    lf_conn_free(ws->conn);
    ws->conn = NULL;
}

/* While the script does not read we do not either: then silence says nothing. */
static void on_ping_time(struct lf_timer *t)
{
    struct ws *ws = lf_container(t, struct ws, ping_timer);
    if (ws->state != WS_OPEN)
        return;
    if (ws->ping_open && !ws->paused && ws->heard == ws->ping_heard) {
        broken(ws, LF_ETIMEOUT, "the server did not answer a ping for %g s", ws->ping);
        ws_tell(ws);
        return;
    }
    ws->ping_open = !ws->paused;
    ws->ping_heard = ws->heard;
    if (ws_send_ping(ws) || !lf_timer_start(ws->eng, t, ws->ping))
        no_memory(ws);
    ws_pump(ws);
}

/* ---- life ---- */

void ws_init(struct ws *ws, struct lf_engine *eng)
{
    *ws = (struct ws){.eng = eng, .max_message = 16 << 20, .ping = 30};
    lf_list_init(&ws->waiters);
    lf_list_init(&ws->inbox);
    lf_buf_init(&ws->message, LF_BUF_MAX);
    lf_buf_init(&ws->control, CONTROL_MAX);
    lf_buf_init(&ws->out, LF_BUF_MAX);
    ws->ping_timer = (struct lf_timer){.weak = true, .fire = on_ping_time};
    ws->close_timer = (struct lf_timer){.weak = true, .fire = on_close_time};
    ws->more = (struct lf_timer){.weak = true, .fire = on_more};
}

bool ws_begin(struct ws *ws)
{
    const struct wslay_frame_callbacks callbacks = {on_send, on_recv, on_mask};
    if (wslay_frame_context_init(&ws->frames, &callbacks, ws)) {
        ws->frames = NULL;
        return false;
    }
    if (ws->ping < LF_NEVER && !lf_timer_start(ws->eng, &ws->ping_timer, ws->ping))
        return false;
    ws->state = WS_OPEN;
    ws_pump(ws); /* what came right behind the handshake */
    return true;
}

void ws_free(struct ws *ws)
{
    lf_timer_stop(ws->eng, &ws->ping_timer);
    lf_timer_stop(ws->eng, &ws->close_timer);
    lf_timer_stop(ws->eng, &ws->more);
    for (struct lf_list *n = lf_list_shift(&ws->waiters); n;
         n = lf_list_shift(&ws->waiters)) {
        struct ws_waiter *w = lf_container(n, struct ws_waiter, link);
        w->ws = NULL;
        lf_task_wake(w->task);
    }
    while (ws_first(ws))
        drop(ws_first(ws));
    ws->state = WS_OVER;
    lf_conn_free(ws->conn);
    ws->conn = NULL;
    if (ws->frames)
        wslay_frame_context_free(ws->frames);
    ws->frames = NULL;
    lf_buf_free(&ws->message);
    lf_buf_free(&ws->control);
    lf_buf_free(&ws->out);
}
