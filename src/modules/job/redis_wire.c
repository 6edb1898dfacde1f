/* Bytes to and from a Redis server. */
#include "modules/job/redis_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 16384 };
/* Of one reply: what is longer comes from no server of ours. 64 claims of 10,000 pages
 * have five million members; hiredis takes memory for members before they come. */
enum { HEARD_MAX = 1 << 29, ELEMENTS_MAX = 1 << 23 };

void redis_wire_init(struct redis_wire *w, struct lf_engine *eng)
{
    *w = (struct redis_wire){.eng = eng};
    lf_buf_init(&w->out, LF_BUF_MAX);
}

void redis_wire_close(struct redis_wire *w)
{
    lf_conn_free(w->conn);
    if (w->reader)
        redisReaderFree(w->reader);
    w->conn = NULL;
    w->reader = NULL;
    w->lost = w->too_long = false;
    w->heard = w->elements = 0;
    w->out_at = 0;
    lf_buf_free(&w->out);
}

/* It must not be freed in its own news. */
void redis_wire_drop(struct redis_wire *w)
{
    w->out_at = 0;
    lf_buf_reset(&w->out);
    if (!w->conn || w->lost)
        return;
    w->lost = true;
    lf_conn_want(w->conn, 0);
}

static void lose(struct redis_wire *w, const char *why)
{
    if (w->lost)
        return;
    redis_wire_drop(w);
    snprintf(w->why, sizeof w->why, "%s", why);
    w->news(w, REDIS_LOST, NULL);
}

/* ---- out ---- */

enum lf_err redis_wire_begin(struct redis_wire *w, size_t words)
{
    return lf_buf_addf(&w->out, "*%zu\r\n", words);
}

enum lf_err redis_wire_word(struct redis_wire *w, const void *p, size_t n)
{
    enum lf_err err = lf_buf_addf(&w->out, "$%zu\r\n", n);
    if (!err && n)
        err = lf_buf_add(&w->out, p, n);
    return err ? err : lf_buf_adds(&w->out, "\r\n");
}

enum lf_err redis_wire_number(struct redis_wire *w, int64_t n)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, n);
    return redis_wire_word(w, text, (size_t)len);
}

/* False: it was lost. */
static bool send_some(struct redis_wire *w)
{
    size_t sent;
    while (w->out_at < w->out.len) {
        enum lf_io io =
            lf_conn_send(w->conn, w->out.p + w->out_at, w->out.len - w->out_at, &sent);
        if (io == LF_IO_AGAIN)
            return true;
        if (io != LF_IO_OK)
            return false;
        w->out_at += sent;
    }
    w->out_at = 0;
    lf_buf_reset(&w->out);
    return true;
}

void redis_wire_flush(struct redis_wire *w)
{
    if (!w->conn || w->lost || lf_conn_info(w->conn)->state != LF_CONN_OPEN)
        return;
    if (!send_some(w))
        lose(w, lf_conn_info(w->conn)->message);
    else if (lf_conn_want(w->conn, w->out.len ? LF_READ | LF_WRITE : LF_READ))
        lose(w, "not enough memory");
}

/* ---- in ---- */

static void *make_array(const redisReadTask *task, int n)
{
    struct redis_wire *w = task->privdata;
    w->too_long = n < 0 || (size_t)n > ELEMENTS_MAX - w->elements;
    if (w->too_long)
        return NULL;
    w->elements += (size_t)n;
    return w->usual->createArray(task, n);
}

static void make_reader(struct redis_wire *w)
{
    w->reader = redisReaderCreate();
    if (!w->reader)
        return;
    w->usual = w->reader->fn;
    w->makers = *w->usual;
    w->makers.createArray = make_array;
    w->reader->fn = &w->makers;
    w->reader->privdata = w;
}

static void lose_reply(struct redis_wire *w)
{
    if (w->too_long)
        lose(w, "its answer is too long");
    else if (w->reader->err == REDIS_ERR_PROTOCOL)
        lose(w, "what it says is not Redis");
    else
        lose(w, "not enough memory for its answer");
}

static void tell_replies(struct redis_wire *w)
{
    void *reply = NULL;
    while (!w->lost) {
        if (redisReaderGetReply(w->reader, &reply) != REDIS_OK) {
            lose_reply(w);
            return;
        }
        if (!reply)
            return;
        w->heard = w->elements = 0;
        w->news(w, REDIS_REPLIED, reply);
        freeReplyObject(reply);
    }
}

static void receive(struct redis_wire *w)
{
    char piece[PIECE];
    size_t got;
    while (!w->lost) {
        switch (lf_conn_recv(w->conn, piece, sizeof piece, &got)) {
        case LF_IO_OK:
            w->heard += got;
            w->too_long = w->heard > HEARD_MAX;
            if (w->too_long || redisReaderFeed(w->reader, piece, got) != REDIS_OK)
                lose_reply(w);
            else
                tell_replies(w);
            break;
        case LF_IO_AGAIN:
            return;
        case LF_IO_END:
            lose(w, "the server closed the connection");
            break;
        default:
            lose(w, lf_conn_info(w->conn)->message);
        }
    }
}

static void on_news(struct lf_conn *c, void *arg)
{
    struct redis_wire *w = arg;
    const struct lf_conn_info *info = lf_conn_info(c);
    bool opened = !w->reader && info->state == LF_CONN_OPEN;
    w->conn = c;
    if (w->lost)
        return;
    if (opened)
        make_reader(w);
    if (info->state == LF_CONN_FAILED) {
        lose(w, info->message);
    } else if (!w->reader) {
        lose(w, "not enough memory");
    } else if (opened) {
        w->news(w, REDIS_OPENED, NULL);
    } else {
        receive(w);
    }
    redis_wire_flush(w);
}

enum lf_err redis_wire_open(struct redis_wire *w, const struct lf_url *url,
                            double seconds)
{
    const char *why;
    struct lf_conn_opts o = {.url = url, .connect = seconds, .total = seconds};
    redis_wire_close(w);
    return lf_conn_open(w->eng, &o, on_news, w, &w->conn, &why);
}
