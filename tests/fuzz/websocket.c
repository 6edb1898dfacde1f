/* WebSocket frames of a fuzzed server, in pieces: the state machine over a connection
 * that is played here. Whatever comes, it ends with a close frame or stays open, and what
 * is given out as text is UTF-8.
 *
 * seed: \x81\x05hello\x82\x01\x00\x89\x00\x88\x02\x03\xe8
 * seed: \x01\x02ab\x89\x01x\x80\x02cd\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x01
 * seed: \x81\x7e\x00\x80aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
 * seed: \x88\x04\x03\xe8ok
 * size: 65536 */
#include <wslay/wslay.h>
#include "fuzz.h"
#include "http/utf8.h"
#include "modules/websocket/link.h"

enum { MAX_MESSAGE = 4096 };

/* ---- the connection ---- */

struct lf_conn {
    struct lf_conn_info info;
    struct fuzz in;
    size_t step;   /* bytes of a piece */
    unsigned dry;  /* 1: nothing more just now */
    unsigned full; /* 1: every other time nothing can be sent */
    bool ends;     /* after the last byte; else it stays silent */
    struct lf_buf sent;
};

enum lf_io lf_conn_recv(struct lf_conn *c, void *p, size_t n, size_t *got)
{
    if ((c->dry ^= 1) == 0)
        return LF_IO_AGAIN;
    n = n < c->step ? n : c->step;
    n = n < c->in.n ? n : c->in.n;
    if (n == 0)
        return c->ends ? LF_IO_END : LF_IO_AGAIN;
    memcpy(p, c->in.p, n);
    c->in.p += n;
    c->in.n -= n;
    *got = n;
    return LF_IO_OK;
}

enum lf_io lf_conn_send(struct lf_conn *c, const void *p, size_t n, size_t *sent)
{
    if ((c->full ^= 1) == 0)
        return LF_IO_AGAIN;
    *sent = n > c->step ? c->step : n;
    FUZZ_CHECK(lf_buf_add(&c->sent, p, *sent) == LF_OK);
    return LF_IO_OK;
}

enum lf_err lf_conn_want(struct lf_conn *c, int events)
{
    (void)c, (void)events;
    return LF_OK;
}

const struct lf_conn_info *lf_conn_info(const struct lf_conn *c)
{
    return &c->info;
}

void lf_conn_free(struct lf_conn *c)
{
    (void)c; /* on the stack of the input */
}

/* ---- time and tasks: none pass here ---- */

bool lf_timer_start(struct lf_engine *eng, struct lf_timer *t, double seconds)
{
    (void)eng, (void)seconds;
    t->pos = 1;
    return true;
}

void lf_timer_stop(struct lf_engine *eng, struct lf_timer *t)
{
    (void)eng;
    t->pos = 0;
}

void lf_task_wake(struct lf_task *t)
{
    (void)t;
    abort(); /* nobody waits */
}

bool lf_utf8_valid(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s, *end = n ? p + n : p;
    for (int len; p < end; p += len)
        if ((len = lf_utf8_len(p, end)) <= 0)
            return false;
    return true;
}

/* ---- the input ---- */

static void take_messages(struct ws *ws)
{
    for (struct ws_message *m; (m = ws_first(ws)); ws_drop_first(ws)) {
        FUZZ_CHECK(m->data.len <= MAX_MESSAGE);
        FUZZ_CHECK(!m->text || lf_utf8_valid(m->data.p, m->data.len));
    }
    FUZZ_CHECK(ws->inbox_bytes == 0);
}

static void check_end(const struct ws *ws)
{
    FUZZ_CHECK(ws->message.len <= MAX_MESSAGE && ws->close_reason_len <= WS_REASON);
    if (ws->state != WS_OVER)
        return;
    FUZZ_CHECK(ws->close_code && (ws->clean || (ws->err && *ws->why)));
}

static void run(struct ws *ws, struct lf_conn *c, unsigned how)
{
    FUZZ_CHECK(ws_begin(ws));
    for (unsigned round = 0; ws->state != WS_OVER && round < 4 + 8 * c->in.n; round++) {
        size_t left = c->in.n;
        if (round == (how & 15) && how & 0x10)
            ws_close(ws, WS_CLOSE_NORMAL, "bye", 3);
        if (round == (how & 15) && how & 0x20)
            ws_send_ping(ws);
        if (ws->more.pos && ws->state != WS_OVER)
            ws->more.fire(&ws->more);
        ws_pump(ws);
        if (round % 3 == 0)
            take_messages(ws);
        if (left == 0 && c->in.n == 0 && round > 16)
            break;
    }
    take_messages(ws);
    check_end(ws);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    unsigned how = fuzz_byte(&in);
    struct lf_conn c = {.step = 1 + fuzz_byte(&in) % 128u};
    struct ws ws;
    c.step *= how & 0x40 ? 64 : 1;
    c.ends = how & 0x80;
    c.in = in;
    c.info.message = "broken";
    lf_buf_init(&c.sent, LF_BUF_MAX);
    ws_init(&ws, NULL);
    ws.conn = &c;
    ws.max_message = MAX_MESSAGE;
    run(&ws, &c, how);
    ws_free(&ws);
    lf_buf_free(&c.sent);
    return 0;
}
