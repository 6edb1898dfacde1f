/* Streams as Lua objects. The object owns the request: closing or collecting it stops the
 * transfer. Bytes stay in the engine's buffer until a whole piece or line can be pushed.
 */
#include "bind/stream.h"

#include <lauxlib.h>
#include <string.h>
#include "bind/attend.h"
#include "bind/bind.h"

enum { MAX_LINE = 32 << 20, PIECE = 64 << 10 };
enum { UV_ANCHOR = 1, UV_WATCH, UV_COUNT = UV_WATCH };
static const char waits_for[] = "the body of a stream";

struct stream {
    struct lf_req *req; /* owned; NULL: closed, or over a string */
    const char *text;   /* borrowed from user value UV_ANCHOR; NULL: none */
    size_t len, at;
    struct lf_wait wait;
    bool waiting;
    bool watched; /* there is an on_progress */
    double told_at;
    struct lf_amounts told;
    bool skip_lf; /* the last line ended with CR: an LF right behind belongs to it */
    struct lf_buf line; /* the beginning of a line whose end has not come */
};

static const char meta_key; /* its address: the metatable in the registry */

/* ---- where the bytes come from ---- */

static size_t peek(struct stream *s, const char **p)
{
    if (s->req)
        return lf_req_peek(s->req, p);
    *p = s->text ? s->text + s->at : "";
    return s->text ? s->len - s->at : 0;
}

static void consume(struct stream *s, size_t n)
{
    if (s->req)
        lf_req_consume(s->req, n);
    else
        s->at += n;
}

static bool over(const struct stream *s)
{
    return !s->req || lf_req_body_over(s->req);
}

static const struct lf_result *failure(const struct stream *s)
{
    struct lf_result *res = s->req && over(s) ? lf_req_result(s->req) : NULL;
    return res && res->err ? res : NULL;
}

/* ---- waiting for more ---- */

static void on_ready(struct lf_req *req, void *task)
{
    (void)req;
    lf_task_wake(task);
}

/* The task that read is gone; the stream itself belongs to the collector. */
static void stop_waiting(struct lf_wait *w)
{
    struct stream *s = lf_container(w, struct stream, wait);
    s->waiting = false;
    if (s->req)
        lf_req_on_ready(s->req, NULL, NULL);
}

static int wait_more(lua_State *L, struct stream *s, lua_KContext ctx, lua_KFunction k)
{
    lf_task_check(L, "stream");
    if (s->waiting)
        return luaL_error(L, "another task reads this stream already");
    s->waiting = true;
    s->wait = (struct lf_wait){stop_waiting, waits_for};
    lf_req_on_ready(s->req, on_ready, lf_task_current(L));
    return lf_task_wait(L, &s->wait, ctx, k);
}

static void resumed(lua_State *L, struct stream *s, int status)
{
    if (status != LUA_YIELD)
        return;
    lf_task_unwait(L);
    stop_waiting(&s->wait);
}

/* [-0, +1, v] How an iterator ends: nil, or the Error raised as io.lines does. */
static int end_of(lua_State *L, const struct stream *s)
{
    const struct lf_result *res = failure(s);
    if (res) {
        lf_error_push_result(L, res);
        return lua_error(L);
    }
    lua_pushnil(L);
    return 1;
}

/* ---- who hears of progress ---- */

static void drop_rest(struct stream *s)
{
    const char *p;
    for (size_t n; (n = peek(s, &p)) > 0;)
        consume(s, n);
}

/* [-1, +0, -] What on_progress answered. */
static void heard(lua_State *L, struct stream *s)
{
    if (s->req && lua_type(L, -1) == LUA_TBOOLEAN && !lua_toboolean(L, -1)) {
        lf_req_abort(s->req, LF_ECANCELLED, lf_progress_stopped);
        drop_rest(s);
    }
    lua_pop(L, 1);
}

/* Once more at the end, when it ended well. */
static bool wants_report(lua_State *L, struct stream *s)
{
    if (!s->watched || !s->req || failure(s))
        return false;
    double now = lf_engine_now(lf_task_engine(L));
    if (!over(s) && now - s->told_at < LF_PROGRESS_EVERY)
        return false;
    struct lf_amounts a = lf_req_amounts(s->req);
    if (memcmp(&a, &s->told, sizeof a) == 0)
        return false;
    s->told = a;
    s->told_at = now;
    return true;
}

/* [-0, +?, v] Call on_progress of the stream at `idx`, then go on in k, which calls
 * `heard` first. */
static int report(lua_State *L, struct stream *s, int idx, lua_KContext ctx,
                  lua_KFunction k)
{
    lua_getiuservalue(L, idx, UV_WATCH);
    lf_amounts_push(L, &s->told);
    lua_callk(L, 1, 1, ctx, k);
    return k(L, LUA_OK, ctx);
}

/* ---- pieces ---- */

static void push_piece(lua_State *L, struct stream *s, size_t most)
{
    const char *p;
    size_t n = peek(s, &p);
    if (n > most)
        n = most;
    lua_pushlstring(L, p, n);
    consume(s, n);
}

static int read_heard_k(lua_State *L, int status, lua_KContext ctx);

/* The stream is at the top of the stack and stays there; ctx is the number of bytes. */
static int read_k(lua_State *L, int status, lua_KContext ctx)
{
    struct stream *s = lua_touserdata(L, -1);
    const char *p;
    size_t most = (size_t)ctx;
    resumed(L, s, status);
    if (wants_report(L, s))
        return report(L, s, -1, ctx, read_heard_k);
    if (peek(s, &p)) {
        push_piece(L, s, most);
        return 1;
    }
    if (!over(s))
        return wait_more(L, s, ctx, read_k);
    lua_pushnil(L);
    const struct lf_result *res = failure(s);
    if (!res)
        return 1;
    lf_error_push_result(L, res);
    return 2;
}

static int read_heard_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    heard(L, lua_touserdata(L, -2));
    return read_k(L, LUA_OK, ctx);
}

static int read_passed_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lf_task_unwait(L);
    return read_k(L, LUA_OK, ctx);
}

int lf_stream_read(lua_State *L, lua_Integer most)
{
    lua_KContext ctx = most > 0 ? (lua_KContext)most : PIECE;
    if (lf_task_overdue(L))
        return lf_task_pass(L, waits_for, ctx, read_passed_k);
    return read_k(L, LUA_OK, ctx);
}

static int chunk_heard_k(lua_State *L, int status, lua_KContext ctx);

/* Upvalue 1 of the iterators: the stream, which lives as long as they do. */
static int chunk_k(lua_State *L, int status, lua_KContext ctx)
{
    struct stream *s = (struct stream *)ctx;
    const char *p;
    resumed(L, s, status);
    if (wants_report(L, s))
        return report(L, s, lua_upvalueindex(1), ctx, chunk_heard_k);
    if (peek(s, &p)) {
        push_piece(L, s, PIECE);
        return 1;
    }
    return over(s) ? end_of(L, s) : wait_more(L, s, ctx, chunk_k);
}

static int chunk_heard_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    heard(L, (struct stream *)ctx);
    return chunk_k(L, LUA_OK, ctx);
}

static int chunk_passed_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lf_task_unwait(L);
    return chunk_k(L, LUA_OK, ctx);
}

static int l_chunk(lua_State *L)
{
    lua_KContext s = (lua_KContext)lua_touserdata(L, lua_upvalueindex(1));
    if (lf_task_overdue(L))
        return lf_task_pass(L, waits_for, s, chunk_passed_k);
    return chunk_k(L, LUA_OK, s);
}

int lf_stream_chunks(lua_State *L)
{
    lua_pushcclosure(L, l_chunk, 1);
    return 1;
}

/* ---- lines ---- */

/* The length of the line at p without its end; *eat is what it takes with it. n: no end
 * is there yet. */
static size_t find_end(const char *p, size_t n, bool events, size_t *eat)
{
    const char *lf = memchr(p, '\n', n);
    const char *cr = events ? memchr(p, '\r', lf ? (size_t)(lf - p) : n) : NULL;
    const char *end = cr ? cr : lf;
    if (!end)
        return n;
    *eat = (size_t)(end - p) + 1;
    return (size_t)(end - p);
}

static void keep(lua_State *L, struct stream *s, const char *p, size_t n)
{
    enum lf_err err = lf_buf_add(&s->line, p, n);
    if (err == LF_OK)
        return;
    lf_error_push(L, err, s->req ? lf_req_result(s->req)->url : NULL,
                  err == LF_ETOOLARGE ? "a line of the body is longer than 32 MiB"
                                      : "out of memory");
    lua_error(L);
}

/* [-0, +1, m] What was kept and n more bytes, without the CR of a CRLF. */
static void push_line(lua_State *L, struct stream *s, const char *p, size_t n)
{
    if (s->line.len) {
        keep(L, s, p, n);
        p = s->line.p;
        n = s->line.len;
    }
    if (n && p[n - 1] == '\r')
        n--;
    lua_pushlstring(L, p, n);
    lf_buf_reset(&s->line);
}

/* [-0, +(0|1), v] The next line, if all of it is there. */
static bool next_line(lua_State *L, struct stream *s, bool events)
{
    const char *p;
    size_t n = peek(s, &p), eat = 0;
    if (n && s->skip_lf) {
        s->skip_lf = false;
        if (*p == '\n') {
            consume(s, 1);
            n = peek(s, &p);
        }
    }
    if (!n)
        return false;
    size_t len = find_end(p, n, events, &eat);
    if (!eat) {
        keep(L, s, p, n);
        consume(s, n);
        return false;
    }
    s->skip_lf = events && p[len] == '\r';
    push_line(L, s, p, len);
    consume(s, eat);
    return true;
}

static int line_wait(lua_State *L, struct stream *s, bool events);

static int line_k(lua_State *L, int status, lua_KContext ctx)
{
    struct stream *s = (struct stream *)ctx;
    resumed(L, s, status);
    return line_wait(L, s, false);
}

static int event_line_k(lua_State *L, int status, lua_KContext ctx)
{
    struct stream *s = (struct stream *)ctx;
    resumed(L, s, status);
    return line_wait(L, s, true);
}

static int line_heard_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    heard(L, (struct stream *)ctx);
    return line_wait(L, (struct stream *)ctx, false);
}

static int event_line_heard_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    heard(L, (struct stream *)ctx);
    return line_wait(L, (struct stream *)ctx, true);
}

/* The last line may lack its end; one that was cut off by a failure is not given out. */
static int line_wait(lua_State *L, struct stream *s, bool events)
{
    const char *p;
    if (wants_report(L, s))
        return report(L, s, lua_upvalueindex(1), (lua_KContext)s,
                      events ? event_line_heard_k : line_heard_k);
    while (peek(s, &p) > 0)
        if (next_line(L, s, events))
            return 1;
    if (!over(s))
        return wait_more(L, s, (lua_KContext)s, events ? event_line_k : line_k);
    if (s->line.len && !failure(s)) {
        push_line(L, s, "", 0);
        return 1;
    }
    return end_of(L, s);
}

static int line_passed_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lf_task_unwait(L);
    return line_wait(L, (struct stream *)ctx, false);
}

static int event_line_passed_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lf_task_unwait(L);
    return line_wait(L, (struct stream *)ctx, true);
}

static int l_line(lua_State *L)
{
    struct stream *s = lua_touserdata(L, lua_upvalueindex(1));
    if (lf_task_overdue(L))
        return lf_task_pass(L, waits_for, (lua_KContext)s, line_passed_k);
    return line_wait(L, s, false);
}

static int l_event_line(lua_State *L)
{
    struct stream *s = lua_touserdata(L, lua_upvalueindex(1));
    if (lf_task_overdue(L))
        return lf_task_pass(L, waits_for, (lua_KContext)s, event_line_passed_k);
    return line_wait(L, s, true);
}

int lf_stream_lines(lua_State *L, bool events)
{
    lua_pushcclosure(L, events ? l_event_line : l_line, 1);
    return 1;
}

/* ---- life ---- */

static void shut(struct stream *s)
{
    lf_req_free(s->req);
    s->req = NULL;
    s->text = NULL;
    lf_buf_free(&s->line);
}

void lf_stream_close(lua_State *L)
{
    struct stream *s = lua_touserdata(L, -1);
    if (!s->waiting)
        shut(s);
}

bool lf_stream_is_open(lua_State *L)
{
    const struct stream *s = lua_touserdata(L, -1);
    return s->req || s->text;
}

int lf_stream_push_anchor(lua_State *L, int idx)
{
    return lua_getiuservalue(L, idx, UV_ANCHOR);
}

static int l_gc(lua_State *L)
{
    shut(lua_touserdata(L, 1));
    return 0;
}

static struct stream *push(lua_State *L)
{
    struct stream *s = lua_newuserdatauv(L, sizeof *s, UV_COUNT);
    memset(s, 0, sizeof *s);
    lf_buf_init(&s->line, MAX_LINE);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 2);
        lua_pushcfunction(L, l_gc);
        lua_setfield(L, -2, "__gc");
        lua_pushliteral(L, "luafetch.stream");
        lua_setfield(L, -2, "__name");
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
    }
    lua_setmetatable(L, -2);
    return s;
}

void lf_stream_push(lua_State *L, struct lf_req *req, int anchor, int watch)
{
    struct stream *s = push(L);
    lua_pushvalue(L, anchor);
    lua_setiuservalue(L, -2, UV_ANCHOR);
    s->watched = watch != 0;
    s->told_at = lf_engine_now(lf_task_engine(L));
    if (watch) {
        lua_pushvalue(L, watch);
        lua_setiuservalue(L, -2, UV_WATCH);
    }
    s->req = req;
}

void lf_stream_push_string(lua_State *L, int idx)
{
    idx = lua_absindex(L, idx);
    struct stream *s = push(L);
    s->text = lua_tolstring(L, idx, &s->len);
    lua_pushvalue(L, idx);
    lua_setiuservalue(L, -2, UV_ANCHOR);
}
