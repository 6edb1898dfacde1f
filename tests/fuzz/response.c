/* The response path: what a server sends, byte by byte as fuzzed, through the real engine
 * and libcurl over a unix socket. One thread plays both sides, so that an input always
 * does the same.
 *
 * The input is what is answered to one request after the other, with a line "===" between
 * two; its last bytes say what is asked for and how the answers are cut into pieces.
 * Every request ends, in order: what is whole is as long as was promised, and no answer
 * brings the credentials to another origin, or a line into a request.
 *
 * seeds: llhttp/response
 * seed: HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\n===\nHTTP/1.1 204 No Content\r\n\r\n\x01A\x00
 * seed: HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n\n===\nHTTP/1.0 200 OK\r\n\r\nabc\x01A\x80
 * seed: HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n\x00\x05\x40
 * seed: HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Encoding: gzip\r\n\r\n\x00A\x00
 * seed: HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="a", nonce="b"\r\nContent-Length: 0\r\n\r\n\x00A\x00
 * seed: HTTP/1.1 307 X\r\nSet-Cookie: a=b\r\nLocation: http://b.test/%0d%0aX:y\r\nConnection: close\r\n\r\n\x01A\x04
 * seed: HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd\x00A\x00
 * seed: HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello world\x00A\x00
 * leaks: at the end, since a connection may outlive an input
 * size: 8192 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "fuzz.h"
#include "engine/engine.h"

enum {
    CONNS = 16,
    IDLE = 40,      /* rounds in which nothing happens: then the server closes all */
    ROUNDS = 20000, /* more than any input needs */
    REQUESTS = 2,
    FEW_BYTES = 1000,
    MANY_BYTES = 1 << 20
};

enum {
    STREAM = 1,
    HEAD = 2,
    POST = 4,
    FEW = 8,
    RAW = 16,
    SAVE = 32,
    CUT = 64,
    CLOSE = 128,
    KEYS = 256
};

static struct lf_engine *eng;
static char dir[] = "/dev/shm/lf-fuzz-XXXXXX", socket_path[64], save_path[64];
static int listener = -1;

/* ---- the server ---- */

/* What only example.com may see: the name of the user, as it is and in base64 with the
 * password. */
static const char url[] = "http://us3r:s3cret@example.com/a?b#c";
static const char *const secrets[] = {"us3r", "dXMzcjpzM2NyZXQ=", "t0ken"};
enum { SECRETS = sizeof secrets / sizeof *secrets };

static const char *const sendable[] = {
    "Host",   "Authorization",   "Accept",         "User-Agent",   "Cookie",
    "Expect", "Accept-Encoding", "Content-Length", "Content-Type", "X-Api-Key",
    NULL};

/* A line of a request that no answer may bring in. */
static void check_sent_line(const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n);
    int i = 0;
    FUZZ_CHECK(colon);
    while (sendable[i] && (strlen(sendable[i]) != (size_t)(colon - line) ||
                           strncasecmp(sendable[i], line, strlen(sendable[i])) != 0))
        i++;
    FUZZ_CHECK(sendable[i] && !memchr(line, '\n', n) && !memchr(line, '\r', n));
}

/* Not with memmem: the fuzzer would learn the secrets from it and have them sent back. */
FUZZ_UNSEEN static bool has(const char *p, size_t n, const char *text)
{
    for (size_t i = 0, same = 0; i < n; i++) {
        same = p[i] == text[same] ? same + 1 : p[i] == text[0];
        if (text[same] == '\0')
            return true;
    }
    return false;
}

/* The head of a request, with the empty line. */
static void check_sent(const char *p, size_t n)
{
    static const char ours[] = "\r\nHost: example.com\r\n";
    bool foreign = !memmem(p, n, ours, sizeof ours - 1);
    const char *line = memmem(p, n, "\r\n", 2), *end;
    for (line += 2; (end = memmem(line, (size_t)(p + n - line), "\r\n", 2)) > line;
         line = end + 2)
        check_sent_line(line, (size_t)(end - line));
    FUZZ_CHECK(end && end + 2 == p + n);
    for (int i = 0; i < SECRETS && foreign; i++)
        FUZZ_CHECK(!has(p, n, secrets[i]));
}

struct peer {
    int fd;               /* owned; -1: free */
    struct fuzz out;      /* of the answer: not yet sent */
    struct lf_buf head;   /* of a request, as far as it has come */
    unsigned tail;        /* how much of \r\n\r\n was just read */
    bool answering, last; /* close when it is sent */
};

struct server {
    struct peer peers[CONNS];
    struct fuzz answers;
    unsigned how;
    size_t step;
    bool moved; /* something happened in this round */
};

static struct fuzz next_answer(struct server *s)
{
    static const char mark[] = "\n===\n";
    struct fuzz all = s->answers;
    const char *end = all.n ? memmem(all.p, all.n, mark, sizeof mark - 1) : NULL;
    size_t n = end ? (size_t)(end - all.p) : all.n;
    size_t used = end ? n + sizeof mark - 1 : n;
    s->answers = (struct fuzz){all.p + used, all.n - used};
    return (struct fuzz){all.p, n};
}

static void hang_up(struct peer *p)
{
    close(p->fd);
    lf_buf_free(&p->head);
    *p = (struct peer){.fd = -1};
}

static void welcome(struct server *s)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    s->moved = true;
    for (int i = 0; i < CONNS; i++)
        if (s->peers[i].fd < 0) {
            s->peers[i] = (struct peer){.fd = fd, .head = {.max = LF_BUF_MAX}};
            return;
        }
    close(fd);
}

/* A request has come: what is answered to it. TLS, which begins with 0x16, is not read.
 */
static void answer(struct server *s, struct peer *p)
{
    if (p->head.p[0] != 0x16)
        check_sent(p->head.p, p->head.len);
    lf_buf_reset(&p->head);
    p->answering = true;
    p->last = s->how & CLOSE || s->answers.n == 0;
    p->out = next_answer(s);
    p->last |= s->answers.n == 0;
}

static void hear(struct server *s, struct peer *p)
{
    char c[512];
    ssize_t n = recv(p->fd, c, sizeof c, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        hang_up(p);
        s->moved = true;
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        FUZZ_CHECK(lf_buf_addc(&p->head, c[i]) == LF_OK);
        p->tail = c[i] == (p->tail & 1 ? '\n' : '\r') ? p->tail + 1 : c[i] == '\r';
        if (p->tail < 4)
            continue;
        p->tail = 0;
        answer(s, p);
    }
    s->moved |= n > 0;
}

static void speak(struct server *s, struct peer *p)
{
    size_t n = p->out.n < s->step ? p->out.n : s->step;
    ssize_t sent = n ? send(p->fd, p->out.p, n, MSG_NOSIGNAL) : 0;
    if (sent < 0 && errno != EAGAIN) {
        hang_up(p);
        return;
    }
    if (sent > 0)
        p->out = (struct fuzz){p->out.p + sent, p->out.n - (size_t)sent};
    s->moved |= sent > 0;
    if (p->out.n > 0)
        return;
    p->answering = false;
    if (p->last)
        hang_up(p);
}

static void serve(struct server *s)
{
    welcome(s);
    for (int i = 0; i < CONNS; i++) {
        struct peer *p = &s->peers[i];
        if (p->fd >= 0)
            hear(s, p);
        if (p->fd >= 0 && p->answering)
            speak(s, p);
    }
}

static void hang_up_all(struct server *s)
{
    for (int i = 0; i < CONNS; i++)
        if (s->peers[i].fd >= 0)
            hang_up(&s->peers[i]);
}

/* ---- the requests ---- */

struct ask {
    struct lf_req *req;
    bool done, ready, over;
    struct lf_buf streamed;
};

static void on_done(struct lf_req *req, void *arg)
{
    struct ask *a = arg;
    (void)req;
    FUZZ_CHECK(!a->done);
    a->done = true;
}

static void on_ready(struct lf_req *req, void *arg)
{
    struct ask *a = arg;
    (void)req;
    a->ready = true;
}

static void ask(struct ask *a, struct lf_jar *jar, unsigned how)
{
    struct lf_opts o;
    struct lf_headers h;
    struct lf_url u = LF_URL_INIT;
    const char *why = NULL;
    FUZZ_CHECK(lf_url_parse(&u, url, sizeof url - 1, NULL, &why) == LF_OK);
    lf_headers_init(&h);
    if (how & KEYS) {
        FUZZ_CHECK(!lf_headers_add(&h, "Authorization", 13, "Bearer t0ken", 12));
        FUZZ_CHECK(!lf_headers_add(&h, "X-Api-Key", 9, "t0ken", 5));
    }
    lf_opts_init(&o);
    o.url = &u;
    o.method = how & HEAD ? "HEAD" : how & POST ? "POST" : "GET";
    if (how & POST && !(how & HEAD)) {
        o.body = "body";
        o.body_len = 4;
    }
    o.stream = how & STREAM && !(how & SAVE);
    o.save = how & SAVE ? save_path : NULL;
    o.max_body = how & FEW ? FEW_BYTES : MANY_BYTES;
    o.decode = !(how & RAW);
    o.redirects = 3;
    o.jar = jar;
    o.user = (struct lf_span){"us3r", 4};
    o.pass = (struct lf_span){"s3cret", 6};
    o.timeout.total = 20;
    o.way.unix_socket = socket_path;
    o.headers = &h;
    *a = (struct ask){0};
    lf_buf_init(&a->streamed, LF_BUF_MAX);
    FUZZ_CHECK(lf_req_new(eng, &o, &a->req, &why) == LF_OK);
    lf_req_submit(a->req, on_done, a);
    lf_url_free(&u);
    lf_headers_free(&h);
}

/* Read what has come; is the request over? */
static bool goes_on(struct ask *a)
{
    const char *p;
    if (!a->done)
        return true;
    if (!lf_req_result(a->req)->streaming)
        return false;
    for (size_t n; (n = lf_req_peek(a->req, &p));) {
        n = n < 100 ? n : 100;
        FUZZ_CHECK(lf_buf_add(&a->streamed, p, n) == LF_OK);
        lf_req_consume(a->req, n);
    }
    if (lf_req_body_over(a->req))
        return false;
    lf_req_on_ready(a->req, on_ready, a);
    return true;
}

static void run(struct ask *a, struct server *s)
{
    unsigned idle = 0, rounds = 0;
    while (goes_on(a)) {
        FUZZ_CHECK(++rounds < ROUNDS);
        s->moved = false;
        serve(s);
        lf_engine_step(eng, false);
        idle = s->moved ? 0 : idle + 1;
        if (idle % IDLE == IDLE - 1)
            hang_up_all(s);
    }
}

/* ---- what must hold ---- */

static void check_headers(const struct lf_headers *h)
{
    struct lf_header f;
    for (size_t at = 0; lf_headers_next(h->block.p, h->block.len, &at, &f);) {
        FUZZ_CHECK(lf_value_valid(f.value, f.value_len));
        FUZZ_CHECK(!memchr(f.name, '\n', f.name_len));
    }
}

static void check_final(const char *text)
{
    struct lf_url u = LF_URL_INIT;
    const char *why;
    FUZZ_CHECK(lf_url_parse(&u, text, strlen(text), NULL, &why) == LF_OK);
    FUZZ_CHECK(!lf_url_has_userinfo(&u) && lf_url_is_http(&u));
    lf_url_free(&u);
}

/* The length that was promised, when nothing makes it void; -1: none. */
static long long promised(const struct lf_result *r)
{
    struct lf_header f;
    if (lf_headers_get(&r->headers, "content-encoding", &f) ||
        lf_headers_get(&r->headers, "transfer-encoding", &f) || r->status == 204 ||
        r->status == 304 || strcmp(r->method, "HEAD") == 0)
        return -1;
    if (!lf_headers_get(&r->headers, "content-length", &f))
        return -1;
    char *end;
    long long n = strtoll(f.value, &end, 10);
    return end > f.value && *end == '\0' && f.value[0] != '+' ? n : -1;
}

static void check_whole(const struct lf_result *r, size_t len)
{
    long long n = promised(r);
    FUZZ_CHECK(r->status >= 100 && r->status <= 999 && !r->message);
    FUZZ_CHECK(n < 0 || (size_t)n == len);
    if (strcmp(r->method, "HEAD") == 0)
        FUZZ_CHECK(len == 0);
}

static void check(struct ask *a, unsigned how)
{
    const struct lf_result *r = lf_req_result(a->req);
    size_t len = r->streaming ? a->streamed.len : r->path ? r->size : r->body.len;
    FUZZ_CHECK(len <= (how & FEW ? FEW_BYTES : MANY_BYTES));
    check_final(r->url);
    FUZZ_CHECK(r->err != LF_ETIMEOUT && r->hops <= 3);
    FUZZ_CHECK(r->err == LF_OK || (r->message && *r->message && !r->path));
    FUZZ_CHECK(!r->path || (how & SAVE && r->err == LF_OK));
    check_headers(&r->headers);
    for (const struct lf_hop *h = r->history; h; h = h->next)
        check_headers(&h->headers);
    if (r->err == LF_OK)
        check_whole(r, len);
    lf_buf_free(&a->streamed);
    lf_req_free(a->req);
}

/* ---- the whole ---- */

static void tidy_up(void)
{
    lf_engine_free(eng);
    close(listener);
    unlink(socket_path);
    unlink(save_path);
    rmdir(dir);
}

static void open_all(void)
{
    struct lf_engine_conf conf = {.limit = 0};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (eng)
        return;
    signal(SIGPIPE, SIG_IGN);
    FUZZ_CHECK(mkdtemp(dir));
    snprintf(socket_path, sizeof socket_path, "%s/socket", dir);
    snprintf(save_path, sizeof save_path, "%s/saved", dir);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", socket_path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(listener >= 0);
    FUZZ_CHECK(bind(listener, (struct sockaddr *)&un, sizeof un) == 0);
    FUZZ_CHECK(listen(listener, 128) == 0 && lf_engine_new(&conf, &eng) == LF_OK);
    atexit(tidy_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz in = {(const char *)data, size};
    struct server s = {.how = fuzz_byte(&in)};
    unsigned step = fuzz_byte(&in);
    s.how |= (fuzz_byte(&in) & 1) * KEYS;
    struct lf_jar *jar = lf_jar_new();
    open_all();
    s.answers = in;
    s.step = s.how & CUT ? 1 + step : SIZE_MAX >> 1;
    for (int i = 0; i < CONNS; i++)
        s.peers[i].fd = -1;
    for (int i = 0; i < REQUESTS; i++) {
        struct ask a;
        ask(&a, jar, s.how);
        run(&a, &s);
        check(&a, s.how);
    }
    hang_up_all(&s);
    lf_jar_free(jar);
    FUZZ_CHECK(lf_engine_leftovers(eng).requests == 0);
    return 0;
}
